"""The units of a run: a page of rows under a filter, facets with counts, and the neighbours of a unit.

The one rule: pages go by key, and counts by a time budget: what could not be counted in time is said, and the
next look goes on from there.
"""

import math
from collections import Counter
from collections.abc import Sequence
from typing import Any, Final, NamedTuple

from synth.errors import Problem, UserError
from synth.inspector.database import Deadline, OutOfTime
from synth.inspector.filter_conditions import Condition, condition_of, in_files, joined
from synth.inspector.filter_language import Term, UnitFilter, check_values
from synth.inspector.library import Library
from synth.inspector.marks import MARK_WORDS, Marks, MarksError
from synth.inspector.opened_run import COUNTED, FileRows, OpenedRun, index_row, pieces
from synth.inspector.text_search import SearchedText
from synth.reasons import REASONS
from synth.records import IndexRow
from synth.store.query import parse_page_key
from synth.store.views import page_key
from synth.wire_record import Record

LIST_S: Final = 1.0
"""How long a page of rows is looked for."""
COUNT_S: Final = 0.25
"""How long all counts of a page may take together."""
SEARCH_S: Final = 0.6
"""How long texts are searched for a page."""
SORTS: Final = ("", "ms", "-ms", "tokens", "-tokens", "score", "-score")
"""Orders of a list: by key (round, stage, shard, id), or by a figure; `-` is the largest first."""

_FIRST_ROWS, _ROWS_GROW = 50_000, 8
_COUNT_ROWS = 500_000
_KEY: Final = "round, stage, shard, unit_id"
_COUNTED_FIELDS: Final = {
    "natural": "natural_language",
    **{name: name for name in COUNTED},
    "class": "reason",
}
_NAMED_FACETS: Final = ("language", "stage", "decision", "reason", "kind", "model", "prompt", "round", "rank")
_BINNED_FACETS: Final = ("ms", "tokens")
_RUN_NAMES: Final = ("language", "stage", "kind", "natural", "model", "prompt")
"""Fields whose names only the run knows."""


class UnitPage(Record):
    """Rows under a filter, and the key that the next page starts after; None at the end."""

    filter: str
    sentence: str
    rows: tuple[IndexRow, ...]
    keys: tuple[str, ...]
    """The key of each row in this order."""
    next_key: str | None
    is_whole: bool = True
    """Whether all rows were looked at; else time was up, and there may be more before `next_key`."""
    texts: tuple[SearchedText, ...] = ()
    """How far the texts of the filter were searched."""


class UnitCount(Record):
    """How many rows fit a filter, of those that were counted in time."""

    found: int
    counted: int
    of: int
    """Rows in the run."""

    @property
    def is_whole(self) -> bool:
        return self.counted >= self.of


class FacetValue(Record):
    """A value of a field, and how many rows have it under the rest of the filter. `term` is its word
    in a filter, or two words."""

    value: str
    term: str
    count: int


class Facet(Record):
    """A field with its values, the most frequent first; figures in bins, the smallest first."""

    field: str
    values: tuple[FacetValue, ...]
    counted: int
    of: int


class CountedFacets(Record):
    """The count of a filter, and its facets."""

    count: UnitCount
    facets: tuple[Facet, ...]


class UnitNeighbours(Record):
    """The keys of the rows before and after one, under a filter and in its order."""

    previous: str | None
    next: str | None


# --- pages --------------------------------------------------------------------------------------------------


def list_units(
    library: Library,
    run: OpenedRun,
    wanted: UnitFilter,
    sort: str = "",
    limit: int = 50,
    after: str | None = None,
) -> UnitPage:
    """A page of rows. Raises FilterError for a name that the run does not have, UserError for an unknown sort
    or a broken key."""
    check_names(library, run, wanted)
    lookups = RunLookups(run, Deadline(SEARCH_S))
    condition = condition_of(wanted, lookups)
    found = _rows(library, run, condition, _order(sort), limit, after, backwards=False)
    key = _key_of(found.rows[-1], sort) if len(found.rows) == limit else found.stopped_at
    return UnitPage(
        filter=wanted.text,
        sentence=wanted.sentence,
        rows=tuple(index_row(row) for row in found.rows),
        keys=tuple(_key_of(row, sort) for row in found.rows),
        next_key=key,
        is_whole=found.stopped_at is None,
        texts=tuple(lookups.texts),
    )


def neighbours(
    library: Library, run: OpenedRun, wanted: UnitFilter, key: str, sort: str = ""
) -> UnitNeighbours:
    """What stands before and after the row with this key (`key_of`)."""
    condition, order = condition_of(wanted, RunLookups(run, Deadline(SEARCH_S))), _order(sort)
    before, after = (
        _rows(library, run, condition, order, 1, key, backwards=backwards).rows for backwards in (True, False)
    )
    return UnitNeighbours(
        previous=_key_of(before[0], sort) if before else None, next=_key_of(after[0], sort) if after else None
    )


def key_of(library: Library, run: OpenedRun, row: IndexRow, sort: str = "") -> str:
    """The key of a row in a list that is sorted so."""
    if not sort:
        return page_key(row)
    sql = f"SELECT score FROM {run.table} WHERE ({_KEY}) = (?, ?, ?, ?) LIMIT 1"
    found = library.query(sql, [row.round, row.stage, row.shard, row.unit_id])
    return _key_of(row.model_dump() | (found[0] if found else {"score": None}), sort)


def check_names(library: Library, run: OpenedRun, wanted: UnitFilter) -> None:
    """Raise FilterError for a name that neither the run nor a closed list has."""
    fields = wanted.fields & {
        "language",
        "stage",
        "kind",
        "natural",
        "model",
        "prompt",
    }
    if not fields or not run.rows:
        return
    known: dict[str, set[str]] = {}
    for field in fields:
        column = _COUNTED_FIELDS[field]
        known[field] = {
            str(row["name"]) for row in library.query(f"SELECT DISTINCT {column} AS name FROM {run.counts}")
        }
    known.setdefault("stage", set()).update(run.stages)
    check_values(wanted, {field: known[field] - {""} for field in fields})


class RunLookups:
    """What filters ask of a run that is not in its table. `texts`: how far each text was searched."""

    def __init__(self, run: OpenedRun, deadline: Deadline) -> None:
        self._run, self._deadline = run, deadline
        self.texts: list[SearchedText] = []

    def marked(self, marks: Sequence[str]) -> Sequence[str]:
        found = Marks(self._run.path)
        return list(dict.fromkeys(one for mark in marks for one in found.ids_with(mark)))

    def holding(self, text: str) -> Sequence[str]:
        found = self._run.find_text(text, self._deadline.left)
        self.texts.append(found)
        return found.ids


class _Order(NamedTuple):
    column: str
    """Empty for the order of keys alone."""
    falling: bool


class _FoundRows(NamedTuple):
    rows: list[dict[str, Any]]
    stopped_at: str | None
    """The key of the last place that was looked at before time was up."""


def _order(sort: str) -> _Order:
    if sort not in SORTS:
        fix = f"choose one of: {', '.join(filter(None, SORTS))}"
        raise UserError(Problem(f"sort {sort!r}", "is unknown", fix))
    return _Order(sort.removeprefix("-"), sort.startswith("-"))


def _rows(
    library: Library,
    run: OpenedRun,
    condition: Condition,
    order: _Order,
    limit: int,
    after: str | None,
    *,
    backwards: bool,
) -> _FoundRows:
    if order.column:
        return _FoundRows(_sorted_rows(library, run, condition, order, limit, after, backwards), None)
    return _rows_by_key(library, run, condition, limit, after, backwards)


def _rows_by_key(
    library: Library, run: OpenedRun, condition: Condition, limit: int, after: str | None, backwards: bool
) -> _FoundRows:
    """File by file in the order of keys, so that a page costs what it shows."""
    start = None if after is None else parse_page_key(after)
    files = run.files[::-1] if backwards else run.files
    parts, direction = [condition], "DESC" if backwards else "ASC"
    if start is not None:
        place = (start[0], start[1], start[2])
        files = [file for file in files if (file.place <= place if backwards else file.place >= place)]
        parts.append(Condition(f"({_KEY}) {'<' if backwards else '>'} (?, ?, ?, ?)", tuple(start)))
    order = ", ".join(f"{name} {direction}" for name in _KEY.split(", "))
    deadline, rows = Deadline(LIST_S), list[dict[str, Any]]()
    for chunk in pieces(files, _FIRST_ROWS, _ROWS_GROW):
        whole = joined([in_files([file.number for file in chunk]), *parts])
        sql = f"SELECT * FROM {run.table} WHERE {whole.sql} ORDER BY {order} LIMIT ?"
        rows += library.query(sql, [*whole.values, limit - len(rows)])
        if len(rows) >= limit:
            break
        if not deadline.left and chunk[-1] is not files[-1]:
            return _FoundRows(rows, _end_of(chunk[-1]))
    return _FoundRows(rows, None)


def _sorted_rows(
    library: Library,
    run: OpenedRun,
    condition: Condition,
    order: _Order,
    limit: int,
    after: str | None,
    backwards: bool,
) -> list[dict[str, Any]]:
    column, falling = order.column, order.falling != backwards
    parts = [condition, Condition(f"{column} IS NOT NULL")]
    if after is not None:
        number, bar, key = after.partition("|")
        if not bar or not _is_number(number):
            raise UserError(
                Problem(f"page key {after!r}", "is not of a list in this order", "copy the whole key")
            )
        beyond, then = "<" if falling else ">", "<" if backwards else ">"
        parts.append(
            Condition(
                f"{column} {beyond} ? OR ({column} = ? AND ({_KEY}) {then} (?, ?, ?, ?))",
                (float(number), float(number), *parse_page_key(key)),
            )
        )
    whole = joined(parts)
    keys = ", ".join(f"{name} {'DESC' if backwards else 'ASC'}" for name in _KEY.split(", "))
    sql = f"""SELECT * FROM {run.table} WHERE {whole.sql}
        ORDER BY {column} {"DESC" if falling else "ASC"}, {keys} LIMIT ?"""
    return library.query(sql, [*whole.values, limit])


def _key_of(row: dict[str, Any], sort: str) -> str:
    key = f"{row['round']}/{row['stage']}/{row['shard']}/{row['unit_id']}"
    return f"{float(row[sort.removeprefix('-')] or 0.0)!r}|{key}" if sort else key


def _end_of(file: FileRows) -> str:
    """A key behind all of a file."""
    round, stage, shard = file.place
    return f"{round}/{stage}/{shard}/\U0010ffff"


def _is_number(text: str) -> bool:
    try:
        return math.isfinite(float(text))
    except ValueError:
        return False


# --- counts -------------------------------------------------------------------------------------------------


def count_units(library: Library, run: OpenedRun, wanted: UnitFilter, seconds: float = COUNT_S) -> UnitCount:
    """How many rows fit, as far as they can be counted in time."""
    tally = _tally(library, run, wanted, (), Deadline(seconds))
    return UnitCount(found=tally.found, counted=tally.counted, of=run.rows)


def count_facets(
    library: Library, run: OpenedRun, wanted: UnitFilter, seconds: float = COUNT_S
) -> CountedFacets:
    """How many rows fit, and the fields with their values and counts. A field that the filter names is
    counted as if it did not, so that another value can be chosen."""
    deadline = Deadline(seconds)
    named = wanted.fields
    fields = (*_NAMED_FACETS, *_BINNED_FACETS)
    free = tuple(field for field in fields if field not in named)
    whole = _tally(library, run, wanted, free, deadline)
    tallies = dict.fromkeys(fields, whole)
    for field in fields:
        if field in named:
            tallies[field] = _tally(library, run, wanted.without(field), (field,), deadline)
    reasons = whole
    if named & {"class", "reason"}:
        rest = wanted.without("class").without("reason")
        reasons = _tally(library, run, rest, ("reason",), deadline)
    found = [_facet(field, tallies[field], run) for field in fields]
    at = fields.index("reason") + 1
    marks = _mark_facet(library, run, wanted.without("mark"), deadline)
    return CountedFacets(
        count=UnitCount(found=whole.found, counted=whole.counted, of=run.rows),
        facets=(*found[:at], _classes(reasons, run), *found[at:], marks),
    )


class _Tally(NamedTuple):
    found: int
    counted: int
    values: dict[str, Counter[Any]]


def _tally(
    library: Library, run: OpenedRun, wanted: UnitFilter, fields: Sequence[str], deadline: Deadline
) -> _Tally:
    """Rows under the filter, by the values of each field."""
    named = wanted.fields
    binned = [field for field in fields if field in _BINNED_FACETS]
    plain = [field for field in fields if field not in binned]
    if named <= _COUNTED_FIELDS.keys():
        condition = condition_of(wanted, RunLookups(run, Deadline(SEARCH_S)))
        tally = _add(
            _Tally(0, run.rows, {}), library.query(*_grouped(run.counts, condition, plain, "sum(n)")), plain
        )
        if not binned:
            return tally
        bins = _tally_rows(library, run, wanted, binned, deadline)
        return _Tally(tally.found, min(tally.counted, bins.counted), tally.values | bins.values)
    return _tally_rows(library, run, wanted, [*plain, *binned], deadline)


def _tally_rows(
    library: Library, run: OpenedRun, wanted: UnitFilter, fields: Sequence[str], deadline: Deadline
) -> _Tally:
    """Piece by piece of the rows. A piece that was counted is remembered."""
    condition = condition_of(wanted, RunLookups(run, deadline))
    tally = _Tally(0, 0, {})
    for chunk in pieces(run.files, _COUNT_ROWS, 1):
        key = (condition.sql, repr(condition.values), tuple(fields), tuple(file.number for file in chunk))
        rows = run.remembered.get(key)
        if rows is None:
            if not deadline.left:
                break
            part = joined([in_files([file.number for file in chunk]), condition])
            try:
                rows = library.query(*_grouped(run.table, part, fields, "count(*)"), max(deadline.left, 0.02))
            except OutOfTime:
                break
            run.remembered.put(key, rows)
        tally = _add(tally, rows, fields)
        tally = tally._replace(counted=tally.counted + sum(file.rows for file in chunk))
    return tally


def _grouped(
    table: str, condition: Condition, fields: Sequence[str], count: str
) -> tuple[str, tuple[object, ...]]:
    """A query that counts by each field; `at` is the place of the field, and the last one is the sum."""
    names = [f"v{at}" for at in range(len(fields))]
    values = "".join(f", {_expression(field)} AS {name}" for field, name in zip(fields, names, strict=True))
    sets = "".join(f"({name}), " for name in names)
    grouping = f"grouping_id({', '.join(names)})" if names else "0"
    weight = ", n" if count != "count(*)" else ""
    sql = f"""SELECT {grouping} AS grouping, {count}::BIGINT AS rows{"".join(f", {name}" for name in names)}
        FROM (SELECT 1 AS one{weight}{values} FROM {table} WHERE {condition.sql})
        GROUP BY GROUPING SETS ({sets}())"""
    return sql, condition.values


def _expression(field: str) -> str:
    if field in _BINNED_FACETS:
        return f"CASE WHEN {field} < 1 THEN -1 ELSE floor(log10({field}))::BIGINT END"
    return _COUNTED_FIELDS[field]


def _add(tally: _Tally, rows: Sequence[dict[str, Any]], fields: Sequence[str]) -> _Tally:
    """The result of `_grouped` added. In `grouping`, a bit is 0 for the field that a row is about."""
    found, values = tally.found, {field: Counter(tally.values.get(field, {})) for field in fields}
    whole = (1 << len(fields)) - 1
    for row in rows:
        about = whole & ~int(row["grouping"])
        if not about:
            found += int(row["rows"] or 0)
        else:
            at = len(fields) - about.bit_length()
            values[fields[at]][row[f"v{at}"]] += int(row["rows"])
    return _Tally(found, tally.counted, {**tally.values, **values})


def _facet(field: str, tally: _Tally, run: OpenedRun) -> Facet:
    counts = tally.values.get(field, Counter())
    if field in _BINNED_FACETS:
        found = [_bin(field, power, counts[power]) for power in sorted(counts)]
    else:
        ranked = sorted(counts.items(), key=lambda one: (-one[1], str(one[0])))
        found = [_value(field, str(value), count) for value, count in ranked if value not in ("", None)]
    return Facet(field=field, values=tuple(found), counted=tally.counted, of=run.rows)


def _value(field: str, value: str, count: int) -> FacetValue:
    return FacetValue(value=value, term=Term(field=field, op=":", values=(value,)).text, count=count)


def _bin(field: str, power: int, count: int) -> FacetValue:
    """Figures from one power of ten to the next."""
    if power < 0:
        return FacetValue(value="under 1", term=f"{field}<1", count=count)
    low, high = 10**power, 10 ** (power + 1)
    return FacetValue(value=f"{low:,} to {high:,}", term=f"{field}>={low} {field}<{high}", count=count)


def _classes(tally: _Tally, run: OpenedRun) -> Facet:
    counts = Counter[str]()
    for code, count in tally.values.get("reason", Counter()).items():
        if code in REASONS:
            counts[REASONS[code].reason_class.value] += count
    values = tuple(_value("class", name, count) for name, count in counts.most_common())
    return Facet(field="class", values=values, counted=tally.counted, of=run.rows)


def _mark_facet(library: Library, run: OpenedRun, rest: UnitFilter, deadline: Deadline) -> Facet:
    """Units with each mark, under the rest of the filter; none while the marks cannot be read."""
    condition, marks = condition_of(rest, RunLookups(run, deadline)), Marks(run.path)
    found = list[FacetValue]()
    for mark in MARK_WORDS:
        try:
            ids = marks.ids_with(mark)
        except MarksError:
            return Facet(field="mark", values=(), counted=0, of=run.rows)
        if ids:
            whole = joined([Condition("unit_id IN (SELECT unnest(?::VARCHAR[]))", (ids,)), condition])
            sql = f"SELECT count(*) AS n FROM {run.table} WHERE {whole.sql}"
            count = int(library.query(sql, whole.values)[0]["n"])
            found += [_value("mark", mark, count)] if count else []
    return Facet(field="mark", values=tuple(found), counted=run.rows, of=run.rows)
