"""Views of a run: the funnel, conservation, the rejected store, the pairs and one kept sample.

The one rule: lists read the narrow index only, pages go by key, and a body is read when its unit is shown.
"""

import json
from collections import Counter, defaultdict
from pathlib import Path
from typing import Any, NamedTuple

from synth.products import PRODUCTS, Pair, Sample
from synth.reasons import REASONS
from synth.records import Decision, IndexRow, Record, Verdict
from synth.store.products import product_files
from synth.store.query import Shards, check_known, checked_names, parse_page_key
from synth.store.shards import entered_key
from synth.store.units import body_files, read_bodies, stage_order

_SAMPLES = next(product for product in PRODUCTS if product.model is Sample)


class ReasonCount(Record):
    """How many units left a stage for one reason."""

    reason: str
    reason_class: str
    count: int


class FunnelRow(Record):
    """The units that entered one stage in one round: entered = kept + rejected + failed + waiting."""

    stage: str
    round: int
    entered: int
    kept: int
    rejected: int
    failed: int
    waiting: int
    reasons: tuple[ReasonCount, ...]
    ms: float
    tokens: int


class FailureCount(NamedTuple):
    """How many units failed at a stage for one reason, for good."""

    round: int
    stage: str
    reason: str
    units: int


class ConservationProblem(Record):
    """A unit that was lost, decided twice or decided without having entered."""

    stage: str
    round: int
    shard: str
    unit_id: str
    problem: str


class RejectedPage(NamedTuple):
    """Index rows, and the key that the next page starts after; None at the end."""

    rows: list[IndexRow]
    next_key: str | None


class KeptSample(NamedTuple):
    """A row of the SFT data and the verdict that it stands on."""

    sample: Sample
    verdict: Verdict


class PairPage(NamedTuple):
    """Pairs with their texts, and the key that the next page starts after; None at the end."""

    pairs: list[Pair]
    next_key: str | None


def funnel(run: Path) -> list[FunnelRow]:
    """Counts of each round and stage, in the order of the flow."""
    shards = Shards(run)
    # The decisions are read first: while a run goes on, a unit that was decided has always entered by then,
    # so none is counted as owed.
    sql = (
        "SELECT round, stage, decision, reason, count(*) AS n, sum(ms) AS ms, sum(tokens) AS tokens FROM "
        "read_parquet(?) GROUP BY ALL"
    )
    decided: defaultdict[tuple[int, str], list[dict[str, Any]]] = defaultdict(list)
    for row in shards.query(sql, shards.index_files()):
        decided[row["round"], row["stage"]].append(row)
    entries = _count_entered(shards)
    order = stage_order(run)
    keys = sorted(entries.keys() | decided.keys(), key=lambda key: (key[0], order.index(key[1])))
    return [funnel_row(stage, round, entries[round, stage], decided[round, stage]) for round, stage in keys]


def _count_entered(shards: Shards) -> Counter[tuple[int, str]]:
    """Units that entered, by round and stage. The file's name tells both, so only footers are read."""
    sql = "SELECT filename, count(*) AS n FROM read_parquet(?, filename = true) GROUP BY ALL"
    counts: Counter[tuple[int, str]] = Counter()
    for row in shards.query(sql, shards.entered_files()):
        key = entered_key(Path(row["filename"]))
        counts[key.round, key.stage] += int(row["n"])
    return counts


def conservation_problems(run: Path, limit: int = 1000) -> list[ConservationProblem]:
    """At most `limit` units for which entered = kept + rejected + failed + waiting does not hold.

    A unit may wait only while its shard has not been committed: in a committed shard, a unit without a
    decision is a lost unit.
    """
    shards = Shards(run)
    if shards.entered_files():
        rows = shards.query(_CONSERVATION, shards.index_files(), shards.entered_files(), limit)
    else:
        rows = shards.query(_ALL_STRANGERS, shards.index_files(), limit)
    return [_conservation_problem(row) for row in rows]


def rejected(
    run: Path,
    reason: str | None = None,
    language: str | None = None,
    stage: str | None = None,
    limit: int = 50,
    after_key: str | None = None,
) -> RejectedPage:
    """Units that left the flow, rejected and failed alike, by round, stage, shard and id.

    Raises UserError for a reason, language or stage that the run does not know, and for a broken key.
    """
    shards = Shards(run)
    check_filters(shards, reason=reason, language=language, stage=stage)
    chosen = {
        name: value
        for name, value in (("reason", reason), ("language", language), ("stage", stage))
        if value is not None
    }
    conditions = ["decision <> 'kept'", *(f"{name} = ?" for name in chosen)]
    values: list[object] = list(chosen.values())
    if after_key is not None:
        conditions.append("(round, stage, shard, unit_id) > (?, ?, ?, ?)")
        values += parse_page_key(after_key)
    sql = (
        f"SELECT * FROM read_parquet(?) WHERE {' AND '.join(conditions)} ORDER BY round, stage, shard, "
        f"unit_id LIMIT ?"
    )
    rows = [IndexRow.model_validate(row) for row in shards.query(sql, shards.index_files(), *values, limit)]
    return RejectedPage(rows, page_key(rows[-1]) if len(rows) == limit else None)


def failed_units(run: Path) -> list[FailureCount]:
    """The failures that were accepted: committed rows of units that failed."""
    shards = Shards(run)
    sql = """SELECT round, stage, reason, count(*) AS units FROM read_parquet(?)
        WHERE decision = 'failed' GROUP BY ALL ORDER BY ALL"""
    rows = shards.query(sql, shards.index_files())
    order = stage_order(run)
    found = [FailureCount(row["round"], row["stage"], row["reason"], int(row["units"])) for row in rows]
    return sorted(found, key=lambda one: (one.round, order.index(one.stage), one.reason))


def screened(run: Path) -> tuple[Counter[str], Counter[str]]:
    """Units rejected for a secret, by its kind, and values masked in the others, by theirs."""
    shards = Shards(run)
    sql = (
        "SELECT DISTINCT unit_id, reason, evidence FROM read_parquet(?) WHERE stage = 'snippet' AND "
        "(reason = 'secret' OR (reason = '' AND evidence LIKE '%\"masked_%'))"
    )
    secrets: Counter[str] = Counter()
    masked: Counter[str] = Counter()
    for row in shards.query(sql, shards.index_files()):
        evidence = json.loads(row["evidence"])
        if row["reason"]:
            secrets[evidence["kind"]] += 1
        else:
            masked.update({name.removeprefix("masked_"): count for name, count in evidence.items()})
    return secrets, masked


def contaminated(run: Path) -> list[tuple[dict[str, Any], dict[str, Any]]]:
    """Stage and id of each unit that overlapped with a benchmark, with the evidence."""
    shards = Shards(run)
    sql = (
        "SELECT stage, unit_id, evidence FROM read_parquet(?) WHERE reason = 'contaminated' "
        "ORDER BY round, stage, shard, unit_id"
    )
    return [(row, json.loads(row["evidence"])) for row in shards.query(sql, shards.index_files())]


def page_key(row: IndexRow) -> str:
    """The key of a row: the next page starts after it."""
    return f"{row.round}/{row.stage}/{row.shard}/{row.unit_id}"


def pairs(run: Path, language: str | None = None, limit: int = 20, after_key: str | None = None) -> PairPage:
    """Preference pairs that no stage rejected, with their texts, by id. Raises UserError for a language that
    the run does not know."""
    shards = Shards(run)
    check_filters(shards, language=language)
    sql = """SELECT DISTINCT key FROM read_parquet($1)
        WHERE ($3 IS NULL OR language = $3) AND ($4 IS NULL OR key > $4)
        AND key NOT IN (SELECT unit_id FROM read_parquet($2) WHERE decision <> 'kept')
        ORDER BY key LIMIT $5"""
    rows = shards.query(sql, body_files(run, Pair.kind), shards.index_files(), language, after_key, limit)
    ids = [str(row["key"]) for row in rows]
    bodies = read_bodies(run, Pair.kind, ids)
    found = [Pair.model_validate(bodies[unit_id].fields) for unit_id in ids if unit_id in bodies]
    return PairPage(found, ids[-1] if len(ids) == limit else None)


def first_kept(run: Path) -> KeptSample | None:
    """The first sample that the run kept; None where it kept none."""
    files = checked_names(product_files(run, _SAMPLES))
    rows = Shards(run).query("SELECT id FROM read_parquet(?) LIMIT 1", files)
    bodies = read_bodies(run, Sample.kind, [str(row["id"]) for row in rows])
    for body in bodies.values():
        sample = Sample.model_validate(body.fields)
        verdict = read_bodies(run, Verdict.kind, [sample.solution_id])[sample.solution_id]
        return KeptSample(sample, Verdict.model_validate(verdict.fields))
    return None


def check_filters(
    shards: Shards, reason: str | None = None, language: str | None = None, stage: str | None = None
) -> None:
    """Raise UserError, with the nearest names, for a filter value that occurs neither in the run nor on the
    closed list of reasons."""
    for column, value, listed in (
        ("reason", reason, set(REASONS)),
        ("language", language, set()),
        ("stage", stage, set()),
    ):
        if value is not None and value not in listed:
            rows = shards.query(
                f"SELECT DISTINCT {column} AS name FROM read_parquet(?)", shards.index_files()
            )
            names = {str(row["name"]) for row in rows if row["name"]}
            check_known(column, value, names | listed, f"omit the {column} to see all of them")


_KEY = "stage, round, shard, unit_id"
_COUNTS = f"SELECT {_KEY}, count(*) AS n FROM read_parquet({{}}) GROUP BY ALL"
_CONSERVATION = f"""
    WITH decided AS ({_COUNTS.format("$1")}), entered AS ({_COUNTS.format("$2")}),
    committed AS (SELECT DISTINCT stage, round, shard, true AS committed FROM decided)
    SELECT {_KEY}, coalesce(entered.n, 0) AS entered, coalesce(decided.n, 0) AS decided
    FROM entered FULL JOIN decided USING ({_KEY}) LEFT JOIN committed USING (stage, round, shard)
    WHERE coalesce(decided.n, 0) > coalesce(entered.n, 0)
    OR (committed AND coalesce(decided.n, 0) < coalesce(entered.n, 0))
    ORDER BY {_KEY} LIMIT $3
"""
_ALL_STRANGERS = (
    f"SELECT *, 0 AS entered, n AS decided FROM ({_COUNTS.format('$1')}) ORDER BY {_KEY} LIMIT $2"
)


def _conservation_problem(row: dict[str, Any]) -> ConservationProblem:
    entered, decided = int(row["entered"]), int(row["decided"])
    if entered == 0:
        problem = "decided without having entered"
    elif decided > entered:
        problem = f"entered {entered} times, decided {decided} times"
    else:
        problem = f"lost: entered {entered} times, decided {decided} times, and its shard is finished"
    return ConservationProblem(
        stage=row["stage"], round=row["round"], shard=row["shard"], unit_id=row["unit_id"], problem=problem
    )


def funnel_row(stage: str, round: int, entered: int, rows: list[dict[str, Any]]) -> FunnelRow:
    """One row: `rows` count the decided units (`decision`, `reason`, `n`, summed `ms` and `tokens`)."""
    counts = {
        decision: sum(int(row["n"]) for row in rows if row["decision"] == decision) for decision in Decision
    }
    reasons = [
        ReasonCount(reason=row["reason"], reason_class=class_of(row["reason"]), count=int(row["n"]))
        for row in rows
        if row["reason"]
    ]
    return FunnelRow(
        stage=stage,
        round=round,
        entered=entered,
        kept=counts[Decision.KEPT],
        rejected=counts[Decision.REJECTED],
        failed=counts[Decision.FAILED],
        waiting=entered - sum(counts.values()),
        reasons=tuple(sorted(reasons, key=lambda reason: (-reason.count, reason.reason))),
        ms=sum(float(row["ms"]) for row in rows),
        tokens=sum(int(row["tokens"]) for row in rows),
    )


def class_of(reason: str) -> str:
    """The class of a reason, or `unknown`."""
    return REASONS[reason].reason_class.value if reason in REASONS else "unknown"
