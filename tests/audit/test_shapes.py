"""The shapes of data sets: each is told by its columns and read into a program and tests; others are an error
that names what was found."""

import gzip
import json
from collections.abc import Mapping
from pathlib import Path

import pytest

from synth.audit.data_files import digest_of, read_rows
from synth.audit.shapes import AuditRow, find_shape, read_row
from synth.errors import UserError

ROWS: dict[str, dict[str, object]] = {
    "codemill": {
        "id": "a",
        "language": "python",
        "code": "def f(x): return x\n",
        "tests": {"kind": "script", "script": "assert f(1) == 1"},
    },
    "humaneval": {
        "task_id": "T/0",
        "prompt": "def f(x):\n",
        "canonical_solution": "    return x\n",
        "test": "def check(c):\n    assert c(1) == 1\n",
        "entry_point": "f",
    },
    "mbpp": {
        "task_id": 3,
        "text": "Write f.",
        "code": "def f(x): return x",
        "test_list": ["assert f(1) == 1"],
    },
    "evalplus": {
        "task_id": "HumanEval/0",
        "prompt": "def f(x):\n",
        "canonical_solution": "    return x\n",
        "entry_point": "f",
        "base_input": [[1]],
        "plus_input": [[2]],
    },
    "apps": {
        "problem_id": 1,
        "question": "Echo.",
        "solutions": json.dumps(["print(input())"]),
        "input_output": json.dumps({"inputs": ["1\n"], "outputs": ["1\n"]}),
    },
    "livecodebench": {
        "question_id": "q",
        "question_content": "Echo.",
        "public_test_cases": json.dumps([{"input": "1\n", "output": "1\n", "testtype": "stdin"}]),
        "private_test_cases": "[]",
        "metadata": "{}",
    },
    "code-contests": {
        "name": "echo",
        "description": "Echo.",
        "public_tests": {"input": ["1\n"], "output": ["1\n"]},
        "solutions": {"language": [2, 3], "solution": ["int main;", "print(input())"]},
    },
    "open-r1": {
        "problem_id": "p",
        "prompt": "Echo.",
        "gold_standard_solution": "So:\n```python\nprint(input())\n```",
        "verification_info": json.dumps(
            {"language": "python", "test_cases": [{"input": "1\n", "output": "1\n", "type": "stdin_stdout"}]}
        ),
    },
    "kodcode": {
        "question_id": "k",
        "question": "Write f.",
        "solution": "def f(x):\n    return x",
        "test": "from solution import f\n\ndef test_one():\n    assert f(1) == 1\n",
    },
    "bigcodebench": {
        "task_id": "BigCodeBench/0",
        "complete_prompt": 'def task_func(x):\n    """Same."""\n',
        "code_prompt": "def task_func(x):\n",
        "canonical_solution": "    return x",
        "entry_point": "task_func",
        "test": (
            "import unittest\nclass TestCases(unittest.TestCase):\n    def test_one(self):\n"
            "        self.assertEqual(task_func(1), 1)\n"
        ),
    },
    "multipl-e": {
        "name": "HumanEval_0_f",
        "language": "lua",
        "prompt": "local function f(x)\n",
        "tests": "f(1)",
    },
    "trl": {
        "prompt": [{"role": "user", "content": "Write f."}],
        "completion": [{"role": "assistant", "content": "Here:\n```python\ndef f(x):\n    return x\n```"}],
        "tests": ["assert f(1) == 1", "assert f(2) == 2"],
    },
}
WITHOUT_REFERENCE = {"livecodebench", "multipl-e"}


def read(row: Mapping[str, object]) -> AuditRow:
    return read_row(row, 1, find_shape(row, "data.jsonl"))


@pytest.mark.parametrize("name", sorted(ROWS))
def test_each_shape_is_told_by_its_columns(name: str) -> None:
    assert find_shape(ROWS[name], "data.jsonl").name == name
    row = read(ROWS[name])
    assert row.problem == ""
    assert row.tests
    assert bool(row.reference) is (name not in WITHOUT_REFERENCE)
    assert row.language == ("lua" if name == "multipl-e" else "python")


def test_the_program_of_a_chat_answer_is_its_last_block() -> None:
    row = dict(ROWS["trl"])
    row["completion"] = "Draft:\n```python\nx = 1\n```\nFinal:\n```python\nx = 2\n```"
    assert read(row).reference == "x = 2"
    assert read(row).tests == {"kind": "script", "script": "assert f(1) == 1\nassert f(2) == 2\n"}


@pytest.mark.parametrize(
    ("tests", "kind"),
    [
        ({"kind": "script", "script": "assert f(1) == 1"}, "script"),
        ('[{"input": "1\\n", "output": "1\\n"}]', "stdio"),
        ([{"input": [1], "output": 1, "fn_name": "f"}], "function"),
        ("assert f(1) == 1", "script"),
    ],
)
def test_tests_of_training_rows_come_in_many_forms(tests: object, kind: str) -> None:
    found = read({**ROWS["trl"], "tests": tests}).tests
    assert found is not None
    assert found["kind"] == kind


def test_calls_of_open_r1_name_their_function_and_may_be_text() -> None:
    cases = [{"fn_name": "add", "input": "1\n2", "output": "3", "type": "function_call"}]
    tests = read({**ROWS["open-r1"], "verification_info": {"test_cases": cases}}).tests
    assert tests is not None
    assert (tests["entry_point"], tests["cases"]) == ("add", [{"input": [1, 2], "output": 3}])


def test_unknown_columns_are_named_with_what_is_known() -> None:
    with pytest.raises(UserError) as caught:
        find_shape({"question": "1 + 1?", "answer": "2", "source": "x"}, "data.jsonl")
    words = str(caught.value)
    assert "columns answer, question, source" in words
    assert "humaneval: prompt, canonical_solution, test, entry_point" in words


def test_a_row_that_does_not_fit_its_shape_says_why() -> None:
    shape = find_shape(ROWS["apps"], "data.jsonl")
    row = read_row({**ROWS["apps"], "input_output": ""}, 7, shape)
    assert "some APPS problems have no tests" in row.problem
    assert "apps" in read_row({**ROWS["apps"], "input_output": "{no"}, 8, shape).problem


@pytest.mark.parametrize("suffix", [".jsonl", ".jsonl.gz", ".json", ".parquet", ".arrow"])
def test_rows_are_read_from_every_kind_of_file(suffix: str, tmp_path: Path) -> None:
    rows = [{"id": f"r{at}", "text": "ü"} for at in range(150)]
    path = tmp_path / f"data{suffix}"
    lines = "".join(json.dumps(row) + "\n" for row in rows).encode()
    if suffix == ".jsonl":
        path.write_bytes(lines)
    elif suffix == ".jsonl.gz":
        path.write_bytes(gzip.compress(lines))
    elif suffix == ".json":
        path.write_text(json.dumps(rows))
    else:
        import pyarrow as pa
        import pyarrow.parquet as pq

        table = pa.Table.from_pylist(rows)
        if suffix == ".parquet":
            pq.write_table(table, path, row_group_size=40)
        else:
            with pa.OSFile(str(path), "wb") as sink, pa.ipc.new_stream(sink, table.schema) as writer:
                writer.write_table(table)
    assert list(read_rows(path)) == list(enumerate(rows, start=1))
    assert len(digest_of(path)) == 64


@pytest.mark.parametrize(
    ("name", "data", "words"),
    [
        ("data.csv", b"a,b\n", "must end in one of"),
        ("data.jsonl", b"[1]\n", "must be a JSON object"),
        ("data.json", b"[1]", "row 1 must be a JSON object"),
        ("data.json", b"[{", "cannot be read"),
        ("data.parquet", b"PAR1 nothing", "cannot be read"),
        ("data.jsonl.gz", b"no gzip", "cannot be read"),
    ],
)
def test_what_cannot_be_read_is_an_error_with_its_place(
    name: str, data: bytes, words: str, tmp_path: Path
) -> None:
    path = tmp_path / name
    path.write_bytes(data)
    with pytest.raises(UserError, match=words):
        list(read_rows(path))
