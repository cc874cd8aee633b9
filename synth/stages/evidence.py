"""Which tasks count: the round trip code -> instruction -> code must reproduce the seed's
behaviour often enough.

Entered: tasks with tested candidates. Kept: tasks whose instruction alone leads to solutions that behave like
the seed. Other tasks stay in the store with their reason, as the pool of hard or wrong instructions. A
candidate that could not be run, and whose failure was accepted, counts for nothing. Programs that differ in
layout alone reproduce the seed once; the share is of all samples, as a bound that few samples keep low.
"""

from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import ClassVar, Final, NamedTuple

from synth.choice_records import UnsolvedTask
from synth.config import EvidenceConfig
from synth.filters.protocol import Evidence, Keep, Reject
from synth.languages.code_tokens import normalize_code
from synth.proportions import wilson_interval
from synth.records import (
    CodingProblem,
    Outcome,
    Reference,
    Seed,
    Solution,
    Task,
    TestSuite,
    Unit,
    Verdict,
)
from synth.rules.unsolved import keep_unsolved
from synth.stages.context import Context
from synth.stages.execute import ExecuteStage
from synth.stages.shard_state import ShardState
from synth.stages.unit_stage import Decided, UnitStage, Upstream
from synth.thresholds import Threshold

_REASONS: Final = ("unsolved", "round_trip_failed", "unjudged")
THRESHOLDS: Final = (
    Threshold(
        stage="evidence",
        reasons=_REASONS,
        measure="distinct",
        keeps=">=",
        key="data.evidence.min_reproductions",
        sentence="At least {limit} distinct programs, written from the words alone, behave like the seed.",
    ),
    Threshold(
        stage="evidence",
        reasons=_REASONS,
        measure="least_share",
        keeps=">=",
        key="data.evidence.min_share",
        sentence="The share of programs that pass is at least {limit}, by the lower end of its interval.",
        caveat="Candidates that could not be run count for nothing.",
    ),
)


class EvidenceStage(UnitStage[Task]):
    """Counts reproductions task by task, over all languages together."""

    name = "evidence"
    unit = Task
    upstream: tuple[Upstream, ...] = (ExecuteStage,)

    def __init__(self, context: Context) -> None:
        self._config = context.data.evidence

    async def decide(self, units: Sequence[Task], state: ShardState) -> list[Decided]:
        solutions, verdicts = read_judgements(state)
        return [Decided(find_evidence(solutions[task.id], verdicts, self._config)) for task in units]


class PoolingEvidenceStage(EvidenceStage):
    """The same, which also keeps what was not solved as a data set of its own."""

    makes: ClassVar[tuple[type[Unit], ...]] = (UnsolvedTask,)

    async def decide(self, units: Sequence[Task], state: ShardState) -> list[Decided]:
        solutions, verdicts = read_judgements(state)
        suites = {suite.task_id: suite for suite in state.get(TestSuite)}
        references = {one.seed_id: one for one in state.get(Reference)}
        sources: list[Seed | CodingProblem] = [*state.get(Seed), *state.get(CodingProblem)]
        licences = {one.id: one.origin.licence for one in sources}

        def with_pool(task: Task, found: Decided) -> Decided:
            if not isinstance(found.answer, Reject) or found.answer.reason == "unjudged":
                return found
            kept = keep_unsolved(
                task,
                references.get(task.seed_id),
                licences.get(task.seed_id, ""),
                suites[task.id],
                solutions[task.id],
                verdicts,
                found.answer,
            )
            return replace(found, made=(kept,))

        decided = await super().decide(units, state)
        return [with_pool(task, found) for task, found in zip(units, decided, strict=True)]


def find_evidence(
    solutions: Sequence[Solution], verdicts: Mapping[str, Verdict], config: EvidenceConfig
) -> Keep | Reject:
    """Whether a task counts, by its candidates and the verdicts about them."""
    faults = sum(s.id in verdicts and verdicts[s.id].outcome.is_fault for s in solutions)
    passed = [s for s in solutions if s.id in verdicts and verdicts[s.id].outcome is Outcome.PASS]
    judged = len(solutions) - faults
    share = len(passed) / judged if judged else 0.0
    distinct = len({(s.language, normalize_code(s.code, s.language)) for s in passed})
    evidence: Evidence = {
        "reproductions": len(passed),
        "distinct": distinct,
        "candidates": len(solutions),
        "pass_rate": round(share, 4),
    }
    least = _least(share, judged)
    evidence |= {"least_share": round(least, 6)}
    if (tries := max((s.attempt for s in solutions), default=1)) > 1:
        evidence |= {"tries": tries}
    if distinct >= config.min_reproductions and least >= config.min_share:
        return Keep(evidence)
    if faults:
        return Reject("unjudged", evidence | {"faults": faults})
    was_judged = any(s.id in verdicts for s in solutions)
    return Reject("unsolved" if passed or not was_judged else "round_trip_failed", evidence)


def _least(share: float, judged: int) -> float:
    """What the share is at least, with 95% confidence on either side."""
    return wilson_interval(share, judged).low if judged else 0.0


class Judgements(NamedTuple):
    """Solutions of each task in the order of their samples, and verdicts by solution."""

    solutions: dict[str, list[Solution]]
    verdicts: dict[str, Verdict]


def read_judgements(state: ShardState) -> Judgements:
    """The verdicts about one shard, by the tests that stand: where tests were drawn anew, candidates that
    only met those before them are not among these."""
    solutions: defaultdict[str, list[Solution]] = defaultdict(list)
    suites = {suite.task_id: suite for suite in state.get(TestSuite)}
    for solution in state.get(Solution):
        suite = suites.get(solution.task_id)
        if suite is None or suite.judges(solution):
            solutions[solution.task_id].append(solution)
    return Judgements(solutions, {verdict.solution_id: verdict for verdict in state.get(Verdict)})
