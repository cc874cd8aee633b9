"""Sets of headers, precompiled once enough programs begin with them, and kept over runs.

Place in the flow: `build.py` asks for the folder of a program's set before it compiles the program. The one
rule: a set is a convenience. It is made of headers that the language's module names, never of a program's
text; where there is none, it is in the making or there is no room, the program is compiled without.
"""

import os
import subprocess
import threading
import time
from collections import Counter
from collections.abc import Sequence
from contextlib import suppress
from pathlib import Path
from typing import Final

from synth.errors import Problem, SandboxError
from synth.execution.isolation.folders import remove_tree, unfinished
from synth.execution.isolation.launcher.slot import cache_folder
from synth.execution.programs.program_plan import fill_placeholders
from synth.ids import content_hash
from synth.languages.spec import Precompiled
from synth.languages.toolchain import Toolchain

MOST_SETS: Final = 16
MOST_BYTES: Final = 1 << 30
"""Of the sets of all languages and toolchains of this user together,"""
LARGEST: Final = 256 << 20
"""and of one of them."""
_WORTH: Final = 6
"""Programs with a set before it is precompiled: that costs as much as some ten programs without it."""
_IN_USE_S: Final = 1200
"""A set that was used so recently is not removed: a build that reads it may last 600 s."""
_NOTED_S: Final = 60
_FOLDER: Final = "named"


class HeaderSets:
    """The sets of one language. Thread-safe; processes share the folder."""

    def __init__(
        self,
        name: str,
        precompiled: Precompiled,
        toolchain: Toolchain,
        shared: Path | None,
        worth: int = _WORTH,
    ) -> None:
        """`shared` is the folder of the driver's shared files, whose name says what they and the toolchain
        are. Raises SandboxError."""
        assert shared is not None, "what precompiles is a shared file"
        self.room = cache_folder() / "headers"
        """The folder that a build has to see."""
        self._key = content_hash(shared.name, precompiled.command)
        self._name, self._precompiled, self._toolchain, self._shared = name, precompiled, toolchain, shared
        self._worth = worth
        self._asked, self._failed = Counter[tuple[str, ...]](), set[tuple[str, ...]]()
        self._making = threading.Lock()
        try:
            self.room.mkdir(exist_ok=True)
        except OSError as error:
            fix = "free some space there, or set XDG_CACHE_HOME to another folder"
            raise SandboxError(
                Problem(f"folder {self.room}", f"cannot be made: {error.strerror}", fix)
            ) from error

    def folder(self, names: tuple[str, ...]) -> Path | None:
        """The folder in which the compiler finds these headers precompiled, or None. The caller that finds
        the set worth it waits until it is made; the others go on without."""
        home = self.room / f"{self._name}-{self._key}-{content_hash(*names)}"
        if self._is_ready(home):
            return home / _FOLDER
        if len(self._asked) > MOST_SETS << 6:
            self._asked.clear()
        self._asked[names] += 1
        if (
            self._asked[names] < self._worth
            or names in self._failed
            or not self._making.acquire(blocking=False)
        ):
            return None
        try:
            self._make(home, names)
        except (OSError, subprocess.SubprocessError):
            self._failed.add(names)  # the program's own build says what is wrong with a header
        finally:
            del self._asked[names]  # without room it is tried again after as many programs
            self._making.release()
        return home / _FOLDER if self._is_ready(home) else None

    def _is_ready(self, home: Path) -> bool:
        """Whether it is there. Notes that it was used."""
        try:
            used = home.stat().st_mtime
            if time.time() - used > _NOTED_S:
                os.utime(home)
        except OSError:
            return False
        return True

    def _make(self, home: Path, names: Sequence[str]) -> None:
        """Raises OSError and SubprocessError."""
        with unfinished(self.room, "set") as made:  # one process at a time
            if home.is_dir() or not self._has_room(made):
                return
            source = made / "set.hpp"
            source.write_text(self._precompiled.source(names), encoding="utf-8")
            command = fill_placeholders(
                self._precompiled.command,
                self._toolchain,
                shared=self._shared,
                source=source.name,
                folder=_FOLDER,
                names=" ".join(names),
            )
            subprocess.run(command, cwd=made, capture_output=True, timeout=120, check=True)
            if _bytes(made) > LARGEST:
                raise OSError("a set that is too large")
            for path in [made, *made.rglob("*")]:
                path.chmod(0o755 if path.is_dir() else 0o644)
            made.rename(home)

    def _has_room(self, made: Path) -> bool:
        """Whether one more set may be made, after the least recently used have been removed."""
        found = sorted(
            (path.stat().st_mtime, path) for path in self.room.iterdir() if path.is_dir() and path != made
        )
        sizes = {path: _bytes(path) for _, path in found}
        while found and (len(found) >= MOST_SETS or sum(sizes.values()) > MOST_BYTES - LARGEST):
            used, path = found.pop(0)
            if time.time() - used < _IN_USE_S:
                return False
            with suppress(OSError):
                remove_tree(path)
            del sizes[path]
        return True


def _bytes(folder: Path) -> int:
    return sum(path.lstat().st_size for path in folder.rglob("*") if path.is_file())
