"""The benchmark of agreement, on files of our own in the shapes that authors publish."""

import json
from pathlib import Path
from typing import Any

import pytest

from benchmarks.agreement.__main__ import chosen, main, score
from benchmarks.agreement.published import (
    Sample,
    answers_of_others,
    column,
    cruxeval_scored,
    evalplus_results,
    multipl_e_details,
    read_rows,
    stubs,
)
from benchmarks.agreement.sets import all_sets
from synth.execution.local.sandbox import LocalSandbox
from synth.records import Outcome
from synth.verify.answers import VerifyResult
from synth.verify.formats.registry import get_format

PROBLEMS = [
    {"id": "sample_0", "code": "def f(x):\n    return x + x", "input": "3", "output": "6"},
    {"id": "sample_1", "code": "def f(x):\n    return x * 3", "input": "1", "output": "3"},
]


def lines(path: Path, rows: list[dict[str, str]]) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text("".join(json.dumps(row) + "\n" for row in rows))
    return path


def test_published_verdicts_are_read_as_they_were_written(tmp_path: Path) -> None:
    results = tmp_path / "eval_results.json"
    answer = {"solution": "s", "base_status": "pass", "plus_status": "fail"}
    results.write_text(json.dumps({"eval": {"HumanEval/0": [answer]}}))
    assert list(evalplus_results(results, "base_status")) == [Sample("HumanEval/0", "solution", "s", True)]
    assert [one.right for one in evalplus_results(results, "base_status", "plus_status")] == [False]
    details, outputs = tmp_path / "details.json", tmp_path / "outputs.jsonl"
    details.write_text(json.dumps({"a": [[0, {"passed": True}]]}))
    lines(outputs, [{"task_id": "a", "generation": "g"}])
    assert list(multipl_e_details(details, outputs)) == [Sample("a", "solution", "g", True)]


def test_scores_that_cannot_be_told_apart_are_left_out(tmp_path: Path) -> None:
    scored = tmp_path / "scored.json"
    answers, scores = {"s0": ["6", "f(3)"], "s1": ["3"]}, {"s0": [True], "s1": [False]}
    scored.write_text(json.dumps({"raw_generations": answers, "raw_scored_generations": scores}))
    assert list(cruxeval_scored(scored)) == [Sample("s1", "completion", "3", False)]


def test_rows_of_every_shape_are_read(tmp_path: Path) -> None:
    rows = [{"task_id": "a"}, {"task_id": "b"}]
    for name, text in (("a.json", json.dumps(rows)), ("o.json", json.dumps({r["task_id"]: r for r in rows}))):
        (tmp_path / name).write_text(text)
        assert read_rows(tmp_path / name) == rows
    assert read_rows(lines(tmp_path / "l.jsonl", rows[:1])) == rows[:1]
    assert list(column(tmp_path / "l.jsonl", "task_id", "missing", right=True)) == []


def test_wrong_answers_and_stubs_are_wrong(tmp_path: Path) -> None:
    problems = lines(tmp_path / "cruxeval.jsonl", PROBLEMS)
    assert [one.text for one in answers_of_others(problems, "id", "output")] == ["3", "6"]
    row = {"task_id": "Python/1", "prompt": "", "test": "", "canonical_solution": "def f(x):\n    return x\n"}
    (stub,) = stubs(lines(tmp_path / "p.jsonl", [row]), get_format("mceval"), "task_id", "canonical_solution")
    assert not stub.right
    assert "return x" in stub.text != row["canonical_solution"]


def test_a_sample_is_drawn_with_its_seed() -> None:
    samples = [Sample(str(at), "completion", "", True) for at in range(50)]
    drawn = chosen(samples, 5, 1)
    assert drawn == chosen(samples, 5, 1) != chosen(samples, 5, 2)
    assert (len(drawn), chosen(samples, 0, 1)) == (5, samples)


def answer(row: int, verdict: Outcome, reason: str = "") -> VerifyResult:
    fields: dict[str, Any] = {"id": str(row), "row": row + 1, "verdict": verdict, "reason": reason}
    return VerifyResult.model_construct(**fields)


def test_vacuous_suites_and_what_was_not_run_are_counted_apart() -> None:
    samples = [Sample(str(at), "completion", "", at != 1) for at in range(4)]
    verdicts = (Outcome.PASS, Outcome.PASS, Outcome.VACUOUS, Outcome.TOOLCHAIN_MISSING)
    found = score(samples, (answer(at, one, "why") for at, one in enumerate(verdicts)), ["no test"])
    assert (found.agreed, found.judged, found.suites, found.vacuous) == (2, 3, 3, 1)
    assert found.not_run == {"why": 1, "no test": 1}
    assert [line.split(":")[0] for line in found.differences] == ["1 (row 2)", "2 (row 3)"]


@pytest.mark.parametrize("wrong", [False, True])
def test_the_command_judges_a_folder_and_misses_a_bar_where_verdicts_differ(
    wrong: bool, tmp_path: Path, capsys: pytest.CaptureFixture[str], local_sandbox: LocalSandbox
) -> None:
    lines(tmp_path / "cruxeval/data/cruxeval.jsonl", PROBLEMS)
    scored = tmp_path / "cruxeval/samples/evaluation_results/sample_scored_codellama-7b_temp0.2_output.json"
    scored.parent.mkdir(parents=True)
    answers, scores = {"sample_0": ["6"], "sample_1": ["4"]}, {"sample_0": [True], "sample_1": [wrong]}
    scored.write_text(json.dumps({"raw_generations": answers, "raw_scored_generations": scores}))
    assert {one.form for one in all_sets(tmp_path)} == {"cruxeval-input", "cruxeval-output"}
    only = ["--only", "CRUXEval output, *", "--only", "CRUXEval input, gold"]
    for _ in range(2):  # the second time from the answers that are kept
        assert main([str(tmp_path), "--out", str(tmp_path / "out"), "--workers", "1", *only]) == int(wrong)
        shown = capsys.readouterr().out
        assert f"CRUXEval output, codellama-7b, published: {1 if wrong else 2} of 2" in shown
        assert "CRUXEval output, wrong: 2 of 2" in shown
        assert "CRUXEval input, gold: 2 of 2" in shown
        assert ("sample_1 (row 2): said to be right, wrong_answer" in shown) is wrong
