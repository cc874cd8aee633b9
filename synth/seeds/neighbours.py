"""Reads the other files of a source tree, for functions that need something from them.

The one rule: nothing outside the tree is read. No link is followed, on no part of the path; the number of
files and their bytes are bounded; and a text goes through the same screen as the file itself.
"""

import stat
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path, PurePosixPath

from synth.config import ScreenConfig
from synth.filters.protocol import Reject
from synth.languages.closing import Neighbours
from synth.languages.registry import get_language
from synth.seeds.files import read_file
from synth.seeds.protocol import FileRef
from synth.seeds.screen import screen_text

MAX_FILES = 100
"""Most files that are read for one."""
MAX_BYTES = 2 << 20
MAX_LISTED = 1000
"""A folder with more entries has no neighbours."""


@dataclass(slots=True)
class TreeNeighbours(Neighbours):
    """The neighbours of one file in its tree."""

    ref: FileRef
    screen: ScreenConfig
    _texts: dict[str, str | None] = field(default_factory=dict)
    _listed: dict[str, tuple[str, ...]] = field(default_factory=dict)
    _bytes: int = 0

    @property
    def _root(self) -> Path | None:
        """The tree's root; None for a row, and for a file whose place is not its path below one."""
        if self.ref.row:
            return None
        path, relative = Path(self.ref.path), PurePosixPath(self.ref.relative)
        return (
            path.parents[len(relative.parts) - 1]
            if path.parts[-len(relative.parts) :] == relative.parts
            else None
        )

    def files(self, folder: str) -> Sequence[str]:
        """The files of the language in that folder."""
        if folder not in self._listed:
            self._listed[folder] = self._list(folder)
        return self._listed[folder]

    def _list(self, folder: str) -> tuple[str, ...]:
        path = self._plain(folder, stat.S_ISDIR)
        if path is None:
            return ()
        extensions = get_language(self.ref.language).source_extensions
        names: list[str] = []
        try:
            for count, entry in enumerate(path.iterdir()):
                if count >= MAX_LISTED:
                    return ()
                if entry.suffix.lower() in extensions and entry.name.isprintable():
                    names.append(f"{folder}/{entry.name}".removeprefix("./").removeprefix("/"))
        except OSError:
            return ()
        return tuple(sorted(names))

    def text(self, path: str) -> str | None:
        """The screened text of a file."""
        if path not in self._texts:
            self._texts[path] = self._read(path)
        return self._texts[path]

    def _read(self, path: str) -> str | None:
        place = self._plain(path, stat.S_ISREG)
        if place is None or sum(text is not None for text in self._texts.values()) >= MAX_FILES:
            return None
        if self._bytes + place.lstat().st_size > MAX_BYTES:
            return None
        file = read_file(FileRef(self.ref.source, str(place), path, self.ref.language))
        if isinstance(file, Reject):
            return None
        self._bytes += len(file.text)
        screened = screen_text(file.text, self.ref.language, self.screen)
        return None if isinstance(screened, Reject) else screened.text

    def _plain(self, relative: str, is_kind: object) -> Path | None:
        """The place of that path below the root, if every step to it is a real folder and it is of that
        kind."""
        root, parts = self._root, PurePosixPath(relative or ".").parts
        if root is None or any(part in ("..", "/") for part in parts):
            return None
        here = root
        try:
            for at, part in enumerate(parts, 1):
                here = here / part
                mode = here.lstat().st_mode
                if not (stat.S_ISDIR(mode) if at < len(parts) else is_kind(mode)):  # type: ignore[operator]
                    return None
        except (OSError, ValueError):
            return None
        return here
