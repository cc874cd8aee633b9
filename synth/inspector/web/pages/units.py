"""The page of units: one filter, rows, and facets with counts."""

from synth.errors import Problem
from synth.inspector.filter_language import FilterError, UnitFilter, parse_filter
from synth.inspector.queries.units import (
    CountedFacets,
    UnitPage,
    count_facets,
    list_units,
)
from synth.inspector.web.page import Page, Visit, find_run
from synth.records import Record

_MOST_ROWS = 500
_ROWS = 50


class FilterProblem(Record):
    """What is wrong with a filter, and what helps."""

    where: str
    message: str
    fix: str


class UnitsScreen(Record):
    """Rows under the filter of the address; without `found`, the filter cannot be read (`problems`)."""

    run: str
    name: str
    query: str
    sort: str
    limit: int
    found: UnitPage | None = None
    counted: CountedFacets | None = None
    problems: tuple[FilterProblem, ...] = ()
    suggested: str = ""
    """A filter that can be read, where one is near."""

    def toggled(self, words: str) -> str:
        """The filter with the words of a facet's value instead of others of their field, or without them
        where they stand already."""
        added, had = parse_filter(words).terms, parse_filter(self.query)
        if self.has(words):
            return UnitFilter(terms=tuple(one for one in had.terms if one not in added)).text
        rest = tuple(one for one in had.terms if one.field != added[0].field or one.negated or one.others)
        return UnitFilter(terms=(*rest, *added)).text

    def has(self, words: str) -> bool:
        """Whether these words stand in the filter."""
        return set(parse_filter(words).terms) <= set(parse_filter(self.query).terms)


def load(visit: Visit) -> UnitsScreen:
    """The units that the address asks for."""
    run = find_run(visit)
    text, sort = visit.value("q"), visit.value("sort")
    limit = visit.number("limit", _ROWS, _MOST_ROWS)
    shown = UnitsScreen(run=run.key, name=run.name, query=text, sort=sort, limit=limit)
    try:
        wanted = parse_filter(text)
        run.refresh(0.5)
        found = list_units(visit.library, run, wanted, sort, limit, visit.value("after") or None)
    except FilterError as error:
        problems = tuple(map(_problem, error.problems))
        return shown.model_copy(update={"problems": problems, "suggested": error.suggested})
    return shown.model_copy(update={"found": found, "counted": count_facets(visit.library, run, wanted)})


def _problem(problem: Problem) -> FilterProblem:
    return FilterProblem(where=problem.where, message=problem.message, fix=problem.fix)


PAGES = (Page("/runs/{run}/units", "units.html", load),)
