"""Rows that cannot be judged are refused with place and fix; the others become requests without expected
values."""

import json
from typing import Any

import pytest

from synth.records import FunctionCall, Limits, ScriptCall, ScriptContract, StdioCall
from synth.verify.rows import END_REACHED, RowError, prepare, read_row

ADD = {
    "kind": "function",
    "entry_point": "add",
    "signature": "(int, int) -> int",
    "cases": [{"input": [1, 2], "output": 3}],
}
STDIO = {"kind": "stdio", "cases": [{"stdin": "1 2\n", "stdout": "3\n"}]}
SCRIPT = {"kind": "script", "script": "assert add(1, 2) == 3"}


def row(tests: dict[str, Any], **other: object) -> dict[str, object]:
    return {
        "id": "a1",
        "language": "python",
        "code": "def add(a, b):\n    return a + b\n",
        "tests": tests,
        **other,
    }


def refusal(value: object) -> str:
    with pytest.raises(RowError) as caught:
        prepare(read_row(value, "rows.jsonl:7"), "rows.jsonl:7", Limits())
    assert caught.value.exit_code == 2
    assert all(problem.where.startswith("rows.jsonl:7") for problem in caught.value.problems)
    return str(caught.value)


def test_the_three_kinds_become_requests_of_their_own_trust() -> None:
    function, stdio, script = (
        prepare(read_row(row(tests), "r"), "r", Limits()) for tests in (ADD, STDIO, SCRIPT)
    )
    assert (function.trust, stdio.trust, script.trust) == ("T2", "T1", "T3")
    assert isinstance(function.request.call, FunctionCall)
    assert function.request.call.arguments == (("i1", "i2"),)
    assert [case.expected for case in function.suite.cases] == ["i3"]
    assert stdio.request.call == StdioCall(stdins=("1 2\n",))
    assert script.request.call == ScriptCall(script="assert add(1, 2) == 3")


def test_a_script_is_a_contract_of_its_own_whose_one_case_is_its_end() -> None:
    suite = prepare(read_row(row(SCRIPT), "r"), "r", Limits()).suite
    assert suite.contract == ScriptContract(script="assert add(1, 2) == 3")
    assert suite.cases == (END_REACHED,)


def test_a_case_may_ask_for_an_error() -> None:
    cases = [{"input": [1, 2], "output": 3}, {"input": [0, 0], "raises": "ValueError"}]
    suite = prepare(read_row(row({**ADD, "cases": cases}), "r"), "r", Limits()).suite
    assert [(case.expected, case.raises) for case in suite.cases] == [("i3", ""), ("", "ValueError")]


def test_a_request_holds_no_expected_value() -> None:
    tests = {**ADD, "cases": [{"input": [1, 2], "output": 987654321}]}
    assert "987654321" not in prepare(read_row(row(tests), "r"), "r", Limits()).request.model_dump_json()


def test_a_row_may_have_limits_of_its_own() -> None:
    prepared = prepare(read_row(row(ADD, limits={"cpu_s": 1, "wall_s": 9}), "r"), "r", Limits(cpu_s=3))
    assert prepared.request.limits == Limits(cpu_s=1, wall_s=9)


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("memory_mb", 1 << 20),
        ("output_bytes", 1 << 30),
        ("processes", 4096),
        ("cpu_s", 3600),
        ("wall_s", 36000),
        ("file_bytes", 1 << 34),
        ("stack_mb", 256),
    ],
)
def test_a_row_may_not_raise_the_limits_of_the_command_unless_it_is_allowed_to(name: str, value: int) -> None:
    greedy = read_row(row(ADD, limits={name: value}), "rows.jsonl:7")
    with pytest.raises(RowError, match=rf"limits\.{name} = {value}.*\n.*must be at most .*\n.*--row-limits"):
        prepare(greedy, "rows.jsonl:7", Limits())
    allowed = prepare(greedy, "rows.jsonl:7", Limits(), row_limits=True)
    assert getattr(allowed.request.limits, name) == value


def test_what_a_rows_limits_do_not_say_the_command_says() -> None:
    prepared = prepare(
        read_row(row(ADD, limits={"memory_mb": 100}), "r"), "r", Limits(cpu_s=3, output_bytes=2048)
    )
    assert prepared.request.limits == Limits(cpu_s=3, output_bytes=2048, memory_mb=100)


def test_a_long_cpu_limit_is_not_cut_short_by_the_wall_limit_that_nobody_set() -> None:
    assert Limits(cpu_s=60).wall_s == 600
    assert Limits(cpu_s=3600).wall_s == 36000
    assert Limits(cpu_s=1).wall_s == 50
    assert Limits(cpu_s=60, wall_s=61).wall_s == 61


BAD: list[tuple[object, tuple[str, ...]]] = [
    (row(ADD, language="pyhton"), ("language 'pyhton'", "write python")),
    (
        row({**ADD, "cases": [{"input": [1], "output": 3}]}),
        ("cases.0: input\n  must have 2 values for (int, int) -> int, but has 1",),
    ),
    (row({**ADD, "cases": [{"input": [1, "2"], "output": 3}]}), ("cases.0.input[1] = '2'", "must be int")),
    (row({**ADD, "cases": [{"input": [1, 2], "output": None}]}), ("cases.0.output = 'None'", "must be int")),
    (row({**ADD, "signature": "(int) -> whole"}), ("signature", "'whole'")),
    (row({**ADD, "entry_point": "add;"}), ("entry_point = 'add;'", "name of a function")),
    (row({**ADD, "entry_point": "größe"}), ("entry_point = 'größe'", "name of a function")),
    (row({**ADD, "entry_point": ""}), ("entry_point = ''", "name of a function")),
    (row({**ADD, "entry_point": "a.b"}), ("entry_point = 'a.b'", "name of a function")),
    (row({**ADD, "signature": ""}), ("signature = ''", "write a signature such as")),
    (row({**ADD, "signature": "(int, int)"}), ("signature = '(int, int)'", "write a signature such as")),
    (row({**ADD, "signature": "(list[int, int]) -> int"}), ("signature",)),
    (
        row({**ADD, "cases": [{"input": [1, 2, 3], "output": 3}]}),
        ("cases.0: input\n  must have 2 values", "but has 3", "give one value per parameter"),
    ),
    (row({**ADD, "cases": [{"input": 1, "output": 3}]}), ("cases.0.input = '1'", "must be a valid list")),
    (row({**ADD, "cases": [{"input": [1, 2]}]}), ("cases.0.output", "is missing")),
    (row({**ADD, "cases": [{"input": [1, 2], "output": 3, "raises": "E"}]}), ("do not go together",)),
    (row({**ADD, "cases": [{"input": [1, 2], "raises": "E"}]}), ("only fails would pass", "add one")),
    (
        row(
            {**ADD, "cases": [{"input": [1, 2], "output": 3}, {"input": [0, 0], "raises": "E"}]}, language="c"
        ),
        ("tests.cases.1.raises", "cannot end in an error"),
    ),
    (row({**ADD, "cases": [{"input": [1, 2.5], "output": 3}]}), ("cases.0.input[1] = '2.5'", "must be int")),
    (
        row({**ADD, "cases": [{"input": [1, True], "output": 3}]}),
        ("cases.0.input[1] = 'True'", "must be int"),
    ),
    (
        row({**ADD, "cases": [{"input": [1, 2], "output": 3}, {"input": [1, [2]], "output": 3}]}),
        ("cases.1.input[1]", "must be int"),
    ),
    (row({**ADD, "cases": []}), ("cases = []", "must contain at least one case")),
    (row({"kind": "script", "script": " \n"}), ("tests.script = ''", "must contain at least one test")),
    (row({**STDIO, "cases": []}), ("cases = []",)),
    (row({"kind": "asserts"}), ("tests", "'function', 'stdio', 'script'")),
    (
        row(ADD, limits={"cpu_s": 0}),
        ("limits.cpu_s = '0'", "must be greater than 0", 'for example "cpu_s": 5.0'),
    ),
    (row(ADD, limits={"cpu_s": -1}), ("limits.cpu_s = '-1'", "must be greater than 0")),
    (row(ADD, limits={"cpu_s": 10**12}), ("limits.cpu_s", "must be less than or equal to 3600")),
    (row(ADD, limits={"wall_s": float("inf")}), ("limits.wall_s = 'inf'", "must be a finite number")),
    (
        row(ADD, limits={"memory_mb": 1}),
        ("limits.memory_mb = '1'", "must be greater than or equal to 64", '"memory_mb": 512'),
    ),
    (row(ADD, limits={"memory_mb": 10**12}), ("limits.memory_mb", "less than or equal")),
    (row(ADD, limits={"cpu_s": "nan"}), ("limits.cpu_s", "must be a finite number")),
    (row(ADD, limits={"processes": 0}), ("limits.processes = '0'", "must be greater than or equal to 1")),
    (row(ADD, limits={"file_bytes": -1}), ("limits.file_bytes = '-1'", "must be greater than or equal to 0")),
    (row(ADD, limits={"cpu": 1}), ("limits.cpu = '1'", "is not a known field")),
    (row(ADD, language="bash"), ("tests.kind = 'function'", "no driver")),
    (row({**ADD, "signature": "(any, int) -> int"}, language="cpp"), ("signature", "C++")),
    (row(ADD, tsets={}), ("tsets", "is not a known field")),
    ({"id": "x"}, ("language", "code", "tests")),
    ([1], ("row",)),
]


@pytest.mark.parametrize(("value", "words"), BAD)
def test_a_row_that_cannot_be_judged_is_refused_with_the_place(value: object, words: tuple[str, ...]) -> None:
    message = refusal(value)
    assert all(word in message for word in words), message


def test_values_nested_too_deeply_are_refused() -> None:
    value: object = 1
    for _ in range(900):
        value = [value]
    deep = row({**ADD, "signature": "(any) -> int", "cases": [{"input": [value], "output": 1}]})
    try:
        prepare(read_row(deep, "rows.jsonl:7"), "rows.jsonl:7", Limits())
    except RowError as error:
        assert "rows.jsonl:7" in str(error)  # both ends are right, a traceback is not


def test_surrogates_and_nul_in_programs_are_kept() -> None:
    code = json.loads('"# \\ud800 \\u0000"')
    assert prepare(read_row({**row(ADD), "code": code}, "r"), "r", Limits()).request.code == code
