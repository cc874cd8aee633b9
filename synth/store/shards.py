"""Shards: the decisions of one stage on one shard, as Parquet files whose names give stage, round and shard.

    entered/<stage>/<round>-<shard>.parquet              ids of the units that entered
    bodies/<kind>/<round>-<shard>@<stage>.parquet        the records themselves
    index/<stage>/<round>-<shard>.parquet                one row per decided unit, written last

The one rule: if the index shard exists, everything that belongs to it exists too. Readers never open
bodies without it. Its footer states the bodies: their kinds, rows and hashes. So a body that is missing or
another one is an error, and is never read as "made none".

A body is the exact JSON of its record (ASCII, so lone surrogates survive; two halves of one pair join), next
to the few typed columns that views search by: `key`, ids, languages, numbers and closed lists.
"""

import json
import math
import re
from collections import defaultdict
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from enum import StrEnum
from functools import cache, lru_cache
from pathlib import Path
from types import UnionType
from typing import TYPE_CHECKING, Any, Final, NamedTuple, TypeVar, get_args

from pydantic import ValidationError

from synth.errors import Problem, StoreError
from synth.records import IndexRow, Record, Unit
from synth.store.atomic import sync_folder
from synth.store.parquet import WrittenFile, read_sealed, write_rows
from synth.store.seals import damaged, repair_command, seal_of

if TYPE_CHECKING:
    import pyarrow as pa

Model = TypeVar("Model", bound=Record)
U = TypeVar("U", bound=Unit)

_FILE_SAFE = re.compile(r"[A-Za-z0-9_][A-Za-z0-9_.-]*")
_SEARCHED_TEXT = re.compile(r"id|.*_id|language|.*_language|policy|node")


class ShardKey(NamedTuple):
    """One shard at one stage. Both names become part of file names: letters, digits, `_`, `.`
    and `-` only."""

    stage: str
    round: int
    shard: str

    @property
    def file_name(self) -> str:
        return f"{self.round:04d}-{self.shard}.parquet"

    @property
    def body_name(self) -> str:
        return f"{self.round:04d}-{self.shard}@{self.stage}.parquet"


def shard_key(stage: str, round: int, shard: str) -> ShardKey:
    """The key, checked. Raises StoreError for a name that cannot be part of a file name."""
    for name in (stage, shard):
        if not _FILE_SAFE.fullmatch(name):
            raise StoreError(
                Problem(
                    f"name {name!r} of a stage or shard",
                    "must consist of letters, digits, `_`, `.` and `-`",
                    "rename it",
                )
            )
    return ShardKey(stage, round, shard)


def index_path(folder: Path, key: ShardKey) -> Path:
    """Where the decisions are."""
    return folder / "index" / key.stage / key.file_name


def entered_path(folder: Path, key: ShardKey) -> Path:
    """Where the ids of the units that entered are."""
    return folder / "entered" / key.stage / key.file_name


def entered_key(path: Path) -> ShardKey:
    """The key of a file of entered ids."""
    number, _, shard = path.stem.partition("-")
    return ShardKey(path.parent.name, int(number), shard)


def body_path(folder: Path, kind: str, key: ShardKey) -> Path:
    """Where the records of one kind are."""
    return folder / "bodies" / kind / key.body_name


def encode_record(record: Record) -> str:
    """The exact JSON of a record, in ASCII."""
    return json.dumps(record.model_dump(), ensure_ascii=True)


BODIES_NOTE: Final = "codemill.bodies"
"""In the footer of an index shard: `{kind: [rows, sha256]}`."""
Bodies = dict[str, WrittenFile]
"""The bodies of an index shard, by kind."""


_READ = "codemill.read"
"""In the footer of a source's index shard: `{file or row: hash of what was read}`."""


def write_index(
    path: Path,
    rows: Sequence[IndexRow],
    bodies: Bodies | None = None,
    read: Mapping[str, str] | None = None,
) -> None:
    """Write decisions atomically, with the statement of their bodies, and of what a source read for them.
    Raises StoreError on a full disk."""
    notes = {} if bodies is None else {BODIES_NOTE: json.dumps(bodies, sort_keys=True)}
    notes |= {_READ: json.dumps(read, sort_keys=True)} if read else {}
    write_rows(path, _index_schema(), (_index_row(row) for row in rows), notes=notes)


def write_bodies(path: Path, records: Sequence[Unit]) -> WrittenFile:
    """Write one or more records of one kind atomically. Raises StoreError on a full disk."""
    model = type(records[0])
    columns = searched_columns(model)
    return write_rows(path, _body_schema(model), (_body_row(record, columns) for record in records))


def stated_bodies(index: Path) -> Bodies | None:
    """The bodies that belong to an index shard; None for one of an older version, which does not say. Raises
    StoreError."""
    try:
        status = index.stat()
    except OSError as error:
        raise damaged(index, f"cannot be read: {error}") from error
    return _stated_bodies(index, status.st_ino, status.st_size, status.st_mtime_ns)


@lru_cache(maxsize=1 << 16)
def _stated_bodies(index: Path, *_stamp: int) -> Bodies | None:
    note = read_sealed(index, ["unit_id"]).notes.get(BODIES_NOTE)
    return None if note is None else {kind: WrittenFile(*one) for kind, one in json.loads(note).items()}


def read_shard(path: Path, model: type[Model], stated: WrittenFile | None = None) -> list[Model]:
    """The records of one file as they were written. Raises StoreError for an unreadable file or record, and
    for another file than the one that is stated."""
    if stated is not None and not path.exists():
        raise _missing(path, stated)
    read = read_sealed(path, None if model is IndexRow else ["body"])
    if stated is not None and read.sha256 != stated.sha256:
        raise _another(path)
    try:
        if model is IndexRow:
            return [model.model_validate(row) for row in read.rows]
        return [model.model_validate(json.loads(row["body"])) for row in read.rows]
    except (ValidationError, ValueError) as error:
        expected = f"has records that are not a {model.__name__} of this version: {error}"
        raise StoreError(
            Problem(
                str(path),
                expected,
                f"read it with the version that wrote it, or check it: {repair_command(path)}",
            )
        ) from error


def iter_records(folder: Path, model: type[Model]) -> Iterator[Model]:
    """The records of all shards in a folder, by file name, with one shard in memory at a time."""
    for path in sorted(folder.glob("*.parquet")):
        yield from read_shard(path, model)


class StageCommit:
    """Commits and reads the decisions of stages in one run folder."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder

    def record_entered(self, stage: str, round: int, shard: str, unit_ids: Sequence[str]) -> None:
        """Record which units enter the stage with this shard, so that lost units are noticed."""
        import pyarrow as pa

        columns = [
            ("round", pa.int32()),
            ("stage", pa.string()),
            ("shard", pa.string()),
            ("unit_id", pa.string()),
        ]
        rows = ({"round": round, "stage": stage, "shard": shard, "unit_id": unit_id} for unit_id in unit_ids)
        write_rows(entered_path(self.folder, shard_key(stage, round, shard)), pa.schema(columns), rows)

    def is_committed(self, stage: str, round: int, shard: str) -> bool:
        """Whether this shard has passed this stage, so that it is read instead of run."""
        return index_path(self.folder, shard_key(stage, round, shard)).exists()

    def commit(
        self,
        stage: str,
        round: int,
        shard: str,
        rows: Sequence[IndexRow],
        made: Iterable[Unit] = (),
        read: Mapping[str, str] | None = None,
    ) -> None:
        """Write the records, then the index shard. An interrupted commit leaves no index shard, so the
        shard runs again. `read`: what a source read for it, by name, with its hash."""
        key = shard_key(stage, round, shard)
        self._check_rows(key, rows)
        bodies: defaultdict[str, list[Unit]] = defaultdict(list)
        for record in made:
            bodies[record.kind].append(record)
        for stale in self.folder.glob(f"bodies/*/{key.body_name}"):
            if stale.parent.name not in bodies:
                stale.unlink()
                sync_folder(stale.parent)
        written = {
            kind: write_bodies(body_path(self.folder, kind, key), records) for kind, records in bodies.items()
        }
        write_index(index_path(self.folder, key), rows, written, read)

    def read_of(self, stage: str, round: int, shard: str) -> dict[str, str] | None:
        """What a source read for a committed shard, by name, with its hash; None if it did not say."""
        note = read_sealed(index_path(self.folder, shard_key(stage, round, shard)), ["unit_id"]).notes
        return json.loads(note[_READ]) if _READ in note else None

    def shards_of(self, stage: str, round: int) -> list[str]:
        """Names of the committed shards of a round, sorted."""
        names = (path.stem.partition("-") for path in (self.folder / "index" / stage).glob("*.parquet"))
        return sorted(shard for number, _, shard in names if int(number) == round)

    def read_index(self, stage: str, round: int, shard: str) -> list[IndexRow]:
        """The decisions of a committed shard."""
        return read_shard(index_path(self.folder, shard_key(stage, round, shard)), IndexRow)

    def read_bodies(self, stage: str, round: int, shard: str, model: type[U]) -> list[U]:
        """The records of one kind in a committed shard; may be empty. Raises StoreError for a file that is
        missing or not the one that was committed."""
        key = shard_key(stage, round, shard)
        path, stated = body_path(self.folder, model.kind, key), stated_bodies(index_path(self.folder, key))
        if stated is None:
            return read_shard(path, model) if path.exists() else []
        return read_shard(path, model, stated[model.kind]) if model.kind in stated else []

    def iter_bodies(self, model: type[U]) -> Iterator[U]:
        """All committed records of one kind, with one shard in memory at a time."""
        for path in committed_bodies(self.folder, model.kind):
            yield from read_shard(path, model)

    def _check_rows(self, key: ShardKey, rows: Sequence[IndexRow]) -> None:
        for row in rows:
            if (row.stage, row.round, row.shard) != key:
                raise StoreError(
                    Problem(
                        f"row of {row.unit_id}",
                        f"names {row.stage}/{row.round}/{row.shard}, but must name {'/'.join(map(str, key))}",
                        "fix the stage that made the row",
                    )
                )


def committed_bodies(folder: Path, kind: str) -> list[Path]:
    """Body files that a committed shard has, by round, shard and stage. Raises StoreError for one that is
    missing or damaged."""
    found: list[Path] = []
    for index in folder.glob("index/*/*.parquet"):
        path = folder / "bodies" / kind / f"{index.stem}@{index.parent.name}.parquet"
        stated = stated_bodies(index)
        if stated is None and path.exists():
            found.append(path)
        elif stated is not None and kind in stated:
            check_body(path, stated[kind])
            found.append(path)
    return sorted(found)


def check_body(path: Path, stated: WrittenFile) -> None:
    """Raises StoreError unless this is the file that its index shard states."""
    if not path.exists():
        raise _missing(path, stated)
    if seal_of(path) != stated.sha256:
        raise _another(path)


def _missing(path: Path, stated: WrittenFile) -> StoreError:
    return damaged(path, f"is missing: its index shard states {stated.rows} rows of it")


def _another(path: Path) -> StoreError:
    return damaged(path, "is not the file that its index shard states")


def check_bodies(folder: Path) -> None:
    """Raises StoreError unless every committed shard has the bodies that it states."""
    for index in sorted(folder.glob("index/*/*.parquet")):
        for kind, one in (stated_bodies(index) or {}).items():
            check_body(folder / "bodies" / kind / f"{index.stem}@{index.parent.name}.parquet", one)


def body_stage(path: Path) -> str:
    """The stage that made a file of bodies."""
    return body_key(path).stage


def body_key(path: Path) -> ShardKey:
    """The key of a file of bodies."""
    shard, _, stage = path.stem.rpartition("@")
    number, _, name = shard.partition("-")
    return ShardKey(stage, int(number), name)


# --- columns ------------------------------------------------------------------------------------------------


@cache
def searched_columns(model: type[Record]) -> dict[str, Callable[[Any], Any]]:
    """The top-level fields that get a typed column, with the conversion of their values."""
    columns: dict[str, Callable[[Any], Any]] = {}
    for name, field in model.model_fields.items():
        kind = _scalar_type(field.annotation)
        if kind is None or (kind is str and not _SEARCHED_TEXT.fullmatch(name)):
            continue
        columns[name] = _in_utf8 if issubclass(kind, str) else kind
    return columns


def _scalar_type(annotation: object) -> type | None:
    if isinstance(annotation, UnionType):
        inner = [part for part in get_args(annotation) if part is not type(None)]
        return _scalar_type(inner[0]) if len(inner) == 1 else None
    if isinstance(annotation, type) and (
        annotation in (int, float, bool, str) or issubclass(annotation, StrEnum)
    ):
        return annotation
    return None


def _body_schema(model: type[Record]) -> "pa.Schema":
    import pyarrow as pa

    columns = [(name, _column_type(model, name)) for name in searched_columns(model)]
    return pa.schema([("key", pa.string()), *columns, ("body", pa.string())])


def _index_schema() -> "pa.Schema":
    import pyarrow as pa

    return pa.schema([(name, _column_type(IndexRow, name)) for name in IndexRow.model_fields])


def _column_type(model: type[Record], name: str) -> "pa.DataType":
    """The type of a column: numbers and booleans as such, enums and strings as strings, everything else as a
    list of strings."""
    import pyarrow as pa

    kind = _scalar_type(model.model_fields[name].annotation)
    numbers: dict[type, pa.DataType] = {int: pa.int64(), float: pa.float64(), bool: pa.bool_()}
    return pa.list_(pa.string()) if kind is None else numbers.get(kind, pa.string())


def _body_row(record: Unit, columns: dict[str, Callable[[Any], Any]]) -> dict[str, Any]:
    row: dict[str, Any] = {"key": _in_utf8(record.unit_id), "body": encode_record(record)}
    for name, convert in columns.items():
        value = getattr(record, name)
        row[name] = None if value is None else convert(value)
    return row


def _index_row(record: IndexRow) -> dict[str, Any]:
    row = record.model_dump(mode="json")
    row |= {name: _in_utf8(value) for name, value in row.items() if isinstance(value, str)}
    row["ms"] = row["ms"] if math.isfinite(row["ms"]) else 0.0
    return row


def _in_utf8(text: str) -> str:
    """Text for a column. UTF-8 has no lone surrogates, so each becomes its JSON escape, which
    means the same."""
    return text.encode("utf-8", "backslashreplace").decode()
