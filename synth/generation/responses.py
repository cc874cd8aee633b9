"""The files of a response journal: append-only JSON Lines, and an index of their positions. A line is a
response, a part of one that is not complete yet, or what was paid for an answer that could not be used.

The one rule: an incomplete line (kill -9, full disk) is treated as if it had never been written. Each process
writes its own file, so an incomplete line is always the last one of its file. Each line has a seal: a whole
line that is not what was written stops the run, because its answer would be paid for again. Bodies stay on
disk; memory holds an id and a position for each response.
"""

import contextlib
import json
import mmap
import os
from pathlib import Path

from pydantic import ValidationError

from synth.errors import Problem, StoreError
from synth.generation.ledger import AnswerPart, Usage
from synth.generation.protocol import GenerationResponse
from synth.records import Record
from synth.store.atomic import PRIVATE_FILE, make_private_folder, sync_folder
from synth.store.seals import Damage, damaged, open_line, seal_line

_OFFSET_BITS = 48
_MOST_OFFSET = (1 << _OFFSET_BITS) - 1


class Waste(Record):
    """Tokens that were paid for a request without an answer that can be used."""

    wasted_on: str
    """Id of the request."""
    usage: Usage


class ResponseFiles:
    """The responses in a folder. Opening scans the existing files; the first write begins a new file."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self._files = sorted(folder.glob("responses-*.jsonl"))
        self._places: dict[str, int] = {}
        """File and offset in one number: a million tuples would cost the garbage collector much."""
        self._parts: dict[str, list[AnswerPart]] = {}
        self.usage = Usage()
        """What all lines cost together: responses, parts that wait for the rest, and waste."""
        self._writer: int | None = None
        self._end = 0
        for number in range(len(self._files)):
            self._scan(number)

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
        path, offset = self._files[place >> _OFFSET_BITS], place & _MOST_OFFSET
        try:
            with path.open("rb") as handle:
                handle.seek(offset)
                found = GenerationResponse.model_validate_json(open_line(handle.readline()) or b"")
        except (OSError, ValidationError, Damage) as error:
            raise self._damaged(path, offset) from error
        if found.request_id != request_id:
            raise self._damaged(path, offset)
        return found

    def parts(self, request_id: str) -> tuple[AnswerPart, ...]:
        """The parts of a response that is not complete yet."""
        return tuple(self._parts.get(request_id, ()))

    def append(self, response: GenerationResponse) -> None:
        """Write one response, so that it is on disk before it is used. If it raises StoreError, no partial
        line is left."""
        place = self._write(response)
        self._note_response(response, place)

    def append_part(self, part: AnswerPart) -> None:
        """Write some answers of a response. Raises StoreError, as `append` does."""
        self._write(part)
        self._note_part(part)

    def append_waste(self, waste: Waste) -> None:
        """Write what was paid for nothing. Raises StoreError, as `append` does."""
        self._write(waste)
        self.usage += waste.usage

    def _note_response(self, response: GenerationResponse, place: int) -> None:
        self._places[response.request_id] = place
        self.usage += response_usage(response)
        for part in self._parts.pop(response.request_id, ()):
            self.usage -= part.usage

    def _note_part(self, part: AnswerPart) -> None:
        self._parts.setdefault(part.part_of, []).append(part)
        self.usage += part.usage

    def _write(self, record: Record) -> int:
        """Write one line in one call."""
        line = seal_line(record.model_dump_json(exclude_defaults=True))
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
        place = len(self._files) - 1 << _OFFSET_BITS | self._end
        self._end += len(line)
        return place

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

    def _scan(self, number: int) -> None:
        offset, path = 0, self._files[number]
        with path.open("rb") as handle:
            for at, line in enumerate(handle, 1):
                try:
                    found = open_line(line)
                except Damage as error:
                    raise damaged(path, f"{error} (line {at})") from error
                if found is not None:
                    self._read_line(found, number << _OFFSET_BITS | offset)
                offset += len(line)

    def _read_line(self, line: bytes, place: int) -> None:
        """Index a complete line. One that cannot be read, of a version without seals, is skipped."""
        try:
            if line.startswith(_PART):
                self._note_part(AnswerPart.model_validate_json(line))
            elif line.startswith(_WASTE):
                self.usage += Waste.model_validate_json(line).usage
            else:
                self._note_response(GenerationResponse.model_validate_json(line), place)
        except ValidationError:
            return

    def _damaged(self, path: Path, offset: int) -> StoreError:
        return StoreError(
            Problem(
                where=f"{path}, byte {offset}",
                message="no longer has the response that was there when the run began",
                fix="rerun the same command: the request is asked again",
            )
        )


_PART, _WASTE = b'{"part_of":', b'{"wasted_on":'


def find_response(folder: Path, request_id: str) -> GenerationResponse | None:
    """One response of a journal, without an index of the others; None if it is not there. For views: another
    process may be writing. Raises StoreError for a damaged line."""
    head = f'{{"request_id":{json.dumps(request_id)},'.encode()
    for path in sorted(folder.glob("responses-*.jsonl")):
        with path.open("rb") as file:
            if not os.fstat(file.fileno()).st_size:
                continue
            with mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_READ) as held:
                at = 0 if held[: len(head)] == head else held.find(b"\n" + head) + 1
                if not at and held[: len(head)] != head:
                    continue
                held.seek(at)
                line = held.readline()
        try:
            found = open_line(line)
            return None if found is None else GenerationResponse.model_validate_json(found)
        except (Damage, ValidationError) as error:
            raise damaged(path, f"the answer at byte {at} cannot be read: {error}") from error
    return None


def response_usage(response: GenerationResponse) -> Usage:
    """What one response cost."""
    return Usage(
        prompt_tokens=response.prompt_tokens,
        completion_tokens=sum(completion.tokens for completion in response.completions),
        cached_tokens=response.cached_tokens,
        reasoning_tokens=response.reasoning_tokens,
    )
