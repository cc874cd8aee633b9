"""The proof of script suites: one that accepts a program that solves nothing makes no row right."""

import json
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Any, Final

import pytest

from synth.execution.local.sandbox import LocalSandbox
from synth.languages.registry import all_languages, get_language
from synth.records import ExecutionRequest, Limits, Observation, Outcome
from synth.verify.stubs import stub_pairs
from synth.verify.verify import verify
from tests.cpu_time import cpu_time
from tests.execution.planted_suites import PLANTED
from tests.languages.toolchains import need

LIMITS: Final = Limits(cpu_s=20, wall_s=200)
VACUOUS: Final = "assert isinstance(twice(3), int)\n"
SOUND: Final = "assert twice(3) == 6\n"
RIGHT: Final = "def twice(x):\n    return x + x\n"
WRONG: Final = "def twice(x):\n    return 'x'\n"


def script_row(code: str, script: str, language: str = "python", identity: str = "a") -> dict[str, Any]:
    return {
        "id": identity,
        "language": language,
        "code": code,
        "tests": {"kind": "script", "script": script},
    }


@pytest.mark.parametrize("language", sorted(PLANTED))
def test_every_suite_that_tests_nothing_is_vacuous(language: str, local_sandbox: LocalSandbox) -> None:
    need(language)
    programs = get_language(language).samples.script
    assert programs is not None
    suites = {
        kind: suite if isinstance(suite, tuple) else (programs.right, suite)
        for kind, suite in PLANTED[language].items()
    }
    rows = [script_row(code, script, language, kind) for kind, (code, script) in suites.items()]
    found = {answer.id: answer for answer in verify(rows, limits=LIMITS, sandbox=LocalSandbox(2))}
    assert {name: answer.verdict for name, answer in found.items()} == dict.fromkeys(suites, Outcome.VACUOUS)
    assert all(answer.accepts and answer.accepts[0] in answer.reason for answer in found.values())


@pytest.mark.parametrize("language", [one.name for one in all_languages() if one.samples.script])
def test_no_suite_that_tests_its_program_is_vacuous(language: str, local_sandbox: LocalSandbox) -> None:
    need(language)
    programs = get_language(language).samples.script
    assert programs is not None
    suites = [(programs.right, programs.script), *programs.forms.values()]
    rows = [script_row(code, script, language, str(at)) for at, (code, script) in enumerate(suites)]
    answers = list(verify(rows, limits=LIMITS, sandbox=LocalSandbox(2)))
    assert [(answer.verdict, answer.accepts) for answer in answers] == [(Outcome.PASS, ())] * len(rows)


def test_planted_suites_cover_twenty_languages() -> None:
    assert len(PLANTED) >= 20
    assert sum(map(len, PLANTED.values())) >= 60


def test_a_wrong_program_keeps_its_verdict_whatever_its_suite_is(local_sandbox: LocalSandbox) -> None:
    rows = [script_row(WRONG, VACUOUS), script_row(RIGHT, VACUOUS), script_row("def twice(:", VACUOUS)]
    found = {answer.row: (answer.verdict, answer.accepts) for answer in verify(rows)}
    assert found == {
        1: (Outcome.WRONG_ANSWER, ()),
        2: (Outcome.VACUOUS, ("a stub that returns wrong values",)),
        3: (Outcome.PARSE_ERROR, ()),
    }


@pytest.mark.parametrize(
    "script",
    ["assert twice(0) == 0\n", "assert twice(0) is not None and twice(3)\n", "assert twice('') == ''\n"],
)
def test_a_stub_that_is_right_by_chance_makes_no_suite_vacuous(
    script: str, local_sandbox: LocalSandbox
) -> None:
    (answer,) = verify([script_row(RIGHT, f"{script}assert not twice(0)\n")])
    assert (answer.verdict, answer.accepts) == (Outcome.PASS, ())


def test_switched_off_nothing_is_vacuous(local_sandbox: LocalSandbox) -> None:
    (answer,) = verify([script_row(RIGHT, VACUOUS)], proof=False)
    assert (answer.verdict, answer.accepts) == (Outcome.PASS, ())


class Counted(LocalSandbox):
    """Notes how many programs it was given."""

    asked = 0

    async def execute(self, requests: Sequence[ExecutionRequest], priority: int = 0) -> list[Observation]:
        self.asked += len(requests)
        return await super().execute(requests, priority)


def test_a_suite_is_proven_once_however_many_candidates_it_has(local_sandbox: LocalSandbox) -> None:
    counts = []
    for many in (1, 40):
        sandbox = Counted(2, remembered=256)
        rows = [script_row(f"# {n}\n{RIGHT}", SOUND, identity=str(n)) for n in range(many)]
        assert {answer.verdict for answer in verify(rows, sandbox=sandbox)} == {Outcome.PASS}
        counts.append(sandbox.asked - many)
    assert counts[0] == counts[1] > 0


def test_a_suite_without_a_right_program_costs_nothing(local_sandbox: LocalSandbox) -> None:
    sandbox = Counted(2)
    assert [answer.verdict for answer in verify([script_row(WRONG, SOUND)], sandbox=sandbox)] == [
        Outcome.WRONG_ANSWER
    ]
    assert sandbox.asked == 1


def test_a_proof_is_kept_on_disk_with_the_results(local_sandbox: LocalSandbox, tmp_path: Path) -> None:
    asked = []
    for _ in range(2):
        sandbox = Counted(2)
        (answer,) = verify([script_row(RIGHT, VACUOUS)], sandbox=sandbox, cache=tmp_path)
        assert answer.verdict is Outcome.VACUOUS
        asked.append(sandbox.asked)
    assert asked[0] > 1
    assert asked[1] == 0


def test_a_verify_that_goes_on_calls_the_same_rows_vacuous(
    local_sandbox: LocalSandbox, tmp_path: Path
) -> None:
    rows = [script_row(RIGHT, VACUOUS, identity=str(n)) for n in range(3)]
    whole = {answer.row: answer.line() for answer in verify(rows, tmp_path / "out")}
    lines = (tmp_path / "out").read_text().splitlines(keepends=True)
    (tmp_path / "out").write_text(lines[0])
    list(verify(rows, tmp_path / "out"))
    answers = [json.loads(line) for line in (tmp_path / "out").read_text().splitlines()]
    assert {one["row"]: (one["verdict"], one["accepts"]) for one in answers} == {
        row: (json.loads(line)["verdict"], json.loads(line)["accepts"]) for row, line in whole.items()
    }


@pytest.mark.parametrize(
    ("script", "words", "verdict", "code"),
    [
        (VACUOUS, (), "vacuous", 1),
        (VACUOUS, ("--no-proof",), "pass", 0),
        (SOUND, (), "pass", 0),
    ],
)
def test_the_commands_end_with_a_failure_where_a_suite_is_vacuous(
    script: str,
    words: tuple[str, ...],
    verdict: str,
    code: int,
    local_sandbox: LocalSandbox,
    tmp_path: Path,
) -> None:
    row = script_row(RIGHT, script)
    (tmp_path / "rows").write_text(json.dumps(row))
    (tmp_path / "tests").write_text(json.dumps(row["tests"]))
    (tmp_path / "twice.py").write_text(RIGHT)
    for command in (
        ("verify", f"{tmp_path}/rows", "-o", f"{tmp_path}/out"),
        ("exec", f"{tmp_path}/twice.py", "--tests", f"{tmp_path}/tests"),
    ):
        done = subprocess.run(
            [sys.executable, "-m", "posttrain.cli", *command, *words],
            capture_output=True,
            text=True,
            check=False,
        )
        assert done.returncode == code, done.stderr
        assert verdict in done.stdout + done.stderr


def test_stubs_keep_all_but_the_heads_of_functions() -> None:
    code = (
        "import math\nLIMIT = 3\n\nclass Box:\n    def __init__(self, n):\n        self.n = n\n\n"
        "    async def area(self, by=(1, 2)) -> int:\n        # why\n        return self.n\n"
    )
    first, *others = stub_pairs(get_language("python"), code)
    assert first.plain == code.replace("return self.n\n", "return self.n\n").replace(
        "        # why\n", "        # why\n        return 0;\n", 1
    )
    assert first.other == first.plain.replace("return 0;", "return 7919;")
    assert len(others) == 3
    assert stub_pairs(get_language("python"), "x = 1\n") == []


@pytest.mark.parametrize("language", [one.name for one in all_languages() if one.stubs])
@pytest.mark.parametrize(
    "bomb", ["def f(", "function f(", "fun f(x: ", "(", "int f(int ", "fn f(", "<", "a " * 50]
)
def test_heads_of_functions_are_found_in_bounded_time(language: str, bomb: str) -> None:
    with cpu_time() as used:
        stub_pairs(get_language(language), (bomb * 90_000)[:90_000])
    assert used.seconds < 10
