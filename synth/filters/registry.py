"""Finds the filters by listing this folder: a new filter is a new file, its reason and its key.

A module that defines `build` is a filter of the flow: `build` takes the recipe's settings and gives the
filter, or None where the recipe leaves it out; `FOR_SEEDS` says whether it also stands before the model. The
one rule: filters run in the order of their `COST`, cheap ones first.
"""

import importlib
from functools import lru_cache
from pathlib import Path
from types import ModuleType

from synth.filters.protocol import Filter, FilterSetting


def build_filters(setting: FilterSetting, *, seeds: bool = False) -> list[Filter]:
    """The filters that the recipe asks for, fresh and in order; with `seeds`, those that also say something
    about code before a model was asked. Raises DatasetError for an unusable benchmark."""
    built = (module.build(setting) for module in _modules() if not seeds or module.FOR_SEEDS)
    return [made for made in built if made is not None]


@lru_cache(maxsize=1)
def _modules() -> tuple[ModuleType, ...]:
    names = sorted(path.stem for path in Path(__file__).parent.glob("*.py"))
    modules = [importlib.import_module(f"synth.filters.{name}") for name in names if name != "registry"]
    return tuple(sorted((m for m in modules if hasattr(m, "build")), key=lambda module: module.COST))
