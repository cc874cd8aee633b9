"""One stage on one shard: what it works with, the records that came before it, and what it decides.

The one rule: the tests of a stage know units, decisions and reasons. How a stage, a shard and an index row
are made is known here alone.
"""

import asyncio
import json
import re
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, Final, NamedTuple, TypeVar

from synth.config import Recipe
from synth.execution.protocol import Sandbox
from synth.execution.scripted import ScriptedSandbox
from synth.filters.protocol import Reject
from synth.generation.protocol import Engine, GenerationRequest
from synth.generation.scripted import ScriptedEngine
from synth.prompts.library import PromptLibrary
from synth.prompts.template import Prompt, PromptHeader
from synth.records import (
    CaseObservation,
    Decision,
    ExecutionRequest,
    FunctionCall,
    IndexRow,
    Observation,
    Unit,
)
from synth.roles import TEACHER
from synth.stages.context import Context
from synth.stages.shard_state import ShardState, StageResult
from synth.stages.unit_stage import UnitStage, index_row
from synth.values import decode, encode
from tests.builders import build_observation

Model = TypeVar("Model", bound=Unit)
AnyStage = UnitStage[Any]


class StagePlace(NamedTuple):
    """What a stage says of itself to the runner."""

    name: str
    unit: type[Unit]
    upstream: tuple[str, ...]
    makes: tuple[type[Unit], ...] = ()
    asks_engine: bool = False
    ordered: bool = False


class StageRun(NamedTuple):
    """What one stage decided about one shard: its rows by the id of the unit, and the units it made."""

    rows: dict[str, IndexRow]
    units: tuple[Unit, ...]

    def made(self, model: type[Model]) -> list[Model]:
        """The units of one kind, in order."""
        return [unit for unit in self.units if isinstance(unit, model)]

    def decision(self, unit: str) -> tuple[Decision, str]:
        """Decision and reason about one unit."""
        return self.rows[unit].decision, self.rows[unit].reason

    def evidence(self, unit: str) -> dict[str, object]:
        """The evidence of the decision about one unit."""
        evidence: dict[str, object] = json.loads(self.rows[unit].evidence)
        return evidence


ROUND: Final = 2
SHARD: Final = "00003"
PRIORITY: Final = 3
"""Round and name of every shard here, and its priority in the sandbox."""


def build_prompts() -> PromptLibrary:
    """A prompt set that shows each value in a line of its own; `solve` and `inputs` have Chinese variants."""
    texts = {
        "instruct": "{{ natural_language_name }} {{ language }}\n{{ code }}",
        "inputs": "inputs\n{{ declaration }}\n{{ instruction }}",
        "inputs.zh": "输入\n{{ declaration }}\n{{ instruction }}",
        "solve": "solve in {{ language_title }}\n{{ declaration }}\n{{ instruction }}",
        "solve.zh": "用 {{ language_title }} 实现\n{{ declaration }}\n{{ instruction }}",
    }
    return PromptLibrary("test", {stem: _build_prompt(stem, text) for stem, text in texts.items()})


def _build_prompt(stem: str, text: str) -> Prompt:
    variables = tuple(re.findall(r"\{\{ (\w+) \}\}", text))
    header = PromptHeader(name=stem.partition(".")[0], version=1, description="", variables=variables)
    return Prompt(header, (("user", text),))


def build_context(
    data: Mapping[str, object] | None = None,
    *,
    engine: Engine | None = None,
    teacher: Engine | None = None,
    sandbox: Sandbox | None = None,
    folder: Path = Path(),
    **recipe: object,
) -> Context:
    """What stages work with: a recipe with every stage that makes and judges solutions, `data` over it, and
    scripted twins, which refuse whatever a test did not expect."""
    stages = {"seeds": {"kind": "pocket"}, "instruct": {}, "solve": {}, **(data or {})}
    whole = Recipe.model_validate(
        {"name": "test", "seed": 7, "engine": {"kind": "vllm_server"}, "data": stages, **recipe}
    )
    assert whole.data is not None
    return Context(
        whole,
        whole.data,
        folder,
        sandbox or ScriptedSandbox(_refuse_program),
        engine or ScriptedEngine(_refuse_question),
        build_prompts(),
        {} if teacher is None else {TEACHER: teacher},
    )


def _refuse_program(request: ExecutionRequest) -> Observation:
    raise AssertionError(f"no program was expected: {request.code}")


def _refuse_question(request: GenerationRequest) -> str:
    raise AssertionError(f"no question was expected: {request.messages}")


def build_shard(
    *units: Unit, rejected: Mapping[str, Sequence[str]] | None = None, reason: str = "not_best"
) -> ShardState:
    """A shard that holds these units; `rejected` are the ids that a stage turned away, by stage."""
    state = ShardState(ROUND, SHARD)
    state.add("", StageResult((), units))
    for stage, ids in (rejected or {}).items():
        rows = [index_row(stage, state, _find(units, one), Reject(reason)) for one in ids]
        state.add(stage, StageResult(tuple(rows)))
    return state


def _find(units: Sequence[Unit], unit_id: str) -> Unit:
    """Any unit of that id. Raises StopIteration where a test names one that the shard does not hold."""
    return next(unit for unit in units if unit.unit_id == unit_id)


def describe_stage(stage: AnyStage) -> StagePlace:
    """What the stage says of itself."""
    upstream = tuple(before.name for before in stage.upstream)
    return StagePlace(stage.name, stage.unit, upstream, stage.makes, stage.asks_engine, stage.ordered)


def run_stage(stage: AnyStage, shard: ShardState) -> StageRun:
    """Run the stage, and hold it to what every stage promises: one row for each unit that enters, in that
    order, and no unit of a kind that it does not declare."""
    entered = [unit.unit_id for unit in stage.entering(shard)]
    result = asyncio.run(stage.run(shard))
    assert [row.unit_id for row in result.rows] == entered
    assert len(set(entered)) == len(entered)
    assert {(row.stage, row.round, row.shard) for row in result.rows} <= {(stage.name, ROUND, SHARD)}
    assert {type(unit) for unit in result.made} <= set(stage.makes)
    return StageRun({row.unit_id: row for row in result.rows}, result.made)


def find_entering(stage: AnyStage, shard: ShardState) -> list[str]:
    """The ids of the units that enter."""
    return [unit.unit_id for unit in stage.entering(shard)]


def run_python(request: ExecutionRequest) -> Observation:
    """What a sandbox would see of a harmless Python program: one fresh namespace, all calls in it."""
    assert isinstance(request.call, FunctionCall)
    space: dict[str, object] = {}
    exec(request.code, space)
    function = space[request.call.entry_point]
    cases = tuple(_call(function, row, at) for at, row in enumerate(request.call.arguments))
    return build_observation(request, cases=cases)


def _call(function: object, row: tuple[str, ...], at: int) -> CaseObservation:
    assert callable(function)
    try:
        return CaseObservation(index=at, status="returned", output=encode(function(*map(decode, row))))
    except (ArithmeticError, AttributeError, LookupError, TypeError, ValueError) as error:
        return CaseObservation(index=at, status="raised", error=f"{type(error).__name__}: {error}")
