"""Of the programs that a language module names as cheats none passes, and the honest one beside them does."""

from collections.abc import Callable, Coroutine
from typing import Any, TypeVar

import pytest

from synth.execution.local import LocalSandbox
from synth.execution.verdict import judge
from synth.languages.registry import all_languages
from synth.languages.spec import Samples
from synth.records import Case, EvidenceRank, ExecutionRequest, FunctionCall, FunctionContract, Limits, Outcome, TestSuite
from tests.languages.toolchains import need

T = TypeVar("T")
Run = Callable[[Coroutine[Any, Any, T]], T]

SAMPLES: dict[str, Samples] = {language.name: language.samples for language in all_languages() if language.driver and language.samples}
SIGNATURE = "(int) -> int"
INPUTS = tuple((f"i{n}",) for n in range(1, 7))
SUITE = TestSuite(
    task_id="t",
    contract=FunctionContract(entry_point="solve", signature=SIGNATURE),
    cases=tuple(Case(arguments=row, expected=f"i{(n + 1) * (n + 1) + 7}") for n, row in enumerate(INPUTS)),
    rank=EvidenceRank.REFERENCE,
)
"""The function to write is x * x + 7."""


@pytest.mark.parametrize("language", SAMPLES)
def test_only_the_honest_program_is_accepted(language: str, local_sandbox: LocalSandbox, run: Run[Any]) -> None:
    need(language)
    programs = {"honest": SAMPLES[language].honest, **SAMPLES[language].cheats}
    call = FunctionCall(entry_point="solve", signature=SIGNATURE, arguments=INPUTS)
    limits = Limits(cpu_s=3, wall_s=60)
    requests = [ExecutionRequest(id=name, language=language, code=code, call=call, limits=limits) for name, code in programs.items()]
    verdicts = {o.request_id: judge(o, SUITE, "s") for o in run(local_sandbox.execute(requests))}
    accepted = [name for name, verdict in verdicts.items() if verdict.outcome is Outcome.PASS]
    assert accepted == ["honest"], verdicts["honest"].first_failure
    faults = {name: verdict.first_failure for name, verdict in verdicts.items() if verdict.outcome is Outcome.INFRASTRUCTURE}
    assert faults == {}


@pytest.mark.parametrize("language", SAMPLES)
def test_every_driven_language_brings_its_programs(language: str) -> None:
    samples = SAMPLES[language]
    assert all((samples.identity, samples.honest, samples.wrong, samples.hanging, samples.crashing, samples.broken))
    assert len(samples.cheats) >= 6
