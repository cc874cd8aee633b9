"""The data sets that a recipe names, as files of this machine.

Place in the flow: recipe -> here, before any training starts -> jobs. The one rule: what `datasets` has to
load is written down once, in `data-sets/<hash>/` of the run, and from then on read from there, without a
network. Its parts are kept when the loading is interrupted.
"""

import json
from collections.abc import Sequence
from dataclasses import replace
from functools import partial
from pathlib import Path

from posttrain.core.data_files import data_files
from posttrain.core.jobs import TrainingSet
from synth.config import Recipe
from synth.errors import DatasetError, Problem, RecipeError
from synth.filters.protocol import Reject
from synth.ids import content_hash
from synth.seeds.hub import open_data_set
from synth.seeds.rows import DataPart
from synth.seeds_config import DataSetSeedsConfig
from synth.store.atomic import atomic_file, write_bytes
from synth.training_data_config import ROUND, TrainingSetConfig

FOLDER = "data-sets"
DONE = "source.json"


def bring(sets: Sequence[TrainingSetConfig], key: str, recipe_folder: Path, out: Path) -> list[TrainingSet]:
    """The data sets that a section of the recipe names, but for `round`. Those that `datasets` loads are
    written below `out`. Raises RecipeError or DatasetError for one that does not exist, OutageError for a
    network that stays away."""
    return [
        TrainingSet(paths=(str(_path(one, key, recipe_folder, out)),), columns=one.columns, weight=one.weight)
        for one in sets
        if one.source != ROUND
    ]


def _path(config: TrainingSetConfig, key: str, recipe_folder: Path, out: Path) -> Path:
    if config.is_loaded:
        return _loaded(config, key, recipe_folder, out / FOLDER)
    path = (recipe_folder / Path(config.source).expanduser()).resolve()
    data_files(path)
    return path


def _loaded(config: TrainingSetConfig, key: str, recipe_folder: Path, home: Path) -> Path:
    """The folder with the rows as JSON Lines, one file for each part of the data set."""
    settings = config.model_dump(mode="json", exclude={"weight", "columns"})
    folder = home / content_hash("data set", settings)
    if (folder / DONE).is_file():
        return folder
    wanted = DataSetSeedsConfig(
        dataset=config.place,
        subset=config.subset,
        split=config.split,
        revision=config.revision,
        data_files=config.data_files,
        shuffle=False,
    )
    needed = {f"columns.{ours}": theirs for ours, theirs in config.columns.items()}
    try:
        parts = [part for stream in open_data_set(wanted, recipe_folder, needed) for part in stream]
    except RecipeError as error:
        raise RecipeError(*map(partial(_of_training, key), error.problems)) from error
    for index, part in enumerate(parts):
        file = folder / f"rows-{index:05d}.jsonl"
        if not file.is_file():
            _write(part, file, config.source)
    write_bytes(folder / DONE, json.dumps(settings).encode())
    return folder


def _of_training(key: str, problem: Problem) -> Problem:
    """The problem under the key of the section that names the data set."""
    return replace(problem, where=problem.where.replace("data.seeds", key, 1))


def _write(part: DataPart, file: Path, source: str) -> None:
    with atomic_file(file) as lines:
        for row in part.read():
            if isinstance(row.values, Reject):
                why = f"cannot be read on after row {row.number - 1}: {row.values.evidence.get('error', '')}"
                fix = "correct the file, or name others: `data_files: [...]`"
                raise DatasetError(Problem(f"data set {source}, {part.name}", why, fix))
            lines.write(json.dumps(dict(row.values), default=str).encode() + b"\n")


def bring_all(recipe: Recipe, recipe_folder: Path, out: Path) -> dict[str, list[TrainingSet]]:
    """The data sets that each training of a loop (`coarse`, `fine`, `dpo`, `kto`) has beside the rows of a
    round."""
    return {
        section.rpartition(".")[2]: bring(config.data, f"{section}.data", recipe_folder, out)
        for section, config in recipe.trainings.items()
    }
