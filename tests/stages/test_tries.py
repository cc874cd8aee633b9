"""Further tries: who is asked again, whose tests are drawn again, and what an earlier try leaves."""

import json
from collections import Counter
from pathlib import Path

import pytest

from synth.errors import UserError
from synth.execution.scripted import ScriptedSandbox
from synth.generation.protocol import GenerationRequest
from synth.generation.scripted import ScriptedEngine
from synth.pipeline.round import RoundData
from synth.records import Decision, Solution, TestSuite, Verdict
from synth.replay import find_program
from synth.stages.agree import AgreeStage
from synth.stages.tries import RetryAgreeStage, build_tries
from synth.store.parquet import read_rows
from synth.store.shards import StageCommit
from synth.store.views import conservation_problems, funnel
from tests.builders import build_task
from tests.pipeline.test_round import LOOP, RIGHT, WRONG, answer, make_round
from tests.stages.harness import build_context, build_shard, run_python, run_stage
from tests.stages.test_agree_stage import COUNT, LAST, TOTAL, build_inputs, candidates
from tests.stages.test_agree_stage import LOOP as TOTAL_LOOP

DATA: dict[str, object] = {"solve": {"n": 4, "tries": 3}, "evidence": {"min_share": 0.0}}


class Model:
    """Answers that are wrong for the first task until a try; the other task is solved at once."""

    def __init__(self, right_from: int, early: str = "") -> None:
        self.right_from, self.early = right_from, early
        self.asked: Counter[str] = Counter()

    def __call__(self, request: GenerationRequest) -> str | list[str]:
        text = request.messages[-1].content
        if request.n == 1 or "total" not in text:
            return answer(request)
        self.asked["total"] += 1
        if self.asked["total"] >= self.right_from:
            bodies = [f"return {RIGHT['total']}", LOOP["total"], f"return {WRONG['total']}", "return 7"]
        else:
            bodies = [self.early or f"return {WRONG['total']}", "return 1", "return 2", "return 3"]
        return [f"```python\ndef solve(xs):\n    {body}\n```" for body in bodies]


def run(folder: Path, model: Model, **data: object) -> RoundData:
    return make_round(folder, ScriptedEngine(model), **(DATA | data))


def stages(folder: Path) -> dict[str, tuple[int, int]]:
    return {row.stage: (row.entered, row.kept) for row in funnel(folder / "run")}


def test_only_the_unsolved_are_asked_again_and_until_they_are_solved(tmp_path: Path) -> None:
    made = run(tmp_path, Model(right_from=2))
    found = stages(tmp_path)
    assert found["solve"] == (2, 2)
    assert found["try02_solve"] == (1, 1) and "try03_solve" not in found
    assert found["evidence"] == (2, 2)
    assert made.counts["coarse"] == 4
    assert conservation_problems(tmp_path / "run") == []


def test_tests_that_nothing_passed_are_drawn_again_and_judge_what_comes_then(tmp_path: Path) -> None:
    run(tmp_path, Model(right_from=2))
    commits = StageCommit(tmp_path / "run")
    suites = list(commits.iter_bodies(TestSuite))
    [again] = [one for one in suites if one.attempt == 2]
    [first] = [one for one in suites if one.task_id == again.task_id and one.attempt == 1]
    assert {one.arguments for one in again.cases} != {one.arguments for one in first.cases}
    solutions = [one for one in commits.iter_bodies(Solution) if one.task_id == again.task_id]
    assert sorted(one.index for one in solutions) == list(range(8))
    late = {one.id for one in solutions if one.attempt == 2}
    verdicts = {one.solution_id: one for one in commits.iter_bodies(Verdict)}
    assert len(late) == 4 and late <= set(verdicts)
    evidence = [
        json.loads(row.evidence)
        for shard in ("00000", "00001")
        for row in commits.read_index("evidence", 1, shard)
        if row.unit_id == again.task_id
    ]
    assert [(one["candidates"], one["tries"], one["pass_rate"]) for one in evidence] == [(4, 2, 0.5)]


def test_the_difficulty_counts_every_candidate_that_was_asked_for(tmp_path: Path) -> None:
    made = run(tmp_path, Model(right_from=2))
    coarse = next(one for one in made.sets if one.path.name.endswith("coarse.parquet"))
    rates = {row["pass_rate"] for row in read_rows(coarse.path) if "total" in row["prompt"][-1]["content"]}
    assert rates == {0.25}


def test_tests_that_a_program_has_passed_stand_and_so_does_its_pass(tmp_path: Path) -> None:
    made = run(tmp_path, Model(right_from=2, early=LOOP["total"]))
    suites = list(StageCommit(tmp_path / "run").iter_bodies(TestSuite))
    assert [one.attempt for one in suites] == [1, 1]
    assert "try02_inputs" not in stages(tmp_path) and stages(tmp_path)["try02_solve"] == (1, 1)
    coarse = next(one for one in made.sets if one.path.name.endswith("coarse.parquet"))
    found = [row for row in read_rows(coarse.path) if "total" in row["prompt"][-1]["content"]]
    assert sorted(row["pass_rate"] for row in found) == [0.375, 0.375]


def test_a_verdict_by_tests_that_were_drawn_again_is_no_label_and_no_replay(tmp_path: Path) -> None:
    made = run(tmp_path, Model(right_from=2), labels={"in_pairs": True})
    labelled = next(one for one in made.sets if one.product.name == "labelled")
    early = [one for one in StageCommit(tmp_path / "run").iter_bodies(Solution) if "return 2" in one.code]
    assert early and not {one.id for one in early} & {row["solution_id"] for row in read_rows(labelled.path)}
    with pytest.raises(UserError, match="drawn again at try 2"):
        find_program(tmp_path / "run", early[0].id)


def test_what_is_never_solved_ends_as_unsolved_with_its_tries(tmp_path: Path) -> None:
    made = run(tmp_path, Model(right_from=9), select={"unsolved": True})
    [row] = read_rows(next(one for one in made.sets if one.product.name == "unsolved").path)
    assert (row["tries"], row["candidates"]) == (3, 4)
    assert conservation_problems(tmp_path / "run") == []


def test_the_same_round_again_asks_nothing(tmp_path: Path) -> None:
    model = Model(right_from=3)
    run(tmp_path, model)
    asked = model.asked["total"]
    run(tmp_path, model)
    assert model.asked["total"] == asked == 3


def test_each_try_has_a_seed_of_its_own_and_is_warmer(tmp_path: Path) -> None:
    seen: list[GenerationRequest] = []
    model = Model(right_from=9)

    def listen(request: GenerationRequest) -> str | list[str]:
        if request.n > 1 and "total" in request.messages[-1].content:
            seen.append(request)
        return model(request)

    data = DATA | {"solve": {"n": 4, "tries": 3, "warmer": 0.5, "sampling": {"temperature": 0.8}}}
    make_round(tmp_path, ScriptedEngine(listen), **data)
    assert [round(one.sampling.temperature, 2) for one in seen] == [0.8, 1.3, 1.8]
    assert len({one.seed for one in seen}) == 3


def test_a_recipe_that_tries_once_has_no_further_stages() -> None:
    assert build_tries(build_context()) == []
    names = [one.name for one in build_tries(build_context({"solve": {"tries": 2}}))]
    assert names == ["try02_inputs", "try02_solve", "try02_syntax", "try02_execute"]
    agreeing = build_context({"solve": {"tries": 3}, "evidence": {"agreement": True}})
    votes = [one for one in build_tries(agreeing) if isinstance(one, RetryAgreeStage)]
    assert [one.is_last for one in votes] == [False, True]


def test_a_vote_that_abstains_before_the_last_try_leaves_the_task_for_the_next() -> None:
    vote = {"agreement": True, "agreement_threshold": 0.45}
    data: dict[str, object] = {"solve": {"tries": 2}, "evidence": vote}
    context = build_context(data, sandbox=ScriptedSandbox(run_python))
    split = candidates(TOTAL, LAST, COUNT)
    first = run_stage(AgreeStage(context), build_shard(build_task(), build_inputs(), *split))
    assert first.decision("task-1")[0] is Decision.KEPT and first.units == ()
    assert first.evidence("task-1")["abstained"] == "agreement_abstained"
    last = RetryAgreeStage(context, 2, is_last=True)
    shard = build_shard(build_task(), build_inputs(), *split)
    assert run_stage(last, shard).decision("task-1") == (Decision.REJECTED, "agreement_abstained")
    more = [
        one.model_copy(update={"id": f"late-{at}", "attempt": 2})
        for at, one in enumerate(candidates(TOTAL, TOTAL_LOOP, TOTAL, TOTAL, TOTAL))
    ]
    agreed = run_stage(last, build_shard(build_task(), build_inputs(), *split, *more))
    [suite] = agreed.made(TestSuite)
    assert all(suite.judges(one) for one in (*split, *more))
