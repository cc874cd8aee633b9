"""The figures of a run: a sealed line for each process that brought it to its end."""

import json
from pathlib import Path
from typing import Any, Final

from synth.store.seals import Damage, damaged, open_line

FIGURES: Final = Path("logs", "figures.jsonl")
"""In the run folder."""


def read_figures(run: Path) -> list[dict[str, Any]]:
    """All lines of figures. Raises StoreError for a damaged one, and where there are none."""
    path = run / FIGURES
    try:
        lines = [open_line(line) for line in path.read_bytes().splitlines(keepends=True)]
    except (Damage, OSError) as error:
        raise damaged(path, str(error)) from error
    found = [json.loads(line) for line in lines if line is not None]
    if not found:
        raise damaged(path, "has no figures")
    return found
