"""Revocation: everything in a run that derives from a source, a file, a licence or one unit, so that it can
be taken back.

Place in the flow: `codemill revoke` and its page read it here. The links are those of `lineage`, walked
downwards for any number of units at once: seeds, tasks, solutions, samples and pairs, the rows of data sets,
exports and checkpoints, and the policies that were trained on from these. The one rule: it changes nothing; a
patch says what to remove, and `codemill export --without` leaves it out.
"""

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Final, NamedTuple

from pydantic import JsonValue

from synth.errors import Problem, UserError
from synth.products import PRODUCTS
from synth.records import CodingProblem, Record, Seed, Solution, SourceText, Task
from synth.store.checkpoints import MANIFEST, read_checkpoint, training_files
from synth.store.exports_made import exports_made
from synth.store.lineage import LINKS, stored_links
from synth.store.products import product_files
from synth.store.query import Ask, Shards, check_known, checked_names, with_tables
from synth.store.units import body_files, body_kinds, resolve_id

UNKNOWN_LICENCE: Final = "unknown"


class Withdrawn(Record):
    """What is taken back: units for which all that is stated here holds. Empty fields state nothing."""

    source: str = ""
    """The name of a source: a folder, a data set, a repository."""
    file: str = ""
    """A path inside its source, or a row as `part:number`."""
    licence: str = ""
    """As the source states it; `unknown` for code that states none."""
    unit: str = ""
    """An id, or its unique beginning: a seed, or anything that was made later."""

    @property
    def words(self) -> str:
        """For people: `licence GPL-3.0, source django`."""
        return ", ".join(f"{name} {value}" for name, value in self.model_dump().items() if value)


class RevokedKind(Record):
    """Units of one kind that derive from what is withdrawn, itself included."""

    kind: str
    count: int


class RevokedRows(Record):
    """Rows of one data set file, relative to the run folder."""

    data_set: str
    rows: int
    revoked: int


class RevokedCheckpoint(Record):
    """A policy that was trained on revoked rows, itself or through the policy that it started from."""

    name: str
    rows: int
    """It was trained on so many rows."""
    revoked: int
    """So many of them are revoked."""
    through: str = ""
    """The nearest earlier checkpoint that holds revoked rows; empty if there is none."""
    solutions: int = 0
    """Solutions that it wrote in later rounds. They are no copies, and are not in the patch."""


class RevokedExport(Record):
    """An export that was made from the run, as far as it is still where it was written."""

    folder: str
    made: str
    rows: int
    revoked: int
    found: bool


class Revocation(Record):
    """Everything that derives from what is withdrawn."""

    withdrawn: Withdrawn
    roots: int
    """Units for which it holds: seeds, problems and source files."""
    decisions: int
    """Rows of the index about any of the units."""
    kinds: tuple[RevokedKind, ...]
    data_sets: tuple[RevokedRows, ...]
    checkpoints: tuple[RevokedCheckpoint, ...]
    exports: tuple[RevokedExport, ...]


class RevokedUnit(NamedTuple):
    """One unit that derives from what is withdrawn."""

    unit_id: str
    kind: str


class _Run:
    """The run with its tables. The files of a kind are checked once."""

    def __init__(self, folder: Path, ask: Ask) -> None:
        self.folder, self.ask = folder, ask
        self.kinds = body_kinds(folder)
        self._files: dict[str, list[str]] = {}

    def files(self, kind: str) -> list[str]:
        """The committed files of a kind."""
        if kind not in self._files:
            self._files[kind] = body_files(self.folder, kind) if kind in self.kinds else []
        return self._files[kind]

    def count(self, sql: str, *values: object) -> int:
        """The `n` of a query of one row."""
        return int(self.ask(sql, *values)[0]["n"])

    @property
    def revoked(self) -> int:
        """Rows of the table."""
        return self.count("SELECT count(*) AS n FROM revoked")


class OpenRevocation:
    """The answer while its tables are there: the summary at once, lists and the patch when they are asked."""

    def __init__(self, run: Path, what: Withdrawn, ask: Ask) -> None:
        self._run = opened = _Run(run, ask)
        roots = _take_roots(opened, what)
        _take_descendants(opened)
        self.summary = Revocation(
            withdrawn=what,
            roots=roots,
            decisions=_count_decisions(opened),
            kinds=_count_kinds(opened),
            data_sets=_count_rows(opened),
            checkpoints=_find_checkpoints(opened),
            exports=tuple(_find_exports(opened)),
        )

    def units(self, limit: int | None = None) -> list[RevokedUnit]:
        """The units by kind in the order of the flow, then by id; all of them without a limit."""
        order = [*_ORIGINS, *LINKS]
        rows = self._run.ask(
            "SELECT id, kind FROM revoked ORDER BY list_position($1, kind), id LIMIT $2", order, limit
        )
        return [RevokedUnit(row["id"], row["kind"]) for row in rows]

    def patch(self) -> Iterator[dict[str, JsonValue]]:
        """The lines of the patch: what is withdrawn, a row to remove a line, then what to make again."""
        found = self.summary
        yield {"withdrawn": found.withdrawn.model_dump(), "run": self._run.folder.name}
        for one in found.data_sets:
            sql = "SELECT id FROM read_parquet($1) WHERE id IN (SELECT id FROM revoked) ORDER BY id"
            for row in self._run.ask(sql, str(self._run.folder / one.data_set)) if one.revoked else ():
                yield {"data_set": one.data_set, "remove": row["id"]}
        for export in found.exports:
            if export.revoked or not export.found:
                yield {"export": export.folder, "write_again": True, "revoked": export.revoked}
        for checkpoint in found.checkpoints:
            yield {"checkpoint": checkpoint.name, "train_again": True, "revoked": checkpoint.revoked}


@contextmanager
def revoke(run: Path, what: Withdrawn) -> Iterator[OpenRevocation]:
    """Find what derives from what is withdrawn. Raises UserError if nothing is stated, or if the run has
    nothing of it, with the nearest names."""
    if not what.words:
        raise UserError(
            Problem(
                "what to revoke",
                "is not stated: expected a source, a file, a licence or a unit",
                "state one of them, or several that must all hold",
            )
        )
    with with_tables() as ask:
        yield OpenRevocation(run, what, ask)


# --- units --------------------------------------------------------------------------------------------------

_ORIGIN = {"source": "$.origin.source", "file": "$.origin.path", "row": "$.origin.row"} | {
    "licence": "$.origin.licence"
}
_ORIGINS: dict[str, dict[str, str]] = {
    SourceText.kind: {"source": "$.repository", "file": "$.path", "row": "$.path", "licence": "$.licence"},
    Seed.kind: _ORIGIN,
    CodingProblem.kind: _ORIGIN,
}
"""Kinds that come from outside, and where their records say from where."""


def _take_roots(run: _Run, what: Withdrawn) -> int:
    """Put the units for which all of it holds into the table; how many there are."""
    run.ask("CREATE TEMP TABLE revoked (id VARCHAR, kind VARCHAR)")
    unit_id = _whole_id(run, what.unit) if what.unit else ""
    licence = "" if what.licence == UNKNOWN_LICENCE else what.licence
    for kind, paths in _ORIGINS.items():
        fields = {name: f"json_extract_string(body, '{path}')" for name, path in paths.items()}
        stated = [
            (bool(what.source), f"{fields['source']} = ?", what.source),
            (bool(what.file), f"? IN ({fields['file']}, {fields['row']})", what.file),
            (bool(what.licence), f"{fields['licence']} = ?", licence),
            (bool(unit_id), "key = ?", unit_id),
        ]
        conditions = " AND ".join(sql for is_stated, sql, _ in stated if is_stated)
        files = run.files(kind)
        if files:
            sql = f"INSERT INTO revoked SELECT DISTINCT key, '{kind}' FROM read_parquet(?) WHERE {conditions}"
            run.ask(sql, files, *(value for is_stated, _, value in stated if is_stated))
    roots = run.revoked
    if not roots and unit_id and not (what.source or what.file or what.licence):
        roots = _take_later_unit(run, unit_id)
    if not roots:
        _complain(run, what)
    return roots


def _whole_id(run: _Run, unit: str) -> str:
    """The id of which this is the whole or the beginning. Those from outside are looked at first."""
    sql = "SELECT 1 FROM read_parquet(?) WHERE key = ? LIMIT 1"
    for kind in _ORIGINS:
        if (files := run.files(kind)) and run.ask(sql, files, unit):
            return unit
    return resolve_id(run.folder, unit)


def _take_later_unit(run: _Run, unit_id: str) -> int:
    """A unit that was made in the run: all of its records."""
    kinds = [kind for kind in LINKS if kind in run.kinds]
    for kind in kinds:
        sql = f"INSERT INTO revoked SELECT DISTINCT key, '{kind}' FROM read_parquet($1) WHERE key = $2"
        run.ask(sql, run.files(kind), unit_id)
    return run.revoked


def _complain(run: _Run, what: Withdrawn) -> None:
    """Raise UserError with the names that the run knows."""
    for name in ("source", "licence", "file"):
        value = getattr(what, name)
        if value and (known := _known(run, name, value)) and value not in known:
            check_known(name, value, known, f"give a {name} that the run has")
    raise UserError(
        Problem(
            f"run {run.folder}",
            f"has no seed, problem or source file with {what.words}",
            "look with `codemill show` where a unit came from",
        )
    )


def _known(run: _Run, name: str, value: str) -> list[str]:
    found: set[str] = set()
    for kind, paths in _ORIGINS.items():
        sql = f"""SELECT DISTINCT coalesce(nullif(json_extract_string(body, '{paths[name]}'), ''), $3) AS name
            FROM read_parquet($1) ORDER BY jaro_winkler_similarity(name, $2) DESC LIMIT 50"""
        if files := run.files(kind):
            unknown = UNKNOWN_LICENCE if name == "licence" else ""
            found.update(str(row["name"]) for row in run.ask(sql, files, value, unknown))
    return sorted(found - {""})


def _take_descendants(run: _Run) -> None:
    """Add what was made of the units in the table, kind by kind in the order of the flow: a kind is made of
    earlier ones, or of its own like a task of another task."""
    for kind in (kind for kind in LINKS if kind in run.kinds):
        parents = " OR ".join(
            f"{link} IN (SELECT id FROM revoked)" for link in stored_links(run.folder, kind)
        )
        sql = f"""INSERT INTO revoked SELECT DISTINCT key, '{kind}' FROM read_parquet($1)
            WHERE ({parents}) AND key NOT IN (SELECT id FROM revoked)"""
        before = -1
        while before != (before := run.revoked):
            run.ask(sql, run.files(kind))
            if kind != Task.kind:
                break


def _count_decisions(run: _Run) -> int:
    files = Shards(run.folder).index_files()
    sql = "SELECT count(*) AS n FROM read_parquet($1) WHERE unit_id IN (SELECT id FROM revoked)"
    return run.count(sql, files) if files else 0


def _count_kinds(run: _Run) -> tuple[RevokedKind, ...]:
    counts = {
        row["kind"]: int(row["n"]) for row in run.ask("SELECT kind, count(*) AS n FROM revoked GROUP BY 1")
    }
    order = [kind for kind in (*_ORIGINS, *LINKS) if kind in counts]
    return tuple(RevokedKind(kind=kind, count=counts[kind]) for kind in order)


# --- what was made of them ----------------------------------------------------------------------------------


def _count_rows(run: _Run) -> tuple[RevokedRows, ...]:
    files = checked_names(file for product in PRODUCTS for file in product_files(run.folder, product))
    return tuple(
        RevokedRows(data_set=str(Path(name).relative_to(run.folder)), rows=rows, revoked=revoked)
        for name, (rows, revoked) in _rows_in(files, run).items()
    )


def _rows_in(files: Sequence[str], run: _Run) -> dict[str, tuple[int, int]]:
    """Of each Parquet file its rows, and those that are revoked, by name."""
    sql = """SELECT filename, count(*) AS n, count(*) FILTER (id IN (SELECT id FROM revoked)) AS revoked
        FROM read_parquet($1, filename = true) GROUP BY 1 ORDER BY 1"""
    rows = run.ask(sql, list(files)) if files else []
    found = {str(row["filename"]): (int(row["n"]), int(row["revoked"])) for row in rows}
    return {name: found.get(name, (0, 0)) for name in files}


def _find_checkpoints(run: _Run) -> tuple[RevokedCheckpoint, ...]:
    """Policies trained on revoked rows, and those that started from one, by name."""
    manifests = [
        checkpoint.manifest
        for path in sorted(run.folder.glob(f"checkpoints/*/{MANIFEST}"))
        if (checkpoint := read_checkpoint(path.parent)) is not None
    ]
    own = {
        one.name: sum(
            _revoked_in(file, run) for name in one.data for file in training_files(run.folder, Path(name))
        )
        for one in manifests
    }
    by_print = {one.fingerprint: one for one in manifests}
    wrote = _solutions_by(run, [one.fingerprint for one in manifests])
    found = []
    for one in manifests:
        parent, through, seen = by_print.get(one.parent_fingerprint), "", {one.fingerprint}
        while parent is not None and not through and parent.fingerprint not in seen:
            through = parent.name if own[parent.name] else ""
            seen.add(parent.fingerprint)
            parent = by_print.get(parent.parent_fingerprint)
        if own[one.name] or through:
            found.append(
                RevokedCheckpoint(
                    name=one.name,
                    rows=one.rows,
                    revoked=own[one.name],
                    through=through,
                    solutions=wrote.get(one.fingerprint, 0),
                )
            )
    return tuple(found)


def _revoked_in(file: Path, run: _Run) -> int:
    """Rows of a training file that are revoked; 0 for rows of others, which have no ids of ours."""
    reader = "read_parquet" if file.suffix == ".parquet" else "read_json_auto"
    if file.suffix == ".parquet":
        checked_names([file])
    columns = run.ask(f"SELECT column_name FROM (DESCRIBE SELECT * FROM {reader}($1))", str(file))
    if {"column_name": "id"} not in columns:
        return 0
    sql = f"SELECT count(*) AS n FROM {reader}($1) WHERE id::VARCHAR IN (SELECT id FROM revoked)"
    return run.count(sql, str(file))


def _solutions_by(run: _Run, fingerprints: Sequence[str]) -> dict[str, int]:
    files = run.files(Solution.kind)
    sql = """SELECT policy, count(*) AS n FROM read_parquet($1)
        WHERE policy IN (SELECT unnest($2)) GROUP BY 1"""
    rows = run.ask(sql, files, list(fingerprints)) if files and fingerprints else []
    return {str(row["policy"]): int(row["n"]) for row in rows}


def _find_exports(run: _Run) -> Iterator[RevokedExport]:
    for made in exports_made(run.folder):
        files = training_files(run.folder, Path(made.folder))
        yield RevokedExport(
            folder=made.folder,
            made=made.made,
            rows=sum(made.counts.values()),
            revoked=sum(_revoked_in(file, run) for file in files),
            found=bool(files),
        )
