"""The source of the flow: reads seeds of any kind in shards, and records every rejected snippet."""

from collections.abc import Generator, Iterable, Iterator
from itertools import islice
from typing import ClassVar, Final, TypeVar

from synth.config import InstructionSeedsConfig, PocketSeedsConfig
from synth.filters.protocol import Evidence, Keep
from synth.records import CodingProblem, IndexRow, Seed, SourceText, Unit
from synth.seeds.protocol import FileCut, ReadProblem, SeedOrRejection, SeedRejection
from synth.seeds.reader import PocketProvider, read_files, read_problems, read_seeds
from synth.seeds.source_tree import list_units
from synth.stages.context import Context
from synth.stages.shard_state import ShardState, StageResult
from synth.stages.unit_stage import Source, index_row
from synth.thresholds import Threshold

THRESHOLDS: Final = (
    Threshold(
        stage="snippet",
        reasons=("too_long",),
        measure="tokens",
        over="limit",
        keeps="<=",
        fixed=1.0,
        sentence="It has at most {limit} times the estimated tokens that the recipe allows its kind.",
        caveat="Kept snippets store no length. A function may have `data.seeds.max_tokens`, classes and "
        "programs twice as many.",
    ),
    Threshold(
        stage="snippet",
        reasons=("too_short",),
        measure="lines",
        over="limit",
        keeps=">=",
        fixed=1.0,
        sentence="It has at least {limit} times the lines of code that the recipe asks for.",
        caveat="Kept snippets store no lines. The recipe states them in `data.seeds.min_lines`.",
    ),
)

Item = TypeVar("Item")


class SnippetSource(Source):
    """Shards of `data.shard_size` files or rows, with their whole texts and their functions; of so many seeds
    for the pocket world, and of so many problems for an instruction set."""

    name: ClassVar[str] = "snippet"
    makes: ClassVar[tuple[type[Unit], ...]] = (Seed, SourceText, CodingProblem)

    def __init__(self, context: Context, pocket: PocketProvider | None = None, workers: int = 1) -> None:
        self._context, self._pocket, self._workers = context, pocket, workers

    def read(self, round_: int) -> Generator[tuple[ShardState, StageResult], None, None]:
        """Shards in the order of the source."""
        data, seed = self._context.data, self._context.recipe.seed
        folder = self._context.recipe_folder
        if isinstance(data.seeds, PocketSeedsConfig):
            units = read_seeds(
                data.seeds, recipe_folder=folder, random_seed=seed, round_=round_, pocket=self._pocket
            )
            for number, group in enumerate(_groups(units, data.shard_size)):
                state = ShardState(round_, f"{number:05d}")
                yield state, _result(state, ((unit, {}) for unit in group), [])
            return
        patience_s = self._context.recipe.outage.patience_s
        if isinstance(data.seeds, InstructionSeedsConfig):
            problems = read_problems(
                data.seeds,
                recipe_folder=folder,
                random_seed=seed,
                round_=round_,
                workers=self._workers,
                patience_s=patience_s,
            )
            for number, rows in enumerate(_groups(problems, data.shard_size)):
                state = ShardState(round_, f"{number:05d}")
                yield state, _result_of_problems(state, rows)
            return
        cuts = read_files(
            data.seeds,
            recipe_folder=folder,
            random_seed=seed,
            round_=round_,
            workers=self._workers,
            patience_s=patience_s,
        )
        for number, files in enumerate(_groups(cuts, data.shard_size)):
            state = ShardState(round_, f"{number:05d}")
            yield state, _result_of_files(state, files)


def _groups(items: Iterator[Item], size: int) -> Iterator[list[Item]]:
    while group := list(islice(items, size)):
        yield group


def _result_of_files(state: ShardState, cuts: list[FileCut]) -> StageResult:
    units = ((unit, {} if cut.file is not None else cut.evidence) for cut in cuts for unit in list_units(cut))
    files = [(text, cut.evidence) for cut in cuts if (text := _source_text(cut)) is not None]
    return _result(state, units, files, {cut.ref.name: cut.content for cut in cuts})


def _result_of_problems(state: ShardState, read: list[ReadProblem]) -> StageResult:
    name = SnippetSource.name
    found = {
        one.unit.unit_id: (
            index_row(
                name,
                state,
                one.unit,
                one.unit.reject if isinstance(one.unit, SeedRejection) else Keep(one.evidence),
            ),
            one.unit,
        )
        for one in read
    }
    made = tuple(unit for _, unit in found.values() if isinstance(unit, CodingProblem))
    return StageResult(tuple(row for row, _ in found.values()), made, {one.name: one.content for one in read})


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
    state: ShardState,
    units: Iterable[tuple[SeedOrRejection, Evidence]],
    files: list[tuple[SourceText, Evidence]],
    read: dict[str, str] | None = None,
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
    return StageResult(tuple(rows.values()), (*seeds.values(), *(file for file, _ in files)), read or {})
