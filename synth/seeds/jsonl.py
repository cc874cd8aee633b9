"""Seeds from a JSON Lines file. A bad row is a rejection with its line number; a missing file is
a user error."""

import json
from collections.abc import Iterator
from itertools import islice
from pathlib import Path

from synth.config import JsonlSeedsConfig
from synth.errors import Problem, RecipeError
from synth.filters.protocol import Reject
from synth.seeds.protocol import SeedOrRejection
from synth.seeds.rows import seed_from_row


def read_jsonl(config: JsonlSeedsConfig, recipe_folder: Path) -> Iterator[SeedOrRejection]:
    """One seed or rejection per non-blank line, streamed. Raises RecipeError if the file does not exist."""
    path = recipe_folder / config.path
    if not path.is_file():
        raise RecipeError(
            Problem(
                f"data.seeds.path = {config.path!r}",
                f"must be an existing file: {path} is not one",
                "name a JSON Lines file, relative to the recipe",
            )
        )
    with path.open("rb") as lines:
        filled = ((number, line) for number, line in enumerate(lines, start=1) if line.strip())
        for number, line in islice(filled, config.limit):
            yield seed_from_row(
                _read_line(line), path.name, number, config.code_column, config.language_column, ""
            )


def _read_line(line: bytes) -> dict[str, object] | Reject:
    try:
        row = json.loads(line.decode("utf-8"))
    except UnicodeDecodeError as error:
        return Reject("unreadable", {"error": f"not UTF-8 at byte {error.start}"})
    except (ValueError, RecursionError) as error:
        return Reject("unreadable", {"error": f"not JSON: {error}"[:200]})
    return (
        row
        if isinstance(row, dict)
        else Reject("unreadable", {"error": f"a JSON {type(row).__name__}, not an object"})
    )
