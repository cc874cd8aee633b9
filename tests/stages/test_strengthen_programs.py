"""The search for strong inputs of programs over stdin and of classes: in the sandbox, by mutants."""

from collections.abc import Callable, Coroutine, Sequence
from random import Random
from typing import Any

import pytest

from synth.config import InputsConfig
from synth.execution.local.sandbox import LocalSandbox
from synth.execution.verdict import judge_cases
from synth.mutation.first_order import make_first_order
from synth.records import (
    ClassContract,
    ExecutionRequest,
    Limits,
    Method,
    Observation,
    Outcome,
    Reference,
    StdioContract,
    TestSuite,
)
from synth.rules.input_edits import Row
from synth.rules.input_spaces import find_space
from synth.rules.preconditions import NOTHING_DEMANDED
from synth.rules.stdin_drawing import SHAPES, read_shape, write_shape
from synth.stages.strengthen import Strengthened, SuiteSearch
from synth.values import decode, encode

Ask = Callable[[Coroutine[Any, Any, Any]], Any]
GRADES = """import sys
n = int(input())
for _ in range(2):
    m = int(input())
    if m >= 57:
        print("high", m - n)
    elif n > m:
        print("less")
    else:
        print("other", n * m)
"""
ON_LINES = next(shape for shape in SHAPES if shape.name == "integers on lines")
PROGRAM = Reference(
    seed_id="seed-1",
    language="python",
    code=GRADES,
    contract=StdioContract(),
    domains=write_shape(ON_LINES, 4),
)
WEAK: tuple[Row, ...] = (("2\n3\n4\n",), ("1\n5\n3\n",), ("3\n3\n3\n",))
STACK = """class Stack:
    def __init__(self, limit: int):
        self.items = []
        self.limit = limit

    def push(self, item: int) -> bool:
        if len(self.items) >= self.limit:
            return False
        self.items.append(item)
        return True

    def pop(self) -> int:
        return self.items.pop() if self.items else -1

    def size(self) -> int:
        return len(self.items)
"""
CLASS = ClassContract(
    class_name="Stack",
    constructor=Method(name="Stack", signature="(int) -> null", parameter_names=("limit",)),
    methods=(
        Method(name="push", signature="(int) -> bool", parameter_names=("item",)),
        Method(name="pop", signature="() -> int"),
        Method(name="size", signature="() -> int"),
    ),
)
CALLED = Reference(seed_id="seed-2", language="python", code=STACK, contract=CLASS)
ONE_PUSH: Row = (encode(3), encode([(0, 5), (2, 0)]))


def search(sandbox: LocalSandbox, run: Ask, reference: Reference, known: Sequence[Row]) -> Strengthened:
    async def execute(requests: Sequence[ExecutionRequest]) -> list[Observation]:
        return await sandbox.execute(requests)

    config = InputsConfig(mutants=40, minimum=3, searched=160)
    made = SuiteSearch(config, Limits(cpu_s=1), 3, None, execute)
    found: Strengthened | None = run(made.strengthen(reference, "task-1", (), known))
    assert found is not None
    return found


def outcome(sandbox: LocalSandbox, run: Ask, suite: TestSuite, code: str) -> Outcome:
    request = ExecutionRequest(id="one", language="python", code=code, call=suite.call())
    return judge_cases(run(sandbox.execute([request]))[0], suite, "s").verdict.outcome


def test_texts_of_the_shape_catch_the_mutants_of_a_program(local_sandbox: LocalSandbox, run: Ask) -> None:
    found = search(local_sandbox, run, PROGRAM, WEAK)
    assert found.mutants >= 10 and len(found.undecided) <= 0.2 * found.mutants
    assert all(len(case.arguments[0].split()) == 3 for case in found.suite.cases)
    assert outcome(local_sandbox, run, found.suite, GRADES) is Outcome.PASS
    for slip in (("m >= 57", "m > 57"), ("m - n", "n - m"), ('"less"', '"lower"'), ("n > m", "n >= m")):
        assert outcome(local_sandbox, run, found.suite, GRADES.replace(*slip)) is Outcome.WRONG_ANSWER, slip


def test_calls_in_turn_catch_the_mutants_of_a_class(local_sandbox: LocalSandbox, run: Ask) -> None:
    found = search(local_sandbox, run, CALLED, [ONE_PUSH])
    assert found.mutants >= 8 and len(found.undecided) <= 0.2 * found.mutants
    assert outcome(local_sandbox, run, found.suite, STACK) is Outcome.PASS
    for slip in ((">= self.limit", "> self.limit"), ("-1", "0"), ("append(item)", "insert(0, item)")):
        assert outcome(local_sandbox, run, found.suite, STACK.replace(*slip)) is Outcome.WRONG_ANSWER, slip


def test_rows_of_a_class_hold_known_values_in_the_slots_of_their_methods() -> None:
    space = find_space(CALLED, NOTHING_DEMANDED, [ONE_PUSH], Random(1))
    rows = space.draw(50)
    assert len(rows) > 20
    for row in [*rows, *(space.edit(one, rows[0]) or one for one in rows)]:
        limit, calls = map(decode, row)
        assert limit == 3 and isinstance(calls, list) and 0 < len(calls) <= 14
        for call in calls:
            assert isinstance(call, tuple) and call[0] in (0, 1, 2)
            assert isinstance(call[1], int) and (0 <= call[1] <= 12 if call[0] == 0 else call[1] == 0)


@pytest.mark.parametrize("shape", SHAPES, ids=lambda shape: shape.name)
def test_texts_keep_the_shape_of_the_program(shape: Any) -> None:  # noqa: ANN401  # a StdinShape
    assert read_shape(write_shape(shape, 1)) == (shape, 1)
    program = PROGRAM.model_copy(update={"domains": write_shape(shape, 0)})
    space = find_space(program, NOTHING_DEMANDED, WEAK, Random(1))
    rows = space.draw(20)
    for row in rows:
        child = space.edit(row, rows[0])
        assert (child is None) == (shape.whole is not None)
        assert child is None or child[0].count("\n") == row[0].count("\n")


def test_without_a_shape_there_are_the_known_texts_alone() -> None:
    space = find_space(PROGRAM.model_copy(update={"domains": ""}), NOTHING_DEMANDED, WEAK, Random(1))
    assert space.draw(9) == [] and space.edit(WEAK[0], WEAK[1]) is None


def test_what_a_program_prints_is_edited_and_what_a_function_prints_is_not() -> None:
    code = "print(3 + int(input()))\n"
    assert not any("-" in mutant.code for mutant in make_first_order(code, "python", "", 20))
    assert any("-" in mutant.code for mutant in make_first_order(code, "python", "", 20, prints=True))
