"""Gold, wrong, hanging, crashing and broken programs of each language get the verdict that they deserve."""

from typing import Any

import pytest

from synth.execution.local.sandbox import LocalSandbox
from synth.execution.verdict import judge
from synth.languages.registry import all_languages, get_language
from synth.languages.spec import Language
from synth.records import (
    Case,
    EvidenceRank,
    ExecutionRequest,
    FunctionCall,
    FunctionContract,
    Limits,
    Outcome,
    StdioCall,
    StdioContract,
    TestSuite,
)
from tests.builders import Run
from tests.languages.toolchains import need

LANGUAGES = [language.name for language in all_languages()]
LIMITS = Limits(cpu_s=2, wall_s=20, memory_mb=256)


def sample_programs(language: Language) -> dict[Outcome, str]:
    """The samples of the language's module, by the verdict that each deserves."""
    samples = language.samples
    programs = {
        Outcome.WRONG_ANSWER: samples.wrong,
        Outcome.TIMEOUT: samples.hanging,
        Outcome.RUNTIME_ERROR: samples.crashing,
        Outcome.COMPILE_ERROR: samples.refused,
        Outcome.MEMORY_LIMIT: samples.greedy,
        Outcome.PARSE_ERROR: samples.broken if language.has_parse_check else "",
    }
    return {outcome: code for outcome, code in programs.items() if code}


@pytest.mark.parametrize("language", [name for name in LANGUAGES if get_language(name).driver])
def test_every_kind_of_program_gets_its_verdict(
    language: str, local_sandbox: LocalSandbox, run: Run[Any]
) -> None:
    need(language)
    gold = get_language(language).gold
    assert gold is not None
    programs = {Outcome.PASS: gold.code, **sample_programs(get_language(language))}
    contract = FunctionContract(entry_point=gold.entry_point, signature=gold.signature)
    suite = TestSuite(
        task_id="t",
        contract=contract,
        cases=(Case(arguments=gold.arguments, expected="i6"),),
        rank=EvidenceRank.EXAMPLES,
    )
    call = FunctionCall(entry_point=gold.entry_point, signature=gold.signature, arguments=(gold.arguments,))
    requests = [
        ExecutionRequest(id=str(o), language=language, code=code, call=call, limits=LIMITS)
        for o, code in programs.items()
    ]
    observations = run(local_sandbox.execute(requests))
    verdicts = {wanted: judge(o, suite, "s") for wanted, o in zip(programs, observations, strict=True)}
    found = {wanted: verdict.outcome for wanted, verdict in verdicts.items()}
    assert found == {wanted: wanted for wanted in programs}, [
        verdict.first_failure for verdict in verdicts.values()
    ]


@pytest.mark.parametrize("language", LANGUAGES)
def test_the_hello_program_reads_stdin_and_prints_the_sum(
    language: str, local_sandbox: LocalSandbox, run: Run[Any]
) -> None:
    need(language)
    call = StdioCall(stdins=("1 2 3\n", "40 2\n"))
    request = ExecutionRequest(
        id="r", language=language, code=get_language(language).hello, call=call, limits=Limits(cpu_s=10)
    )
    observation = run(local_sandbox.execute([request]))[0]
    cases = (Case(arguments=("1 2 3\n",), expected="6\n"), Case(arguments=("40 2\n",), expected="42\n"))
    suite = TestSuite(task_id="t", contract=StdioContract(), cases=cases, rank=EvidenceRank.EXAMPLES)
    assert judge(observation, suite, "s").outcome is Outcome.PASS, observation


@pytest.mark.parametrize("language", [name for name in LANGUAGES if not get_language(name).driver])
def test_every_kind_of_stdin_program_gets_its_verdict(
    language: str, local_sandbox: LocalSandbox, run: Run[Any]
) -> None:
    need(language)
    programs = {Outcome.PASS: get_language(language).hello, **sample_programs(get_language(language))}
    suite = TestSuite(
        task_id="t",
        contract=StdioContract(),
        cases=(Case(arguments=("1 2 3\n",), expected="6\n"),),
        rank=EvidenceRank.EXAMPLES,
    )
    call = StdioCall(stdins=("1 2 3\n",))
    limits = Limits(cpu_s=2, wall_s=60, memory_mb=256)
    requests = [
        ExecutionRequest(id=str(o), language=language, code=code, call=call, limits=limits)
        for o, code in programs.items()
    ]
    verdicts = [judge(o, suite, "s") for o in run(local_sandbox.execute(requests))]
    found = dict(zip(programs, [verdict.outcome for verdict in verdicts], strict=True))
    assert found == {wanted: wanted for wanted in programs}, [verdict.first_failure for verdict in verdicts]
