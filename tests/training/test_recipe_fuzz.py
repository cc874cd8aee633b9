"""Recipes that pass the check can be trained: a small part of `python -m benchmarks.trainer.recipes`."""

import random
from pathlib import Path

from benchmarks.trainer.recipes import try_recipes


def test_no_recipe_passes_and_is_then_refused(tmp_path: Path) -> None:
    seed = random.randrange(1 << 32)
    print(f"seed {seed}")
    counts = try_recipes(120, 3, seed, tmp_path)
    assert not counts.wrong
    assert counts.passed > 5
    assert counts.trainers == 3
