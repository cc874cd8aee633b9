"""What can be opened: a run folder, answers of `codemill verify`, an export. Each gives index rows.

The one rule: a kind of source is one class here, and nothing else asks which kind it is.
"""

import json
import os
import re
from collections.abc import Callable, Iterator, Sequence
from contextlib import suppress
from itertools import islice
from pathlib import Path
from typing import Final

from synth.errors import CodemillError, Problem, StoreError, UserError
from synth.inspector.database import Database
from synth.inspector.descriptions import KINDS, Descriptions
from synth.inspector.opened_run import LeftOutFile, OpenedRun, RunKind, Stamp, stamp_of
from synth.inspector.text_search import SearchedText, TextFiles
from synth.products import BY_NAME, Product
from synth.records import Outcome
from synth.store.checkpoints import MANIFEST, read_checkpoint
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
_BODY_TEXTS: Final = "SELECT filename, key AS id, body AS text FROM read_parquet(?, filename = true)"
_ANSWER_TEXTS: Final = f"""
    SELECT filename, request_id || '#' || place AS id, completions[place + 1]::VARCHAR AS text
    FROM (SELECT filename, request_id, completions, unnest(range(len(completions))) AS place
        FROM read_json(?, {_LINES}, filename = true,
            columns = {{'request_id': 'VARCHAR', 'completions': 'JSON[]'}}))
    WHERE request_id IS NOT NULL
"""
"""Raw answers, as `<request>#<place among the n>`."""
_IN_ANSWER: Final = re.compile(r".*#\d+")
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
    views = (*("units", "reasons", "pairs", "duplicates", "contamination", "training", "coverage", "revoke"),)

    def __init__(self, database: Database, key: str, path: Path, number: int) -> None:
        super().__init__(database, key, path, number)
        self._stated: dict[str, dict[str, WrittenFile]] = {}
        """The bodies that belong to an index file, by kind."""
        self._learnt: list[str] = []
        """Index files whose bodies have not been asked yet."""
        self._stages: tuple[Stamp, tuple[str, ...]] | None = None
        self._entered: dict[str, tuple[Stamp, int]] = {}
        """Rows of each file of units that entered."""
        self._text_files: tuple[int, tuple[str, ...]] | None = None
        """The files of bodies, and how many index files there were then."""
        self._descriptions = Descriptions(database, self.table)

    @property
    def info(self) -> RunInfo:
        """What made the run. Raises RunFolderError if that cannot be read."""
        return read_info(self.path)

    @property
    def stages(self) -> list[str]:
        found = {entry.name for part in ("entered", "index") for entry in _entries(self.path / part)}
        return [*self._declared(), *sorted(found - set(self._declared()))]

    def _declared(self) -> tuple[str, ...]:
        """The stages as the runner declared them, read anew when `run.json` is another one."""
        try:
            stamp = stamp_of(self.path / RUN_FILE)
            if self._stages is None or self._stages[0] != stamp:
                self._stages = (stamp, self.info.stages)
            return self._stages[1]
        except (CodemillError, OSError):
            return ()

    def entered(self) -> dict[tuple[int, str, str], int]:
        found = _files_in(self.path / "entered", ".parquet")
        new = [name for name, stamp in found.items() if self._entered.get(name, (None,))[0] != stamp]
        sound = []
        for name in new:
            try:
                self._check(name)
                sound.append(name)
            except StoreError as error:
                self._leave_out(name, None, error)
        sql = "SELECT file_name, num_rows FROM parquet_file_metadata(?)"
        for row in self.database.query(sql, [sound]) if sound else ():
            name = row["file_name"]
            self._entered[name] = (found[name], int(row["num_rows"]))
            self._damaged.pop(name, None)
        return {self._place(name): self._entered[name][1] for name in found if name in self._entered}

    @property
    def body_kinds(self) -> list[str]:
        return sorted({kind for stated in list(self._stated.values()) for kind in stated})

    def body_files(self, kind: str, shards: Sequence[tuple[int, str]] | None = None) -> list[str]:
        """The committed and sound files of one kind, or those of some shards alone (round and name). One that
        is missing or damaged is left out, and `damaged` names it."""
        names = list(self._stated)
        if shards is not None:
            wanted, keys = set(shards), [entered_key(Path(name)) for name in names]
            names = [name for name, key in zip(names, keys, strict=True) if (key.round, key.shard) in wanted]
        return self._sound_bodies(kind, names)

    def _sound_bodies(self, kind: str, names: Sequence[str]) -> list[str]:
        """Of these index files, the bodies of one kind."""
        found = []
        for name in names:
            stated = self._stated.get(name, {}).get(kind)
            if stated is None:
                continue
            path = body_path(self.path, kind, entered_key(Path(name)))
            try:
                check_body(path, stated)
                found.append(str(path))
                self._damaged.pop(str(path), None)
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

    def find_text(self, text: str, seconds: float) -> SearchedText:
        found = super().find_text(text, seconds)
        answers, units = list[str](), list[str]()
        for one in found.ids:
            (answers if _IN_ANSWER.fullmatch(one) else units).append(one)
        ids = dict.fromkeys((*units, *(self._descriptions.units_of(answers) if answers else ())))
        return found.model_copy(update={"ids": tuple(ids)})

    def _texts(self) -> list[TextFiles]:
        if self._text_files is None or self._text_files[0] != self._next:
            bodies = tuple(name for kind in self.body_kinds for name in self.body_files(kind))
            self._text_files = (self._next, bodies)
        journal = tuple(sorted(map(str, self.path.glob("journal/responses-*.jsonl"))))
        return [TextFiles(self._text_files[1], _BODY_TEXTS), TextFiles(journal, _ANSWER_TEXTS)]

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
        self._learnt += names

    def _describe(self, first: int) -> int:
        learnt, self._learnt = self._learnt, []
        for kind in KINDS:
            try:
                if new := self._sound_bodies(kind, learnt):
                    self._descriptions.read(kind, new)
            except StoreError as error:
                self._leave_out(str(self.path / "bodies" / kind), None, error)
        try:
            info = self.info
            prompts, base = list(info.prompt_hashes), _base_model(info)
        except CodemillError:
            prompts, base = [], ""
        return self._descriptions.fill(first, prompts, self._trained(), base)

    def _trained(self) -> dict[str, str]:
        """Names of the policies that the run trained, by fingerprint; those that can be read."""
        found = {}
        for path in sorted(self.path.glob(f"checkpoints/*/{MANIFEST}")):
            with suppress(CodemillError):
                if (checkpoint := read_checkpoint(path.parent)) is not None:
                    found[checkpoint.manifest.fingerprint] = checkpoint.manifest.name
        return found

    def _forget(self, name: str) -> None:
        self._stated.pop(name, None)


class OpenedAnswers(OpenedRun):
    """A file of answers, or a folder of such files. A last line that is still being written is not seen."""

    kind = RunKind.ANSWERS

    def __init__(self, database: Database, key: str, path: Path, number: int) -> None:
        super().__init__(database, key, path, number)
        self._unread: dict[str, int] = {}
        """Lines of a file that are no answers."""

    @property
    def damaged(self) -> tuple[LeftOutFile, ...]:
        lines = (
            LeftOutFile(
                path=f"{count:,} {'line' if count == 1 else 'lines'} of {Path(name).name}",
                problem="cannot be read as answers",
                fix="run the same codemill verify again: it judges what is missing",
            )
            for name, count in sorted(self._unread.copy().items())
        )
        return (*super().damaged, *lines)

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

    def _texts(self) -> list[TextFiles]:
        query = f"""SELECT filename, printf('answer-%07d', "row") AS id, to_json(found)::VARCHAR AS text
            FROM read_json(?, {_LINES}, columns = {_columns(_ANSWER)}, filename = true) AS found"""
        return [TextFiles(tuple(self._files), query)]

    def _listed(self) -> dict[str, Stamp]:
        if self.path.is_dir():
            return _matching(self.path, _is_answers)
        return {str(self.path): stamp_of(self.path)} if self.path.exists() else {}

    def _place(self, name: str) -> tuple[int, str, str]:
        return 0, _VERIFY, Path(name).stem

    def _check(self, name: str) -> None:
        """Answers have no seals: they are lines that a verify appends to."""

    def _learn(self, names: Sequence[str]) -> None:
        for name in names:
            if (unread := _lines_in(Path(name)) - self._files[name].rows) > 0:
                self._unread[name] = unread

    def _forget(self, name: str) -> None:
        self._unread.pop(name, None)

    def _select(self, names: Sequence[str]) -> tuple[str, list[object]]:
        faults = [outcome.value for outcome in Outcome if outcome.is_fault]
        sql = f"""SELECT 0 AS round, '{_VERIFY}' AS stage, parse_filename(filename, true) AS shard,
            printf('answer-%07d', "row") AS unit_id, 'answer' AS kind, []::VARCHAR[] AS parents,
            coalesce(language, '') AS language, '' AS natural_language,
            CASE WHEN verdict = 'pass' THEN 'kept' WHEN list_contains(?, verdict) THEN 'failed'
                ELSE 'rejected' END AS decision,
            CASE WHEN verdict = 'pass' THEN '' ELSE verdict END AS reason,
            CAST(json_object('id', id, 'passed', passed, 'total', total, 'trust', trust,
                'first_failure', left(reason, 300)) AS VARCHAR) AS evidence,
            coalesce(wall_s, 0) * 1000 AS ms, 0 AS tokens, filename
            FROM read_json(?, {_LINES}, columns = {_columns(_ANSWER)}, filename = true)
            WHERE "row" IS NOT NULL AND verdict IS NOT NULL"""
        return sql, [faults, list(names)]


class OpenedExport(OpenedRun):
    """A folder that `codemill export` wrote, in any of its layouts."""

    kind = RunKind.EXPORT
    views = ("units",)

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

    def _texts(self) -> list[TextFiles]:
        query = "SELECT filename, id, to_json(found)::VARCHAR AS text FROM {} AS found"
        readers = {
            ".parquet": "read_parquet(?, filename = true)",
            ".jsonl": f"read_json(?, {_LINES}, filename = true)",
        }
        return [TextFiles((name,), query.format(readers[Path(name).suffix])) for name in list(self._files)]

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
                '{product.model.kind}' AS kind, []::VARCHAR[] AS parents,
                coalesce(language, '') AS language, '' AS natural_language,
                'kept' AS decision, '' AS reason, '{{}}' AS evidence, 0.0 AS ms, 0 AS tokens, ? AS filename
                FROM {_reader(name)}"""
            )
            values += [name, name]
        return " UNION ALL ".join(parts), values

    def _product(self, name: str) -> Product:
        path = Path(name)
        return BY_NAME[path.stem if path.suffix == ".jsonl" else path.parent.name]


def _base_model(info: RunInfo) -> str:
    """The model of the endpoint, or the policy that the run started from."""
    parts = [info.recipe.get(name) for name in ("engine", "policy")]
    models = [part.get("model") for part in parts if isinstance(part, dict)]
    return next((str(model) for model in models if model), "")


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


def _lines_in(path: Path) -> int:
    """Whole lines; 0 for a file that is gone."""
    with suppress(OSError), path.open("rb") as file:
        return sum(piece.count(b"\n") for piece in iter(lambda: file.read(1 << 20), b""))
    return 0


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


def _reader(name: str, given: str = "?") -> str:
    return f"read_parquet({given})" if name.endswith(".parquet") else f"read_json({given}, {_LINES})"


def _columns(types: dict[str, str]) -> str:
    inner = ", ".join(f"'{name}': '{type}'" for name, type in types.items())
    return f"{{{inner}}}"
