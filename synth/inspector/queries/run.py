"""One run: the funnel, what was lost and why, the yield by language and difficulty, what failed alike, and
how the work went.

The one rule: entered = kept + rejected + failed + waiting; where it does not add up, that is said.
"""

from collections import Counter, defaultdict
from collections.abc import Iterable
from typing import Any, Final, TypeVar

from synth.errors import CodemillError
from synth.inspector.database import Deadline, OutOfTime
from synth.inspector.filter_conditions import SIGNATURE, in_files
from synth.inspector.filter_language import Term, UnitFilter
from synth.inspector.library import Library
from synth.inspector.opened_run import LeftOutFile, OpenedRun, pieces
from synth.inspector.queries.runs import RunSummary, summarize
from synth.reasons import REASONS
from synth.store.figures import read_figures
from synth.store.views import FunnelRow, class_of, funnel_row
from synth.wire_record import Record

M = TypeVar("M", bound=Record)

SIGNATURES_S: Final = 0.3
"""How long failures that are alike are looked for."""
_PIECE_ROWS: Final = 250_000
_MOST_SIGNATURES: Final = 12
_BINS: Final = 48


class StageOfRun(Record):
    """One row of the funnel, and the kinds of units in it. `factor`: how many units of this kind came of one
    that the stage before kept, where the kind changes."""

    row: FunnelRow
    kinds: tuple[str, ...]
    factor: float | None
    missing: int
    """Units of finished shards that entered and were not decided."""
    strangers: int
    """Units that were decided and had not entered, or twice."""

    @property
    def is_conserved(self) -> bool:
        return not self.missing and not self.strangers


class RankedReason(Record):
    """A reason over all stages and rounds."""

    reason: str
    reason_class: str
    sentence: str
    stages: tuple[str, ...]
    count: int


class LanguageYield(Record):
    """Programs in one language that were judged, and how many passed."""

    language: str
    judged: int
    passed: int


class DifficultyBand(Record):
    """Tasks by the share of their programs that passed, over `above` and up to `up_to`; None is no task above
    zero, that is, those that nothing solved."""

    above: float | None
    up_to: float
    tasks: int
    judged: int
    passed: int


class LanguagePair(Record):
    """Programs in `language` for tasks whose seed is in `seed_language`: which pairs are covered, and how one
    language's code serves another."""

    seed_language: str
    language: str
    tasks: int
    judged: int
    passed: int


class FailureSignature(Record):
    """Failures that look alike: the words of the evidence, with figures and quoted texts taken out."""

    signature: str
    stage: str
    reason: str
    count: int
    example: str
    """Id of a unit."""

    @property
    def term(self) -> str:
        """The filter with these failures."""
        words = {"stage": self.stage, "reason": self.reason, "failure": self.signature}
        terms = (Term(field=name, op=":", values=(value,)) for name, value in words.items())
        return UnitFilter(terms=tuple(terms)).text


class WorkOverTime(Record):
    """Units decided by each stage, in bins of equal length by the time at which their shards were written."""

    starts: float
    """Seconds since 1970."""
    bin_s: float
    stages: dict[str, tuple[int, ...]]


class EngineUse(Record):
    """Figures of one process that brought the run to its end; None where it did not say."""

    seconds: float
    busy_share: float | None
    requests_sent: int | None
    requests_from_journal: int | None
    completion_tokens: int | None


class RunPage(Record):
    """All that is shown of one run."""

    summary: RunSummary
    stages: tuple[StageOfRun, ...]
    reasons: tuple[RankedReason, ...]
    languages: tuple[LanguageYield, ...]
    difficulty: tuple[DifficultyBand, ...]
    pairs_of_languages: tuple[LanguagePair, ...]
    signatures: tuple[FailureSignature, ...]
    signatures_of: tuple[int, int]
    """Rows that were looked at, of all."""
    work: WorkOverTime | None
    engine: tuple[EngineUse, ...]
    left_out: tuple[LeftOutFile, ...]


def show_run(library: Library, run: OpenedRun) -> RunPage:
    """One run, as far as it has been read."""
    summary = summarize(library, run)
    funnel = count_funnel(library, run)
    signatures, looked_at = failure_signatures(library, run)
    return RunPage(
        summary=summary,
        stages=funnel,
        reasons=rank_reasons(stage.row for stage in funnel),
        languages=_remembered(library, run, _LANGUAGES, LanguageYield),
        difficulty=_remembered(library, run, _DIFFICULTY, DifficultyBand),
        pairs_of_languages=_remembered(library, run, _PAIRS, LanguagePair),
        signatures=signatures,
        signatures_of=(looked_at, run.rows),
        work=work_over_time(run),
        engine=engine_use(run),
        left_out=run.damaged,
    )


def count_funnel(library: Library, run: OpenedRun) -> tuple[StageOfRun, ...]:
    """The stages in the order of the flow, round by round."""
    # Decisions before entries: while a run goes on, a unit that was decided has always entered by then.
    files = run.files
    decided: defaultdict[tuple[int, str], list[dict[str, Any]]] = defaultdict(list)
    sql = f"""SELECT round, stage, kind, decision, reason, sum(n)::BIGINT AS n, sum(ms) AS ms,
        sum(tokens)::BIGINT AS tokens FROM {run.counts} GROUP BY ALL"""
    for found_row in library.query(sql):
        decided[found_row["round"], found_row["stage"]].append(found_row)
    entered, per_shard = Counter[tuple[int, str]](), run.entered()
    for place, units in per_shard.items():
        entered[place[:2]] += units
    missing, strangers = Counter[tuple[int, str]](), Counter[tuple[int, str]]()
    for file in files:
        over = file.rows - per_shard.get(file.place, 0)
        (strangers if over > 0 else missing)[file.place[:2]] += abs(over)
    order = {stage: at for at, stage in enumerate(run.stages)}
    found = list[StageOfRun]()
    for round, stage in sorted(
        entered.keys() | decided.keys(), key=lambda key: (key[0], order.get(key[1], 0))
    ):
        rows = decided[round, stage]
        row = funnel_row(stage, round, entered[round, stage], _by_reason(rows))
        kinds = tuple(sorted({one["kind"] for one in rows}))
        before = found[-1] if found and found[-1].row.round == round else None
        changes = before is not None and kinds and not set(kinds) & set(before.kinds)
        found.append(
            StageOfRun(
                row=row,
                kinds=kinds,
                factor=row.entered / before.row.kept if changes and before and before.row.kept else None,
                missing=missing[round, stage],
                strangers=strangers[round, stage],
            )
        )
    return tuple(found)


def _by_reason(rows: Iterable[dict[str, Any]]) -> list[dict[str, Any]]:
    """Rows of several kinds joined, so that each reason stands once."""
    joined: dict[tuple[str, str], dict[str, Any]] = {}
    for row in rows:
        one = joined.setdefault((row["decision"], row["reason"]), {**row, "n": 0, "ms": 0.0, "tokens": 0})
        for name in ("n", "ms", "tokens"):
            one[name] += row[name] or 0
    return list(joined.values())


def rank_reasons(funnel: Iterable[FunnelRow]) -> tuple[RankedReason, ...]:
    """The reasons of all stages, the most frequent first."""
    counts, stages = Counter[str](), defaultdict[str, dict[str, None]](dict)
    for row in funnel:
        for reason in row.reasons:
            counts[reason.reason] += reason.count
            stages[reason.reason][row.stage] = None
    return tuple(
        RankedReason(
            reason=code,
            reason_class=class_of(code),
            sentence=REASONS[code].sentence if code in REASONS else "",
            stages=tuple(stages[code]),
            count=count,
        )
        for code, count in sorted(counts.items(), key=lambda one: (-one[1], one[0]))
    )


def failure_signatures(
    library: Library, run: OpenedRun, seconds: float = SIGNATURES_S
) -> tuple[tuple[FailureSignature, ...], int]:
    """The failures that are most often alike, and how many rows were looked at in time."""
    deadline, looked_at = Deadline(seconds), 0
    counts, examples = Counter[tuple[str, str, str]](), dict[tuple[str, str, str], str]()
    for piece in pieces(run.files, _PIECE_ROWS):
        numbers = [file.number for file in piece]
        rows = run.remembered.get(("signatures", *numbers))
        if rows is None:
            if not deadline.left:
                break
            part = in_files(numbers)
            try:
                rows = library.query(
                    _SIGNATURES.format(table=run.table, files=part.sql), part.values, max(deadline.left, 0.02)
                )
            except OutOfTime:
                break
            run.remembered.put(("signatures", *numbers), rows)
        for row in rows:
            key = (row["signature"], row["stage"], row["reason"])
            counts[key] += int(row["n"])
            examples.setdefault(key, row["example"])
        looked_at += sum(file.rows for file in piece)
    ranked = sorted(counts.items(), key=lambda one: (-one[1], one[0]))[:_MOST_SIGNATURES]
    return tuple(
        FailureSignature(signature=key[0], stage=key[1], reason=key[2], count=count, example=examples[key])
        for key, count in ranked
    ), looked_at


def work_over_time(run: OpenedRun) -> WorkOverTime | None:
    """None before the first shard. The times are those of the files: a copy of a run has its own."""
    files = run.files
    if not files:
        return None
    times = [file.stamp.mtime_ns / 1e9 for file in files]
    starts = min(times)
    bin_s = max((max(times) - starts) / _BINS, 1.0)
    stages: dict[str, list[int]] = {stage: [0] * _BINS for stage in run.stages}
    for file, time in zip(files, times, strict=True):
        stages.setdefault(file.place[1], [0] * _BINS)[min(int((time - starts) / bin_s), _BINS - 1)] += (
            file.rows
        )
    return WorkOverTime(
        starts=starts, bin_s=bin_s, stages={name: tuple(bins) for name, bins in stages.items() if any(bins)}
    )


def engine_use(run: OpenedRun) -> tuple[EngineUse, ...]:
    """One for each process that ended; none while the first goes on, or where the figures are damaged."""
    try:
        lines = read_figures(run.path)
    except CodemillError:
        return ()
    names = [name for name in EngineUse.model_fields if name != "seconds"]
    return tuple(
        EngineUse(seconds=line["seconds"], **{name: line.get(name) for name in names}) for line in lines
    )


def _remembered(library: Library, run: OpenedRun, sql: str, model: type[M]) -> tuple[M, ...]:
    """The rows of a query, asked anew when the table has changed."""
    key = (sql, run.generation)
    rows = run.remembered.get(key)
    if rows is None:
        rows = library.query(sql.format(table=run.table))
        run.remembered.put(key, rows)
    return tuple(model.model_validate(row) for row in rows)


_JUDGED: Final = "total IS NOT NULL AND decision <> 'failed' AND kind IN ('solution', 'answer')"
_LANGUAGES: Final = f"""
    SELECT language, count(*) AS judged, count(*) FILTER (decision = 'kept') AS passed
    FROM {{table}} WHERE {_JUDGED} GROUP BY language ORDER BY judged DESC, language
"""
_DIFFICULTY: Final = f"""
    WITH tasks AS (
        SELECT parents[1] AS task, count(*) AS judged, count(*) FILTER (decision = 'kept') AS passed
        FROM {{table}} WHERE {_JUDGED} AND len(parents) > 0 GROUP BY task
    ),
    banded AS (SELECT *, CASE WHEN passed = 0 THEN 0 ELSE ceil(5 * passed / judged) END AS band FROM tasks)
    SELECT CASE WHEN band = 0 THEN NULL ELSE (band - 1) / 5 END AS above, band / 5 AS up_to,
        count(*) AS tasks, sum(judged)::BIGINT AS judged, sum(passed)::BIGINT AS passed
    FROM banded GROUP BY band ORDER BY band
"""
_PAIRS: Final = f"""
    WITH tasks AS (
        SELECT unit_id, any_value(language) AS seed_language FROM {{table}}
        WHERE kind = 'task' AND language <> '' GROUP BY unit_id
    )
    SELECT seed_language, one.language, count(DISTINCT tasks.unit_id) AS tasks, count(*) AS judged,
        count(*) FILTER (decision = 'kept') AS passed
    FROM {{table}} AS one JOIN tasks ON tasks.unit_id = one.parents[1] WHERE {_JUDGED}
    GROUP BY ALL ORDER BY ALL
"""
_SIGNATURES: Final = f"""
    SELECT signature, stage, reason, count(*) AS n, min(unit_id) AS example
    FROM (SELECT unit_id, stage, reason, {SIGNATURE} AS signature
        FROM {{table}} WHERE {{files}} AND decision <> 'kept')
    WHERE signature IS NOT NULL GROUP BY ALL ORDER BY n DESC LIMIT 200
"""
