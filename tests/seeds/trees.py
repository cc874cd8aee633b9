"""Small source trees for tests, and the seeds that are cut from them."""

from pathlib import Path

from synth.config import SourceTreeSeedsConfig
from synth.records import Seed
from synth.seeds.reader import read_seeds


def cut(folder: Path, files: dict[str, str], language: str = "go") -> dict[str, Seed]:
    """The seeds of a tree, by entry point."""
    for name, text in files.items():
        path = folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text, encoding="utf-8")
    config = SourceTreeSeedsConfig(paths=(str(folder),), languages=(language,), min_lines=1)
    found = read_seeds(config, recipe_folder=folder, random_seed=0, round_=0)
    return {seed.entry_point: seed for seed in found if isinstance(seed, Seed)}


def why(seed: Seed) -> tuple[str, str, str]:
    """Why a seed is not closed: reason, name, words."""
    assert seed.unclosed is not None
    return seed.unclosed.reason, seed.unclosed.needs, seed.unclosed.why
