"""Seeds from folders of source code: finds, cuts and filters files as a stream, optionally in a
pool of processes."""

from collections.abc import Iterator
from dataclasses import replace
from functools import partial
from pathlib import Path

from synth.config import SourceTreeSeedsConfig
from synth.records import Origin
from synth.seeds.cut import cut_file
from synth.seeds.examples.tree import index_tests
from synth.seeds.files import find_files
from synth.seeds.parallel import map_in_order
from synth.seeds.protocol import FileCut, FileRef, SeedOrRejection, SeedRejection
from synth.seeds.screen import require_scanner


def read_cuts(
    config: SourceTreeSeedsConfig,
    recipe_folder: Path,
    *,
    random_seed: int = 0,
    round_: int = 0,
    workers: int = 1,
) -> Iterator[FileCut]:
    """Each file of the tree with its text (for FIM) and its functions. Raises RecipeError if the folder
    does not exist."""
    require_scanner(config.screen)
    refs = find_files(config, recipe_folder, random_seed, round_)
    whole = find_files(config.model_copy(update={"max_files": None}), recipe_folder)
    return _with_tests(map_in_order(partial(cut_file, config=config), refs, workers), whole, config, workers)


def _with_tests(
    cuts: Iterator[FileCut], whole: Iterator[FileRef], config: SourceTreeSeedsConfig, workers: int
) -> Iterator[FileCut]:
    """The cuts, their seeds with the examples of the tree's tests."""
    index = index_tests(whole, config.screen, workers, config.max_files)
    for cut in cuts:
        yield replace(cut, units=tuple(index.give(cut.units)))


def list_units(cut: FileCut) -> Iterator[SeedOrRejection]:
    """The rejections and seeds of one file or row: itself if it was rejected, else its functions."""
    if cut.reject is not None:
        origin = Origin(
            source=cut.ref.source, path=cut.ref.relative, row=cut.ref.row, licence=cut.ref.licence
        )
        yield SeedRejection(cut.ref.id, "file", cut.ref.language, origin, cut.reject)
    yield from cut.units
