"""Validators and generators that a model wrote, in the real sandbox: what is believed of them."""

import dataclasses
from collections.abc import Callable, Coroutine, Sequence
from typing import Any

import pytest

from synth.config import InputsConfig
from synth.execution.local.sandbox import LocalSandbox
from synth.execution.scripted import ScriptedSandbox
from synth.generation.protocol import GenerationRequest
from synth.generation.scripted import ScriptedEngine
from synth.prompts.library import PromptLibrary
from synth.records import (
    Case,
    Contract,
    Decision,
    Example,
    ExecutionRequest,
    FunctionContract,
    InputSet,
    Limits,
    Observation,
    Reference,
    StdioContract,
    TestSuite,
)
from synth.rules.stated_examples import Row
from synth.stages.asking import Asker
from synth.stages.input_programs import CALLS, InputPrograms, Proof
from synth.stages.inputs import InputsStage
from synth.stages.running import SandboxFault
from synth.values import Value, decode, encode
from tests.builders import build_observation, build_seed, build_task
from tests.stages.harness import StageRun, build_context, build_shard, run_stage

Ask = Callable[[Coroutine[Any, Any, Any]], Any]
SEARCH = """def search(items: list[int], wanted: int) -> int:
    low, high = 0, len(items)
    while low < high:
        middle = (low + high) // 2
        if items[middle] < wanted:
            low = middle + 1
        else:
            high = middle
    return low
"""
CONTRACT = FunctionContract(
    entry_point="search", signature="(list[int], int) -> int", parameter_names=("items", "wanted")
)
SORTED = "def is_valid(items, wanted):\n    return items == sorted(items)\n"
PROMPTS = PromptLibrary.load("default")


def wires(*values: Value) -> Row:
    return tuple(map(encode, values))


GOOD = [wires([1, 3, 9], 3), wires([], 4), wires([2, 2], 2)]
BAD = [wires([3, 1], 2), wires([9, 2, 4], 4)]


def programs(sandbox: LocalSandbox, *, answer: str = "", minimum: int = 1) -> InputPrograms:
    async def run(requests: Sequence[ExecutionRequest]) -> list[Observation]:
        return await sandbox.execute(requests)

    inputs = InputsConfig(minimum=minimum, validator=True, generator=True)
    asker = Asker(build_context(engine=ScriptedEngine(lambda _: answer)), "inputs")
    return InputPrograms(inputs, asker, run, Limits(cpu_s=1))


def prove(
    sandbox: LocalSandbox,
    run: Ask,
    code: str,
    good: Sequence[Row] = GOOD,
    minimum: int = 1,
) -> Proof:
    made = programs(sandbox, minimum=minimum)
    proof: Proof = run(made.prove(build_task(contract=CONTRACT), code, good, [*GOOD, *BAD]))
    return proof


def generate(
    sandbox: LocalSandbox, run: Ask, code: str, contract: Contract = CONTRACT
) -> list[tuple[Value, ...]]:
    rows = run(programs(sandbox).generate(build_task(contract=contract), code))
    if isinstance(contract, StdioContract):
        return list(rows)
    return [tuple(map(decode, row)) for row in rows]


# --- validators


def test_a_validator_that_allows_all_good_inputs_says_what_the_others_are(
    local_sandbox: LocalSandbox, run: Ask
) -> None:
    proof = prove(local_sandbox, run, SORTED)
    assert proof.validator is not None and proof.words == "allows 3 of 5 inputs"
    assert run(proof.validator.allowed([*BAD, *GOOD])) == set(GOOD)
    assert run(proof.validator.allowed([])) == set()


@pytest.mark.parametrize(
    ("code", "words"),
    [
        ("def is_valid(items, wanted):\n    return bool(items)", "refuses the known good input [], 4"),
        ("def is_valid(items, wanted):\n    return 1", "known good input"),
        (
            "def is_valid(items, wanted):\n    return items[0] == items[0]",
            "refuses the known good input [], 4",
        ),
        ("def is_valid(items):\n    return True", "known good input"),
        ("def is_valid(items, wanted:\n", "known good input"),
        ("def is_valid(items, wanted):\n    while True: pass", "known good input"),
        ("import os\nos._exit(0)\ndef is_valid(items, wanted):\n    return True", "known good input"),
    ],
)
def test_one_that_refuses_a_good_input_in_any_way_is_thrown_out_with_words(
    local_sandbox: LocalSandbox, run: Ask, code: str, words: str
) -> None:
    proof = prove(local_sandbox, run, code)
    assert proof.validator is None
    assert proof.words.startswith("thrown out: ") and words in proof.words


def test_without_known_good_inputs_it_has_to_leave_as_many_as_a_suite_needs(
    local_sandbox: LocalSandbox, run: Ask
) -> None:
    strict = "def is_valid(items, wanted):\n    return wanted == 3"
    assert prove(local_sandbox, run, strict, good=()).validator is not None
    assert prove(local_sandbox, run, strict, good=(), minimum=2) == (
        None,
        "thrown out: allows 1 of 5 inputs",
    )
    assert prove(local_sandbox, run, "") == (None, "")


def test_a_program_over_stdin_is_validated_by_its_text(local_sandbox: LocalSandbox, run: Ask) -> None:
    counted = "def is_valid(text):\n    n, *rest = text.split()\n    return int(n) == len(rest)"
    one, other = ("2\n3 4\n",), ("2\n3\n",)
    made = programs(local_sandbox).prove(build_task(contract=StdioContract()), counted, [one], [one, other])
    proof = run(made)
    assert proof.validator is not None
    assert run(proof.validator.allowed([one, other])) == {one}


def test_a_fault_of_the_sandbox_is_no_refusal(run: Ask) -> None:
    def fail(request: ExecutionRequest) -> Observation:
        return build_observation(request).model_copy(update={"infrastructure": "the disk is full"})

    async def broken(requests: Sequence[ExecutionRequest]) -> list[Observation]:
        return await ScriptedSandbox(fail).execute(requests)

    made = InputPrograms(InputsConfig(validator=True), Asker(build_context(), "inputs"), broken, Limits())
    with pytest.raises(SandboxFault):
        run(made.prove(build_task(contract=CONTRACT), SORTED, GOOD, ()))
    with pytest.raises(SandboxFault):
        run(made.generate(build_task(contract=CONTRACT), "def generate(seed): ..."))


# --- generators


def test_a_generator_makes_one_typed_input_a_seed(local_sandbox: LocalSandbox, run: Ask) -> None:
    code = "def generate(seed):\n    return [sorted({seed, 2 * seed}), seed]"
    made = generate(local_sandbox, run, code)
    assert len(made) == CALLS and made[3] == ([3, 6], 3)


@pytest.mark.parametrize(
    "value",
    [
        "[[1], 'x']",
        "[[1]]",
        "[['1'], 1]",
        "None",
        "[list(range(9999)), 1]",
        "[[1], 10 ** 5000]",
        "1 / 0",
        "[lambda: 1, 1]",
        "__import__('os')._exit(0)",
        "[[1.5], 1]",
    ],
)
def test_what_has_other_types_or_is_too_large_is_left_out(
    local_sandbox: LocalSandbox, run: Ask, value: str
) -> None:
    code = f"def generate(seed):\n    return [[7], seed] if seed < 2 else {value}"
    assert generate(local_sandbox, run, code) == [([7], 0), ([7], 1)]


def test_a_generator_of_texts_gives_whole_lines_once(local_sandbox: LocalSandbox, run: Ask) -> None:
    code = "def generate(seed):\n    return ['3 4', '3 4\\n', 'a\\0b', '\\ud800', 5, 'é'][seed % 6]"
    assert generate(local_sandbox, run, code, StdioContract()) == [("3 4\n",)]


def test_a_generator_that_hangs_makes_what_it_made_before(local_sandbox: LocalSandbox, run: Ask) -> None:
    code = "def generate(seed):\n    while seed == 2: pass\n    return [[seed], 1]"
    assert generate(local_sandbox, run, code) == [([0], 1), ([1], 1)]


def test_the_program_is_asked_for_only_where_recipe_and_prompts_have_it(
    local_sandbox: LocalSandbox, run: Ask
) -> None:
    """The set of the tests has no such prompt, and an answer that was cut off is none."""
    made = programs(local_sandbox, answer=f"```python\n{SORTED}```")
    assert run(made.ask(build_task(contract=CONTRACT), "validator")) == ""


# --- the stage


class Answers(ScriptedEngine):
    """Answers as the prompts of the default set ask."""

    def __init__(self, **answers: str) -> None:
        def answer(request: GenerationRequest) -> str:
            text = request.messages[-1].content
            kind = next((word for word in ("is_valid", "generate") if f"function `{word}" in text), "rows")
            return answers.get(kind, "")

        super().__init__(answer)


def make(sandbox: LocalSandbox, engine: ScriptedEngine, is_run: bool = True, **config: object) -> StageRun:

    inputs = {"minimum": 3, "maximum": 12, "validator": True, "generator": True, "searched": 60} | config
    context = build_context({"inputs": inputs}, engine=engine, sandbox=sandbox)
    context = dataclasses.replace(context, prompts=PROMPTS)
    cases = tuple(
        Case(arguments=row, expected=out)
        for row, out in zip((*GOOD, *BAD), ("i1", "i0", "i0", "i2", "i2"), strict=True)
    )
    reference = Reference(
        seed_id="seed-1",
        language="python",
        code=SEARCH,
        contract=CONTRACT,
        cases=cases if is_run else (),
    )
    example = Example(arguments=GOOD[0], expected=encode(1))
    seed = build_seed("seed-1").model_copy(update={"code": SEARCH, "examples": (example,)})
    return run_stage(InputsStage(context), build_shard(seed, reference, build_task(contract=CONTRACT)))


def _is_ascending(items: Value) -> bool:
    assert isinstance(items, list)
    numbers = [one for one in items if isinstance(one, int)]
    return numbers == sorted(numbers)


@pytest.mark.parametrize("mutants", [0, 20])
def test_what_the_validator_forbids_is_no_test_and_what_the_generator_makes_is(
    local_sandbox: LocalSandbox, mutants: int
) -> None:
    engine = Answers(
        rows="[[5, 1], 3]\n[[1, 5], 5]",
        is_valid=f"```python\n{SORTED}```",
        generate="```python\ndef generate(seed):\n    return [[seed, 50 - seed], 40]\n```",
    )
    run = make(local_sandbox, engine, mutants=mutants)
    (suite,) = run.made(TestSuite)
    rows = [tuple(map(decode, case.arguments)) for case in suite.cases]
    assert rows and all(_is_ascending(items) for items, _ in rows)
    evidence = run.evidence("task-1")
    assert evidence["from_model"] == 2 and evidence["from_generator"] == CALLS
    assert str(evidence["validator"]).startswith("allows ")
    assert mutants or ([0, 50], 40) in rows


def test_a_validator_that_was_thrown_out_says_why_and_decides_nothing(local_sandbox: LocalSandbox) -> None:
    run = make(
        local_sandbox,
        Answers(is_valid="```python\ndef is_valid(items, wanted):\n    return len(items) > 3\n```"),
        mutants=0,
    )
    (suite,) = run.made(TestSuite)
    assert set(BAD) <= {case.arguments for case in suite.cases}
    assert run.evidence("task-1")["validator"] == "thrown out: refuses the known good input [1, 3, 9], 3"


def test_inputs_that_agreement_is_to_decide_on_are_validated_too(local_sandbox: LocalSandbox) -> None:
    engine = Answers(rows="[[5, 1], 3]\n[[1, 5], 5]", is_valid=f"```python\n{SORTED}```")
    run = make(local_sandbox, engine, is_run=False, drawn=6)
    assert run.decision("task-1") == (Decision.KEPT, "")
    (made,) = run.made(InputSet)
    assert wires([1, 5], 5) in made.rows and wires([5, 1], 3) not in made.rows
