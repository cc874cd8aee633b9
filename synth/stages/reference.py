"""Reference execution as a stage: seeds are run, and their results become the expected values (rank 1
of the evidence).

Entered: seeds. Kept: those whose behaviour can serve as a reference; if the recipe accepts
agreement as evidence, also those that cannot be run here but state their types. A seed in a language that
this machine cannot run is rejected: a source has many languages, and none of them may hold up the others. The
pure steps are in `reference_rules.py`.
"""

from collections.abc import Mapping, Sequence
from random import Random
from typing import ClassVar, Final

from synth.filters.protocol import Keep, Reject
from synth.ids import derive_random
from synth.records import EvidenceRank, FunctionContract, Reference, Seed, Unit
from synth.rules.canonical import without_long_outputs
from synth.rules.limits import find_limits
from synth.rules.reference_judging import MIN_RETURNED, FoundReference, was_never_run
from synth.rules.reference_rules import stated_contract
from synth.rules.stated_examples import stated_cases
from synth.rules.trials import AnyTrial, begin_trial, continue_trial
from synth.stages.context import Context
from synth.stages.running import run_each
from synth.stages.shard_state import ShardState
from synth.stages.snippet import SnippetSource
from synth.stages.unit_stage import Decided, UnitStage, Upstream
from synth.thresholds import Threshold
from synth.values import parse_signature

THRESHOLDS: Final = (
    Threshold(
        stage="reference",
        reasons=("reference_crashed",),
        measure="returned",
        over="inputs",
        keeps=">=",
        fixed=MIN_RETURNED,
        sentence="It returns on a share of at least {limit} of the inputs.",
        caveat="A seed whose results people state passes with less; programs and classes have other rules.",
    ),
    Threshold(
        stage="reference",
        reasons=("too_few_inputs",),
        measure="returned",
        keeps=">=",
        key="data.inputs.minimum",
        sentence="It returns on at least {limit} inputs.",
    ),
)


class ReferenceStage(UnitStage[Seed]):
    """Makes a reference from each seed that can serve as one."""

    name = "reference"
    unit = Seed
    upstream: tuple[Upstream, ...] = (SnippetSource,)
    makes: ClassVar[tuple[type[Unit], ...]] = (Reference,)

    def __init__(self, context: Context) -> None:
        self._context, self._config = context, context.data.inputs

    async def decide(self, units: Sequence[Seed], state: ShardState) -> list[Decided]:
        found = await self.find(units, state.priority)
        return [self._decided(seed, found[seed.id]) for seed in units]

    async def find(self, seeds: Sequence[Seed], priority: int) -> dict[str, FoundReference | Reject]:
        """Run the trials of all seeds, wave by wave, so that the sandbox gets many programs at once."""
        limits = find_limits(self._context.recipe.execution)
        state: dict[str, AnyTrial | FoundReference | Reject] = {
            seed.id: begin_trial(
                seed, self._random("probe", seed.id), self._random("inputs", seed.id), limits, self._config
            )
            for seed in seeds
        }
        while trials := {
            key: trial for key, trial in state.items() if not isinstance(trial, FoundReference | Reject)
        }:
            together = {key: trial for key, trial in trials.items() if not trial.alone}
            groups = [together] if together else [{key: trial} for key, trial in trials.items()]
            for group in groups:
                state |= await self._run_trials(group, priority)
        return {key: found for key, found in state.items() if isinstance(found, FoundReference | Reject)}

    async def _run_trials(
        self, trials: Mapping[str, AnyTrial], priority: int
    ) -> dict[str, AnyTrial | FoundReference | Reject]:
        """The next state of each trial after its next programs, all run at once."""
        programs = [program for trial in trials.values() for program in trial.to_run]
        seen = iter(
            await run_each(
                self._context.sandbox, programs, lambda _, one: without_long_outputs(one), priority
            )
        )
        found: dict[str, AnyTrial | FoundReference | Reject] = {}
        for key, trial in trials.items():
            observations = [next(seen) for _ in trial.to_run]
            found[key] = continue_trial(trial, observations, self._random("inputs", key), self._config)
        return found

    def _random(self, purpose: str, seed_id: str) -> Random:
        return derive_random(self._context.recipe.seed, purpose, seed_id)

    def _decided(self, seed: Seed, found: FoundReference | Reject) -> Decided:
        if isinstance(found, FoundReference):
            return Decided(Keep(found.evidence), (found.reference,))
        if bare := self._without_cases(seed, found):
            return Decided(Keep({"no_reference": found.reason}), (bare,))
        if found.reason == "toolchain_missing":
            return Decided(Reject("language_not_run", found.evidence))
        return Decided(found)

    def _without_cases(self, seed: Seed, answer: Reject) -> Reference | None:
        """The seed with what people state of it, or with its contract alone, when that may judge its task."""
        data = self._context.data
        contract = stated_contract(seed) if data.solve is not None and was_never_run(answer) else None
        if contract is None:
            return None
        bare = Reference(seed_id=seed.id, language=seed.language, code=seed.code, contract=contract)
        if (least := data.evidence.min_examples) and isinstance(contract, FunctionContract):
            cases = stated_cases(seed.examples, parse_signature(contract.signature))
            if len(cases) >= least and len({case.expected for case in cases}) > 1:
                return bare.model_copy(update={"cases": cases, "rank": EvidenceRank.EXAMPLES})
        return bare if data.evidence.agreement else None
