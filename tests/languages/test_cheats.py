"""Programs that try to be taken for correct ones without computing the answer. None may pass, and the honest
one beside them does."""

from typing import Any, Final

import pytest

from synth.execution.local.sandbox import LocalSandbox
from synth.execution.verdict import judge
from synth.languages.registry import all_languages, get_language
from synth.records import (
    Case,
    EvidenceRank,
    ExecutionRequest,
    FunctionCall,
    FunctionContract,
    Limits,
    Outcome,
    TestSuite,
    Verdict,
)
from tests.builders import Run
from tests.languages.cheat_files import LANGUAGES, cheats_of, read_cheats
from tests.languages.toolchains import need

DRIVEN: Final = [language.name for language in all_languages() if language.driver]
DEEP: Final = frozenset(
    "python javascript typescript java c cpp go rust csharp kotlin ruby php perl lua".split()
)
SIGNATURE: Final = "(int) -> int"
INPUTS: Final = tuple((f"i{n}",) for n in range(1, 7))
SUITE: Final = TestSuite(
    task_id="t",
    contract=FunctionContract(entry_point="solve", signature=SIGNATURE),
    cases=tuple(Case(arguments=row, expected=f"i{(n + 1) * (n + 1) + 7}") for n, row in enumerate(INPUTS)),
    rank=EvidenceRank.REFERENCE,
)
"""The function to write is x * x + 7."""


def verdicts_of(
    language: str, programs: dict[str, str], sandbox: LocalSandbox, run: Run[Any]
) -> dict[str, Verdict]:
    """The verdict of each program, by its name."""
    call = FunctionCall(entry_point="solve", signature=SIGNATURE, arguments=INPUTS)
    limits = Limits(cpu_s=3, wall_s=60)
    requests = [
        ExecutionRequest(id=name, language=language, code=code, call=call, limits=limits)
        for name, code in programs.items()
    ]
    return {o.request_id: judge(o, SUITE, "s") for o in run(sandbox.execute(requests))}


@pytest.mark.parametrize("language", DRIVEN)
def test_only_the_honest_program_is_accepted(
    language: str, local_sandbox: LocalSandbox, run: Run[Any]
) -> None:
    need(language)
    verdicts = verdicts_of(
        language, {"honest": get_language(language).samples.honest, **cheats_of(language)}, local_sandbox, run
    )
    accepted = [name for name, verdict in verdicts.items() if verdict.outcome is Outcome.PASS]
    assert accepted == ["honest"], verdicts["honest"].first_failure
    faults = {
        name: verdict.first_failure
        for name, verdict in verdicts.items()
        if verdict.outcome is Outcome.INFRASTRUCTURE
    }
    assert faults == {}


@pytest.mark.parametrize("language", DRIVEN)
def test_every_driven_language_has_cheats_and_the_programs_beside_them(language: str) -> None:
    assert len(cheats_of(language)) >= (30 if language in DEEP else 6)
    samples = get_language(language).samples
    assert samples.identity
    assert samples.honest


def test_every_file_of_cheats_belongs_to_a_driven_language() -> None:
    assert {path.parent.name for path in LANGUAGES.glob("*/cheats.txt")} <= set(DRIVEN)
    assert set(DRIVEN) >= DEEP


def test_a_forged_line_on_the_channel_is_a_violation(local_sandbox: LocalSandbox, run: Run[Any]) -> None:
    name = "forged lines without the nonce"
    verdicts = verdicts_of("python", {name: cheats_of("python")[name]}, local_sandbox, run)
    assert verdicts[name].outcome is Outcome.VIOLATION


@pytest.mark.parametrize(
    ("language", "name"),
    [
        ("csharp", "abort"),
        ("perl", "abort"),
        ("rust", "abort"),
        ("php", "a crash of the interpreter"),
        ("ruby", "a crash of the interpreter"),
    ],
)
def test_a_crash_is_a_runtime_error_whatever_the_runtime_does_about_it(
    language: str, name: str, local_sandbox: LocalSandbox, run: Run[Any]
) -> None:
    need(language)
    verdict = verdicts_of(language, {name: cheats_of(language)[name]}, local_sandbox, run)[name]
    assert verdict.outcome is Outcome.RUNTIME_ERROR, verdict.first_failure


def test_a_program_stands_under_its_heading_without_escapes() -> None:
    assert read_cheats("=== one\na = '\\n'\n\nb === c\n\n=== two\n") == {
        "one": "a = '\\n'\n\nb === c\n",
        "two": "",
    }


@pytest.mark.parametrize(
    "text", ["", "a program\n", "a program\n=== one\nb\n", "=== one\na\n=== one\nb\n", "=== \na\n"]
)
def test_a_file_of_cheats_without_a_heading_or_with_one_twice_is_an_error(text: str) -> None:
    with pytest.raises(ValueError, match=r"heading|must start"):
        read_cheats(text)
