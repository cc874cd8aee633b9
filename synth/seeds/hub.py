"""Seeds from a Hugging Face data set, by hub id or local folder, streamed to keep memory constant.

The one rule: a data set that cannot be opened is a user error with a fix; bad rows in it are rejections.
"""

from collections.abc import Iterable, Iterator, Mapping
from itertools import islice
from pathlib import Path
from typing import Any

from synth.config import HubSeedsConfig
from synth.errors import Problem, RecipeError
from synth.links import links_out
from synth.seeds.protocol import SeedOrRejection
from synth.seeds.rows import seed_from_row


def read_hub(config: HubSeedsConfig, recipe_folder: Path) -> Iterator[SeedOrRejection]:
    """One seed or rejection per row. Raises RecipeError if `datasets` is missing or the data set
    cannot be opened."""
    for number, row in enumerate(islice(_open(config, recipe_folder), config.limit), start=1):
        yield seed_from_row(
            dict(row), config.dataset, number, config.code_column, config.language_column, config.language
        )


def _open(config: HubSeedsConfig, recipe_folder: Path) -> Iterable[Mapping[str, object]]:
    try:
        import datasets
    except ImportError as error:
        raise _problem(
            config, "needs the package `datasets`, which is not installed", "pip install 'codemill[train]'"
        ) from error
    local = recipe_folder / config.dataset
    if local.is_dir() and (strays := links_out(local)):
        raise _problem(
            config, f"holds a symbolic link that leads out of it: {strays[0]}", "replace the link by its file"
        )
    try:
        if (local / "dataset_info.json").exists() or (local / "dataset_dict.json").exists():
            return _split_of(datasets.load_from_disk(str(local)), config)
        name = str(local) if local.exists() else config.dataset
        return _rows(datasets.load_dataset(name, config.subset, split=config.split, streaming=True))
    except (OSError, ValueError, KeyError, RuntimeError) as error:
        raise _problem(
            config,
            f"cannot be opened: {type(error).__name__}: {error}"[:400],
            "check the name, subset, split and network",
        ) from error


# untyped library
def _split_of(saved: Any, config: HubSeedsConfig) -> Iterable[Mapping[str, object]]:  # noqa: ANN401
    """A saved data set, or the configured split of a saved dictionary of data sets."""
    return _rows(saved[config.split] if hasattr(saved, "keys") else saved)


def _rows(dataset: Any) -> Iterable[Mapping[str, object]]:  # noqa: ANN401  # untyped library
    rows: Iterable[Mapping[str, object]] = dataset
    return rows


def _problem(config: HubSeedsConfig, expected: str, fix: str) -> RecipeError:
    return RecipeError(
        Problem(f"data.seeds.dataset = {config.dataset!r}", expected, fix, "docs/architecture/seeds.md")
    )
