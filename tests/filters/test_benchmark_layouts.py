"""Benchmarks in their published columns: each is read on every side that it publishes, or refused."""

import json
from pathlib import Path

import pytest

from synth.errors import DatasetError
from synth.filters.benchmark_layouts import LAYOUTS
from synth.filters.benchmarks import BenchmarkEntry, read_benchmark
from synth.filters.decontaminate import Decontaminate
from synth.filters.protocol import FilterInput, Keep, Reject

QUESTION = (
    "A harbour master writes down the draught of every barge that enters and leaves. A barge may pass the "
    "sill only while the tide stands higher than its draught by two feet. Given the draughts in the order of "
    "arrival and the tide at each hour, return how many barges wait longer than three hours, or -1 if one "
    "never passes."
)
HEAD = "def waiting_barges(draughts, tide):\n"
BODY = """    waits, hour = 0, 0
    for draught in draughts:
        began = hour
        while hour < len(tide) and tide[hour] < draught + 2:
            hour += 1
        if hour == len(tide):
            return -1
        waits += hour - began > 3
    return waits
"""
ANSWER = HEAD + BODY
CPP = """int waiting(const vector<int>& draughts, const vector<int>& tide) {
  int waits = 0; size_t hour = 0;
  for (int draught : draughts) {
    size_t began = hour;
    while (hour < tide.size() && tide[hour] < draught + 2) ++hour;
    if (hour == tide.size()) return -1;
    waits += hour - began > 3;
  }
  return waits;
}
"""
TEST = """assert waiting_barges([4, 9, 31], [1, 7, 12, 12, 12, 12, 40]) == 1
assert waiting_barges([90], [1, 2]) == -1
"""
DIFF = "diff --git a/quay.py b/quay.py\n--- a/quay.py\n+++ b/quay.py\n@@ -1 +1,10 @@\n-pass\n" + "".join(
    f"+{line}\n" for line in ANSWER.splitlines()
)
DOCUMENTED = f'{HEAD}    """{QUESTION}"""\n'

PUBLISHED: dict[str, dict[str, object]] = {
    "HumanEval": {
        "task_id": "HumanEval/900",
        "prompt": DOCUMENTED,
        "canonical_solution": BODY,
        "test": TEST,
        "entry_point": "waiting_barges",
    },
    "HumanEval+": {
        "task_id": "HumanEval/900",
        "prompt": DOCUMENTED,
        "canonical_solution": BODY,
        "entry_point": "waiting_barges",
        "base_input": [[[4], [1]]],
        "plus_input": [],
        "contract": "",
        "atol": 0,
    },
    "MBPP": {"task_id": 900, "text": QUESTION, "code": ANSWER, "test_list": TEST.splitlines()},
    "MBPP, sanitized": {
        "task_id": 900,
        "prompt": QUESTION,
        "code": ANSWER,
        "test_imports": [],
        "test_list": TEST.splitlines(),
    },
    "LiveCodeBench": {
        "question_title": "Barges",
        "question_content": QUESTION,
        "platform": "atcoder",
        "question_id": "x900_a",
        "contest_id": "x900",
        "starter_code": "",
        "public_test_cases": '[{"input": "1", "output": "2"}]',
        "private_test_cases": "eJx",
        "metadata": "{}",
    },
    "BigCodeBench": {
        "task_id": "BigCodeBench/900",
        "complete_prompt": DOCUMENTED,
        "instruct_prompt": QUESTION,
        "canonical_solution": BODY,
        "code_prompt": HEAD,
        "test": TEST,
        "entry_point": "task_func",
        "doc_struct": "{}",
        "libs": "[]",
    },
    "APPS": {
        "problem_id": 900,
        "question": QUESTION,
        "solutions": json.dumps(["print(1)", ANSWER]),
        "input_output": json.dumps({"inputs": ["1"], "outputs": ["2"]}),
        "difficulty": "interview",
        "url": "",
        "starter_code": "",
    },
    "TACO": {
        "question": QUESTION,
        "solutions": json.dumps([ANSWER]),
        "starter_code": "",
        "input_output": "{}",
        "raw_tags": "[]",
        "time_limit": "1 second",
    },
    "CodeContests": {
        "name": "900_A. Barges",
        "description": QUESTION,
        "public_tests": {"input": ["1"], "output": ["2"]},
        "private_tests": {"input": [], "output": []},
        "generated_tests": {"input": [], "output": []},
        "solutions": {"language": [2, 3], "solution": [CPP, ANSWER]},
        "incorrect_solutions": {"language": [3], "solution": ["print(0)"]},
    },
    "DS-1000": {
        "prompt": f"Problem:\n{QUESTION}\nA:\n<code>\n",
        "reference_code": ANSWER,
        "code_context": TEST,
        "metadata": {"library": "Pandas", "problem_id": 900},
    },
    "CRUXEval": {"code": ANSWER, "input": "[4, 9, 31], [1, 7, 12]", "output": "-1", "id": "sample_900"},
    "MultiPL-E": {
        "name": "HumanEval_900_waiting",
        "language": "py",
        "prompt": DOCUMENTED,
        "doctests": "transform",
        "original": "",
        "prompt_terminology": "reworded",
        "tests": TEST,
        "stop_tokens": ["\ndef"],
    },
    "McEval": {
        "task_id": "Python/900",
        "prompt": DOCUMENTED,
        "canonical_solution": BODY,
        "test": TEST,
        "entry_point": "waiting_barges",
        "signature": HEAD,
        "docstring": QUESTION,
        "instruction": f"Provide a solution: {QUESTION}",
    },
    "HumanEvalPack": {
        "task_id": "Python/900",
        "prompt": DOCUMENTED,
        "declaration": HEAD,
        "canonical_solution": BODY,
        "buggy_solution": BODY.replace("+ 2", "- 2"),
        "bug_type": "operator misuse",
        "entry_point": "waiting_barges",
        "import": "",
        "test_setup": "",
        "test": TEST,
        "example_test": "",
        "signature": HEAD,
        "docstring": QUESTION,
        "instruction": QUESTION,
    },
    "SWE-bench": {
        "instance_id": "quay__quay-900",
        "repo": "quay/quay",
        "base_commit": "0",
        "patch": DIFF,
        "test_patch": DIFF.replace("quay.py", "test_quay.py"),
        "problem_statement": QUESTION,
        "hints_text": "",
        "FAIL_TO_PASS": "[]",
    },
    "ClassEval": {
        "task_id": "ClassEval_900",
        "skeleton": DOCUMENTED,
        "class_description": QUESTION,
        "solution_code": ANSWER,
        "test": TEST,
    },
}
WITHOUT_ANSWERS = ("LiveCodeBench", "MultiPL-E")
WITHOUT_QUESTIONS = ("CRUXEval",)
NEEDED = {
    "HumanEval": ("prompt", "canonical_solution"),
    "MBPP": ("text", "code"),
    "LiveCodeBench": ("question_content", "public_test_cases"),
    "BigCodeBench": ("canonical_solution",),
    "APPS": ("question", "solutions"),
    "CodeContests": ("description", "solutions"),
    "DS-1000": ("prompt", "reference_code"),
    "CRUXEval": ("input", "output"),
    "MultiPL-E": ("prompt", "tests"),
    "McEval": ("canonical_solution",),
    "HumanEvalPack": ("canonical_solution",),
    "SWE-bench": ("problem_statement", "patch"),
    "ClassEval": ("solution_code",),
}


def write(folder: Path, row: object) -> Path:
    path = folder / "bench.jsonl"
    path.write_text(json.dumps(row), encoding="utf-8")
    return path


@pytest.mark.parametrize("name", PUBLISHED)
def test_every_published_side_is_compared(tmp_path: Path, name: str) -> None:
    found = Decontaminate(read_benchmark(write(tmp_path, PUBLISHED[name])))
    other = FilterInput("u", "python", "Count the rows of a matrix.", "def f(rows):\n    return len(rows)\n")
    assert isinstance(found.check(other), Keep)
    units = []
    if name not in WITHOUT_ANSWERS:
        units.append(FilterInput("answer", "python", "Something else.", ANSWER))
    if name not in WITHOUT_QUESTIONS:
        units.append(FilterInput("question", "python", QUESTION, "x = 1\n"))
    assert [type(found.check(unit)) for unit in units] == [Reject] * len(units)


@pytest.mark.parametrize(("name", "column"), [(name, one) for name, some in NEEDED.items() for one in some])
def test_a_row_without_a_side_that_its_benchmark_has_is_refused(
    tmp_path: Path, name: str, column: str
) -> None:
    row = {key: value for key, value in PUBLISHED[name].items() if key != column}
    with pytest.raises(DatasetError, match=rf"jsonl:1.*\n?.*{column}"):
        list(read_benchmark(write(tmp_path, row)))


def test_solutions_in_other_languages_are_read_in_these(tmp_path: Path) -> None:
    entries = list(read_benchmark(write(tmp_path, PUBLISHED["CodeContests"])))
    assert {entry.id for entry in entries} == {"900_A. Barges"}
    assert {entry.language: entry.answers for entry in entries if entry.answers} == {
        "cpp": (CPP,),
        "python": (ANSWER,),
    }
    found = Decontaminate(entries)
    assert isinstance(found.check(FilterInput("u", "cpp", "", CPP)), Reject)


def test_ids_name_the_language_of_a_row(tmp_path: Path) -> None:
    row = {**PUBLISHED["McEval"], "task_id": "CPP/3"}
    assert next(read_benchmark(write(tmp_path, row))).language == "cpp"


def test_of_a_patch_the_added_lines_count(tmp_path: Path) -> None:
    [entry] = read_benchmark(write(tmp_path, PUBLISHED["SWE-bench"]))
    assert entry.answers == (ANSWER.rstrip("\n"),)


def test_both_words_of_a_chat_are_read(tmp_path: Path) -> None:
    chat = [{"role": "user", "content": QUESTION}, {"role": "assistant", "content": ANSWER}]
    assert list(read_benchmark(write(tmp_path, {"id": "c", "messages": chat}))) == [
        BenchmarkEntry("c", (QUESTION,), (ANSWER,))
    ]


def test_text_under_an_unknown_name_beside_one_side_is_refused(tmp_path: Path) -> None:
    with pytest.raises(DatasetError, match="gold_program") as refused:
        list(read_benchmark(write(tmp_path, {"prompt": QUESTION, "gold_program": ANSWER})))
    assert "holds no answer" in str(refused.value)
    assert list(read_benchmark(write(tmp_path, {"prompt": QUESTION, "level": "hard"})))


def test_no_layout_takes_the_rows_of_another() -> None:
    named = {
        name: [layout.name for layout in LAYOUTS if layout.fits(row)][:1] for name, row in PUBLISHED.items()
    }
    wanted = {
        "HumanEval+": "HumanEval",
        "MBPP, sanitized": "MBPP",
        "APPS": "APPS or TACO",
        "TACO": "APPS or TACO",
    }
    assert named == {name: [wanted.get(name, name)] for name in PUBLISHED}
