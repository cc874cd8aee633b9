"""The file of answers: appended to while a verify runs, and read by the next one to know what is done.

Place in the flow: `verify.py` asks it which rows have an answer and gives it each new one. The one rule: an
answer that stands in the file with its line end is never lost and never computed again; a fault of the
machine is no answer.
"""

import contextlib
import fcntl
import json
import os
import stat
from array import array
from collections import Counter
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import NamedTuple

from synth.errors import Problem, StoreError, UserError
from synth.records import Outcome
from synth.verify.answers import VerifyResult
from synth.verify.negative_controls import OF_FIRST
from synth.verify.rows import PAGE

_RIGHT = 1
"""Of the byte of a row: it is right, vacuous or not. The higher bits: which of OF_FIRST its suite accepts."""


class _Known(NamedTuple):
    """What the next run has to know of an answer."""

    row: int
    key: int
    verdict: Outcome
    finding: int
    """The byte of the row."""


class AnswerFile:
    """Opened and locked; 9 bytes of memory a row. Raises UserError when it is in use, or is no
    file of answers."""

    def __init__(self, path: Path, fresh: bool = False) -> None:
        self.path = path
        self.again = 0
        """Answers that were left out because they were faults of the machine."""
        self.verdicts = Counter[Outcome]()
        """Of all answers in the file."""
        self._done, self._findings = array("Q"), bytearray()
        self._descriptor = self._open(path)
        self._file = path.resolve()
        """What stands behind a link, which stays."""
        try:
            if fresh:
                os.ftruncate(self._descriptor, 0)
            self._load()
        except BaseException:
            self.close()
            raise

    @property
    def count(self) -> int:
        """Rows that have an answer."""
        return sum(1 for key in self._done if key)

    def has(self, number: int, key: int, where: str) -> bool:
        """Whether the row has its answer. Raises UserError when the answer is that of another row."""
        found = self._done[number] if number < len(self._done) else 0
        if found and found != key:
            raise UserError(
                Problem(
                    f"{self.path}: answer for row {number}",
                    f"belongs to another row or other limits than {where}; rows may only be added at the end",
                    "give -o another name, or use --fresh to start over",
                    PAGE,
                )
            )
        return found != 0

    def of_first(self, number: int) -> tuple[str, ...] | None:
        """Which of OF_FIRST the suite of a row accepts; None where the row is not right, so that it does
        not say."""
        found = self._findings[number] if number < len(self._findings) else 0
        return (
            tuple(name for at, name in enumerate(OF_FIRST) if found & (_RIGHT << (at + 1))) if found else None
        )

    def append(self, answer: VerifyResult) -> None:
        """Write one answer, whole or not at all. Raises StoreError when the disk does not take it."""
        data, before = answer.line().encode("ascii"), os.fstat(self._descriptor).st_size
        try:
            while data:
                data = data[os.write(self._descriptor, data) :]
        except OSError as error:
            os.ftruncate(self._descriptor, before)
            raise self._not_written(error) from None
        self._note(
            _Known(answer.row, int(answer.key, 16), answer.verdict, _finding(answer.verdict, answer.accepts))
        )

    def close(self) -> None:
        """Release the file. May be called twice."""
        if self._descriptor >= 0:
            with contextlib.suppress(OSError):
                os.fsync(self._descriptor)
            os.close(self._descriptor)
            self._descriptor = -1

    def _open(self, path: Path) -> int:
        """A locked descriptor of the file that stands under the name now."""
        while True:
            try:
                descriptor = os.open(path, os.O_RDWR | os.O_CREAT | os.O_APPEND | os.O_CLOEXEC, 0o644)
            except OSError as error:
                raise self._refused(f"cannot be written: {error.strerror}") from None
            try:
                self._lock(descriptor)
                with contextlib.suppress(FileNotFoundError):
                    if os.stat(path).st_ino == os.fstat(descriptor).st_ino:  # noqa: PTH116  # beside fstat
                        return descriptor
            except UserError:
                os.close(descriptor)
                raise
            os.close(descriptor)

    def _lock(self, descriptor: int) -> None:
        if not stat.S_ISREG(os.fstat(descriptor).st_mode):
            raise self._refused("must be a regular file, since it is read again to resume")
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError:
            raise self._refused(
                "is being written by another `codemill verify`", "wait for it, or give -o another name"
            ) from None

    def _refused(self, why: str, fix: str = "give -o another name") -> UserError:
        return UserError(Problem(str(self.path), why, fix, PAGE))

    def _not_written(self, error: OSError) -> StoreError:
        fix = "free some space, then rerun the same command to resume"
        return StoreError(Problem(str(self.path), f"cannot be written: {error.strerror}", fix, PAGE))

    def _note(self, known: _Known) -> None:
        self.verdicts[known.verdict] += 1
        if known.row >= len(self._done):
            more = max(known.row + 1, 2 * len(self._done)) - len(self._done)
            self._done.extend([0] * more)
            self._findings.extend(bytes(more))
        self._done[known.row] = known.key
        self._findings[known.row] = known.finding

    def _load(self) -> None:
        """Read what is done. A last line without its end was cut off by a kill and goes; so do faults
        of the machine."""
        whole, faults = 0, 0
        for number, (line, end) in enumerate(self._lines(), start=1):
            known = self._read(line, number)
            whole = end
            if known.verdict.is_fault:
                faults += 1
            else:
                self._note(known)
        os.ftruncate(self._descriptor, whole)
        if faults:
            self._leave_out_faults()
        self.again = faults

    def _lines(self) -> Iterator[tuple[bytes, int]]:
        """Whole lines, each with the position after it."""
        at = 0
        with self._file.open("rb") as lines:
            for line in lines:
                at += len(line)
                if line.endswith(b"\n"):
                    yield line, at

    def _read(self, line: bytes, number: int) -> _Known:
        try:
            answer = json.loads(line)
            verdict = Outcome(answer["verdict"])
            return _Known(
                int(answer["row"]),
                int(answer["key"], 16),
                verdict,
                _finding(verdict, answer.get("accepts", ())),
            )
        except (ValueError, KeyError, TypeError, RecursionError):
            expected = "is not an answer that `codemill verify` wrote"
            raise UserError(
                Problem(
                    f"{self.path}:{number}",
                    expected,
                    "give -o another name, or use --fresh to overwrite the file",
                    PAGE,
                )
            ) from None

    def _leave_out_faults(self) -> None:
        """Write the file anew without them, and put it in its place at once. Raises StoreError."""
        unfinished = self._file.with_name(f".{self._file.name}.unfinished")
        try:
            with unfinished.open("wb") as kept:
                kept.writelines(line for line, _ in self._lines() if not self._read(line, 0).verdict.is_fault)
                kept.flush()
                os.fsync(kept.fileno())
            unfinished.replace(self._file)
        except OSError as error:
            unfinished.unlink(missing_ok=True)
            raise self._not_written(error) from None
        os.close(self._descriptor)
        self._descriptor = self._open(self._file)


def _finding(verdict: Outcome, accepts: Sequence[str]) -> int:
    if verdict not in (Outcome.PASS, Outcome.VACUOUS):
        return 0
    return _RIGHT + sum(_RIGHT << (at + 1) for at, name in enumerate(OF_FIRST) if name in accepts)
