"""Takes the rows of a data set through filters, and writes what is kept, what is removed and why.

The one rule: entered = kept + removed. The report is written last, so a folder with a report is complete; the
same command makes all of it again.
"""

import json
from collections import Counter
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import IO, Final

from synth.curation.columns import Columns, read_unit, row_name
from synth.curation.row_files import PAGE, KeptRows, RawRow, RowFile, iter_rows
from synth.errors import Problem, UserError
from synth.filters.protocol import Filter, Reject
from synth.store.atomic import atomic_file
from synth.wire_record import Record

REMOVED, REPORT = "removed.jsonl", "report.json"
_LARGEST: Final = 20


class FileCounts(Record):
    """Rows of one file."""

    file: str
    entered: int
    kept: int
    removed: int


class Cluster(Record):
    """A kept row, by its place, and how many rows were removed as its duplicates."""

    kept: str
    duplicates: int


class CurationReport(Record):
    """What became of a data set."""

    command: str
    settings: dict[str, str]
    files: tuple[FileCounts, ...]
    reasons: dict[str, int]
    """Removed rows by reason."""
    clusters: int = 0
    """Kept rows that had duplicates."""
    largest: tuple[Cluster, ...] = ()
    """The largest of them."""
    entries: dict[str, int] = {}
    """Removed rows by the benchmark's entry that they overlap with."""

    @property
    def entered(self) -> int:
        return sum(one.entered for one in self.files)

    @property
    def kept(self) -> int:
        return sum(one.kept for one in self.files)


def sift(
    files: Sequence[RowFile],
    checks: Sequence[Filter],
    columns: Columns,
    out: Path,
    command: str,
    settings: Mapping[str, str],
    on_row: Callable[[], None] = lambda: None,
) -> CurationReport:
    """Write the kept rows of each file to `out/kept`, the others to `out/removed.jsonl`, and the report.
    Raises UserError for a file that cannot be read or has none of the columns."""
    counts: list[FileCounts] = []
    reasons, clusters, entries = Counter[str](), Counter[str](), Counter[str]()
    with _removed(out) as removed:
        for file in files:
            entered = kept = 0
            with KeptRows(file, out / "kept") as keeping:
                for row in iter_rows(file):
                    entered += 1
                    answer = _decide(row, file, checks, columns, first=entered == 1)
                    on_row()
                    if answer is None:
                        kept += 1
                        keeping.add(row)
                        continue
                    reasons[answer.reason] += 1
                    clusters.update([str(answer.evidence["twin"])] if "twin" in answer.evidence else [])
                    entries.update([str(answer.evidence["entry"])] if "entry" in answer.evidence else [])
                    _note(removed, row, file, answer, columns)
            counts.append(FileCounts(file=file.name, entered=entered, kept=kept, removed=entered - kept))
    report = CurationReport(
        command=command,
        settings=dict(settings),
        files=tuple(counts),
        reasons=dict(sorted(reasons.items())),
        clusters=len(clusters),
        largest=tuple(Cluster(kept=name, duplicates=n) for name, n in clusters.most_common(_LARGEST)),
        entries=dict(entries.most_common()),
    )
    with atomic_file(out / REPORT, shared=True) as stream:
        stream.write((report.model_dump_json(indent=1) + "\n").encode())
    return report


@contextmanager
def _removed(out: Path) -> Iterator[IO[bytes]]:
    out.mkdir(parents=True, exist_ok=True)
    (out / REPORT).unlink(missing_ok=True)
    with atomic_file(out / REMOVED, shared=True) as stream:
        yield stream


def _decide(
    row: RawRow, file: RowFile, checks: Sequence[Filter], columns: Columns, *, first: bool
) -> Reject | None:
    """Why a row leaves; None if it stays."""
    if row.problem or not isinstance(row.value, dict):
        return Reject("unreadable", {"error": row.problem or "is no object"})
    if first and (missing := [name for name in columns.named if name not in row.value]):
        raise _no_column(file, missing, row.value)
    unit = read_unit(row.value, columns, f"{file.name}:{row.number}")
    if unit is None:
        if first and not columns.named:
            raise _no_column(file, ["prompt", "answer", "messages"], row.value)
        return Reject("unreadable", {"error": "has no text in the columns that count"})
    answers = (check.check(unit) for check in checks)
    return next((answer for answer in answers if isinstance(answer, Reject)), None)


def _no_column(file: RowFile, missing: Sequence[str], row: Mapping[str, object]) -> UserError:
    found = ", ".join(sorted(map(str, row)))[:300]
    return UserError(
        Problem(
            str(file.path),
            f"has no column {' or '.join(missing)}; it has {found or 'none'}",
            "name the columns: --prompt, --answer, --tests, --language, --id",
            PAGE,
        )
    )


def _note(out: IO[bytes], row: RawRow, file: RowFile, answer: Reject, columns: Columns) -> None:
    """A removed row: where it stood, why it left, its cluster, and itself."""
    noted: dict[str, object] = {
        "file": file.name,
        "row": row.number,
        "id": row_name(row.value, columns) if isinstance(row.value, dict) else "",
        "reason": answer.reason,
        "evidence": answer.evidence,
    }
    if "twin" in answer.evidence:
        noted["cluster"] = answer.evidence["twin"]
    noted["value"] = row.value if not row.problem else row.line.decode("utf-8", "replace").rstrip("\n")
    out.write((json.dumps(noted, ensure_ascii=False, default=str) + "\n").encode("utf-8", "surrogatepass"))
