"""The source of the flow: reads seeds of any kind in shards, and records every rejected snippet."""

from collections.abc import Generator, Iterable, Iterator
from itertools import islice
from typing import ClassVar, TypeVar

from synth.config import HubSeedsConfig, JsonlSeedsConfig, PocketSeedsConfig, SourceTreeSeedsConfig
from synth.filters.protocol import Evidence, Keep
from synth.records import IndexRow, Seed, SourceText, Unit
from synth.seeds.protocol import FileCut, SeedOrRejection
from synth.seeds.reader import PocketProvider, read_seeds
from synth.seeds.screen import ScreenedUnit, require_scanner, screen_unit
from synth.stages.context import Context
from synth.stages.shard_state import ShardState, StageResult
from synth.stages.unit_stage import Source, index_row

Item = TypeVar("Item")


class SnippetSource(Source):
    """Shards of `data.shard_size` seeds. For a source tree, a shard has that many files, with their whole
    texts and their functions."""

    name: ClassVar[str] = "snippet"
    makes: ClassVar[tuple[type[Unit], ...]] = (Seed, SourceText)

    def __init__(self, context: Context, pocket: PocketProvider | None = None, workers: int = 1) -> None:
        self._context, self._pocket, self._workers = context, pocket, workers

    def read(self, round_: int) -> Generator[tuple[ShardState, StageResult], None, None]:
        """Shards in the order of the source."""
        config = self._context.data.seeds
        if isinstance(config, SourceTreeSeedsConfig):
            yield from self._read_tree(config, round_)
            return
        units = read_seeds(
            config,
            recipe_folder=self._context.recipe_folder,
            random_seed=self._context.recipe.seed,
            round_=round_,
            pocket=self._pocket,
        )
        for number, group in enumerate(_groups(_screened(units, config), self._context.data.shard_size)):
            state = ShardState(round_, f"{number:05d}")
            yield state, _result(state, group, [])

    def _read_tree(
        self, config: SourceTreeSeedsConfig, round_: int
    ) -> Iterator[tuple[ShardState, StageResult]]:
        from synth.seeds.source_tree import list_units, read_cuts

        seed, folder = self._context.recipe.seed, self._context.recipe_folder
        cuts = read_cuts(config, folder, random_seed=seed, round_=round_, workers=self._workers)
        for number, group in enumerate(_groups(cuts, self._context.data.shard_size)):
            state = ShardState(round_, f"{number:05d}")
            units = [ScreenedUnit(unit, {}) for cut in group for unit in list_units(cut)]
            files = [(text, cut.evidence) for cut in group if (text := _source_text(cut)) is not None]
            yield state, _result(state, units, files)


def _screened(
    units: Iterable[SeedOrRejection], config: PocketSeedsConfig | JsonlSeedsConfig | HubSeedsConfig
) -> Iterator[ScreenedUnit]:
    """The units of a data set, screened; those of the pocket world, which hold nobody's data, as they are."""
    if isinstance(config, PocketSeedsConfig):
        return (ScreenedUnit(unit, {}) for unit in units)
    require_scanner(config.screen)
    return (screen_unit(unit, config.screen) for unit in units)


def _groups(items: Iterator[Item], size: int) -> Iterator[list[Item]]:
    while group := list(islice(items, size)):
        yield group


def _source_text(cut: FileCut) -> SourceText | None:
    if cut.file is None:
        return None
    ref = cut.ref
    return SourceText(
        id=ref.id,
        repository=ref.repository,
        path=ref.relative,
        language=ref.language,
        text=cut.file.text,
        licence=ref.licence,
    )


def _result(
    state: ShardState, units: list[ScreenedUnit], files: list[tuple[SourceText, Evidence]]
) -> StageResult:
    """Each unit once: a text that occurs twice in a source is one seed."""
    name = SnippetSource.name
    rows: dict[str, IndexRow] = {
        file.id: index_row(name, state, file, Keep(evidence)) for file, evidence in files
    }
    seeds: dict[str, Seed] = {}
    for unit, evidence in units:
        if unit.unit_id in rows:
            continue
        if isinstance(unit, Seed):
            seeds[unit.id] = unit
            rows[unit.id] = index_row(name, state, unit, Keep(evidence))
        else:
            rows[unit.unit_id] = index_row(name, state, unit, unit.reject)
    return StageResult(tuple(rows.values()), (*seeds.values(), *(file for file, _ in files)))
