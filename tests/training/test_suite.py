"""Suites: those with a name are handed in, others are files; what decontamination gets of them."""

import json
from collections.abc import Sequence
from pathlib import Path

import pytest

from posttrain.evaluate.suite import load_held_out, load_questions
from posttrain.evaluate.task import EvaluationTask
from synth.config import EvaluationConfig
from synth.errors import DatasetError
from synth.records import Case, EvidenceRank, FunctionContract, Task, TestSuite

CONTRACT = FunctionContract(entry_point="solve", signature="(int) -> int", parameter_names=("x",))


def task(number: int) -> EvaluationTask:
    item = Task(
        id=f"t{number}", round=0, instruction=f"Add {number}.", natural_language="en", contract=CONTRACT
    )
    cases = (Case(arguments=("i1",), expected=f"i{1 + number}"),)
    suite = TestSuite(task_id=item.id, contract=CONTRACT, cases=cases, rank=EvidenceRank.REFERENCE)
    return EvaluationTask(task=item, suite=suite)


def three() -> Sequence[EvaluationTask]:
    return [task(number) for number in range(3)]


def config(**changes: object) -> EvaluationConfig:
    return EvaluationConfig.model_validate(
        {"suite": "three", "tasks": 2, "languages": ["python", "java"], **changes}
    )


def write_suite(folder: Path) -> None:
    (folder / "rows.jsonl").write_text("".join(item.model_dump_json() + "\n\n" for item in three()))


def asked(config: EvaluationConfig, folder: Path) -> list[tuple[str, str]]:
    questions = load_questions(config, folder, {"three": three})
    return [(question.item.task.id, question.language) for question in questions]


def test_each_task_is_asked_in_each_language_or_in_one_of_them_in_turn(tmp_path: Path) -> None:
    assert asked(config(), tmp_path) == [("t0", "python"), ("t0", "java"), ("t1", "python"), ("t1", "java")]
    assert asked(config(spread=True, tasks=3), tmp_path) == [
        ("t0", "python"),
        ("t1", "java"),
        ("t2", "python"),
    ]


def test_a_suite_file_gives_the_questions_of_a_suite_that_is_handed_in(tmp_path: Path) -> None:
    write_suite(tmp_path)
    assert asked(config(suite="rows.jsonl"), tmp_path) == asked(config(), tmp_path)


def test_all_of_a_named_suite_is_kept_out_of_the_data_and_of_a_file_what_is_asked(tmp_path: Path) -> None:
    write_suite(tmp_path)
    named = load_held_out(config(), tmp_path, {"three": three})
    filed = load_held_out(config(suite="rows.jsonl"), tmp_path, {"three": three})
    assert [(entry.id, entry.prompts) for entry in named] == [(f"t{n}", (f"Add {n}.",)) for n in range(3)]
    assert filed == named[:2]


def test_a_name_that_no_world_knows_is_a_file_that_is_not_there(tmp_path: Path) -> None:
    with pytest.raises(DatasetError, match=r"evaluation\.suite = three"):
        load_questions(config(), tmp_path, {})


def test_a_row_that_is_no_evaluation_task_is_named_with_its_line(tmp_path: Path) -> None:
    row = task(0).model_dump(mode="json")
    row["suite"]["contract"] = {"kind": "script", "script": "assert solve(1)"}
    for text, message in (
        ('{"task": 1}', "rows.jsonl:1"),
        (task(0).model_dump_json().replace('"cases"', '"tests"'), "suite"),
        (json.dumps(row), "task's kind, `function`"),
    ):
        (tmp_path / "rows.jsonl").write_text(text + "\n")
        with pytest.raises(DatasetError, match=message):
            load_questions(config(suite="rows.jsonl"), tmp_path, {})
