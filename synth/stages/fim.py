"""Fill-in-the-middle samples as a stage: cut from accepted source files, or from the programs of the
surviving samples (Qwen2.5-Coder report, 4.2).

Entered: files; in a shard without files, samples that passed every filter. Kept: those with a node to cut out
whose text was not cut before. Of a file only what is an accepted seed is cut out, and only if nothing of the
file is contaminated: files have passed the source's filters, but not those of samples. The one rule: a row
fits the length that the trainer takes.
"""

from collections import OrderedDict, defaultdict, deque
from collections.abc import Sequence
from typing import ClassVar, Final

from synth.config import FimConfig
from synth.filters import decontaminate
from synth.filters.benchmarks import BenchmarkEntry
from synth.filters.exact_dedup import ExactDedup
from synth.filters.near_dedup import NearDedup
from synth.filters.protocol import Filter, FilterInput, FilterSetting, Keep, Reject
from synth.ids import derive_random, unit_id
from synth.products import FimSample, Sample
from synth.records import Seed, SourceText, Unit
from synth.rules.fim_cut import ContextFile, FimLimits, make_fim, make_repository_fim
from synth.stages.context import Context
from synth.stages.shard_state import ShardState
from synth.stages.unit_stage import Decided, UnitStage, Upstream

CONTEXT_FILES = 2
"""Files of the same repository before the one with the hole."""
CONTEXT_CHARACTERS = 6000
REPOSITORIES: Final = 256
"""Repositories whose last files are held."""
USUAL_TOKENS: Final = 4096
ESTIMATED_SHARE: Final = 0.75
"""Of a trainer's limit, since tokens are only estimated: with the vocabulary of Qwen2.5-Coder, texts in eight
languages have 0.76 to 1.2 estimated tokens for each real one."""

Pieces = tuple[tuple[int, int], ...]
"""First and last lines."""


class FimStage(UnitStage[Unit]):
    """Ordered, because a text is cut once."""

    name = "fim"
    unit = Unit
    makes: ClassVar[tuple[type[Unit], ...]] = (FimSample,)
    ordered = True

    def __init__(self, context: Context, before: Upstream, held_out: Sequence[BenchmarkEntry] = ()) -> None:
        assert context.data.fim is not None
        self._config: FimConfig = context.data.fim
        self._seed = context.recipe.seed
        self._max_tokens = _row_tokens(context)
        self.upstream = (before,)
        filters = context.data.filters
        setting = FilterSetting(filters, context.recipe_folder, tuple(held_out))
        near = NearDedup(filters.near_dedup_threshold) if filters.near_dedup else None
        self._of_files: list[Filter | None] = [decontaminate.build(setting), ExactDedup(), near]
        self._of_samples: list[Filter | None] = self._of_files[1:2]
        self._recent: OrderedDict[str, deque[SourceText]] = OrderedDict()

    def entering(self, state: ShardState) -> Sequence[Unit]:
        return state.survivors(SourceText) or state.survivors(Sample)

    async def decide(self, units: Sequence[Unit], state: ShardState) -> list[Decided]:
        seeds = _accepted_lines(state)
        return [self._decide(unit, seeds) for unit in units]

    def _decide(self, unit: Unit, seeds: dict[str, Pieces]) -> Decided:
        if not isinstance(unit, SourceText):
            return self._cut(_text_of(unit), None, self._of_samples)
        if unit.id not in seeds:
            return Decided(Reject("no_accepted_seed"))
        return self._cut(unit, seeds[unit.id], self._of_files)

    def _cut(self, text: SourceText, lines: Pieces | None, filters: Sequence[Filter | None]) -> Decided:
        unit = FilterInput.of(text)
        for check in filters:
            if check is not None and isinstance(found := check.check(unit), Reject):
                return Decided(found)
        made: dict[str, FimSample] = {}
        refused: Reject | None = None
        for attempt in range(self._config.per_source):
            sample = self._make(text, lines, attempt)
            if isinstance(sample, Reject):
                refused = sample
                break
            made[sample.id] = sample.model_copy(update={"licence": text.licence})
        self._remember(text)
        if not made and refused is not None:
            return Decided(refused)
        return Decided(Keep({"samples": len(made)}), tuple(made.values()))

    def _make(self, text: SourceText, lines: Pieces | None, attempt: int) -> FimSample | Reject:
        random = derive_random(self._seed, self.name, text.id, attempt)
        limits = FimLimits(
            max_middle_share=self._config.max_middle_share, max_tokens=self._max_tokens, lines=lines
        )
        context = [
            ContextFile(file.path, file.text)
            for file in self._recent.get(text.repository, ())
            if file.language == text.language and len(file.text) <= CONTEXT_CHARACTERS
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

    def _remember(self, text: SourceText) -> None:
        """Keep the last files of the repositories that were met last."""
        files = self._recent.pop(text.repository, deque(maxlen=CONTEXT_FILES))
        files.append(text)
        self._recent[text.repository] = files
        if len(self._recent) > REPOSITORIES:
            self._recent.popitem(last=False)


def _row_tokens(context: Context) -> int:
    """How many tokens a row may have, as they are estimated."""
    config, sft = context.data.fim, context.recipe.sft
    if config is not None and config.max_tokens is not None:
        return config.max_tokens
    return int(ESTIMATED_SHARE * (sft.coarse.max_length if sft is not None else USUAL_TOKENS))


def _accepted_lines(state: ShardState) -> dict[str, Pieces]:
    """The lines of the seeds that the source accepted, by the id of their file. Whether a seed can serve as a
    reference does not count: it is real code all the same."""
    contaminated = state.ids_with_reason("contaminated")
    found: defaultdict[str, list[tuple[int, int]]] = defaultdict(list)
    for seed in state.get(Seed):
        origin = seed.origin
        if seed.id not in contaminated:
            file = unit_id(SourceText.kind, origin.source, origin.path, *filter(None, [origin.row]))
            found[file].append((origin.start_line, origin.end_line))
    return {file: tuple(lines) for file, lines in found.items()}


def _text_of(unit: Unit) -> SourceText:
    """The program of a sample as a file without a path."""
    language = getattr(unit, "language", "")
    return SourceText(id=unit.unit_id, repository="", path="", language=language, text=f"{unit.program}\n")
