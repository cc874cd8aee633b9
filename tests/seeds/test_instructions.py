"""Rows of published instruction sets as problems: what of each layout is read, and what is refused why."""

import json
from pathlib import Path
from typing import Any

import pytest

from synth.config import InstructionSeedsConfig
from synth.errors import RecipeError
from synth.records import CodingProblem, StdioContract
from synth.seeds.instructions.tests import read_tests
from synth.seeds.protocol import ReadProblem, SeedRejection
from synth.seeds.reader import read_problems
from synth.values import decode

ADD = "def add(a, b):\n    return a + b\n"
SUM = "import sys\nprint(sum(map(int, sys.stdin.read().split())))\n"


def read(folder: Path, rows: list[dict[str, Any]], **config: object) -> list[ReadProblem]:
    (folder / "set.jsonl").write_text("\n".join(map(json.dumps, rows)))
    told = {"dataset": "set.jsonl", "shuffle": False, **config}
    return list(
        read_problems(
            InstructionSeedsConfig.model_validate(told), recipe_folder=folder, random_seed=0, round_=1
        )
    )


def problem(folder: Path, row: dict[str, Any], **config: object) -> CodingProblem:
    [found] = read(folder, [row], **config)
    assert isinstance(found.unit, CodingProblem), found.unit
    return found.unit


def refusal(folder: Path, row: dict[str, Any], **config: object) -> tuple[str, dict[str, object]]:
    [found] = read(folder, [row], **config)
    assert isinstance(found.unit, SeedRejection)
    return found.unit.reject.reason, dict(found.unit.reject.evidence)


FUNCTIONS: dict[str, dict[str, Any]] = {
    "Magicoder": {
        "lang": "python",
        "problem": "Write `add`.",
        "solution": f"Here it is:\n```python\n{ADD}```\n",
    },
    "Evol-Instruct": {"instruction": "Write `add`.", "response": f"Sure.\n```python\n{ADD}```\nIt adds."},
    "CodeAlpaca": {"instruction": "Write `add`.", "input": "", "output": ADD},
    "OpenCodeInstruct": {
        "id": "1",
        "input": "Write `add`.",
        "output": f"```python\n{ADD}```",
        "unit_tests": json.dumps(["\nassert add(1, 2) == 3\n", "\nassert add(-1, 1) == 0\n"]),
    },
    "KodCode": {
        "question": "Write `add`.",
        "solution": ADD,
        "test": "from solution import add\n\ndef test_it():\n    assert add(1, 2) == 3\n\ndef test_more():\n"
        "    assert add(-1, 1) == 0\n",
        "test_info": [{"function_name": "add", "parameter_list": "(a, b)"}],
    },
    "MBPP": {
        "text": "Write `add`.",
        "code": ADD,
        "test_list": ["assert add(1, 2) == 3", "assert add(-1, 1) == 0"],
    },
    "chats": {
        "messages": [
            {"role": "user", "content": "Write `add`."},
            {"role": "assistant", "content": f"```python\n{ADD}```"},
        ]
    },
    "verifiable calls": {
        "prompt": "Write `add`.",
        "gold_standard_solution": f"```python\n{ADD}```",
        "verification_info": {
            "language": "python",
            "test_cases": [
                {"type": "function_call", "fn_name": "add", "input": [1, 2], "output": 3},
                {"type": "function_call", "fn_name": "add", "input": "-1\n1", "output": "0"},
            ],
        },
    },
}
WITHOUT_TESTS = ("Magicoder", "Evol-Instruct", "CodeAlpaca", "chats")


@pytest.mark.parametrize("name", FUNCTIONS)
def test_a_row_of_each_set_is_a_problem(name: str, tmp_path: Path) -> None:
    found = problem(tmp_path, FUNCTIONS[name])
    assert (found.instruction, found.language, found.natural_language) == ("Write `add`.", "python", "en")
    assert found.code.strip() == ADD.strip()
    assert found.entry_point == "add"
    assert (found.contract, found.origin.row) == (None, "set.jsonl:1")
    calls = [tuple(map(decode, one.arguments)) for one in found.examples]
    assert calls == ([] if name in WITHOUT_TESTS else [(1, 2), (-1, 1)])
    assert [decode(one.expected) for one in found.examples if one.expected] == [3, 0][: len(calls)]


RUNS: dict[str, dict[str, Any]] = {
    "codeforces": {
        "title": "Sums",
        "description": "Add the numbers.",
        "input_format": "Numbers.",
        "output_format": "Their sum.",
        "note": None,
        "official_tests": [{"input": "1 2\n", "output": "3\n"}, {"input": "5\n", "output": "5\n"}],
        "examples": [{"input": "1\n", "output": "1\n"}],
    },
    "APPS": {
        "question": "Add the numbers.",
        "solutions": json.dumps([SUM, "print(1)"]),
        "input_output": json.dumps({"inputs": ["1 2\n", "5\n"], "outputs": ["3\n", "5\n"]}),
    },
    "CodeContests": {
        "description": "Add the numbers.",
        "public_tests": {"input": ["1 2\n", "5\n"], "output": ["3\n", "5\n"]},
    },
    "verifiable runs": {
        "prompt": "Add the numbers.",
        "gold_standard_solution": f"```python\n{SUM}```",
        "verification_info": json.dumps(
            {
                "language": "python",
                "test_cases": [
                    {"fn_name": None, "input": "1 2\n", "output": "3\n", "type": "stdin_stdout"},
                    {"fn_name": None, "input": "5\n", "output": "5\n", "type": "stdin_stdout"},
                ],
            }
        ),
    },
}


@pytest.mark.parametrize("name", RUNS)
def test_programs_over_stdin_keep_their_cases(name: str, tmp_path: Path) -> None:
    found = problem(tmp_path, RUNS[name])
    assert found.contract == StdioContract()
    assert [(case.arguments, case.expected) for case in found.cases] == [
        (("1 2\n",), "3\n"),
        (("5\n",), "5\n"),
    ]
    assert "Add the numbers." in found.instruction
    assert found.code.strip() in {"", SUM.strip()}
    assert bool(found.code) == ("solution" in str(RUNS[name]))


def test_the_recipe_can_map_any_columns(tmp_path: Path) -> None:
    row = {"Aufgabe": "Schreibe add.", "Loesung": ADD, "Tests": ["assert add(1, 2) == 3"], "Sprache": "py"}
    columns = {"problem": "Aufgabe", "answer": "Loesung", "tests": "Tests", "language": "Sprache"}
    found = problem(tmp_path, row, columns=columns)
    assert (found.code.strip(), found.language, len(found.examples)) == (ADD.strip(), "python", 1)
    with pytest.raises(RecipeError, match=r"columns\.problem(.|\n)*is no column"):
        read(tmp_path, [row], columns={"problem": "task"})


@pytest.mark.parametrize(
    ("row", "reason", "evidence"),
    [
        ({"stars": 3}, "unreadable", {"error": "no column of a problem", "columns": "stars"}),
        ({"problem": "   "}, "unreadable", {"column": "problem", "found": "no text"}),
        ({"problem": "What is a monad?"}, "no_evidence", {"answer": "none", "tests": "none"}),
        (
            {"instruction": "Explain it.", "response": "It depends."},
            "no_evidence",
            {"answer": "no program in it", "tests": "none"},
        ),
        (
            {"problem": "Write f.", "tests": ["assert close(f(x), y)"]},
            "no_evidence",
            {"answer": "none", "tests": "cannot be read"},
        ),
        (
            {**RUNS["codeforces"], "generated_checker": "def check(): ..."},
            "no_evidence",
            {"answer": "none", "tests": "need a checker"},
        ),
        ({"instruction": "word " * 5000, "response": ADD}, "too_long", {"limit": 2048}),
        (
            {"instruction": "Write.", "response": "x = 1\n" * 2000},
            "no_evidence",
            {"answer": "no program in it"},
        ),
    ],
)
def test_a_row_without_use_has_its_reason(
    row: dict[str, Any], reason: str, evidence: dict[str, object], tmp_path: Path
) -> None:
    found, said = refusal(tmp_path, row)
    assert found == reason
    assert said.items() >= evidence.items()


def test_bad_lines_secrets_and_licences_are_rejections_and_reading_goes_on(tmp_path: Path) -> None:
    good = {**FUNCTIONS["Magicoder"], "license": "MIT"}
    rows = [
        good,
        {**good, "license": "GPL-3.0"},
        {**good, "problem": "Mail me: a" + "@" + "b-firm.de\nadd it."},
    ]
    lines = [*map(json.dumps, rows), "{", "[1]", json.dumps(good)]
    (tmp_path / "set.jsonl").write_text("\n".join(lines))
    config = InstructionSeedsConfig.model_validate(
        {"dataset": "set.jsonl", "shuffle": False, "licences": {"deny": ["GPL-*"]}}
    )
    found = list(read_problems(config, recipe_folder=tmp_path, random_seed=0, round_=1))
    reasons = [one.unit.reject.reason if isinstance(one.unit, SeedRejection) else "" for one in found]
    assert reasons == ["", "licence", "", "unreadable", "unreadable", ""]
    masked = found[2].unit
    assert isinstance(masked, CodingProblem)
    assert "b-firm" not in masked.instruction
    assert found[2].evidence == {"masked_emails": 1}
    assert len({one.unit.unit_id for one in found}) == 6


def test_answers_in_other_languages_are_passed_over(tmp_path: Path) -> None:
    java = "```java\nclass A { int f() { return 1; } }\n```"
    rows = [{"instruction": "Do it.", "response": java}, FUNCTIONS["Evol-Instruct"]]
    found = read(tmp_path, rows, languages=["python"])
    assert [one.unit.language for one in found] == ["python"]
    assert [one.unit.language for one in read(tmp_path, rows)] == ["java", "python"]


def test_a_data_set_is_read_like_a_file(tmp_path: Path) -> None:
    datasets = pytest.importorskip("datasets")
    rows = [FUNCTIONS["KodCode"], {**FUNCTIONS["KodCode"], "question": "加法" * 20}]
    (tmp_path / "set").mkdir()
    datasets.Dataset.from_list(rows).to_parquet(str(tmp_path / "set" / "train.parquet"))
    config = InstructionSeedsConfig(dataset="set", shuffle=False)
    found = list(read_problems(config, recipe_folder=tmp_path, random_seed=0, round_=1))
    units = [one.unit for one in found if isinstance(one.unit, CodingProblem)]
    assert [(one.natural_language, len(one.examples), one.entry_point) for one in units] == [
        ("en", 2, "add"),
        ("zh", 2, "add"),
    ]
    with pytest.raises(RecipeError, match=r"columns\.tests(.|\n)*is no column of set"):
        bad = config.model_copy(update={"columns": {"tests": "unit"}})
        list(read_problems(bad, recipe_folder=tmp_path, random_seed=0, round_=1))


@pytest.mark.parametrize(
    "value", [None, 3, "", "x" * 10, [], [3], {"inputs": 3}, [[1]], "[" * 5000, {"a": {}}]
)
def test_no_value_of_a_column_makes_the_reader_raise(value: object) -> None:
    assert not read_tests(value).runs
    assert not read_tests(value).calls
