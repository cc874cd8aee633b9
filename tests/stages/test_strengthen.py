"""The search for few, strong inputs: in the sandbox, on functions whose branches no drawn input reaches."""

from collections.abc import Callable, Coroutine, Sequence
from typing import Any, Literal

import pytest

from synth.config import InputsConfig
from synth.execution.local.sandbox import LocalSandbox
from synth.execution.scripted import ScriptedSandbox
from synth.execution.verdict import judge_cases
from synth.records import (
    CaseObservation,
    Example,
    ExecutionRequest,
    FunctionCall,
    FunctionContract,
    Limits,
    Observation,
    Outcome,
    Reference,
    Stop,
    TestSuite,
)
from synth.rules.domains import write_domains
from synth.rules.input_edits import Row
from synth.stages.inputs import written_rows
from synth.stages.running import SandboxFault
from synth.stages.strengthen import Strengthened, SuiteSearch
from synth.values import decode, encode
from tests.builders import build_observation

Ask = Callable[[Coroutine[Any, Any, Any]], Any]
HOST = '''def host_of(url: str, port: int = 80) -> str:
    """The host of a URL."""
    if port < 0:
        raise ValueError("the port is negative")
    if "://" not in url:
        url = "http://" + url
    scheme, rest = url.split("://", 1)
    host = rest.split("/")[0].split("@")[-1].lower()
    if scheme == "https" and port == 80:
        port = 443
    if host.startswith("www."):
        host = host[4:]
    if ":" in host:
        return host
    return f"{host}:{port}"
'''
CONTRACT = FunctionContract(
    entry_point="host_of", signature="(str, int) -> str", parameter_names=("url", "port")
)
REFERENCE = Reference(seed_id="seed-1", language="python", code=HOST, contract=CONTRACT)
WRITTEN: Row = (encode("ftp://b.c/x"), encode(21))
WEAK: tuple[Row, ...] = tuple((encode(text), encode(80)) for text in ("", "abc", "a://b"))


def search(sandbox: LocalSandbox | ScriptedSandbox, run: Ask, **config: object) -> Strengthened | None:
    async def execute(requests: Sequence[ExecutionRequest]) -> list[Observation]:
        return await sandbox.execute(requests)

    made = SuiteSearch(InputsConfig.model_validate(config), Limits(cpu_s=2), 3, None, execute)
    found: Strengthened | None = run(made.strengthen(REFERENCE, "task-1", [WRITTEN], WEAK))
    return found


@pytest.fixture(scope="module")
def found(local_sandbox: LocalSandbox, run: Ask) -> Strengthened:
    made = search(local_sandbox, run, mutants=100)
    assert made is not None
    return made


def test_few_inputs_catch_nearly_all_mutants_of_a_function_that_reads_urls(found: Strengthened) -> None:
    assert found.mutants >= 30
    assert len(found.undecided) <= 0.1 * found.mutants, [mutant.words for mutant in found.undecided]
    assert len(found.suite.cases) <= 16
    assert found.suite.task_id == "task-1"


def test_what_a_person_wrote_is_in_the_suite_and_the_right_error_is_an_answer(found: Strengthened) -> None:
    assert WRITTEN in {case.arguments for case in found.suite.cases}
    raising = [case.raises for case in found.suite.cases if case.raises]
    assert raising
    assert set(raising) == {"ValueError"}


@pytest.mark.parametrize("side", ["open", "hidden"])
def test_each_half_catches_most_mutants_alone(
    found: Strengthened, local_sandbox: LocalSandbox, run: Ask, side: str
) -> None:
    cut = len(found.suite.cases) - found.suite.hidden
    assert found.suite.hidden == len(found.suite.cases) // 2
    cases = found.suite.cases[:cut] if side == "open" else found.suite.cases[cut:]
    half = TestSuite(task_id="t", contract=CONTRACT, cases=cases, rank=found.suite.rank)
    slips = (
        ("port < 0", "port < 1"),
        ('split("/")[0]', 'split("/")[-1]'),
        ('split("@")[-1]', 'split("@")[0]'),
        ("host[4:]", "host[3:]"),
        ("port = 443", "port = 444"),
        ('if ":" in host', 'if ":" not in host'),
        (".lower()", ""),
        ("and port == 80", "or port == 80"),
    )
    programs = [HOST, *(HOST.replace(old, new) for old, new in slips)]
    assert len(set(programs)) == len(slips) + 1
    requests = [
        ExecutionRequest(id=str(at), language="python", code=code, call=half.call())
        for at, code in enumerate(programs)
    ]
    outcomes = [judge_cases(one, half, "s").verdict.outcome for one in run(local_sandbox.execute(requests))]
    assert outcomes[0] is Outcome.PASS
    missed = [slips[at][0] for at, one in enumerate(outcomes[1:]) if one is Outcome.PASS]
    assert len(missed) <= 2, (missed, half.cases)


def test_the_same_seed_finds_the_same_suite(
    found: Strengthened, local_sandbox: LocalSandbox, run: Ask
) -> None:
    assert search(local_sandbox, run, mutants=100) == found


def test_a_suite_may_be_seen_whole(local_sandbox: LocalSandbox, run: Ask) -> None:
    made = search(local_sandbox, run, hidden=False, mutants=8, searched=32)
    assert made is not None
    assert made.suite.hidden == 0


def test_a_fault_of_the_sandbox_is_no_answer_about_the_reference(run: Ask) -> None:
    def fail(request: ExecutionRequest) -> Observation:
        return build_observation(request).model_copy(update={"infrastructure": "the disk is full"})

    with pytest.raises(SandboxFault, match="infrastructure"):
        search(ScriptedSandbox(fail), run)


def test_too_few_answers_make_no_suite(run: Ask) -> None:
    assert search(ScriptedSandbox(lambda request: build_observation(request, 1)), run) is None


def test_the_search_stays_in_the_domains_of_the_parameters(local_sandbox: LocalSandbox, run: Ask) -> None:
    """A port that is never negative: the error for a negative one is then out of reach."""

    async def execute(requests: Sequence[ExecutionRequest]) -> list[Observation]:
        return await local_sandbox.execute(requests)

    bounded = REFERENCE.model_copy(update={"domains": write_domains(("any", "natural"))})
    made = SuiteSearch(InputsConfig(mutants=20), Limits(cpu_s=2), 3, None, execute)
    found: Strengthened | None = run(made.strengthen(bounded, "task-1", [WRITTEN], WEAK))
    assert found is not None
    assert all(not case.raises for case in found.suite.cases)


def test_the_few_errors_of_a_suite_are_those_that_nothing_else_catches(
    local_sandbox: LocalSandbox, run: Ask
) -> None:
    """Two bounds, each seen by one error alone, among many inputs that raise."""

    async def execute(requests: Sequence[ExecutionRequest]) -> list[Observation]:
        return await local_sandbox.execute(requests)

    code = (
        "def root(n: int) -> int:\n    if n < 3 or n > 20:\n"
        '        raise ValueError("out of range")\n    return n * n\n'
    )
    contract = FunctionContract(entry_point="root", signature="(int) -> int", parameter_names=("n",))
    reference = Reference(seed_id="seed-2", language="python", code=code, contract=contract)
    known = [(encode(n),) for n in (*range(-40, -20), *range(40, 60), *range(4, 10))]
    made = SuiteSearch(InputsConfig(mutants=100), Limits(cpu_s=2), 3, None, execute)
    found: Strengthened | None = run(made.strengthen(reference, "task-1", [], known))
    assert found is not None
    assert {2, 21} <= {decode(case.arguments[0]) for case in found.suite.cases if case.raises}
    assert [mutant.words for mutant in found.undecided] == []


def test_calls_of_another_shape_are_no_inputs_of_the_contract() -> None:
    examples = [
        Example(arguments=WRITTEN),
        Example(arguments=WRITTEN[:1]),
        Example(arguments=(encode(1), encode(2))),
        Example(arguments=(encode("x"), encode(-2))),
    ]
    bounded = REFERENCE.model_copy(update={"domains": write_domains(("any", "natural"))})
    assert written_rows(bounded, examples) == (WRITTEN,)
    assert written_rows(REFERENCE, examples) == (WRITTEN, examples[3].arguments)


def test_an_error_is_an_answer_also_in_a_run_that_another_row_stops(run: Ask) -> None:
    code = "def steps(n: int) -> int:\n    if n < 0:\n        raise ValueError('n must not be negative')\n"
    contract = FunctionContract(entry_point="steps", signature="(int) -> int", parameter_names=("n",))
    reference = Reference(seed_id="seed-2", language="python", code=code, contract=contract)

    def answer(request: ExecutionRequest) -> Observation:
        """It needs too much time above 60."""
        assert isinstance(request.call, FunctionCall)
        seen = list[CaseObservation]()
        for at, (text,) in enumerate(request.call.arguments):
            value = decode(text)
            assert isinstance(value, int)
            if value > 60:
                return build_observation(request).model_copy(
                    update={"cases": tuple(seen), "stop": Stop.CPU, "finished": False}
                )
            error = "ValueError: n must not be negative" if value < 0 else None
            output = None if error else encode(value * value)
            status: Literal["raised", "returned"] = "raised" if error else "returned"
            seen.append(CaseObservation(index=at, status=status, output=output, error=error))
        return build_observation(request).model_copy(update={"cases": tuple(seen)})

    async def execute(requests: Sequence[ExecutionRequest]) -> list[Observation]:
        return [answer(request) for request in requests]

    searching = SuiteSearch(InputsConfig(mutants=2, searched=16), Limits(), 3, None, execute)
    known: list[Row] = [(encode(at),) for at in (1, 2, 3, 5, 8, 13, -1, 99)]
    found = run(searching.strengthen(reference, "task-1", [(encode(-1),)], known))
    assert "ValueError" in {case.raises for case in found.suite.cases}
