"""Which exports were made from a run: `logs/exports.jsonl`, one sealed line an export.

Place in the flow: `export` writes a line when its folder is complete, `revoke` asks where copies of a row
lie. The one rule: it is a note. A run folder that cannot be written is exported all the same, and what was
moved or removed since is said to be gone.
"""

import json
from collections.abc import Mapping
from datetime import UTC, datetime
from pathlib import Path

from pydantic import ValidationError

from synth.records import Record
from synth.store.atomic import open_log
from synth.store.seals import Damage, open_line, seal_line

EXPORTS = Path("logs", "exports.jsonl")
"""In the run folder."""


class ExportMade(Record):
    """An export: the absolute path of its folder, its layout, when it was made, and rows by product."""

    folder: str
    format: str
    made: str
    counts: dict[str, int]


def note_export(run: Path, folder: Path, format: str, counts: Mapping[str, int]) -> bool:
    """Write the line; False if the run folder cannot be written."""
    now = datetime.now(UTC).isoformat(timespec="seconds")
    made = ExportMade(folder=str(folder.absolute()), format=format, made=now, counts=dict(counts))
    try:
        with open_log(run / EXPORTS) as lines:
            lines.write(seal_line(json.dumps(made.model_dump())).decode())
    except OSError:
        return False
    return True


def exports_made(run: Path) -> list[ExportMade]:
    """The exports, in the order in which they were made; a folder that was written again counts once, at its
    last place. Damaged lines are left out: the file is a note."""
    try:
        lines = (run / EXPORTS).read_bytes().splitlines(keepends=True)
    except OSError:
        return []
    found: dict[str, ExportMade] = {}
    for line in lines:
        try:
            text = open_line(line)
            made = ExportMade.model_validate_json(text) if text is not None else None
        except (Damage, ValidationError):
            continue
        if made is not None:
            found.pop(made.folder, None)
            found[made.folder] = made
    return list(found.values())
