"""One unit of a run: found by id or by the start of its id, with its decisions and its bodies.

The one rule: an id that matches no unit or several is a user's mistake, answered with the nearest ids.
"""

import json
from collections.abc import Sequence
from pathlib import Path

from pydantic import JsonValue

from synth.errors import Problem, UserError
from synth.records import IndexRow, Record
from synth.store.query import Shards, checked_names
from synth.store.run_folder import read_info
from synth.store.shards import body_stage, committed_bodies, stated_bodies

_SHOWN_IDS = 5


class Body(Record):
    """One stored record: its kind, the stage that made it, and its fields."""

    kind: str
    stage: str
    fields: dict[str, JsonValue]


class StoredUnit(Record):
    """Everything that the store knows of one unit. `rows` are its decisions, in the order of the flow."""

    id: str
    kind: str
    rows: tuple[IndexRow, ...]
    bodies: tuple[Body, ...]


def find_unit(run: Path, id_or_prefix: str) -> StoredUnit:
    """The unit with that id, or the only one whose id starts so. Raises UserError with the nearest ids."""
    unit_id = resolve_id(run, id_or_prefix)
    shards = Shards(run)
    order = stage_order(run)
    rows = shards.query("SELECT * FROM read_parquet(?) WHERE unit_id = ?", shards.index_files(), unit_id)
    decisions = sorted(
        (IndexRow.model_validate(row) for row in rows),
        key=lambda row: (row.round, order.index(row.stage), row.shard),
    )
    bodies = [body for kind in body_kinds(run) for body in read_bodies(run, kind, [unit_id]).values()]
    kind = decisions[0].kind if decisions else bodies[0].kind if bodies else ""
    return StoredUnit(id=unit_id, kind=kind, rows=tuple(decisions), bodies=tuple(bodies))


def resolve_id(run: Path, id_or_prefix: str) -> str:
    """The full id. A prefix may leave out the kind: `0f3a` finds `task-0f3a…`. Raises UserError when none
    or several fit."""
    after_kind = "substr({0}, strpos({0}, '-') + 1)"
    found = _ids_where(run, "{0} = ?", id_or_prefix) or _ids_where(
        run, f"starts_with({{0}}, ?) OR starts_with({after_kind}, ?)", id_or_prefix, id_or_prefix
    )
    if len(found) == 1:
        return found[0]
    if found:
        more = ", …" if len(found) > _SHOWN_IDS else ""
        expected = f"is not unique in {run}; it matches {', '.join(found[:_SHOWN_IDS])}{more}"
        raise UserError(Problem(f"id {id_or_prefix!r}", expected, "give more characters"))
    near = _nearest_ids(run, id_or_prefix)
    expected = f"nearest: {', '.join(near)}" if near else "it has no units yet"
    raise UserError(
        Problem(
            f"id {id_or_prefix!r}",
            f"is not in {run}; {expected}",
            "give another id, or look in another run",
        )
    )


def stage_order(run: Path) -> list[str]:
    """The stages in the order of the flow as the runner declared it, then any others by name."""
    declared = read_info(run).stages
    found = {path.name for part in ("entered", "index") for path in run.glob(f"{part}/*") if path.is_dir()}
    return [*declared, *sorted(found - set(declared))]


def body_kinds(run: Path) -> list[str]:
    """Kinds of records that the run holds."""
    stated = {kind for index in run.glob("index/*/*.parquet") for kind in stated_bodies(index) or ()}
    return sorted(stated | {path.name for path in run.glob("bodies/*") if path.is_dir()})


def read_bodies(run: Path, kind: str, keys: Sequence[str]) -> dict[str, Body]:
    """Committed records of one kind by their key; of a record that later stages wrote again, the last."""
    sql = (
        "SELECT key, body, filename FROM read_parquet(?, filename = true) WHERE list_contains(?, key) "
        "ORDER BY filename"
    )
    rows = Shards(run).query(sql, body_files(run, kind), list(keys)) if keys else []
    return {
        row["key"]: Body(kind=kind, stage=body_stage(Path(row["filename"])), fields=json.loads(row["body"]))
        for row in rows
    }


def body_files(run: Path, kind: str) -> list[str]:
    """Names of the committed files of one kind."""
    return checked_names(committed_bodies(run, kind))


def _ids_where(run: Path, condition: str, *values: str) -> list[str]:
    shards = Shards(run)
    found: set[str] = set()
    for column, files in _id_columns(run, shards):
        sql = (
            f"SELECT DISTINCT {column} AS id FROM read_parquet(?) WHERE {condition.format(column)} LIMIT "
            f"{_SHOWN_IDS + 1}"
        )
        found.update(row["id"] for row in shards.query(sql, files, *values))
    return sorted(found)


def _id_columns(run: Path, shards: Shards) -> list[tuple[str, list[str]]]:
    """Where ids stand: the column, and the files that have it."""
    return [
        ("unit_id", shards.index_files()),
        ("unit_id", shards.entered_files()),
        *(("key", body_files(run, kind)) for kind in body_kinds(run)),
    ]


def _nearest_ids(run: Path, text: str) -> list[str]:
    shards = Shards(run)
    likeness: dict[str, float] = {}
    for column, files in _id_columns(run, shards):
        sql = f"""SELECT {column} AS near, max(jaro_winkler_similarity({column}, $2)) AS likeness
            FROM read_parquet($1) GROUP BY near ORDER BY likeness DESC, near LIMIT 3"""
        likeness |= {str(row["near"]): row["likeness"] for row in shards.query(sql, files, text)}
    return sorted(likeness, key=lambda found: (-likeness[found], found))[:3]
