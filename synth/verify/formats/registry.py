"""Finds the format modules by listing this folder: a new format is a new file. A module that defines `FORMAT`
is one."""

import difflib
import importlib
from functools import lru_cache
from pathlib import Path

from synth.errors import Problem, UserError
from synth.verify.formats.spec import Format
from synth.verify.rows import PAGE


@lru_cache(maxsize=1)
def all_formats() -> tuple[Format, ...]:
    """Every format, by name."""
    names = sorted(path.stem for path in Path(__file__).parent.glob("*.py") if path.stem != "__init__")
    modules = [importlib.import_module(f"synth.verify.formats.{name}") for name in names]
    return tuple(module.FORMAT for module in modules if hasattr(module, "FORMAT"))


def get_format(name: str) -> Format:
    """The format of that name or alias, in any case. Raises UserError naming the nearest."""
    known = {key: one for one in all_formats() for key in (one.name, *one.aliases)}
    wanted = name.strip().lower()
    if wanted in known:
        return known[wanted]
    near = difflib.get_close_matches(wanted, known, n=1) or [all_formats()[0].name]
    listed = ", ".join(one.name for one in all_formats())
    raise UserError(Problem(f"--format {name}", f"must be one of {listed}", f"--format {near[0]}", PAGE))
