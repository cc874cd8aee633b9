"""Reference execution as a stage: seeds are run, and what they do becomes the expected values (rank 1 of the
evidence).

Entered: seeds. Kept: those whose behaviour can serve; where the recipe takes agreement as evidence, also
those that cannot be run here but state their types. The pure steps are in `reference_seed.py`.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from random import Random

from synth.filters.protocol import Keep, Reject
from synth.ids import derive_random
from synth.records import ExecutionRequest, Observation, Seed, TestSuite
from synth.rules.limits import limits_of
from synth.rules.reference_rules import (
    ReferencePlan,
    ReferenceSeed,
    SignatureProbe,
    judge_reference,
    plan_probe,
    plan_runs,
    plan_stated,
    refuse_early,
    stated_contract,
)
from synth.stages.protocol import Context, Produces, index_row
from synth.stages.shard_state import ShardState, StageResult

NOT_RUN = frozenset({"toolchain_missing", "not_self_contained"})
"""Reasons that say nothing against the seed: it could not be run, here or by itself."""


class ReferenceStage:
    """Makes of each seed a `reference` (the seed with its contract) and a `suite` (its behaviour, where it
    was run)."""

    name = "reference"
    upstream: tuple[str, ...] = ("snippet",)
    ordered = False
    asks_engine = False
    produces: Produces = {"reference": Seed, "suite": TestSuite}

    def __init__(self, context: Context) -> None:
        self._context = context

    def entering(self, state: ShardState) -> list[str]:
        return [seed.id for seed in state.get("seed", Seed)]

    async def run(self, state: ShardState) -> StageResult:
        seeds = state.get("seed", Seed)
        found = await self._reference(seeds, state.priority)
        unrun = {
            seed.id: bare
            for seed, answer in zip(seeds, found, strict=True)
            if (bare := self._without_reference(seed, answer))
        }
        rows = [
            index_row(
                self.name,
                state,
                seed.id,
                "seed",
                _answer(found_one, seed.id in unrun),
                language=seed.language,
            )
            for seed, found_one in zip(seeds, found, strict=True)
        ]
        references = [answer for answer in found if isinstance(answer, ReferenceSeed)]
        kept = [*(item.seed for item in references), *unrun.values()]
        return StageResult(tuple(rows), {"reference": kept, "suite": [item.suite for item in references]})

    def _without_reference(self, seed: Seed, answer: ReferenceSeed | Reject) -> Seed | None:
        """The seed with its contract, when agreement may judge its task."""
        agreement = self._context.data.evidence.agreement and self._context.data.solve is not None
        if not agreement or isinstance(answer, ReferenceSeed) or answer.reason not in NOT_RUN:
            return None
        contract = stated_contract(seed)
        return seed.model_copy(update={"contract": contract}) if contract is not None else None

    async def _reference(self, seeds: Sequence[Seed], turn: int) -> list[ReferenceSeed | Reject]:
        """Two waves of programs, each for all seeds of the shard at once, so that the sandbox is never waited
        for one by one."""
        sandbox, limits = self._context.sandbox, limits_of(self._context.recipe.execution)
        probes = [plan_probe(seed, self._random("probe", seed), limits) for seed in seeds]
        begun = [item if isinstance(item, Reject) else self._begin(item) for item in probes]
        seen = iter(await sandbox.execute([item.first for item in begun if isinstance(item, _Begun)], turn))
        planned = [item if isinstance(item, Reject) else self._plan(item, next(seen)) for item in begun]
        runs = iter(
            await sandbox.execute(
                [request for item in planned if isinstance(item, _Planned) for request in item.to_run], turn
            )
        )
        return [item if isinstance(item, Reject) else self._judge(item, runs) for item in planned]

    def _random(self, purpose: str, seed: Seed) -> Random:
        return derive_random(self._context.recipe.seed, purpose, seed.id)

    def _begin(self, probe: SignatureProbe) -> "_Begun":
        plan = plan_stated(probe, self._random("inputs", probe.seed), self._context.data.inputs)
        return _Begun(probe, plan)

    def _plan(self, begun: "_Begun", seen: Observation) -> "_Planned | Reject":
        if begun.plan is not None:
            return refuse_early(begun.plan, seen) or _Planned(begun.plan, (seen,))
        plan = plan_runs(
            begun.probe, seen, self._random("inputs", begun.probe.seed), self._context.data.inputs
        )
        return plan if isinstance(plan, Reject) else _Planned(plan, ())

    def _judge(self, planned: "_Planned", runs: Iterator[Observation]) -> ReferenceSeed | Reject:
        seen = (*planned.seen, *(next(runs) for _ in planned.to_run))
        return judge_reference(planned.plan, seen, self._context.data.inputs.maximum)


@dataclass(frozen=True, slots=True)
class _Begun:
    """A seed whose first program is to run: the first run of its plan, or the probe that comes before a
    plan."""

    probe: SignatureProbe
    plan: ReferencePlan | None

    @property
    def first(self) -> ExecutionRequest:
        return self.plan.requests[0] if self.plan else self.probe.request


@dataclass(frozen=True, slots=True)
class _Planned:
    """A seed with its plan, and what has been seen of the plan's runs."""

    plan: ReferencePlan
    seen: tuple[Observation, ...]

    @property
    def to_run(self) -> tuple[ExecutionRequest, ...]:
        return self.plan.requests[len(self.seen) :]


def _answer(found: ReferenceSeed | Reject, is_kept: bool) -> Keep | Reject:
    if isinstance(found, ReferenceSeed):
        return Keep(found.evidence)
    return Keep({"no_reference": found.reason}) if is_kept else found
