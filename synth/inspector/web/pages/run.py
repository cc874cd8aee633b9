"""The page of one run: its funnel, what was lost and why, and how it went."""

from collections import Counter
from collections.abc import Iterable, Sequence
from datetime import UTC, datetime

from synth.inspector.queries.losses import Losses
from synth.inspector.queries.run import LanguagePair, RunPage, StageOfRun, WorkOverTime, show_run
from synth.inspector.web.page import Page, Visit, find_run
from synth.records import Record
from synth.store.views import ReasonCount


class FunnelLine(Record):
    """One stage, of one round or of all: entered = kept + rejected + failed + waiting."""

    stage: str
    kinds: tuple[str, ...]
    factor: float | None
    """Units of this stage for each of the stage before, where a unit becomes several."""
    entered: int
    kept: int
    rejected: int
    failed: int
    waiting: int
    missing: int
    """Units of finished shards that entered and were not decided."""
    strangers: int
    """Units that were decided and had not entered, or twice."""
    reasons: tuple[ReasonCount, ...]
    losses: Losses


class RoundShare(Record):
    """What a stage kept of what entered it in one round."""

    round: int
    entered: int
    kept: int


class StageRounds(Record):
    """One stage, round by round."""

    stage: str
    rounds: tuple[RoundShare, ...]


class LanguageMap(Record):
    """How programs in one language (columns) fare at tasks whose seed is in another (rows)."""

    seed_languages: tuple[str, ...]
    languages: tuple[str, ...]
    cells: dict[str, dict[str, LanguagePair]]


class TimeBin(Record):
    """Units that were decided in one stretch of time, over all stages."""

    starts: datetime
    units: int


class RunScreen(Record):
    """One run; the funnel is of one round, or of all (`round` 0)."""

    run: RunPage
    round: int
    rounds: tuple[int, ...]
    funnel: tuple[FunnelLine, ...]
    side_by_side: tuple[StageRounds, ...]
    languages: LanguageMap
    over_time: tuple[TimeBin, ...]

    @property
    def is_live(self) -> bool:
        """Whether there is more to come."""
        return self.run.summary.is_live

    @property
    def widest(self) -> int:
        """The most units that entered a stage."""
        return max((line.entered for line in self.funnel), default=0)


def load(visit: Visit) -> RunScreen:
    """The run that the address names."""
    found = show_run(visit.library, find_run(visit))
    rounds = tuple(sorted({one.row.round for one in found.stages}))
    round = visit.number("round", 0, 1_000_000)
    stages = [one for one in found.stages if round in (0, one.row.round)]
    return RunScreen(
        run=found,
        round=round,
        rounds=rounds,
        funnel=tuple(_line(group) for group in _by_stage(stages)),
        side_by_side=tuple(_rounds(group) for group in _by_stage(found.stages)),
        languages=_map(found.pairs_of_languages),
        over_time=_over_time(found.work),
    )


def _by_stage(stages: Iterable[StageOfRun]) -> list[list[StageOfRun]]:
    groups: dict[str, list[StageOfRun]] = {}
    for one in stages:
        groups.setdefault(one.row.stage, []).append(one)
    return list(groups.values())


def _line(group: Sequence[StageOfRun]) -> FunnelLine:
    rows = [one.row for one in group]
    reasons: Counter[tuple[str, str]] = Counter()
    for row in rows:
        for reason in row.reasons:
            reasons[reason.reason, reason.reason_class] += reason.count
    losses: Counter[str] = Counter()
    for (_, kind), count in reasons.items():
        losses[kind] += count
    factors = [one.factor for one in group if one.factor is not None]
    return FunnelLine(
        stage=rows[0].stage,
        kinds=tuple(dict.fromkeys(kind for one in group for kind in one.kinds)),
        factor=sum(factors) / len(factors) if factors else None,
        entered=sum(row.entered for row in rows),
        kept=sum(row.kept for row in rows),
        rejected=sum(row.rejected for row in rows),
        failed=sum(row.failed for row in rows),
        waiting=sum(one.row.waiting - one.missing + one.strangers for one in group),
        missing=sum(one.missing for one in group),
        strangers=sum(one.strangers for one in group),
        reasons=tuple(
            ReasonCount(reason=code, reason_class=kind, count=count)
            for (code, kind), count in reasons.most_common()
        ),
        losses=Losses(**losses),
    )


def _rounds(group: Sequence[StageOfRun]) -> StageRounds:
    shares = (RoundShare(round=one.row.round, entered=one.row.entered, kept=one.row.kept) for one in group)
    return StageRounds(stage=group[0].row.stage, rounds=tuple(shares))


def _map(pairs: Sequence[LanguagePair]) -> LanguageMap:
    cells: dict[str, dict[str, LanguagePair]] = {}
    for pair in pairs:
        cells.setdefault(pair.seed_language, {})[pair.language] = pair
    return LanguageMap(
        seed_languages=tuple(sorted(cells)),
        languages=tuple(sorted({pair.language for pair in pairs})),
        cells=cells,
    )


def _over_time(work: WorkOverTime | None) -> tuple[TimeBin, ...]:
    if work is None:
        return ()
    return tuple(
        TimeBin(starts=datetime.fromtimestamp(work.starts + at * work.bin_s, UTC), units=sum(counts))
        for at, counts in enumerate(zip(*work.stages.values(), strict=True))
    )


PAGES = (Page("/runs/{run}", "run.html", load),)
