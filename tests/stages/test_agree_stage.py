"""Agreement in the flow: seeds that cannot be run give tasks that candidates judge among themselves, or
nobody."""

import asyncio
import json
from pathlib import Path

from synth.config import Recipe
from synth.execution.local.sandbox import LocalSandbox
from synth.filters.protocol import Keep
from synth.records import (
    EvidenceRank,
    FunctionContract,
    IndexRow,
    InputSet,
    Origin,
    Reference,
    Seed,
    Solution,
    Task,
    TestSuite,
)
from synth.stages.agree import AgreeStage
from synth.stages.context import Context
from synth.stages.reference import ReferenceStage
from synth.stages.shard_state import ShardState, StageResult
from synth.stages.unit_stage import Stage, index_row
from synth.values import encode

CONTRACT = FunctionContract(entry_point="solve", signature="(list[int]) -> int", parameter_names=("xs",))
INPUTS = tuple((encode(list(values)),) for values in ((), (1,), (1, 2), (5, 7, 9), (-4, 8), (3, 3)))
TOTAL = "def solve(xs):\n    return sum(xs)"
LOOP = "def solve(xs):\n    t = 0\n    for x in xs:\n        t += x\n    return t"
SCRIPT = "function solve(xs) {\n  return xs.reduce((a, b) => a + b, 0);\n}"
LAST = "def solve(xs):\n    return xs[-1] if xs else 0"
COUNT = "def solve(xs):\n    return len(xs)"


def _context(*, agreement: bool) -> Context:
    data = {
        "seeds": {"kind": "pocket"},
        "inputs": {"minimum": 4},
        "instruct": {},
        "solve": {"languages": ["python"]},
    }
    data["evidence"] = {"agreement": agreement, "agreement_threshold": 0.6}
    recipe = Recipe.model_validate({"name": "test", "engine": {"kind": "vllm_server"}, "data": data})
    assert recipe.data is not None
    return Context(recipe, recipe.data, Path(), LocalSandbox())


async def _run(stage: Stage, state: ShardState, sandbox: LocalSandbox) -> StageResult:
    await sandbox.start()
    try:
        return await stage.run(state)
    finally:
        await sandbox.close()


def _agree(*candidates: tuple[str, str]) -> tuple[IndexRow, list[TestSuite]]:
    context = _context(agreement=True)
    state = ShardState(1, "00000")
    solutions = [
        Solution(id=f"s{n}", task_id="t", language=language, code=code, index=n, policy="p", request_id="r")
        for n, (language, code) in enumerate(candidates)
    ]
    task = Task(id="t", round=1, instruction="Add up.", natural_language="en", contract=CONTRACT)
    inputs = InputSet(task_id="t", contract=CONTRACT, rows=INPUTS)
    state.add("instruct", StageResult((), (task,)))
    state.add("inputs", StageResult((index_row("inputs", state, task, Keep()),), (inputs,)))
    state.add("solve", StageResult((index_row("solve", state, task, Keep()),), tuple(solutions)))
    state.add("syntax", StageResult(tuple(index_row("syntax", state, s, Keep()) for s in solutions)))
    assert isinstance(context.sandbox, LocalSandbox)
    result = asyncio.run(_run(AgreeStage(context), state, context.sandbox))
    return result.rows[0], [item for item in result.made if isinstance(item, TestSuite)]


def test_the_majority_answer_becomes_the_suite_across_languages() -> None:
    decision, suites = _agree(("python", TOTAL), ("python", LOOP), ("javascript", SCRIPT), ("python", LAST))
    assert decision.reason == ""
    assert [suite.rank for suite in suites] == [EvidenceRank.AGREEMENT]
    assert [case.expected for case in suites[0].cases] == ["i0", "i1", "i3", "i21", "i4", "i6"]


def test_copies_of_one_program_have_one_vote_and_a_split_vote_abstains() -> None:
    decision, suites = _agree(
        ("python", LAST), ("python", LAST), ("python", LAST), ("python", TOTAL), ("python", COUNT)
    )
    assert (decision.reason, suites) == ("agreement_abstained", [])
    assert json.loads(decision.evidence)["voters"] == 3


def _reference(*, agreement: bool) -> StageResult:
    context = _context(agreement=agreement)
    code = "def total(xs: list[int]) -> int:\n    return helper(xs)"
    seed = Seed(id="seed", language="python", code=code, origin=Origin(source="test"))
    state = ShardState(1, "00000")
    state.add("snippet", StageResult((), (seed,)))
    assert isinstance(context.sandbox, LocalSandbox)
    return asyncio.run(_run(ReferenceStage(context), state, context.sandbox))


def test_a_seed_that_cannot_run_alone_is_kept_only_for_agreement() -> None:
    alone, together = _reference(agreement=False), _reference(agreement=True)
    assert [item.reason for item in alone.rows] == ["not_self_contained"]
    assert alone.made == ()
    assert [item.reason for item in together.rows] == [""]
    [kept] = together.made
    assert isinstance(kept, Reference)
    assert kept.contract.signature == "(list[int]) -> int"
    assert kept.cases == ()
