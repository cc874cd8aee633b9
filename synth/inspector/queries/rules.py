"""Rules: what each of them rejected, by which number, and which units another threshold would have kept.

Place in the flow: index rows and the `THRESHOLDS` that filters and stages state -> the page of a reason. The
one rule: only stored evidence counts, nothing is generated or run. Units whose evidence lacks the number are
counted as not known, never guessed.
"""

import importlib
import pkgutil
from collections.abc import Iterator, Mapping, Sequence
from functools import cache
from types import ModuleType
from typing import Any, Final, NamedTuple

from synth.errors import CodemillError
from synth.inspector.library import Library
from synth.inspector.opened_run import OpenedRun
from synth.inspector.rule_code import RuleCode, rule_code
from synth.inspector.sources import OpenedFolder
from synth.reasons import REASONS
from synth.records import Decision
from synth.store.query import check_known
from synth.thresholds import Threshold
from synth.wire_record import Record

BINS: Final = 40
EXAMPLES: Final = 8
LISTED: Final = 200
"""Units that a trial lists; the counts are of all."""
_PASSES: Final = {"<": "<", "<=": "<=", ">": ">", ">=": ">="}


class RuleLine(Record):
    """What one rule rejected at one stage."""

    stage: str
    reason: str
    reason_class: str
    sentence: str
    count: int
    entered: int
    """Units that the stage decided about."""
    has_threshold: bool


class EvidenceBin(Record):
    """Units whose number lies from `start` up to `end`, by what was decided."""

    start: float
    end: float
    kept: int
    lost: int


class ShownUnit(Record):
    """A unit with the number that was compared."""

    unit_id: str
    language: str
    decision: str
    reason: str
    measure: float | None
    evidence: str


class ThresholdTrial(Record):
    """Another limit, tried on what is stored."""

    limit: float
    kept_before: int
    kept_after: int
    newly_kept: int
    newly_lost: int
    changed: tuple[ShownUnit, ...]
    """At most LISTED of them, those nearest to the limit first."""


class Dial(Record):
    """One number of a rule: how it lies over the units, and what another limit would change."""

    name: str
    keeps: str
    key: str
    is_ratio: bool
    limit: float | None
    """As the recipe states it; None if it does not."""
    sentence: str
    caveat: str
    bins: tuple[EvidenceBin, ...]
    compared: float | None
    """The limit on the scale of the bins."""
    kept: int
    lost: int
    unknown_kept: int
    """Kept units whose evidence does not hold the number."""
    unknown_lost: int
    near: tuple[ShownUnit, ...]
    """Near misses on both sides, the nearest first."""
    trial: ThresholdTrial | None = None


class ReasonView(Record):
    """One reason at one stage."""

    stage: str
    reason: str
    reason_class: str
    sentence: str
    kept: int
    count: int
    others: int
    """Units that the stage rejected for another reason."""
    code: tuple[RuleCode, ...]
    dials: tuple[Dial, ...]
    random: tuple[ShownUnit, ...]
    seed: int


def list_rules(library: Library, run: OpenedRun) -> tuple[RuleLine, ...]:
    """All that rejected something, by stage in the order of the flow, the strongest first."""
    sql = f"SELECT stage, reason, count(*) AS n FROM {run.table} GROUP BY ALL"
    rows = library.query(sql)
    entered: dict[str, int] = {}
    for row in rows:
        entered[row["stage"]] = entered.get(row["stage"], 0) + int(row["n"])
    order = {stage: at for at, stage in enumerate(run.stages)}
    found = [_line(row, entered[row["stage"]]) for row in rows if row["reason"]]
    return tuple(sorted(found, key=lambda one: (order.get(one.stage, len(order)), -one.count, one.reason)))


def _line(row: Mapping[str, Any], entered: int) -> RuleLine:
    stage, reason = str(row["stage"]), str(row["reason"])
    known = REASONS.get(reason)
    return RuleLine(
        stage=stage,
        reason=reason,
        reason_class=known.reason_class.value if known else "unknown",
        sentence=known.sentence if known else "",
        count=int(row["n"]),
        entered=entered,
        has_threshold=bool(thresholds_of(stage, reason)),
    )


def explain_reason(
    library: Library,
    run: OpenedRun,
    stage: str,
    reason: str,
    tried: Mapping[str, float] | None = None,
    seed: int = 0,
) -> ReasonView:
    """The rule, its evidence and its near misses. `tried`: other limits by the name of the measure. Raises
    UserError for a stage or reason that the run does not have."""
    counts = {
        str(row["reason"]): int(row["n"])
        for row in library.query(
            f"SELECT reason, count(*) AS n FROM {run.table} WHERE stage = ? GROUP BY ALL", [stage]
        )
    }
    check_known("stage", stage, run.stages, "choose a stage of the run")
    check_known("reason", reason, {*counts, *REASONS} - {""}, "choose a reason of this stage")
    known = REASONS.get(reason)
    limits = _limits(run)
    dials = tuple(
        _dial(library, run, stage, one, limits, (tried or {}).get(one.name))
        for one in thresholds_of(stage, reason)
    )
    return ReasonView(
        stage=stage,
        reason=reason,
        reason_class=known.reason_class.value if known else "unknown",
        sentence=known.sentence if known else "",
        kept=counts.get("", 0),
        count=counts.get(reason, 0),
        others=sum(counts.values()) - counts.get("", 0) - counts.get(reason, 0),
        code=rule_code(stage, reason),
        dials=dials,
        random=_random(library, run, stage, reason, seed),
        seed=seed,
    )


def stages_of(library: Library, run: OpenedRun, reason: str) -> tuple[str, ...]:
    """The stages that rejected for this reason, the one with the most units first."""
    sql = f"SELECT stage FROM {run.table} WHERE reason = ? GROUP BY stage ORDER BY count(*) DESC, stage"
    return tuple(row["stage"] for row in library.query(sql, [reason]))


# --- thresholds ---------------------------------------------------------------------------------------------


@cache
def all_thresholds() -> tuple[Threshold, ...]:
    """Those that filters and stages state, by stage."""
    found = [one for module in _modules() for one in getattr(module, "THRESHOLDS", ())]
    before = [one.model_copy(update={"stage": f"seed_{one.stage}"}) for one in found if one.before_model]
    return tuple(sorted((*found, *before), key=lambda one: (one.stage, one.name)))


def thresholds_of(stage: str, reason: str) -> tuple[Threshold, ...]:
    """The numbers that may have led to this reason at this stage."""
    return tuple(one for one in all_thresholds() if one.stage == stage and reason in one.reasons)


def _modules() -> Iterator[ModuleType]:
    for room in ("synth.filters", "synth.stages"):
        package = importlib.import_module(room)
        for module in pkgutil.iter_modules(package.__path__):
            yield importlib.import_module(f"{room}.{module.name}")


class _Limits(NamedTuple):
    """The limits that a run was made with."""

    recipe: Mapping[str, object]

    def of(self, threshold: Threshold) -> float | None:
        """As the recipe states it, or as the code fixes it."""
        value: object = self.recipe
        for part in threshold.key.split(".") if threshold.key else ():
            value = value.get(part) if isinstance(value, dict) else None
        return float(value) if threshold.key and isinstance(value, int | float) else threshold.fixed


def _limits(run: OpenedRun) -> _Limits:
    try:
        return _Limits(run.info.recipe if isinstance(run, OpenedFolder) else {})
    except CodemillError:
        return _Limits({})


# --- one number ---------------------------------------------------------------------------------------------


class _Scope(NamedTuple):
    """The rows that one number decided about: kept ones, and those rejected for its reasons."""

    run: OpenedRun
    stage: str
    threshold: Threshold
    others: Sequence[tuple[Threshold, float]]
    """Thresholds that a unit must pass as well, with their limits."""

    @property
    def source(self) -> str:
        """SQL for the rows with `m`, the number, and `rest`, whether the other thresholds are passed."""
        rest = " AND ".join(
            f"coalesce({_passes(_measure(one), one, limit)}, FALSE)" for one, limit in self.others
        )
        return f"""(SELECT unit_id, language, decision, reason, evidence, {_measure(self.threshold)} AS m,
            {rest or "TRUE"} AS rest FROM {self.run.table}
            WHERE stage = ? AND (decision = '{Decision.KEPT}' OR list_contains(?, reason)))"""

    @property
    def values(self) -> list[object]:
        return [self.stage, list(self.threshold.reasons)]


def _measure(one: Threshold) -> str:
    if one.measure == "passed" and one.over == "total":
        return "passed / nullif(total, 0)"
    field = "TRY_CAST(json_extract_string(evidence, '$.{}') AS DOUBLE)"
    found = field.format(one.measure)
    found = f"{found} / nullif({field.format(one.over)}, 0)" if one.over else found
    return f"CASE WHEN contains(evidence, '\"{one.measure}\"') AND json_valid(evidence) THEN {found} END"


def _passes(measure: str, one: Threshold, limit: float) -> str:
    # Evidence is rounded to four places.
    slack = {"<": 0.0, "<=": 5.1e-5, ">": 0.0, ">=": -5.1e-5}[one.keeps]
    return f"({measure}) {_PASSES[one.keeps]} {one.compared(limit) + slack!r}"


def _dial(
    library: Library,
    run: OpenedRun,
    stage: str,
    one: Threshold,
    limits: _Limits,
    tried: float | None,
) -> Dial:
    beside = (
        ()
        if one.alone
        else tuple(
            (other, limit)
            for other in all_thresholds()
            if other.stage == stage and other != one and set(other.reasons) & set(one.reasons)
            if (limit := limits.of(other)) is not None
        )
    )
    scope = _Scope(run, stage, one, beside)
    sql = f"SELECT m, decision, rest, count(*) AS n FROM {scope.source} GROUP BY ALL"
    rows = library.query(sql, scope.values)
    limit = limits.of(one)
    kept, lost = _total(rows, True), _total(rows, False)
    return Dial(
        name=one.name,
        keeps=one.keeps,
        key=one.key,
        is_ratio=one.is_ratio,
        limit=limit,
        sentence=one.stated(limit) if limit is not None else one.sentence.format(limit="…"),
        caveat=one.caveat,
        bins=_bins(rows, None if limit is None else one.compared(limit)),
        compared=None if limit is None else one.compared(limit),
        kept=kept,
        lost=lost,
        unknown_kept=_total([row for row in rows if row["m"] is None], True),
        unknown_lost=_total([row for row in rows if row["m"] is None], False),
        near=_near(library, scope, limit) if limit is not None else (),
        trial=_try(library, scope, tried, kept) if tried is not None else None,
    )


def _total(rows: Sequence[Mapping[str, Any]], kept: bool) -> int:
    return sum(int(row["n"]) for row in rows if (row["decision"] == Decision.KEPT) == kept)


def _bins(rows: Sequence[Mapping[str, Any]], limit: float | None) -> tuple[EvidenceBin, ...]:
    """Equal steps from the least to the greatest number, the limit included."""
    known = [
        (float(row["m"]), row["decision"] == Decision.KEPT, int(row["n"]))
        for row in rows
        if row["m"] is not None
    ]
    if not known:
        return ()
    edges = [value for value, _, _ in known] + ([] if limit is None else [limit])
    low, high = min(edges), max(edges)
    whole = all(value == int(value) for value, _, _ in known) and high - low <= BINS
    count = max(1, int(high - low) + 1) if whole else BINS
    step = 1.0 if whole else ((high - low) or 1.0) / count
    kept, lost = [0] * count, [0] * count
    for value, is_kept, n in known:
        at = min(count - 1, int((value - low) / step))
        (kept if is_kept else lost)[at] += n
    return tuple(
        EvidenceBin(start=low + at * step, end=low + (at + 1) * step, kept=kept[at], lost=lost[at])
        for at in range(count)
    )


def _near(library: Library, scope: _Scope, limit: float) -> tuple[ShownUnit, ...]:
    """The units nearest to the limit on each side."""
    compared = scope.threshold.compared(limit)
    sql = f"""SELECT * FROM {scope.source} WHERE m IS NOT NULL
        QUALIFY row_number()
            OVER (PARTITION BY decision = '{Decision.KEPT}' ORDER BY abs(m - ?), unit_id) <= ?
        ORDER BY decision, abs(m - ?), unit_id"""
    rows = library.query(sql, [*scope.values, compared, EXAMPLES, compared])
    return tuple(map(_shown, rows))


def _try(library: Library, scope: _Scope, limit: float, kept: int) -> ThresholdTrial:
    """Units that would change sides. What no number is known of stays where it is."""
    one = scope.threshold
    passes = _passes("m", one, limit)
    newly_kept = "FALSE" if one.is_cut_off else f"decision <> '{Decision.KEPT}' AND rest AND {passes}"
    newly_lost = f"decision = '{Decision.KEPT}' AND NOT ({passes})"
    where = f"m IS NOT NULL AND (({newly_kept}) OR ({newly_lost}))"
    counts = library.query(
        f"""SELECT decision = '{Decision.KEPT}' AS lost, count(*) AS n FROM {scope.source}
            WHERE {where} GROUP BY 1""",
        scope.values,
    )
    numbers = {bool(row["lost"]): int(row["n"]) for row in counts}
    listed = library.query(
        f"SELECT * FROM {scope.source} WHERE {where} ORDER BY abs(m - ?), unit_id LIMIT ?",
        [*scope.values, one.compared(limit), LISTED],
    )
    more, fewer = numbers.get(False, 0), numbers.get(True, 0)
    return ThresholdTrial(
        limit=limit,
        kept_before=kept,
        kept_after=kept + more - fewer,
        newly_kept=more,
        newly_lost=fewer,
        changed=tuple(map(_shown, listed)),
    )


def _random(library: Library, run: OpenedRun, stage: str, reason: str, seed: int) -> tuple[ShownUnit, ...]:
    """Some of what was lost, drawn by a seed."""
    sql = f"""SELECT unit_id, language, decision, reason, evidence, NULL AS m FROM {run.table}
        WHERE stage = ? AND reason = ? ORDER BY hash(unit_id || ?) LIMIT ?"""
    return tuple(map(_shown, library.query(sql, [stage, reason, f"/{seed}", EXAMPLES])))


def _shown(row: Mapping[str, Any]) -> ShownUnit:
    return ShownUnit(
        unit_id=row["unit_id"],
        language=row["language"],
        decision=row["decision"],
        reason=row["reason"],
        measure=row["m"],
        evidence=row["evidence"],
    )
