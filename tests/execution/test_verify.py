"""Programs and tests in, verdicts out: right verdicts, every row once, in bounded memory, from anywhere."""

import asyncio
import itertools
import json
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

import pytest

from synth.execution.local.sandbox import LocalSandbox
from synth.records import ExecutionRequest, Limits, Observation, Outcome, Phase
from synth.verify.answers import VerifyResult
from synth.verify.row_files import given_entries
from synth.verify.rows import RowError
from synth.verify.verify import check_entries, verify, verify_entries
from tests.builders import Run

ADD = {"kind": "function", "entry_point": "add", "signature": "(int, int) -> int"}
CASES = [{"input": [1, 2], "output": 3}, {"input": [-5, 5], "output": 0}]
SUM = {"kind": "stdio", "cases": [{"stdin": "1 2\n", "stdout": "3\n"}, {"stdin": "4 4\n", "stdout": "8"}]}


def function_row(identity: str, code: str, **other: object) -> dict[str, object]:
    return {"id": identity, "language": "python", "code": code, "tests": {**ADD, "cases": CASES}, **other}


def stdio_row(identity: str, code: str) -> dict[str, object]:
    return {"id": identity, "language": "python", "code": code, "tests": SUM}


ROWS: list[tuple[dict[str, object], Outcome]] = [
    (function_row("right", "def add(a, b):\n    return a + b\n"), Outcome.PASS),
    (function_row("wrong", "def add(a, b):\n    return a - b\n"), Outcome.WRONG_ANSWER),
    (function_row("float", "def add(a, b):\n    return float(a + b)\n"), Outcome.WRONG_ANSWER),
    (function_row("raises", "def add(a, b):\n    return 1 // (a + b)\n"), Outcome.RUNTIME_ERROR),
    (function_row("leaves", "import sys\nsys.exit(0)\n"), Outcome.RUNTIME_ERROR),
    (function_row("empty", ""), Outcome.RUNTIME_ERROR),
    (function_row("nul", "\0"), Outcome.PARSE_ERROR),
    (function_row("broken", "def add(a, b:\n"), Outcome.PARSE_ERROR),
    (
        function_row("hangs", "def add(a, b):\n    while True: pass\n", limits={"cpu_s": 0.3, "wall_s": 20}),
        Outcome.TIMEOUT,
    ),
    (function_row("long", "#" * (5 << 20)), Outcome.PARSE_ERROR),
    (stdio_row("prints", "print(sum(map(int, input().split())))\n"), Outcome.PASS),
    (
        stdio_row("prints more", "print(sum(map(int, input().split())))\nprint()\nprint('x')\n"),
        Outcome.WRONG_ANSWER,
    ),
    (stdio_row("prints nothing", ""), Outcome.WRONG_ANSWER),
    (
        {
            "id": 7,
            "language": "python",
            "code": "x = 1\n",
            "tests": {"kind": "script", "script": "assert x == 1"},
        },
        Outcome.PASS,
    ),
    (
        {
            "id": 8,
            "language": "python",
            "code": "x = 1\n",
            "tests": {"kind": "script", "script": "assert x == 2"},
        },
        Outcome.WRONG_ANSWER,
    ),
]


@pytest.fixture(scope="module")
def found(local_sandbox: LocalSandbox, tmp_path_factory: pytest.TempPathFactory) -> dict[str, VerifyResult]:
    """All rows by a call of three lines; `local_sandbox` skips where there is no isolation."""
    path = tmp_path_factory.mktemp("verify") / "rows.jsonl"
    path.write_text("".join(json.dumps(row) + "\n" for row, _ in ROWS))
    return {answer.id: answer for answer in verify(path)}


@pytest.mark.parametrize(("row", "verdict"), ROWS, ids=[str(row["id"]) for row, _ in ROWS])
def test_each_row_gets_its_verdict(
    row: dict[str, object], verdict: Outcome, found: dict[str, VerifyResult]
) -> None:
    answer = found[str(row["id"])]
    assert answer.verdict is verdict, answer
    assert answer.reason or verdict is Outcome.PASS


def test_an_answer_says_what_it_stands_on(
    found: dict[str, VerifyResult], local_sandbox: LocalSandbox
) -> None:
    right, wrong = found["right"], found["wrong"]
    assert (right.passed, right.total, right.row, right.trust) == (2, 2, 1, "T2")
    assert right.level == local_sandbox.level  # also while another sandbox of this process is open
    assert right.toolchain.startswith("python")
    assert 0 < right.cpu_s < 5
    assert [(case.passed, case.found) for case in wrong.cases] == [(False, "-1"), (False, "-10")]
    assert [case.found for case in found["prints"].cases] == ["3\n", "8\n"]


def test_answers_are_the_same_inside_a_running_loop(local_sandbox: LocalSandbox, run: Run[Any]) -> None:
    async def inside() -> list[VerifyResult]:
        return list(verify([ROWS[0][0]]))

    assert [answer.verdict for answer in run(inside())] == [Outcome.PASS]


def test_values_without_types_are_compared_as_json_compares_them(local_sandbox: LocalSandbox) -> None:
    tests = {
        "kind": "function",
        "entry_point": "f",
        "signature": "(any) -> any",
        "cases": [{"input": [3], "output": [3, 1.5, {"1": 2}]}],
    }
    programs = ["return (x, 1.5, {1: 2.0})", "return [x, 1.5, {'1': 3}]", "return [True, 1.5, {1: 2}]"]
    rows = [
        {"id": n, "language": "python", "code": f"def f(x): {body}", "tests": tests}
        for n, body in enumerate(programs)
    ]
    answers = {answer.id: answer.verdict for answer in verify(rows)}
    assert answers == {"0": Outcome.PASS, "1": Outcome.WRONG_ANSWER, "2": Outcome.WRONG_ANSWER}


def test_a_missing_toolchain_is_a_verdict(
    local_sandbox: LocalSandbox, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("synth.execution.local.sandbox.find_toolchain", lambda name: None)
    (answer,) = verify([ROWS[0][0]])
    assert answer.verdict is Outcome.TOOLCHAIN_MISSING
    assert "apt-get install" in answer.reason


# --- what holds for any sandbox: one that answers from nothing but the request ---


class Echo:
    """Every function call returns 3. Counts what it was given, and how many requests were under way at
    once."""

    level = "echo"

    def __init__(self) -> None:
        self.sizes: list[int] = []
        self.seen: list[str] = []
        self.under_way = self.most = 0
        self.closed = False

    async def start(self) -> None:
        return

    async def toolchain(self, language: str) -> str:
        return ""

    async def execute(self, requests: Sequence[ExecutionRequest], turn: int = 0) -> list[Observation]:
        self.sizes.append(len(requests))
        self.seen += [request.id for request in requests]
        self.under_way += len(requests)
        self.most = max(self.most, self.under_way)
        await asyncio.sleep(0)
        self.under_way -= len(requests)
        return [
            Observation(request_id=request.id, language=request.language, phase=Phase.COMPILE)
            for request in requests
        ]

    async def close(self) -> None:
        self.closed = True


def endless(made: list[int]) -> Iterator[dict[str, object]]:
    for number in itertools.count(1):
        made.append(number)
        yield function_row(str(number), "def add(a, b): return a + b")


def test_rows_are_taken_only_as_they_are_needed() -> None:
    made: list[int] = []
    sandbox = Echo()
    answers = verify(endless(made), sandbox=sandbox)
    first = list(itertools.islice(answers, 5))
    answers.close()  # type: ignore[attr-defined]  # a generator
    assert len(first) == 5
    assert len(made) < 2000
    assert sandbox.most <= 64
    assert sandbox.closed


def test_a_sandbox_that_wants_many_at_once_is_given_many() -> None:
    sandbox = Echo()
    rows = [function_row(str(n), "x") for n in range(250)]
    assert len(list(verify(rows, sandbox=sandbox, batch=100))) == 250
    assert sorted(sandbox.sizes) == [50, 100, 100]


def test_with_a_file_of_answers_no_row_is_run_twice(tmp_path: Path) -> None:
    rows = [function_row(str(n), "x") for n in range(40)]
    first, second = Echo(), Echo()
    for answer in verify(rows[:25], tmp_path / "out", sandbox=first):
        assert f'"row": {answer.row},' in (tmp_path / "out").read_text()
    assert len(list(verify(rows, tmp_path / "out", sandbox=second))) == 15
    assert sorted(map(int, first.seen + second.seen)) == list(range(40))
    assert len((tmp_path / "out").read_text().splitlines()) == 40


def test_other_limits_are_other_rows(tmp_path: Path) -> None:
    rows = [function_row("a", "x")]
    list(verify(rows, tmp_path / "out", sandbox=Echo()))
    with pytest.raises(Exception, match="belongs to another row"):
        list(verify(rows, tmp_path / "out", limits=Limits(cpu_s=1), sandbox=Echo()))


def test_a_bad_row_ends_the_call_and_keeps_what_is_done(tmp_path: Path) -> None:
    rows = [function_row("a", "x"), function_row("b", "x", language="klingon")]
    sandbox = Echo()
    with pytest.raises(RowError, match="row 2"):
        list(verify(rows, tmp_path / "out", sandbox=sandbox))
    assert sandbox.closed


def test_bad_rows_can_be_left_out_and_are_said() -> None:
    left_out: list[RowError] = []
    rows = [function_row("a", "x"), function_row("b", "x", language="klingon"), function_row("c", "x")]
    answers = verify_entries(given_entries(rows, ""), Echo(), Limits(), None, left_out.append)
    assert sorted(answer.id for answer in answers) == ["a", "c"]
    assert "row 2" in str(left_out[0])


def test_checking_counts_every_row_and_names_the_first_bad_ones() -> None:
    rows = (function_row(str(n), "x", language="python" if n % 2 else "klingon") for n in range(100))
    count, errors = check_entries(given_entries(rows, ""), Limits())
    assert count == 100
    assert len(errors) == 20
