"""The audit of one file: rows in, a report out, and what is done kept beside it until it is whole.

    from synth.audit.audit import audit
    report = audit("data.jsonl", sandbox)

Place in the flow: `data_files` -> `shapes` -> `similar`, `trial` -> `findings`. The one rule: the report is
bound to the bytes that were read; a file that changes meanwhile gives none.
"""

import asyncio
import json
from collections.abc import AsyncIterator, Callable, Coroutine, Iterable
from itertools import islice
from pathlib import Path
from typing import Final, NamedTuple

from pydantic import ValidationError

from synth.audit.data_files import PAGE, digest_of, read_rows
from synth.audit.findings import AuditReport, DataFile, find, mutation_score, untried
from synth.audit.results import RowResult
from synth.audit.shapes import AuditRow, Shape, find_shape, read_row
from synth.audit.similar import Similar
from synth.audit.trial import CHANCE_RUNS, MUTANTS, OTHER_HASHING, RUNS, try_row
from synth.errors import Problem, UserError
from synth.execution.protocol import Sandbox
from synth.records import Limits

Seen = Callable[[RowResult], None]
_WINDOW: Final = 16
"""Rows under way for each worker."""


class AuditOptions(NamedTuple):
    """What decides the findings, beside the data."""

    limits: Limits = Limits()
    row_limits: bool = False
    language: str = ""
    """Of rows that do not say theirs."""
    benchmarks: tuple[Path, ...] = ()

    def stated(self) -> dict[str, object]:
        """The settings as the report states them."""
        return {
            "limits": self.limits.model_dump(),
            "row_limits": self.row_limits,
            "language": self.language,
            "benchmarks": [f"{path.name} {digest_of(path)}" for path in self.benchmarks],
            "runs": RUNS,
            "runs_with_other_hashing": OTHER_HASHING,
            "runs_where_chance_is_named": RUNS + CHANCE_RUNS,
            "mutants": MUTANTS,
        }


class UnfinishedAudit:
    """What an audit has done so far, one line a row, under a line that says of what. A file of other data or
    settings, or none, is begun anew; a line that was cut off is done again."""

    def __init__(self, path: Path, head: str) -> None:
        self.done = dict[int, RowResult]()
        lines = path.read_text(encoding="utf-8").split("\n") if path.is_file() else []
        if lines and lines[0] == head:
            for line in lines[1:]:
                self._take(line)
        self._file = path.open("w", encoding="utf-8")
        self._file.write("\n".join([head, *(one.model_dump_json() for one in self.done.values()), ""]))
        self._file.flush()

    def _take(self, line: str) -> None:
        try:
            found = RowResult.model_validate_json(line)
        except ValidationError:
            return
        self.done[found.number] = found

    def add(self, result: RowResult) -> None:
        """Keep a row."""
        self._file.write(result.model_dump_json() + "\n")
        self._file.flush()

    def close(self) -> None:
        """Close the file, which stays: its caller removes it once the report is written."""
        self._file.close()


async def audit(
    path: Path,
    sandbox: Sandbox,
    options: AuditOptions | None = None,
    unfinished: Path | None = None,
    seen: Seen | None = None,
) -> AuditReport:
    """The report. With `unfinished`, rows that are done are kept in that file, and taken from it. `seen` is
    told of each row. Raises UserError for data that cannot be read or has columns of no known shape."""
    options = options or AuditOptions()
    digest, settings = digest_of(path), options.stated()
    shape, columns = _shape_of(path)
    kept = UnfinishedAudit(unfinished, json.dumps([digest, settings], sort_keys=True)) if unfinished else None
    try:
        await sandbox.start()
        results = await _all_rows(path, shape, sandbox, options, kept, seen)
        if digest_of(path) != digest:
            raise UserError(Problem(str(path), "changed during the audit", "run the audit again", PAGE))
        languages = sorted({row.language for row in results if row.language})
        return AuditReport(
            data=DataFile(
                name=path.name,
                sha256=digest,
                bytes=path.stat().st_size,
                shape=shape.name,
                columns=columns,
                rows=len(results),
            ),
            settings=settings,
            findings=find(results, bool(options.benchmarks)),
            mutation=mutation_score(results),
            untried=untried(results),
            level=sandbox.level,
            toolchains={name: found for name in languages if (found := await sandbox.toolchain(name))},
        )
    finally:
        await sandbox.close()
        if kept:
            kept.close()


def _shape_of(path: Path) -> tuple[Shape, tuple[str, ...]]:
    for _, row in read_rows(path):
        return find_shape(row, str(path)), tuple(sorted(map(str, row)))
    raise UserError(Problem(str(path), "has no rows", "give a file with at least one row", PAGE))


async def _all_rows(
    path: Path,
    shape: Shape,
    sandbox: Sandbox,
    options: AuditOptions,
    kept: UnfinishedAudit | None,
    seen: Seen | None,
) -> list[RowResult]:
    """Every row, in the order of the file."""
    similar, found = Similar(options.benchmarks), dict[int, RowResult]()
    done = kept.done if kept else {}

    async def one(row: AuditRow, duplicate: str) -> RowResult:
        if row.number in done:
            return done[row.number]
        result = await try_row(row, sandbox, options.limits, options.row_limits)
        words = await asyncio.to_thread(similar.contaminated, row)
        result = result.model_copy(update={"duplicate": duplicate, "contaminated": words})
        if kept:
            kept.add(result)
        return result

    rows = (read_row(fields, number, shape, options.language) for number, fields in read_rows(path))
    window = _WINDOW * max(2, getattr(sandbox, "workers", 2))
    async for result in _windowed(((row, similar.duplicate(row)) for row in rows), one, window):
        found[result.number] = result
        if seen:
            seen(result)
    return [found[number] for number in sorted(found)]


async def _windowed(
    rows: Iterable[tuple[AuditRow, str]],
    work: Callable[[AuditRow, str], Coroutine[None, None, RowResult]],
    window: int,
) -> AsyncIterator[RowResult]:
    """Results as they come, with so many rows under way."""
    waiting, running = iter(rows), set[asyncio.Task[RowResult]]()
    try:
        while True:
            for row, duplicate in islice(waiting, window - len(running)):
                running.add(asyncio.create_task(work(row, duplicate)))
            if not running:
                return
            ended, running = await asyncio.wait(running, return_when=asyncio.FIRST_COMPLETED)
            for task in ended:
                yield task.result()
    finally:
        for task in running:
            task.cancel()
        await asyncio.gather(*running, return_exceptions=True)
