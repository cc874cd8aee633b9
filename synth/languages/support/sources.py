"""Reads the files next to a language's module: its driver, its zygote, its build script.

The one rule: these texts are ours, and what they run of programs runs only inside the sandbox.
"""

from functools import lru_cache
from pathlib import Path

_LANGUAGES = Path(__file__).parents[1]


@lru_cache
def read_source(path: str) -> str:
    """The text of a file in synth/languages, such as `lua/driver.lua`."""
    return (_LANGUAGES / path).read_text(encoding="utf-8")
