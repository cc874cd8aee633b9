"""The pages that there are: what the modules of `pages/` state.

Place in the flow: `app.py` makes routes of them. The one rule: a module is found by being in the folder;
nothing lists it.
"""

import importlib
import pkgutil
from functools import cache

from synth.inspector.web import pages
from synth.inspector.web.page import Route


@cache
def find_entries() -> tuple[Route, ...]:
    """All pages, actions and downloads, by module."""
    found: list[Route] = []
    for module in sorted(module.name for module in pkgutil.iter_modules(pages.__path__)):
        found += importlib.import_module(f"{pages.__name__}.{module}").PAGES
    return tuple(found)
