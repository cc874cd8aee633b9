"""Fill-in-the-middle samples as a stage: cut from accepted source files, or from the programs of the
surviving samples (report, 4.2).

Entered: files, or samples that passed every filter. Kept: those that have a node to cut out, and whose text
was not cut before, nor (of files, which met no filter yet) one that is nearly the same.
"""

from collections import deque

from synth.config import FimConfig
from synth.filters.exact_dedup import ExactDedup
from synth.filters.near_dedup import NearDedup
from synth.filters.protocol import FilterInput, Keep, Reject
from synth.ids import derive_random
from synth.records import FimSample, IndexRow, SourceText
from synth.rules.fim_cut import ContextFile, FimLimits, make_fim, make_repository_fim
from synth.stages.filter import surviving
from synth.stages.protocol import Context, Produces, index_row
from synth.stages.shard_state import ShardState, StageResult

CONTEXT_FILES = 2
"""Files of the same repository before the one with the hole."""
CONTEXT_CHARACTERS = 6000


class FimStage:
    """Ordered, because a text is cut once."""

    name = "fim"
    ordered = True
    asks_engine = False
    produces: Produces = {"fim": FimSample}

    def __init__(self, context: Context, before: str) -> None:
        assert context.data.fim is not None
        self._config: FimConfig = context.data.fim
        self._seed = context.recipe.seed
        self.upstream: tuple[str, ...] = (before,)
        self._exact = ExactDedup()
        filters = context.data.filters
        self._near = NearDedup(filters.near_dedup_threshold) if filters.near_dedup else None
        self._recent: deque[SourceText] = deque(maxlen=CONTEXT_FILES)

    def entering(self, state: ShardState) -> list[str]:
        return [text.id for text in self._texts(state)]

    def _texts(self, state: ShardState) -> list[SourceText]:
        """Source files; without any, the programs of the samples."""
        if files := state.get("file", SourceText):
            return files
        return [
            SourceText(
                id=s.id,
                repository="",
                path="",
                language=s.language,
                text=s.completion[0].content.split("\n", 1)[1].rsplit("```", 1)[0],
            )
            for s in surviving(state, self.upstream[0])
        ]

    async def run(self, state: ShardState) -> StageResult:
        rows: list[IndexRow] = []
        samples: list[FimSample] = []
        for text in self._texts(state):
            answer, made = self._cut(text)
            samples += made
            rows.append(
                index_row(
                    self.name,
                    state,
                    text.id,
                    "file" if text.path else "sample",
                    answer,
                    language=text.language,
                )
            )
        return StageResult(tuple(rows), {"fim": samples})

    def _cut(self, text: SourceText) -> tuple[Keep | Reject, list[FimSample]]:
        unit = FilterInput(id=text.id, language=text.language, code=text.text)
        for seen in (self._exact, self._near if text.path else None):
            if seen is not None and isinstance(twin := seen.check(unit), Reject):
                return twin, []
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
            return refused, []
        return Keep({"samples": len(made)}), list(made.values())

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
