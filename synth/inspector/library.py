"""The opened runs, by short keys for the URL, and the database that holds the rows of their indexes.

Place in the flow: run folders, answers and exports -> `Library` -> `queries/*` -> pages and terminal. The one
rule: paths come from the person who starts the command; everyone else names a run by its key.
"""

import re
import threading
from collections.abc import Sequence
from pathlib import Path
from typing import Any, Final

from synth.errors import Problem, UserError
from synth.inspector.database import Database
from synth.inspector.opened_run import OpenedRun
from synth.inspector.sources import open_source
from synth.store.query import check_known

_NOT_IN_KEYS: Final = re.compile(r"[^A-Za-z0-9._-]+")


class Library:
    """The runs that one `codemill inspect` shows: `paths` of run folders, of folders or files of answers, and
    of exports. Raises UserError for a path that is none of these."""

    def __init__(self, paths: Sequence[Path]) -> None:
        self.database = Database()
        self._lock = threading.Lock()
        self._runs: dict[str, OpenedRun] = {}
        for path in paths:
            self.open(path)

    def open(self, path: Path) -> OpenedRun:
        """Open one more; the same path twice is one run. Reads no rows yet. Raises UserError."""
        with self._lock:
            for run in self._runs.values():
                if run.path.resolve() == path.resolve():
                    return run
            run = open_source(self.database, self._free_key(path), path, len(self._runs))
            self._runs[run.key] = run
            return run

    @property
    def runs(self) -> tuple[OpenedRun, ...]:
        """In the order in which they were opened."""
        return tuple(self._runs.values())

    def run(self, key: str) -> OpenedRun:
        """The run of that key. Raises UserError with the nearest keys."""
        check_known("run", key, self._runs, "choose one of the opened runs")
        return self._runs[key]

    def query(
        self, sql: str, values: Sequence[object] = (), seconds: float | None = None
    ) -> list[dict[str, Any]]:
        """All rows of a query over the tables of the runs (`OpenedRun.table`). Raises StoreError, and
        OutOfTime after `seconds`."""
        return self.database.query(sql, values, seconds)

    def close(self) -> None:
        """Forget everything."""
        self.database.close()

    def _free_key(self, path: Path) -> str:
        name = _NOT_IN_KEYS.sub("-", path.resolve().name).strip("-.") or "run"
        numbered = (name if at == 1 else f"{name}-{at}" for at in range(1, len(self._runs) + 2))
        return next(key for key in numbered if key not in self._runs)


def read_library(paths: Sequence[Path]) -> Library:
    """A library whose runs are read to their ends, for the terminal. Raises UserError."""
    if not paths:
        raise UserError(Problem("no run", "was given", "name a run folder, an export or a file of answers"))
    library = Library(paths)
    for run in library.runs:
        run.refresh()
    return library
