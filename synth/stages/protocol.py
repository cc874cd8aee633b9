"""The seam of the stages: what a stage is to the runner, and the small pieces that every stage uses to say
what it decided."""

import json
from collections.abc import Generator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol

from synth.config import DataConfig, Recipe
from synth.execution.protocol import Sandbox
from synth.filters.protocol import Evidence, Keep, Reject
from synth.generation.protocol import Engine
from synth.prompts.library import PromptLibrary
from synth.reasons import ReasonClass, get_reason
from synth.records import Decision, IndexRow, Record
from synth.stages.shard_state import ShardState, StageResult


@dataclass(frozen=True, slots=True)
class Context:
    """What stages work with. `engine` and `prompts` are there when a stage of the recipe asks a model;
    `teacher` when it names another one for what is not the policy's own: instructions and test inputs."""

    recipe: Recipe
    data: DataConfig
    recipe_folder: Path
    sandbox: Sandbox
    engine: Engine | None = None
    prompts: PromptLibrary | None = None
    teacher: Engine | None = None


Produces = Mapping[str, type[Record]]
"""Kinds of records that a stage makes, for reading them back."""


class Source(Protocol):
    """Where shards come from: the first stage, which reads seeds."""

    name: str
    produces: Produces

    def read(self, round_: int) -> Generator[tuple[ShardState, StageResult], None, None]:
        """Empty shards with what was decided while reading, in the same order every time. Closing it ends
        whatever reads for it."""
        ...


class Stage(Protocol):
    """One arrow of the flow, for one shard at a time.

    `upstream` names the stages whose results it reads. An `ordered` stage keeps something from shard to shard
    (which texts were seen, say): it gets the shards one at a time and in order, after all of them have passed
    the stages before it. `asks_engine` says whether it waits for a model: the runner lets such stages run
    ahead of those that wait for the sandbox.
    """

    name: str
    upstream: tuple[str, ...]
    ordered: bool
    asks_engine: bool
    produces: Produces

    def entering(self, state: ShardState) -> Sequence[str]:
        """Ids of the units that enter."""
        ...

    async def run(self, state: ShardState) -> StageResult:
        """Decide about every unit that enters."""
        ...


def index_row(
    stage: str,
    state: ShardState,
    unit_id: str,
    kind: str,
    answer: Keep | Reject,
    *,
    parents: tuple[str, ...] = (),
    language: str = "",
    natural_language: str = "",
    ms: float = 0.0,
    tokens: int = 0,
) -> IndexRow:
    """The index index_row of one decision. A reason of the infrastructure class makes it a failure, never a
    rejection."""
    reason = answer.reason if isinstance(answer, Reject) else ""
    decision = Decision.KEPT if isinstance(answer, Keep) else Decision.REJECTED
    if reason and get_reason(reason).reason_class is ReasonClass.INFRASTRUCTURE:
        decision = Decision.FAILED
    return IndexRow(
        round=state.round,
        stage=stage,
        shard=state.name,
        unit_id=unit_id,
        kind=kind,
        parents=parents,
        language=language,
        natural_language=natural_language,
        decision=decision,
        reason=reason,
        evidence=_evidence_text(answer.evidence),
        ms=round(ms, 3),
        tokens=tokens,
    )


def _evidence_text(evidence: Evidence) -> str:
    return json.dumps(evidence, sort_keys=True)
