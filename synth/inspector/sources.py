"""What can be opened: a run folder, answers of `codemill verify`, an export. Each gives index rows.

The one rule: a kind of source is one class here, and nothing else asks which kind it is.
"""

import json
import os
from collections.abc import Callable, Iterator, Sequence
from itertools import islice
from pathlib import Path
from typing import Final

from synth.errors import CodemillError, Problem, StoreError, UserError
from synth.inspector.database import Database
from synth.inspector.opened_run import OpenedRun, RunKind, Stamp, stamp_of
from synth.products import BY_NAME, Product
from synth.records import Outcome
from synth.store.parquet import WrittenFile
from synth.store.run_folder import RunInfo, read_info
from synth.store.seals import RUN_COPY, RUN_FILE, Damage, check_sums, damaged
from synth.store.shards import BODIES_NOTE, body_path, check_body, entered_key
from synth.store.units import Body

_LONGEST_LINE: Final = 64 << 20
_LINES: Final = f"format = 'newline_delimited', ignore_errors = true, maximum_object_size = {_LONGEST_LINE}"
_ANSWER: Final = {
    "id": "VARCHAR",
    "row": "BIGINT",
    "key": "VARCHAR",
    "language": "VARCHAR",
    "verdict": "VARCHAR",
    "reason": "VARCHAR",
    "passed": "BIGINT",
    "total": "BIGINT",
    "cases": "JSON",
    "cpu_s": "DOUBLE",
    "wall_s": "DOUBLE",
    "peak_memory_mb": "DOUBLE",
    "level": "VARCHAR",
    "toolchain": "VARCHAR",
    "trust": "VARCHAR",
    "accepts": "JSON",
}
_VERIFY, _EXPORT = "verify", "export"


def open_source(database: Database, key: str, path: Path, number: int) -> OpenedRun:
    """The source under this path. Raises UserError for one that is none."""
    kind = _kind_of(path)
    if kind is None:
        raise UserError(
            Problem(
                str(path),
                "is neither a run folder nor an export nor answers of `codemill verify`"
                if path.exists()
                else "does not exist",
                "name a folder with a run.json, an export, or a file of answers",
            )
        )
    return kind(database, key, path, number)


class OpenedFolder(OpenedRun):
    """A run folder."""

    kind = RunKind.RUN

    def __init__(self, database: Database, key: str, path: Path, number: int) -> None:
        super().__init__(database, key, path, number)
        self._stated: dict[str, dict[str, WrittenFile]] = {}
        """The bodies that belong to an index file, by kind."""

    @property
    def info(self) -> RunInfo:
        """What made the run. Raises RunFolderError if that cannot be read."""
        return read_info(self.path)

    @property
    def stages(self) -> list[str]:
        try:
            declared = list(self.info.stages)
        except CodemillError:
            declared = []
        found = {file.place[1] for file in self._files.values()} | {
            place[1] for place in self.entered_places()
        }
        return [*declared, *sorted(found - set(declared))]

    def entered_places(self) -> list[tuple[int, str, str]]:
        """Round, stage and shard of each file of units that entered."""
        return [self._place(name) for name in self.entered_files()]

    def entered_files(self) -> list[str]:
        """The files of units that entered, by stage."""
        return sorted(_files_in(self.path / "entered", ".parquet"))

    @property
    def body_kinds(self) -> list[str]:
        return sorted({kind for stated in list(self._stated.values()) for kind in stated})

    def body_files(self, kind: str, shards: Sequence[tuple[int, str]] | None = None) -> list[str]:
        """The committed and sound files of one kind, or those of some shards alone (round and name). One that
        is missing or damaged is left out, and `damaged` names it."""
        wanted = None if shards is None else set(shards)
        found = []
        for name, stated in list(self._stated.items()):
            if kind not in stated:
                continue
            key = entered_key(Path(name))
            if wanted is not None and (key.round, key.shard) not in wanted:
                continue
            path = body_path(self.path, kind, key)
            try:
                check_body(path, stated[kind])
                found.append(str(path))
            except StoreError as error:
                self._leave_out(str(path), None, error)
        return sorted(found)

    def made(self, kind: str) -> int:
        return sum(stated[kind].rows for stated in list(self._stated.values()) if kind in stated)

    def read_bodies(self, kind: str, keys: Sequence[str]) -> dict[str, Body]:
        shards = self.database.query(
            f"SELECT DISTINCT round, shard FROM {self.table} WHERE list_contains(?, unit_id)", [list(keys)]
        )
        near = self.body_files(kind, [(row["round"], row["shard"]) for row in shards])
        found = self._bodies_in(near, kind, keys)
        missing = [key for key in keys if key not in found]
        if missing:
            others = set(self.body_files(kind)) - set(near)
            found |= self._bodies_in(sorted(others), kind, missing)
        return found

    def _bodies_in(self, files: list[str], kind: str, keys: Sequence[str]) -> dict[str, Body]:
        sql = """SELECT key, body, filename FROM read_parquet(?, filename = true)
            WHERE list_contains(?, key) ORDER BY filename"""
        rows = self.database.query(sql, [files, list(keys)]) if files and keys else []
        return {
            row["key"]: Body(
                kind=kind,
                stage=Path(row["filename"]).stem.rpartition("@")[2],
                fields=json.loads(row["body"]),
            )
            for row in rows
        }

    def _listed(self) -> dict[str, Stamp]:
        return _files_in(self.path / "index", ".parquet")

    def _place(self, name: str) -> tuple[int, str, str]:
        key = entered_key(Path(name))
        return key.round, key.stage, key.shard

    def _select(self, names: Sequence[str]) -> tuple[str, list[object]]:
        return "SELECT * FROM read_parquet(?, filename = true)", [list(names)]

    def _learn(self, names: Sequence[str]) -> None:
        sql = "SELECT file_name, value FROM parquet_kv_metadata(?) WHERE key::VARCHAR = ?"
        for row in self.database.query(sql, [list(names), BODIES_NOTE]):
            stated = json.loads(bytes(row["value"]))
            self._stated[row["file_name"]] = {kind: WrittenFile(*one) for kind, one in stated.items()}

    def _forget(self, name: str) -> None:
        self._stated.pop(name, None)


class OpenedAnswers(OpenedRun):
    """A file of answers, or a folder of such files. A last line that is still being written is not seen."""

    kind = RunKind.ANSWERS

    @property
    def stages(self) -> list[str]:
        return [_VERIFY]

    @property
    def body_kinds(self) -> list[str]:
        return ["answer"]

    def read_bodies(self, kind: str, keys: Sequence[str]) -> dict[str, Body]:
        rows = {int(key.rpartition("-")[2]): key for key in keys if key.rpartition("-")[2].isdecimal()}
        names = list(self._files)
        if kind != "answer" or not rows or not names:
            return {}
        sql = f"""SELECT "row" AS number, to_json(found) AS body FROM
            read_json(?, {_LINES}, columns = {_columns(_ANSWER)}) AS found WHERE list_contains(?, "row")"""
        return {
            rows[row["number"]]: Body(kind=kind, stage=_VERIFY, fields=json.loads(row["body"]))
            for row in self.database.query(sql, [names, list(rows)])
        }

    def _listed(self) -> dict[str, Stamp]:
        if self.path.is_dir():
            return _matching(self.path, _is_answers)
        return {str(self.path): stamp_of(self.path)} if self.path.exists() else {}

    def _place(self, name: str) -> tuple[int, str, str]:
        return 0, _VERIFY, Path(name).stem

    def _check(self, name: str) -> None:
        """Answers have no seals: they are lines that a verify appends to."""

    def _select(self, names: Sequence[str]) -> tuple[str, list[object]]:
        faults = [outcome.value for outcome in Outcome if outcome.is_fault]
        sql = f"""SELECT 0 AS round, '{_VERIFY}' AS stage, parse_filename(filename, true) AS shard,
            printf('answer-%07d', "row") AS unit_id, 'answer' AS kind, []::VARCHAR[] AS parents, language,
            '' AS natural_language,
            CASE WHEN verdict = 'pass' THEN 'kept' WHEN list_contains(?, verdict) THEN 'failed'
                ELSE 'rejected' END AS decision,
            CASE WHEN verdict = 'pass' THEN '' ELSE verdict END AS reason,
            CAST(json_object('id', id, 'passed', passed, 'total', total, 'trust', trust,
                'first_failure', left(reason, 300)) AS VARCHAR) AS evidence,
            cpu_s * 1000 AS ms, 0 AS tokens, filename
            FROM read_json(?, {_LINES}, columns = {_columns(_ANSWER)}, filename = true)
            WHERE "row" IS NOT NULL AND verdict IS NOT NULL"""
        return sql, [faults, list(names)]


class OpenedExport(OpenedRun):
    """A folder that `codemill export` wrote, in any of its layouts."""

    kind = RunKind.EXPORT

    @property
    def stages(self) -> list[str]:
        return [_EXPORT]

    @property
    def body_kinds(self) -> list[str]:
        return sorted({self._product(name).model.kind for name in self._files})

    def read_bodies(self, kind: str, keys: Sequence[str]) -> dict[str, Body]:
        found = {}
        for name in self._files:
            if self._product(name).model.kind == kind:
                sql = f"""SELECT id, to_json(found) AS body FROM {_reader(name)} AS found
                    WHERE list_contains(?, id)"""
                for row in self.database.query(sql, [name, list(keys)]):
                    found[row["id"]] = Body(kind=kind, stage=_EXPORT, fields=json.loads(row["body"]))
        return found

    def _listed(self) -> dict[str, Stamp]:
        return {str(path): stamp_of(path) for path in _export_files(self.path)}

    def _place(self, name: str) -> tuple[int, str, str]:
        return 0, _EXPORT, self._product(name).name

    def _check(self, name: str) -> None:
        try:
            check_sums(Path(name))
        except (Damage, OSError) as error:
            raise damaged(Path(name), str(error)) from error
        super()._check(name) if name.endswith(".parquet") else None

    def _select(self, names: Sequence[str]) -> tuple[str, list[object]]:
        parts, values = [], list[object]()
        for name in names:
            product = self._product(name)
            parts.append(
                f"""SELECT 0 AS round, '{_EXPORT}' AS stage, '{product.name}' AS shard, id AS unit_id,
                '{product.model.kind}' AS kind, []::VARCHAR[] AS parents, language, '' AS natural_language,
                'kept' AS decision, '' AS reason, '{{}}' AS evidence, 0.0 AS ms, 0 AS tokens, ? AS filename
                FROM {_reader(name)}"""
            )
            values += [name, name]
        return " UNION ALL ".join(parts), values

    def _product(self, name: str) -> Product:
        path = Path(name)
        return BY_NAME[path.stem if path.suffix == ".jsonl" else path.parent.name]


def _kind_of(path: Path) -> type[OpenedRun] | None:
    if any((path / name).exists() for name in (RUN_FILE, RUN_COPY)):
        return OpenedFolder
    if path.is_dir():
        if _export_files(path):
            return OpenedExport
        return OpenedAnswers if _matching(path, _is_answers) else None
    return OpenedAnswers if path.is_file() and _is_answers(path) else None


def _export_files(path: Path) -> list[Path]:
    names = [name for product in BY_NAME for name in (f"{product}/train.parquet", f"{product}.jsonl")]
    return [path / name for name in names if (path / name).is_file()]


def _matching(folder: Path, fits: Callable[[Path], bool]) -> dict[str, Stamp]:
    return {str(path): stamp_of(path) for path in sorted(folder.glob("*.jsonl")) if fits(path)}


def _is_answers(path: Path) -> bool:
    """Whether the first line is an answer. A file without a whole line is none yet."""
    try:
        with path.open("rb") as lines:
            first = json.loads(next(islice(lines, 1)))
        return isinstance(first, dict) and {"row", "key", "verdict"} <= first.keys()
    except (OSError, ValueError, StopIteration, RecursionError):
        return False


def _files_in(folder: Path, suffix: str) -> dict[str, Stamp]:
    """The files in the folders of a folder. A file that goes while we look is not there."""
    found: dict[str, Stamp] = {}
    for inner in _entries(folder):
        for entry in _entries(Path(inner.path)) if inner.is_dir() else ():
            if entry.name.endswith(suffix):
                try:
                    status = entry.stat()
                except OSError:
                    continue
                found[entry.path] = Stamp(status.st_dev, status.st_ino, status.st_size, status.st_mtime_ns)
    return found


def _entries(folder: Path) -> Iterator["os.DirEntry[str]"]:
    try:
        with os.scandir(folder) as entries:
            yield from entries
    except OSError:
        return


def _reader(name: str) -> str:
    return "read_parquet(?)" if name.endswith(".parquet") else f"read_json(?, {_LINES})"


def _columns(types: dict[str, str]) -> str:
    inner = ", ".join(f"'{name}': '{type}'" for name, type in types.items())
    return f"{{{inner}}}"
