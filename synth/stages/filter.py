"""The filters over samples as stages: each sample meets one filter after the other, in the order of the
shards.

Entered: what the filter before has kept. Filters that remember (duplicates) make the stage an ordered one.
"""

from synth.filters.protocol import Filter, FilterInput
from synth.records import Sample
from synth.stages.protocol import Produces, index_row
from synth.stages.shard_state import ShardState, StageResult


class FilterStage:
    """One filter as a stage; `before` is the stage whose kept samples enter (the first filter takes all
    samples)."""

    ordered = True
    asks_engine = False
    produces: Produces = {}

    def __init__(self, check: Filter, before: str) -> None:
        self.name, self._filter = check.stage, check
        self.upstream: tuple[str, ...] = (before,)

    def entering(self, state: ShardState) -> list[str]:
        return [sample.id for sample in self._samples(state)]

    def _samples(self, state: ShardState) -> list[Sample]:
        return surviving(state, self.upstream[0])

    async def run(self, state: ShardState) -> StageResult:
        return StageResult(
            tuple(
                index_row(
                    self.name,
                    state,
                    sample.id,
                    "sample",
                    self._filter.check(_filter_input(sample)),
                    parents=(sample.solution_id,),
                    language=sample.language,
                    natural_language=sample.natural_language,
                )
                for sample in self._samples(state)
            )
        )


def surviving(state: ShardState, stage: str) -> list[Sample]:
    """Samples that a filter stage kept; all samples right after selection."""
    samples = state.get("sample", Sample)
    return samples if stage == "select" else [sample for sample in samples if sample.id in state.kept(stage)]


def _filter_input(sample: Sample) -> FilterInput:
    """The prompt's own words and the program. A duplicate program for another task is none: the prompt
    counts."""
    prompt = "\n".join(message.content for message in sample.prompt)
    code = sample.completion[0].content.split("\n", 1)[1].rsplit("\n```", 1)[0]
    return FilterInput(id=sample.id, language=sample.language, prompt=prompt, code=code)
