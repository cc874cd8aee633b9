"""The entry to the flow: one function that reads seeds from any source that a recipe can name.

The one rule: a bad file or row becomes a rejection and is counted. Only errors that the user must fix (a
missing folder, file or data set) are raised, and before the first seed.
"""

from collections.abc import Callable, Iterable, Iterator
from itertools import chain
from pathlib import Path

from synth.config import (
    HubSeedsConfig,
    JsonlSeedsConfig,
    PocketSeedsConfig,
    SeedsConfig,
    SourceTreeSeedsConfig,
)
from synth.errors import Problem, RecipeError
from synth.records import Seed
from synth.seeds.protocol import SeedOrRejection

PocketProvider = Callable[[PocketSeedsConfig, int, int], Iterable[Seed]]
"""(config, random seed, round) -> snippets of the pocket world. It is defined in `posttrain`, which
`synth` never imports."""


def read_seeds(
    config: SeedsConfig,
    *,
    recipe_folder: Path,
    random_seed: int,
    round_: int,
    pocket: PocketProvider | None = None,
    workers: int = 1,
) -> Iterator[SeedOrRejection]:
    """Seeds and rejections of one source, streamed, in the same order every time. Raises RecipeError."""
    if isinstance(config, PocketSeedsConfig):
        return iter(_pocket(pocket)(config, random_seed, round_))
    if isinstance(config, JsonlSeedsConfig):
        from synth.seeds.jsonl import read_jsonl

        return read_jsonl(config, recipe_folder)
    if isinstance(config, HubSeedsConfig):
        from synth.seeds.hub import read_hub

        return read_hub(config, recipe_folder)
    return _source_tree(config, recipe_folder, random_seed, round_, workers)


def _source_tree(
    config: SourceTreeSeedsConfig, recipe_folder: Path, random_seed: int, round_: int, workers: int
) -> Iterator[SeedOrRejection]:
    from synth.seeds.source_tree import list_units, read_cuts

    cuts = read_cuts(config, recipe_folder, random_seed=random_seed, round_=round_, workers=workers)
    return chain.from_iterable(map(list_units, cuts))


def _pocket(provider: PocketProvider | None) -> PocketProvider:
    if provider is None:
        expected = "needs the pocket world, which this command does not provide"
        raise RecipeError(
            Problem(
                "data.seeds.kind = 'pocket'",
                expected,
                "run the recipe with `codemill run`",
                "docs/recipes.md",
            )
        )
    return provider
