"""Finds the protocols by listing this folder: a module that defines `PROTOCOLS` states some."""

import difflib
import importlib
from collections.abc import Mapping
from functools import cache
from pathlib import Path
from types import MappingProxyType

from synth.errors import Problem, UserError
from synth.protocols.protocol import Protocol

PAGE = "docs/architecture/protocols.md"


@cache
def _all_protocols() -> Mapping[str, Protocol]:
    names = sorted(path.stem for path in Path(__file__).parent.glob("*.py"))
    found = dict[str, Protocol]()
    for name in names:
        if name not in ("__init__", "registry", "protocol"):
            module = importlib.import_module(f"synth.protocols.{name}")
            found |= {one.suite: one for one in getattr(module, "PROTOCOLS", ())}
    return MappingProxyType(found)


PROTOCOLS: Mapping[str, Protocol] = _all_protocols()
"""Every protocol, by its suite's name."""


def find_protocol(suite: str) -> Protocol:
    """The protocol of that suite, in any case. Raises UserError with the list of names."""
    wanted = suite.strip().lower()
    if wanted in PROTOCOLS:
        return PROTOCOLS[wanted]
    near = difflib.get_close_matches(wanted, PROTOCOLS, n=1) or [next(iter(PROTOCOLS))]
    words = f"must be one of {', '.join(PROTOCOLS)}"
    raise UserError(Problem(f"--suite {suite}", words, f"--suite {near[0]}", PAGE))
