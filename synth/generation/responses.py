"""The files of a response journal: append-only JSON Lines, one response per line, and an index
of their positions.

The one rule: an incomplete line (kill -9, full disk) is treated as if it had never been written. Each process
writes its own file, so an incomplete line is always the last one of its file. Each line has a seal: a whole
line that is not what was written stops the run, because its answer would be paid for again. Bodies stay on
disk; memory holds an id and a position for each response.
"""

import contextlib
import os
from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

from pydantic import ValidationError

from synth.errors import Problem, StoreError
from synth.generation.protocol import GenerationResponse
from synth.store.atomic import PRIVATE_FILE, make_private_folder, sync_folder
from synth.store.seals import Damage, damaged, open_line, seal_line


class JournalPosition(NamedTuple):
    file: int
    offset: int


class ResponseFiles:
    """The responses in a folder. Opening scans the existing files; the first write begins a new file."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self._files = sorted(folder.glob("responses-*.jsonl"))
        self._places: dict[str, JournalPosition] = {}
        self._writer: int | None = None
        self._end = 0
        for number in range(len(self._files)):
            self._places.update(self._scan(number))

    def __len__(self) -> int:
        return len(self._places)

    def __contains__(self, request_id: str) -> bool:
        return request_id in self._places

    def read(self, request_id: str) -> GenerationResponse | None:
        """The response, read from disk; None for an unknown id. Raises StoreError if its file has changed
        since it was scanned."""
        place = self._places.get(request_id)
        if place is None:
            return None
        path = self._files[place.file]
        try:
            with path.open("rb") as handle:
                handle.seek(place.offset)
                found = GenerationResponse.model_validate_json(open_line(handle.readline()) or b"")
        except (OSError, ValidationError, Damage) as error:
            raise self._damaged(path, place.offset) from error
        if found.request_id != request_id:
            raise self._damaged(path, place.offset)
        return found

    def append(self, response: GenerationResponse) -> None:
        """Write one line in one call, so that it is on disk before it is used. If it raises StoreError, no
        partial line is left."""
        line = seal_line(response.model_dump_json())
        try:
            descriptor = self._open_writer()
            written = os.write(descriptor, line)
            if written < len(line):
                os.ftruncate(descriptor, self._end)
                raise OSError(f"only {written} of {len(line)} bytes were written")
        except OSError as error:
            raise StoreError(
                Problem(
                    where=f"response journal {self.folder}",
                    message=f"must store each response before it is used, but cannot be written: {error}",
                    fix="free some space, then rerun the same command: answered requests are kept",
                )
            ) from error
        self._places[response.request_id] = JournalPosition(len(self._files) - 1, self._end)
        self._end += len(line)

    def sync(self) -> None:
        """Bring what was written onto the disk, so that it survives a power failure. Another thread may call
        it."""
        if self._writer is not None:
            with contextlib.suppress(OSError):  # closed meanwhile, or not a disk; `append` reports a full one
                os.fsync(self._writer)

    def close(self) -> None:
        """Sync and close the current file. A later write begins a new one."""
        self.sync()
        writer, self._writer = self._writer, None
        if writer is not None:
            os.close(writer)

    def _open_writer(self) -> int:
        if self._writer is None:
            make_private_folder(self.folder)
            number = 1 + max((int(path.stem.split("-")[1]) for path in self._files), default=0)
            path = self.folder / f"responses-{number:06d}.jsonl"
            self._writer = os.open(
                path, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_APPEND | os.O_CLOEXEC, PRIVATE_FILE
            )
            sync_folder(self.folder)
            self._files.append(path)
            self._end = 0
        return self._writer

    def _scan(self, number: int) -> Iterator[tuple[str, JournalPosition]]:
        offset, path = 0, self._files[number]
        with path.open("rb") as handle:
            for at, line in enumerate(handle, 1):
                try:
                    request_id = _request_id(line)
                except Damage as error:
                    raise damaged(path, f"{error} (line {at})") from error
                if request_id:
                    yield request_id, JournalPosition(number, offset)
                offset += len(line)

    def _damaged(self, path: Path, offset: int) -> StoreError:
        return StoreError(
            Problem(
                where=f"{path}, byte {offset}",
                message="no longer has the response that was there when the run began",
                fix="rerun the same command: the request is asked again",
            )
        )


def _request_id(line: bytes) -> str:
    """The id of a complete line; empty for one that was not written to its end, or that a version without
    seals wrote and that cannot be read. Raises Damage."""
    found = open_line(line)
    try:
        return GenerationResponse.model_validate_json(found).request_id if found is not None else ""
    except ValidationError:
        return ""
