"""Reads an instruction set: a data set or a JSON Lines file, each row once, as a problem or a rejection."""

from collections.abc import Iterator
from pathlib import Path

from synth.config import InstructionSeedsConfig
from synth.languages.registry import normalize_language
from synth.records import CodingProblem
from synth.seeds.hub import Patience, open_data_set
from synth.seeds.instructions.problems import ProblemReader
from synth.seeds.jsonl import open_lines
from synth.seeds.parallel import map_in_order
from synth.seeds.protocol import ReadProblem
from synth.seeds.rows import take_rows
from synth.seeds.screen import require_scanner


def read_set(
    config: InstructionSeedsConfig,
    recipe_folder: Path,
    random_seed: int,
    round_: int,
    workers: int,
    patience_s: float,
) -> Iterator[ReadProblem]:
    """The rows in the order that the recipe wants, up to its limits. A row whose answer turns out to be in
    another language than the recipe's is passed over. Raises RecipeError; OutageError while it is read."""
    require_scanner(config.screen)
    path = recipe_folder / config.dataset
    needed = {f"columns.{part}": column for part, column in config.columns.items()}
    if path.is_file():
        streams = [open_lines(path, needed, shuffle=config.shuffle)]
    else:
        streams = open_data_set(config, recipe_folder, needed, round_, Patience(patience_s))
    reader = ProblemReader(path.name if path.is_file() else config.dataset, config)
    rows = take_rows(config, reader.language_of, streams, random_seed, round_)
    wanted = set(map(normalize_language, config.languages or ()))
    for read in map_in_order(reader.read, rows, workers):
        if not (wanted and isinstance(read.unit, CodingProblem) and read.unit.language not in {"", *wanted}):
            yield read
