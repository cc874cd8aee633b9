"""The page of one unit, and what is done on it: marks, and a file to share."""

from typing import Final

from synth.errors import CodemillError
from synth.inspector.filter_language import Term, UnitFilter, parse_filter
from synth.inspector.library import Library
from synth.inspector.opened_run import OpenedRun
from synth.inspector.queries.runs import REFRESH_S
from synth.inspector.queries.unit import UnitView, read_unit
from synth.inspector.queries.units import key_of, list_units, neighbours
from synth.inspector.web.links import ListPlace, place_of, unit_link, units_link
from synth.inspector.web.page import Page, Visit
from synth.records import Record

TABS: Final = ("tests", "output", "prompt", "answer", "decisions", "record")


class UnitScreen(Record):
    """One unit in its list. Links are empty where there is nothing to go to."""

    unit: UnitView
    tab: str
    tabs: tuple[str, ...]
    """Those that have something to show."""
    list_link: str
    previous_link: str = ""
    next_link: str = ""
    filter: str = ""
    sentence: str = ""
    problem: str = ""
    """Why the list could not be walked."""


def load(visit: Visit) -> UnitScreen:
    """The unit of the address."""
    run = visit.library.run(visit.parts["run"])
    run.refresh(REFRESH_S)
    unit = read_unit(visit.library, run, visit.parts["unit"])
    tabs = tuple(tab for tab in TABS if _has(unit, tab))
    asked = visit.value("tab")
    walk = _walk(visit, unit)
    return UnitScreen(unit=unit, tab=asked if asked in tabs else tabs[0], tabs=tabs, **walk)


def _has(unit: UnitView, tab: str) -> bool:
    return {
        "tests": bool(unit.cases),
        "output": unit.log is not None,
        "prompt": unit.prompt is not None,
        "answer": unit.answer is not None,
        "decisions": bool(unit.decisions),
        "record": True,
    }[tab]


def _walk(visit: Visit, unit: UnitView) -> dict[str, str]:
    """The way back to the list, and to the rows beside this one."""
    place = place_of(visit)
    try:
        wanted = parse_filter(place.filter)
        run = visit.library.run(unit.run)
        place = place._replace(key=place.key or _key_in(visit.library, run, wanted, unit, place.sort))
        near = neighbours(visit.library, run, wanted, place.key, place.sort) if place.key else None
        found = {"filter": wanted.text, "sentence": wanted.sentence}
        for name, key in (("previous_link", near and near.previous), ("next_link", near and near.next)):
            if key:
                found[name] = unit_link(unit.run, _unit_of(key), place._replace(key=key))
        return found | {"list_link": _back(visit, place, near.previous if near else None)}
    except CodemillError as error:
        words = f"{error.problems[0].where} {error.problems[0].message}" if error.problems else ""
        return {"list_link": units_link(unit.run), "problem": words}


def _key_in(library: Library, run: OpenedRun, wanted: UnitFilter, unit: UnitView, sort: str) -> str:
    """The key of the unit's last row that fits the filter; of its deciding row, if none does."""
    own = UnitFilter(terms=(*wanted.terms, Term(field="id", op=":", values=(unit.id,))))
    rows = list_units(library, run, own).rows
    return key_of(library, run, rows[-1], sort) if rows else unit.row_key


def _back(visit: Visit, place: ListPlace, previous: str | None) -> str:
    """The page of the list that holds the row: the one it was opened from, if the row is still on it, else
    one that begins with the row."""
    run = visit.library.run(visit.parts["run"])
    if place.after or place.key:
        page = list_units(
            visit.library, run, parse_filter(place.filter), place.sort, after=place.after or None
        )
        shown = {f"{row.round}/{row.stage}/{row.shard}/{row.unit_id}" for row in page.rows}
        if place.key.rpartition("|")[2] not in shown:
            place = place._replace(after=previous or "")
    return units_link(run.key, place)


def _unit_of(key: str) -> str:
    return key.split("/", 3)[-1]


PAGES = (Page("/runs/{run}/units/{unit:path}", "unit.html", load),)
