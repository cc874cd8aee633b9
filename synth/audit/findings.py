"""What the rows' results add up to: findings by kind, with counts, intervals and rows.

Place in the flow: `RowResult`s in, an `AuditReport` out. Pure. The one rule: a share is of the rows that
could be tried for that kind, and both numbers are stated.
"""

from collections import defaultdict
from collections.abc import Callable, Iterable, Iterator, Sequence
from typing import Final, Literal, NamedTuple

from synth.audit.programs import RAISED_SKIP, Aim
from synth.audit.results import RowResult
from synth.proportions import wilson_interval
from synth.records import Outcome, Record

"""Of a 95% interval."""

Severity = Literal["defect", "exposure"]


class FoundRow(Record):
    """A row with the finding."""

    row: int
    id: str
    detail: str


class AuditFinding(Record):
    """One kind of finding."""

    kind: str
    title: str
    severity: Severity
    """An exposure follows from where the tests run, not from what they say: it is no defect of a row."""
    found: int
    tried: int
    share: float
    interval: tuple[float, float]
    """Wilson, 95%."""
    rows: tuple[FoundRow, ...]


class UntriedRows(Record):
    """Rows that could not be tried, by reason."""

    reason: str
    count: int
    rows: tuple[int, ...]


class MutationScore(Record):
    """Mutants that tests noticed, of those that could be run, over all rows."""

    killed: int
    tried: int
    share: float
    interval: tuple[float, float]


class DataFile(Record):
    """The data that an audit is of."""

    name: str
    sha256: str
    bytes: int
    shape: str
    columns: tuple[str, ...]
    rows: int


class AuditReport(Record):
    """The artefact."""

    version: int = 1
    data: DataFile
    settings: dict[str, object]
    findings: tuple[AuditFinding, ...]
    mutation: MutationScore
    untried: tuple[UntriedRows, ...]
    level: str
    """Isolation of the sandbox."""
    toolchains: dict[str, str]


def wilson(found: int, tried: int) -> tuple[float, float]:
    """The 95% interval of a share, rounded; all of [0, 1] where nothing was tried."""
    if not tried:
        return 0.0, 1.0
    low, high = wilson_interval(found / tried, tried)
    return round(low, 6), round(high, 6)


class _FindingKind(NamedTuple):
    name: str
    title: str
    tried: Callable[[RowResult], bool]
    detail: Callable[[RowResult], str]
    """Empty where the row does not have it."""
    severity: Severity = "defect"


def _accepts_anything(row: RowResult) -> bool:
    """Whether a program that solves nothing passes, so that all others do for the same cause."""
    return any(
        one.aim == Aim.EMPTY or (one.aim == Aim.SKIP and one.name != RAISED_SKIP) for one in row.passed
    )


def _passed(aim: Aim) -> Callable[[RowResult], str]:
    return lambda row: "; ".join(one.name for one in row.passed if one.aim == aim)


def _passed_alone(aim: Aim) -> Callable[[RowResult], str]:
    """The same, where no program that solves nothing passes: one cause is told once."""
    return lambda row: "" if _accepts_anything(row) else _passed(aim)(row)


def _skips(row: RowResult) -> str:
    if any(one.aim == Aim.EMPTY for one in row.passed):
        return ""
    return _passed(Aim.SKIP)(row)


def _was_tried(aim: Aim) -> Callable[[RowResult], bool]:
    return lambda row: aim.value in row.tried


def _fails(row: RowResult) -> str:
    return f"{row.runs[0]}: {row.reason}" if row.runs and Outcome.PASS not in row.runs else ""


def _flaky(row: RowResult) -> str:
    """The runs disagree on whether it passes."""
    passes = [verdict == Outcome.PASS for verdict in row.runs]
    return ", ".join(row.runs) if any(passes) and not all(passes) else ""


def _weak(row: RowResult) -> str:
    """Most of its mutants pass. One alone says little: it may be equivalent."""
    if 2 * len(row.survivors) <= row.mutants or _accepts_anything(row):
        return ""
    return f"{len(row.survivors)} of {row.mutants} pass: {'; '.join(row.survivors)}"


def _was_run(row: RowResult) -> bool:
    return bool(row.runs)


KINDS: Final = (
    _FindingKind("reference_fails", "The reference fails its own tests", _was_run, _fails),
    _FindingKind("empty_passes", "A program that solves nothing passes", _was_tried(Aim.EMPTY),
                 _passed(Aim.EMPTY)),
    _FindingKind("skip_passes", "A skip counts as a pass", _was_tried(Aim.SKIP), _skips),
    _FindingKind("flaky", "The reference passes in some runs only", _was_run, _flaky),
    _FindingKind("mutants_survive", "Most mutants of the reference pass", lambda row: row.mutants > 0, _weak),
    _FindingKind("exploit_passes", "A program that cheats passes", _was_tried(Aim.EXPLOIT),
          _passed_alone(Aim.EXPLOIT)),
    _FindingKind("patch_passes", "A program that tampers with comparison in the tests' own process passes",
          _was_tried(Aim.PATCH), _passed_alone(Aim.PATCH), "exposure"),
    _FindingKind("duplicate", "The row repeats an earlier one", lambda _: True, lambda row: row.duplicate),
)  # fmt: skip
CONTAMINATED: Final = _FindingKind(
    "contaminated", "The row overlaps with a benchmark", lambda _: True, lambda row: row.contaminated
)
"""Only where benchmarks were given."""


def find(results: Sequence[RowResult], with_benchmarks: bool) -> tuple[AuditFinding, ...]:
    """Every kind, also those that were not found."""
    kinds = (*KINDS, CONTAMINATED) if with_benchmarks else KINDS
    return tuple(_finding(kind, results) for kind in kinds)


def _finding(kind: _FindingKind, results: Sequence[RowResult]) -> AuditFinding:
    tried = [row for row in results if kind.tried(row)]
    found = [(row, detail) for row in tried if (detail := kind.detail(row))]
    return AuditFinding(
        kind=kind.name,
        title=kind.title,
        severity=kind.severity,
        found=len(found),
        tried=len(tried),
        share=round(len(found) / len(tried), 6) if tried else 0.0,
        interval=wilson(len(found), len(tried)),
        rows=tuple(FoundRow(row=row.number, id=row.id, detail=detail) for row, detail in found),
    )


def mutation_score(results: Iterable[RowResult]) -> MutationScore:
    """Over all rows whose reference passes."""
    pairs = [(row.mutants, len(row.survivors)) for row in results]
    tried = sum(mutants for mutants, _ in pairs)
    killed = tried - sum(alive for _, alive in pairs)
    share = round(killed / tried, 6) if tried else 0.0
    return MutationScore(killed=killed, tried=tried, share=share, interval=wilson(killed, tried))


def untried(results: Iterable[RowResult]) -> tuple[UntriedRows, ...]:
    """The reasons, the most frequent first."""
    reasons: defaultdict[str, list[int]] = defaultdict(list)
    for row in results:
        for reason in _reasons(row):
            reasons[reason].append(row.number)
    ordered = sorted(reasons.items(), key=lambda one: (-len(one[1]), one[0]))
    return tuple(UntriedRows(reason=reason, count=len(rows), rows=tuple(rows)) for reason, rows in ordered)


def _reasons(row: RowResult) -> Iterator[str]:
    if row.untried:
        yield f"nothing was tried: {row.untried.replace(f'row {row.number}: ', '')}"
    elif row.reference_untried:
        yield f"the reference was not judged: {row.reference_untried}"
    elif row.runs and set(row.runs) == {Outcome.PASS} and not row.mutants:
        yield "no mutants: the reference has nothing to edit, or none could be run"
