"""The family of a unit: what it was made from, what was made of it, and the other answers to its task.

The one rule: bounded. A seed may have thousands of descendants; each generation shows the first ones and says
how many there are.
"""

from collections.abc import Sequence
from typing import Final

from synth.inspector.library import Library
from synth.inspector.opened_run import OpenedRun
from synth.products import PRODUCT_KINDS, PRODUCTS, settles
from synth.records import Record, Solution, Task, Unit

MOST_RELATIVES: Final = 60
_GENERATIONS: Final = 6


class Relative(Record):
    """A unit that another one belongs to, and what became of it."""

    id: str
    kind: str
    language: str = ""
    decision: str = ""
    reason: str = ""
    stage: str = ""
    """The stage of that decision."""
    is_self: bool = False


class Generation(Record):
    """Units at one distance."""

    units: tuple[Relative, ...]
    count: int
    """How many there are; `units` are the first."""


class Family(Record):
    """Relatives of a unit."""

    ancestors: tuple[Generation, ...] = ()
    """The farthest first: seed, task, solution."""
    siblings: Generation
    """The answers to the same task, itself among them."""
    descendants: tuple[Generation, ...] = ()


def family_of(library: Library, run: OpenedRun, unit_id: str, kind: str, unit: Unit | None) -> Family:
    """The relatives of a unit, as far as parents were recorded."""
    task = unit.id if isinstance(unit, Task) else str(getattr(unit, "task_id", ""))
    siblings = _answers(library, run, task) if task else []
    up = _up(library, run, unit_id, unit)
    down = _down(library, run, unit_id)
    shown = [one for ids in (*up, siblings, *down) for one in ids[:MOST_RELATIVES]]
    described = _describe(library, run, shown)
    return Family(
        ancestors=tuple(_generation(ids, described, unit_id) for ids in reversed(up)),
        siblings=_generation(siblings, described, unit_id),
        descendants=tuple(_generation(ids, described, unit_id) for ids in down),
    )


def _up(library: Library, run: OpenedRun, unit_id: str, unit: Unit | None) -> list[list[str]]:
    found, seen = list[list[str]](), {unit_id}
    parents = list(unit.parent_ids) if unit is not None else []
    current = [unit_id]
    for _ in range(_GENERATIONS):
        sql = f"SELECT DISTINCT unnest(parents) AS id FROM {run.table} WHERE list_contains(?, unit_id)"
        rows = [row["id"] for row in library.query(sql, [current])]
        current = [one for one in dict.fromkeys([*parents, *sorted(rows)]) if one and one not in seen]
        parents = []
        if not current:
            break
        seen |= set(current)
        found.append(current)
    return _nearest_last(found)


def _nearest_last(generations: list[list[str]]) -> list[list[str]]:
    """Each unit once, at its farthest: a seed that is a grandparent is no parent."""
    seen = set[str]()
    kept = []
    for ids in reversed(generations):
        kept.append([one for one in ids if one not in seen])
        seen |= set(ids)
    return [ids for ids in reversed(kept) if ids]


def _down(library: Library, run: OpenedRun, unit_id: str) -> list[list[str]]:
    found, seen, current = list[list[str]](), {unit_id}, [unit_id]
    for _ in range(_GENERATIONS):
        sql = f"SELECT DISTINCT unit_id AS id FROM {run.table} WHERE list_has_any(parents, ?) ORDER BY id"
        rows = [row["id"] for row in library.query(sql, [current])]
        rows += _products(library, run, current)
        current = [one for one in dict.fromkeys(rows) if one not in seen]
        if not current:
            break
        seen |= set(current)
        found.append(current)
        current = current[: 10 * MOST_RELATIVES]
    return found


def _products(library: Library, run: OpenedRun, ids: Sequence[str]) -> list[str]:
    """Samples, pairs and FIM rows that name these units; an index need not hold them."""
    found = []
    for product in PRODUCTS:
        files = run.body_files(product.model.kind)
        for column in product.model.parents if files else ():
            sql = f"SELECT DISTINCT key FROM read_parquet(?) WHERE list_contains(?, {column}) ORDER BY key"
            found += [row["key"] for row in library.query(sql, [files, list(ids)])]
    return found


def _answers(library: Library, run: OpenedRun, task_id: str) -> list[str]:
    files = run.body_files(Solution.kind)
    if not files:
        return []
    sql = """SELECT DISTINCT key, language, "index" FROM read_parquet(?) WHERE task_id = ?
        ORDER BY language, "index" """
    return [row["key"] for row in library.query(sql, [files, task_id])]


def _describe(library: Library, run: OpenedRun, ids: Sequence[str]) -> dict[str, Relative]:
    """What became of units: a decision of the flow that did not keep one is its last."""
    order = {stage: at for at, stage in enumerate(run.stages)}
    sql = f"""SELECT unit_id, kind, language, round, stage, decision, reason FROM {run.table}
        WHERE list_contains(?, unit_id)"""
    found: dict[str, Relative] = {}
    for row in sorted(
        library.query(sql, [list(dict.fromkeys(ids))]),
        key=lambda row: (row["round"], order.get(row["stage"], len(order))),
    ):
        known = found.get(row["unit_id"])
        if known is None or settles(row["stage"], known.stage, known.decision):
            found[row["unit_id"]] = Relative(
                id=row["unit_id"],
                kind=row["kind"],
                language=row["language"],
                decision=row["decision"],
                reason=row["reason"],
                stage=row["stage"],
            )
    return found


def _generation(ids: Sequence[str], described: dict[str, Relative], focus: str) -> Generation:
    units = [described.get(one) or _undecided(one) for one in ids[:MOST_RELATIVES]]
    marked = tuple(one.model_copy(update={"is_self": True}) if one.id == focus else one for one in units)
    return Generation(units=marked, count=len(ids))


def _undecided(unit_id: str) -> Relative:
    """A unit without a decision of its own: a product that no filter looked at is kept."""
    kind = unit_id.partition("-")[0]
    return Relative(id=unit_id, kind=kind, decision="kept" if kind in PRODUCT_KINDS else "")
