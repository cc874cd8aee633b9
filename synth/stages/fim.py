"""Fill-in-the-middle samples as a stage: cut from accepted source files, or from the programs of the
surviving samples (Qwen2.5-Coder report, 4.2).

Entered: files; in a shard without files, samples that passed every filter. Kept: those with a node to
cut out whose text was not cut before. Files have not passed a filter yet, so near-duplicates among them
are also rejected.
"""

from collections import deque
from collections.abc import Sequence
from typing import ClassVar

from synth.config import FimConfig
from synth.filters.exact_dedup import ExactDedup
from synth.filters.near_dedup import NearDedup
from synth.filters.protocol import FilterInput, Keep, Reject
from synth.ids import derive_random
from synth.products import FimSample, Sample
from synth.records import SourceText, Unit
from synth.rules.fim_cut import ContextFile, FimLimits, make_fim, make_repository_fim
from synth.stages.context import Context
from synth.stages.shard_state import ShardState
from synth.stages.unit_stage import Decided, UnitStage, Upstream

CONTEXT_FILES = 2
"""Files of the same repository before the one with the hole."""
CONTEXT_CHARACTERS = 6000


class FimStage(UnitStage[Unit]):
    """Ordered, because a text is cut once."""

    name = "fim"
    unit = Unit
    makes: ClassVar[tuple[type[Unit], ...]] = (FimSample,)
    ordered = True

    def __init__(self, context: Context, before: Upstream) -> None:
        assert context.data.fim is not None
        self._config: FimConfig = context.data.fim
        self._seed = context.recipe.seed
        self.upstream = (before,)
        self._exact = ExactDedup()
        filters = context.data.filters
        self._near = NearDedup(filters.near_dedup_threshold) if filters.near_dedup else None
        self._recent: deque[SourceText] = deque(maxlen=CONTEXT_FILES)

    def entering(self, state: ShardState) -> Sequence[Unit]:
        return state.survivors(SourceText) or state.survivors(Sample)

    async def decide(self, units: Sequence[Unit], state: ShardState) -> list[Decided]:
        return [self._cut(_text_of(unit)) for unit in units]

    def _cut(self, text: SourceText) -> Decided:
        unit = FilterInput.of(text)
        for seen in (self._exact, self._near if text.path else None):
            if seen is not None and isinstance(twin := seen.check(unit), Reject):
                return Decided(twin)
        made: dict[str, FimSample] = {}
        refused: Reject | None = None
        for attempt in range(self._config.per_source):
            found = self._make(text, attempt)
            if isinstance(found, Reject):
                refused = found
                break
            made[found.id] = found
        self._recent.append(text)
        if not made and refused is not None:
            return Decided(refused)
        return Decided(Keep({"samples": len(made)}), tuple(made.values()))

    def _make(self, text: SourceText, attempt: int) -> FimSample | Reject:
        random = derive_random(self._seed, self.name, text.id, attempt)
        limits = FimLimits(max_middle_share=self._config.max_middle_share)
        context = [
            ContextFile(file.path, file.text)
            for file in self._recent
            if file.repository == text.repository
            and file.language == text.language
            and len(file.text) <= CONTEXT_CHARACTERS
        ]
        if self._config.repository_format and attempt % 2 == 1 and context and text.path:
            return make_repository_fim(
                text.repository,
                context,
                text.path,
                text.text,
                text.language,
                random,
                source_id=text.id,
                limits=limits,
            )
        return make_fim(text.text, text.language, random, source_id=text.id, limits=limits)


def _text_of(unit: Unit) -> SourceText:
    """A file as it is; the program of a sample as a file without a path."""
    if isinstance(unit, SourceText):
        return unit
    language = getattr(unit, "language", "")
    return SourceText(id=unit.unit_id, repository="", path="", language=language, text=f"{unit.program}\n")
