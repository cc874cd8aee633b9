"""The entry to the flow: reads seeds from any source that a recipe can name.

The one rule: a bad file or row becomes a rejection and is counted. Only errors that the user must fix (a
missing folder, file, data set or column) are raised, and before the first seed; and OutageError for a network
that stays away.
"""

from collections.abc import Callable, Iterable, Iterator
from itertools import chain
from pathlib import Path

from synth.config import (
    CodeSeedsConfig,
    HubSeedsConfig,
    InstructionSeedsConfig,
    JsonlSeedsConfig,
    PocketSeedsConfig,
    SeedsConfig,
    SourceTreeSeedsConfig,
)
from synth.errors import Problem, RecipeError
from synth.records import Seed
from synth.seeds.protocol import FileCut, ReadProblem, SeedOrRejection

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
    assert not isinstance(config, InstructionSeedsConfig), "these are problems: see read_problems"
    from synth.seeds.source_tree import list_units

    cuts = read_files(
        config, recipe_folder=recipe_folder, random_seed=random_seed, round_=round_, workers=workers
    )
    return chain.from_iterable(map(list_units, cuts))


def read_files(
    config: CodeSeedsConfig,
    *,
    recipe_folder: Path,
    random_seed: int,
    round_: int,
    workers: int = 1,
    patience_s: float = 900.0,
) -> Iterator[FileCut]:
    """The files or rows of one source, each cut into its seeds and rejections. `patience_s`: how long a
    network that fails is waited for. Raises RecipeError; OutageError while it is read."""
    if isinstance(config, SourceTreeSeedsConfig):
        from synth.seeds.source_tree import read_cuts

        return read_cuts(config, recipe_folder, random_seed=random_seed, round_=round_, workers=workers)
    from synth.seeds.rows import read_row_cuts

    if isinstance(config, JsonlSeedsConfig):
        from synth.seeds.jsonl import open_jsonl

        reader, streams = open_jsonl(config, recipe_folder)
    else:
        from synth.seeds.hub import Patience, open_hub

        assert isinstance(config, HubSeedsConfig)
        reader, streams = open_hub(config, recipe_folder, round_, Patience(patience_s))
    return read_row_cuts(reader, streams, random_seed=random_seed, round_=round_, workers=workers)


def read_problems(
    config: InstructionSeedsConfig,
    *,
    recipe_folder: Path,
    random_seed: int,
    round_: int,
    workers: int = 1,
    patience_s: float = 900.0,
) -> Iterator[ReadProblem]:
    """The rows of an instruction set, each a problem or a rejection. Raises like `read_files`."""
    from synth.seeds.instructions.reading import read_set

    return read_set(config, recipe_folder, random_seed, round_, workers, patience_s)


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
