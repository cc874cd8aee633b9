"""The flip rate: programs that pass the tests that selection sees and fail one that it does not."""

import json
from pathlib import Path

from synth.products import Pair
from synth.records import Decision, EvidenceRank, Message, Outcome
from synth.store.flips import FlipRate, flip_file, measure_flips, write_flips
from synth.store.run_folder import RunFolder
from synth.store.seals import read_json
from tests.store.small_run import build_small_run, commit, identity, row

WORDS = (Message(role="user", content="x"),)


def judged(unit: str, passed: int, hidden: int | None) -> str:
    evidence = {"passed": passed, "total": 4}
    if hidden is not None:
        evidence |= {"hidden_passed": hidden, "hidden_total": 4}
    return json.dumps(evidence)


def pair(rejected: str) -> Pair:
    return Pair(
        id=f"pair-{rejected}",
        task_id="task-1",
        language="python",
        prompt=WORDS,
        chosen=WORDS,
        rejected=WORDS,
        chosen_id="solution-a",
        rejected_id=rejected,
        chosen_pass=1.0,
        rejected_pass=0.5,
        rejected_outcome=Outcome.WRONG_ANSWER,
        rank=EvidenceRank.REFERENCE,
    )


def build(runs_dir: Path) -> Path:
    verdicts = {"a": (4, 4), "b": (4, 3), "c": (2, 4), "d": (1, 0), "e": (4, 4), "f": (4, None)}
    with RunFolder.create_or_resume(runs_dir, "flips", identity()) as run:
        run.declare_stages(["execute", "pair"])
        rows = [
            row("execute", f"solution-{name}", Decision.KEPT, evidence=judged(name, *found))
            for name, found in verdicts.items()
        ]
        commit(run, rows)
        commit(run, [row("pair", "task-1")], [pair("solution-c"), pair("solution-d"), pair("solution-f")])
        return run.path


def test_programs_that_pass_one_half_alone_are_counted(tmp_path: Path) -> None:
    run = build(tmp_path)
    assert measure_flips(run) == FlipRate(accepted=3, flipped=1, pairs=2, confirmed=1)
    write_flips(run)
    assert json.loads(read_json(flip_file(run)))["flip_rate"] == 0.333333


def test_without_hidden_tests_nothing_is_measured(tmp_path: Path) -> None:
    run = build_small_run(tmp_path)
    assert write_flips(run) is None
    assert not flip_file(run).exists()
