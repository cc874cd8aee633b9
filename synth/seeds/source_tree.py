"""Seeds from folders of source code: finds, cuts and filters files as a stream, optionally in a
pool of processes."""

from collections.abc import Iterator
from functools import partial
from pathlib import Path

from synth.config import SourceTreeSeedsConfig
from synth.records import Origin
from synth.seeds.cut import cut_file
from synth.seeds.files import find_files
from synth.seeds.parallel import map_in_order
from synth.seeds.protocol import FileCut, SeedOrRejection, SeedRejection
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
    return map_in_order(partial(cut_file, config=config), refs, workers)


def list_units(cut: FileCut) -> Iterator[SeedOrRejection]:
    """The rejections and seeds of one file or row: itself if it was rejected, else its functions."""
    if cut.reject is not None:
        origin = Origin(
            source=cut.ref.source, path=cut.ref.relative, row=cut.ref.row, licence=cut.ref.licence
        )
        yield SeedRejection(cut.ref.id, "file", cut.ref.language, origin, cut.reject)
    yield from cut.units
