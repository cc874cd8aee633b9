"""A filter as a condition over the table of a run.

The one rule: what a person wrote is a parameter of the query and never a part of its text.
"""

from collections.abc import Sequence
from typing import NamedTuple, Protocol

from synth.inspector.filter_language import EVIDENCE, FieldKind, Term, UnitFilter, field_of
from synth.inspector.text_search import spellings
from synth.reasons import REASONS

_SAID = """CASE WHEN decision <> 'kept' AND json_valid(evidence) THEN coalesce(
    json_extract_string(evidence, '$.first_failure'), json_extract_string(evidence, '$.error'),
    json_extract_string(evidence, '$.why')) END"""
_ENDS = rf"""regexp_replace({_SAID}, '^case [0-9]+, input .*?: (raised|expected|stopped)', '\1')"""
SIGNATURE = rf"""left(regexp_replace(regexp_replace({_ENDS}, '"[^"]*"|''[^'']*''|`[^`]*`', '…', 'g'),
    '0x[0-9a-fA-F]+|[0-9]+(\.[0-9]+)?', '#', 'g'), 160)"""
"""SQL: the words of a loss, with its figures and quoted texts taken out; NULL where it says none."""

_COLUMNS = {"id": "unit_id", "natural": "natural_language"}
_SQL_OPS = {":": "=", "<": "<", "<=": "<=", ">": ">", ">=": ">="}


class Condition(NamedTuple):
    """A condition in SQL, and the values of its parameters."""

    sql: str
    values: tuple[object, ...] = ()


class Lookups(Protocol):
    """What a filter asks that is not in the table: each gives ids of units."""

    def marked(self, marks: Sequence[str]) -> Sequence[str]:
        """Units with one of these marks; `any` is every mark."""
        ...

    def holding(self, text: str) -> Sequence[str]:
        """Units whose prompt, code, output or answer holds the text; the evidence is looked at here."""
        ...


def condition_of(found: UnitFilter, lookups: Lookups) -> Condition:
    """The condition; TRUE for a filter without words."""
    return joined([_one_of(term, lookups) for term in found.terms])


def joined(parts: Sequence[Condition]) -> Condition:
    """All of them hold."""
    sql = " AND ".join(f"({part.sql})" for part in parts) or "TRUE"
    return Condition(sql, tuple(value for part in parts for value in part.values))


def in_files(numbers: Sequence[int]) -> Condition:
    """Rows of these files (`FileRows.number`)."""
    low, high = min(numbers), max(numbers)
    if high - low + 1 == len(numbers):
        return Condition("file BETWEEN ? AND ?", (low, high))
    return Condition("file BETWEEN ? AND ? AND file IN (SELECT unnest(?))", (low, high, list(numbers)))


def like(column: str, value: str) -> Condition:
    """Equal, or alike where the value has a `*`; capital letters do not count."""
    if "*" not in value:
        return Condition(f"lower({column}) = lower(?)", (value,))
    escaped = value.replace("\\", "\\\\").replace("%", "\\%").replace("_", "\\_").replace("*", "%")
    return Condition(f"{column} ILIKE ? ESCAPE '\\'", (escaped,))


def _negated(one: Condition) -> Condition:
    return Condition(f"NOT coalesce({one.sql}, FALSE)", one.values)


def _one_of(term: Term, lookups: Lookups) -> Condition:
    parts = [
        _negated(_condition(one, lookups)) if one.negated else _condition(one, lookups)
        for one in term.alternatives
    ]
    return parts[0] if len(parts) == 1 else _any_of([Condition(f"({one.sql})", one.values) for one in parts])


def _condition(term: Term, lookups: Lookups) -> Condition:
    match term.field:
        case "class":
            codes = [code for code, reason in REASONS.items() if reason.reason_class.value in term.values]
            return Condition("list_contains(?, reason)", (codes,))
        case "parent":
            return _any_of([_parent(value) for value in term.values])
        case "mark":
            if "none" in term.values:
                return _negated(_among(lookups.marked(["any"])))
            return _among(lookups.marked(term.values))
        case "failure":
            return Condition(f"list_contains(?, {SIGNATURE})", (list(term.values),))
        case "text":
            return _any_of([_holding(value, lookups) for value in term.values])
        case "tests":
            return _tests(term)
    if term.field.startswith(EVIDENCE):
        return _evidence(term)
    column = _COLUMNS.get(term.field, term.field)
    if field_of(term.field).kind is FieldKind.NUMBER:
        return _number(column, term)
    return _any_of([like(column, value) for value in term.values])


def _parent(value: str) -> Condition:
    if "*" not in value:
        return Condition("list_contains(parents, ?)", (value,))
    one = like("one", value)
    return Condition(f"len(list_filter(parents, lambda one: {one.sql})) > 0", one.values)


def _among(ids: Sequence[str]) -> Condition:
    return Condition("unit_id IN (SELECT unnest(?::VARCHAR[]))", (list(ids),))


def _holding(text: str, lookups: Lookups) -> Condition:
    stored, _ = spellings(text)
    ids = _among(lookups.holding(text))
    return Condition(f"{ids.sql} OR contains(lower(evidence), ?)", (*ids.values, stored))


def _any_of(parts: Sequence[Condition]) -> Condition:
    return Condition(
        " OR ".join(part.sql for part in parts), tuple(value for part in parts for value in part.values)
    )


def _number(column: str, term: Term) -> Condition:
    if term.op == "..":
        return Condition(f"{column} BETWEEN ? AND ?", tuple(map(float, term.values)))
    return _any_of([Condition(f"{column} {_SQL_OPS[term.op]} ?", (float(value),)) for value in term.values])


def _tests(term: Term) -> Condition:
    passed, slash, total = term.values[0].partition("/")
    if not slash:
        return Condition(f"passed / nullif(total, 0) {_SQL_OPS[term.op]} ?", (float(passed),))
    if term.op == ":":
        return Condition("passed = ? AND total = ?", (int(passed), int(total)))
    return Condition(f"total > 0 AND passed * ? {_SQL_OPS[term.op]} total * ?", (int(total), int(passed)))


def _evidence(term: Term) -> Condition:
    path = f'$."{term.field.removeprefix(EVIDENCE)}"'
    found = "(CASE WHEN json_valid(evidence) THEN json_extract_string(evidence, ?) END)"
    if term.op == ":":
        parts = [like(found, value) for value in term.values]
        return _any_of([Condition(part.sql, (path, *part.values)) for part in parts])
    number = _number(f"TRY_CAST({found} AS DOUBLE)", term)
    return Condition(number.sql, (path, *number.values))
