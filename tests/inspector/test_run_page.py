"""One run: the funnel and whether it adds up, reasons, yields, failures that are alike."""

import json
from pathlib import Path

from synth.inspector.library import read_library
from synth.inspector.queries.run import RunPage, show_run
from synth.records import Decision
from synth.store.run_folder import RunFolder
from synth.store.views import funnel
from tests.store.small_run import build_small_run, commit, identity, row


def page_of(path: Path) -> RunPage:
    library = read_library([path])
    return show_run(library, library.runs[0])


def test_the_funnel_is_the_one_of_the_terminal(tmp_path: Path) -> None:
    run = build_small_run(tmp_path)
    found = page_of(run)
    assert [stage.row for stage in found.stages] == funnel(run)
    assert all(stage.is_conserved for stage in found.stages)
    assert {stage.row.stage: stage.factor for stage in found.stages if stage.factor} == {
        "instruct": 1.0,
        "solve": 3.0,
        "pair": 1.0,
        "fim": 1.0,
        "exact_dedup": 1.0,
    }
    assert [(one.reason, one.count) for one in found.reasons] == [
        ("too_short", 1),
        ("toolchain_missing", 1),
        ("wrong_answer", 1),
    ]
    assert found.work is not None
    assert sum(map(sum, found.work.stages.values())) == 13


def test_a_unit_that_is_lost_and_one_that_never_entered_are_told(tmp_path: Path) -> None:
    with RunFolder.create_or_resume(tmp_path, "odd", identity()) as folder:
        folder.declare_stages(("snippet", "reference"))
        folder.commits.record_entered("snippet", 1, "0000", ["seed-1a", "seed-2b"])
        folder.commits.commit("snippet", 1, "0000", [row("snippet", "seed-1a")])
        folder.commits.commit("reference", 1, "0000", [row("reference", "seed-1a")])
        folder.commits.record_entered("reference", 1, "0001", ["seed-3c"])
    snippet, reference = page_of(folder.path).stages
    assert (snippet.missing, snippet.strangers, snippet.row.waiting) == (1, 0, 1)
    assert (reference.missing, reference.strangers, reference.row.waiting) == (0, 1, 0)


def test_yields_and_failures_that_are_alike(tmp_path: Path) -> None:
    with RunFolder.create_or_resume(tmp_path, "judged", identity()) as folder:
        folder.declare_stages(("solve", "execute"))
        tasks = [row("solve", one) for one in ("task-1a", "task-2b", "task-3c")]
        commit(folder, tasks)
        judged = []
        for task, passes in (("task-1a", 4), ("task-2b", 1), ("task-3c", 0)):
            for at in range(4):
                kept = at < passes
                evidence: dict[str, object] = {"passed": 2 * kept, "total": 2}
                if not kept:
                    failure = f"case {at}, input ({at}, 'a: b'): expected {at}, found 'x'"
                    evidence["first_failure"] = failure
                judged.append(
                    row(
                        "execute",
                        f"solution-{task[-2:]}{at}",
                        Decision.KEPT if kept else Decision.REJECTED,
                        "" if kept else "wrong_answer",
                        (task,),
                        ("go", "rust")[at % 2],
                        evidence=json.dumps(evidence),
                    )
                )
        commit(folder, judged)
    found = page_of(folder.path)
    assert {one.language: (one.judged, one.passed) for one in found.languages} == {
        "go": (6, 3),
        "rust": (6, 2),
    }
    bands = [(one.above, one.up_to, one.tasks, one.judged, one.passed) for one in found.difficulty]
    assert bands == [(None, 0.0, 1, 4, 0), (0.2, 0.4, 1, 4, 1), (0.8, 1.0, 1, 4, 4)]
    assert [(one.seed_language, one.language, one.tasks, one.passed) for one in found.pairs_of_languages] == [
        ("python", "go", 3, 3),
        ("python", "rust", 3, 2),
    ]
    (alike,) = found.signatures
    assert (alike.signature, alike.reason, alike.count) == ("expected #, found …", "wrong_answer", 7)
    assert found.signatures_of == (15, 15)
