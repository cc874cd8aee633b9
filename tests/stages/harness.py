"""One stage on one shard: what it works with, the records that came before it, and what it decides.

The one rule: the tests of a stage know units, decisions and reasons. How a stage, a shard and an index row
are made is known here alone.
"""

import asyncio
import json
import re
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Final, NamedTuple, TypeVar

from synth.config import Recipe
from synth.execution.protocol import Sandbox
from synth.execution.scripted import ScriptedSandbox
from synth.filters.protocol import Keep, Reject
from synth.generation.protocol import Engine, GenerationRequest
from synth.generation.scripted import ScriptedEngine
from synth.prompts.library import PromptLibrary
from synth.prompts.template import Prompt, PromptHeader
from synth.records import (
    Case,
    Decision,
    ExecutionRequest,
    FunctionContract,
    IndexRow,
    InputSet,
    Observation,
    Record,
    Sample,
    Solution,
    Task,
    TestSuite,
    Verdict,
)
from synth.stages.protocol import Context, Stage, index_row
from synth.stages.shard_state import ShardState, StageResult
from tests.builders import CONTRACT, PlainCase, build_cases, build_seed, build_suite

Model = TypeVar("Model", bound=Record)


class Reference(NamedTuple):
    """A seed that the flow took as a reference. Without cases it could not be run."""

    seed_id: str
    language: str
    code: str
    contract: FunctionContract
    cases: tuple[Case, ...]


def build_reference(
    seed_id: str = "seed-1",
    cases: Sequence[PlainCase] = (),
    *,
    language: str = "python",
    code: str = "def solve(xs): ...",
    contract: FunctionContract = CONTRACT,
) -> Reference:
    """A Python seed that keeps CONTRACT, with its own cases as plain values."""
    return Reference(seed_id, language, code, contract, build_cases(cases))


class StagePlace(NamedTuple):
    """What a stage says of itself to the runner."""

    name: str
    upstream: tuple[str, ...]
    makes: dict[str, type[Record]]
    asks_engine: bool
    ordered: bool


class StageRun(NamedTuple):
    """What one stage decided about one shard: its rows by the id of the unit, and the records it made."""

    rows: dict[str, IndexRow]
    records: tuple[Record, ...]

    def made(self, model: type[Model]) -> list[Model]:
        """The records of one type, in order."""
        return [record for record in self.records if isinstance(record, model)]

    def decision(self, unit: str) -> tuple[Decision, str]:
        """Decision and reason about one unit."""
        return self.rows[unit].decision, self.rows[unit].reason

    def evidence(self, unit: str) -> dict[str, object]:
        """The evidence of the decision about one unit."""
        evidence: dict[str, object] = json.loads(self.rows[unit].evidence)
        return evidence


ROUND: Final = 2
SHARD: Final = "00003"
TURN: Final = 3
"""Round and name of every shard here, and its turn in the sandbox."""

_KINDS: Final[Mapping[type[Record], str]] = {
    Task: "task",
    Solution: "solution",
    TestSuite: "suite",
    InputSet: "input_set",
    Verdict: "verdict",
    Sample: "sample",
}


_UNITS: Final[Mapping[str, type[Task] | type[Solution]]] = {
    "inputs": Task,
    "solve": Task,
    "evidence": Task,
    "syntax": Solution,
    "execute": Solution,
}
"""Stages that others look back at, and what they decide about."""


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
        Path(),
        sandbox or ScriptedSandbox(_refuse_program),
        engine or ScriptedEngine(_refuse_question),
        build_prompts(),
        teacher,
    )


def _refuse_program(request: ExecutionRequest) -> Observation:
    raise AssertionError(f"no program was expected: {request.code}")


def _refuse_question(request: GenerationRequest) -> str:
    raise AssertionError(f"no question was expected: {request.messages}")


def build_shard(
    *records: Record,
    references: Sequence[Reference] = (),
    turned_away: Mapping[str, Sequence[str]] | None = None,
) -> ShardState:
    """A shard that holds these records. Every stage kept all that it met, but for the units that it turned
    away: their ids by the name of the stage."""
    state = ShardState(ROUND, SHARD)
    for reference in references:
        state.add("", StageResult((), _records_of(reference)))
    for record in records:
        state.add("", StageResult((), {_KINDS[type(record)]: [record]}))
    refused = turned_away or {}
    for stage, kind in _UNITS.items():
        units = [record.id for record in records if isinstance(record, kind)]
        state.add(stage, StageResult(tuple(_row(stage, state, unit, refused) for unit in units)))
    return state


def _records_of(reference: Reference) -> dict[str, list[Record]]:
    """A reference is a seed, and a suite under the seed's id where it was run."""
    seed_id, language, code, contract, cases = reference
    seed = build_seed(seed_id, code, language=language, contract=contract)
    suite = build_suite(seed_id, contract=contract, cases=cases)
    return {"reference": [seed], "suite": [suite] if cases else []}


def _row(stage: str, state: ShardState, unit: str, refused: Mapping[str, Sequence[str]]) -> IndexRow:
    answer = Reject("not_best") if unit in refused.get(stage, ()) else Keep()
    return index_row(stage, state, unit, "unit", answer)


def describe_stage(stage: Stage) -> StagePlace:
    """What the stage says of itself."""
    return StagePlace(stage.name, stage.upstream, dict(stage.produces), stage.asks_engine, stage.ordered)


def run_stage(stage: Stage, shard: ShardState) -> StageRun:
    """Run the stage, and hold it to what every stage promises: one row for each unit that enters, in that
    order, and no record of a kind that it does not declare."""
    entered = list(stage.entering(shard))
    result = asyncio.run(stage.run(shard))
    assert [row.unit_id for row in result.rows] == entered
    assert len(set(entered)) == len(entered)
    assert {(row.stage, row.round, row.shard) for row in result.rows} <= {(stage.name, ROUND, SHARD)}
    for kind, records in result.bodies.items():
        assert all(type(record) is stage.produces[kind] for record in records)
    return StageRun(
        {row.unit_id: row for row in result.rows},
        tuple(record for records in result.bodies.values() for record in records),
    )
