"""Texts in the files of a run: bodies, raw answers of its journal, lines of answers and exports.

Place in the flow: the word `text:` of a filter -> ids of units. The one rule: each file is searched once for
a text, and what a time budget leaves out is searched by the next call, which goes on where this one stopped.
"""

import json
import threading
from collections import OrderedDict
from collections.abc import Sequence
from pathlib import Path
from typing import Final, NamedTuple

from pydantic import Field

from synth.inspector.database import Database, Deadline, OutOfTime
from synth.wire_record import Record

_KEPT_SEARCHES: Final = 16
_FIRST_FILES: Final = 8
_MOST_FILES: Final = 512
_SHORTEST_S: Final = 0.02


class TextFiles(NamedTuple):
    """Files, and the query that gives `filename`, `id` and `text` of those whose names are its parameter."""

    names: tuple[str, ...]
    query: str


class SearchedText(Record):
    """What holds a text, as far as it was looked for."""

    text: str
    ids: tuple[str, ...] = Field(exclude=True)
    searched: int
    """Bytes of files that were searched."""
    size: int
    """Bytes of all."""

    @property
    def is_whole(self) -> bool:
        return self.searched >= self.size


class TextSearch:
    """The searches of one run."""

    def __init__(self, database: Database) -> None:
        self._database = database
        self._lock = threading.Lock()
        self._found: OrderedDict[str, dict[tuple[str, int], tuple[str, ...]]] = OrderedDict()
        """By text, and by file with its size (a journal grows): the ids."""

    def find(self, text: str, files: Sequence[TextFiles], seconds: float) -> SearchedText:
        """The ids whose texts hold this one. Whether a letter A to Z is a capital does not count. Raises
        StoreError for a file that cannot be read."""
        with self._lock:
            found = self._found.setdefault(text, {})
            self._found.move_to_end(text)
            while len(self._found) > _KEPT_SEARCHES:
                self._found.popitem(last=False)
        deadline, wanted = Deadline(seconds), list[tuple[str, int]]()
        for group in files:
            sized = [(name, size) for name in group.names if (size := _size(name))]
            wanted += sized
            self._search(text, group.query, [one for one in sized if one not in found], found, deadline)
        done = [one for one in wanted if one in found]
        return SearchedText(
            text=text,
            ids=tuple(dict.fromkeys(id for one in done for id in found[one])),
            searched=sum(size for _, size in done),
            size=sum(size for _, size in wanted),
        )

    def _search(
        self,
        text: str,
        query: str,
        files: list[tuple[str, int]],
        found: dict[tuple[str, int], tuple[str, ...]],
        deadline: Deadline,
    ) -> None:
        at, step = 0, _FIRST_FILES
        while at < len(files) and deadline.left:
            chunk = files[at : at + step]
            try:
                ids = self._ids(query, [name for name, _ in chunk], text, max(deadline.left, _SHORTEST_S))
            except OutOfTime:
                return
            found |= {one: tuple(ids.get(one[0], ())) for one in chunk}
            at, step = at + step, min(2 * step, _MOST_FILES)

    def _ids(self, query: str, names: list[str], text: str, seconds: float) -> dict[str, list[str]]:
        sql = f"""SELECT DISTINCT filename, id FROM (SELECT filename, id, lower(text) AS text FROM ({query}))
            WHERE contains(text, ?) OR contains(text, ?)"""
        ids: dict[str, list[str]] = {}
        for row in self._database.query(sql, [names, *spellings(text)], seconds):
            ids.setdefault(row["filename"], []).append(row["id"])
        return ids


def spellings(text: str) -> tuple[str, str]:
    """The text in small letters as JSON holds it: in ASCII, and in UTF-8."""
    return json.dumps(text)[1:-1].lower(), json.dumps(text.lower(), ensure_ascii=False)[1:-1]


def _size(name: str) -> int:
    """In bytes; 0 for a file that is gone."""
    try:
        return Path(name).stat().st_size
    except OSError:
        return 0
