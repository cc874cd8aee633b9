# ruff: noqa: E501  # programs are data: one a line
"""Gold, wrong, hanging, crashing and broken programs of each language get the verdict that they deserve."""

from typing import Any

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
    StdioCall,
    StdioContract,
    TestSuite,
)
from tests.builders import Run
from tests.languages.toolchains import need

LANGUAGES = [language.name for language in all_languages()]
LIMITS = Limits(cpu_s=2, wall_s=20, memory_mb=256)
PROGRAMS: dict[str, dict[Outcome, str]] = {
    "python": {
        Outcome.WRONG_ANSWER: "def solve(xs):\n    return len(xs)\n",
        Outcome.TIMEOUT: "def solve(xs):\n    while True:\n        pass\n",
        Outcome.RUNTIME_ERROR: "def solve(xs):\n    return xs[99]\n",
        Outcome.PARSE_ERROR: "def solve(xs)\n    return 1\n",
        Outcome.MEMORY_LIMIT: "def solve(xs):\n    return len([0] * 10**10)\n",
    },
    "javascript": {
        Outcome.WRONG_ANSWER: "function solve(xs) { return xs.length; }",
        Outcome.TIMEOUT: "function solve(xs) { while (true) {} }",
        Outcome.RUNTIME_ERROR: "function solve(xs) { return xs.nothing.here; }",
        Outcome.PARSE_ERROR: "function solve(xs) { return ",
        Outcome.MEMORY_LIMIT: "function solve(xs) { const a = []; while (true) a.push(new Array(1000).fill(1)); }",
    },
    "java": {
        Outcome.WRONG_ANSWER: "static long solve(List<Long> xs) { return xs.size(); }",
        Outcome.TIMEOUT: "static long solve(List<Long> xs) { while (true) {} }",
        Outcome.RUNTIME_ERROR: "static long solve(List<Long> xs) { return xs.get(99); }",
        Outcome.PARSE_ERROR: "static long solve(List<Long> xs) { return 1 ",
        Outcome.COMPILE_ERROR: "static long solve(List<Long> xs) { return nothing; }",
        Outcome.MEMORY_LIMIT: "static long solve(List<Long> xs) { List<long[]> a = new ArrayList<>(); while (true) a.add(new long[100000]); }",
    },
    "cpp": {
        Outcome.WRONG_ANSWER: "long long solve(vector<long long> xs) { return xs.size(); }",
        Outcome.TIMEOUT: "long long solve(vector<long long> xs) { volatile int x = 0; while (true) x = x + 1; }",
        Outcome.RUNTIME_ERROR: "long long solve(vector<long long> xs) { return xs[99]; }",
        Outcome.PARSE_ERROR: "long long solve(vector<long long> xs) { return 1 ",
        Outcome.COMPILE_ERROR: "long long solve(vector<long long> xs) { return nothing; }",
        Outcome.MEMORY_LIMIT: "long long solve(vector<long long> xs) { vector<vector<int>> a; while (true) a.emplace_back(1000000, 1); }",
    },
}


SAMPLED = [language.name for language in all_languages() if language.samples is not None]


def sample_programs(language: str) -> dict[Outcome, str]:
    """The samples of the language's module, by the verdict that each deserves."""
    spoken = get_language(language)
    assert spoken.samples is not None
    samples = spoken.samples
    programs = {
        Outcome.WRONG_ANSWER: samples.wrong,
        Outcome.TIMEOUT: samples.hanging,
        Outcome.RUNTIME_ERROR: samples.crashing,
    }
    if spoken.grammar or spoken.check:
        programs[Outcome.PARSE_ERROR] = samples.broken
    if samples.refused:
        programs[Outcome.COMPILE_ERROR] = samples.refused
    return programs


@pytest.mark.parametrize("language", [name for name in LANGUAGES if get_language(name).driver])
def test_every_kind_of_program_gets_its_verdict(
    language: str, local_sandbox: LocalSandbox, run: Run[Any]
) -> None:
    need(language)
    gold = get_language(language).gold
    assert gold is not None
    programs = {Outcome.PASS: gold.code, **(PROGRAMS.get(language) or sample_programs(language))}
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


@pytest.mark.parametrize("language", [name for name in SAMPLED if not get_language(name).driver])
def test_every_kind_of_stdin_program_gets_its_verdict(
    language: str, local_sandbox: LocalSandbox, run: Run[Any]
) -> None:
    need(language)
    programs = {Outcome.PASS: get_language(language).hello, **sample_programs(language)}
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


@pytest.mark.parametrize(
    "language", [name for name in LANGUAGES if get_language(name).grammar or get_language(name).check]
)
def test_gold_and_hello_parse_and_broken_text_does_not(language: str) -> None:
    spoken = get_language(language)
    assert spoken.parse_error(spoken.hello) is None
    assert spoken.gold is None or language == "java" or spoken.parse_error(spoken.gold.code) is None
    broken = (
        spoken.samples.broken
        if spoken.samples
        else {"bash": "if true; then ("}.get(language, "function ) { (")
    )
    assert spoken.parse_error(broken) is not None


def test_names_and_aliases_are_unique() -> None:
    names = [name for language in all_languages() for name in (language.name, *language.aliases)]
    assert len(names) == len(set(names))
    assert all(name == name.lower() for name in names)


def test_an_unknown_language_names_the_nearest() -> None:
    with pytest.raises(KeyError, match="write python"):
        get_language("pyhton")
    assert get_language("JS").name == "javascript"
