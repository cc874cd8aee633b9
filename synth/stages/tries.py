"""Further tries at tasks that are not solved: other tests where nothing has passed those that were drawn,
more candidates, and the same checks for both.

Place in the flow: behind `execute`, one chain of stages a try; `evidence` then decides about all of them. The
one rule: tests that a program has passed stand, so what an earlier try accepted is never lost; tests that
nothing has passed may be drawn again, and the verdicts by them are then no labels.
"""

from collections.abc import Sequence
from dataclasses import replace
from itertools import pairwise
from typing import ClassVar

from synth.filters.protocol import Keep, Reject
from synth.ids import derive_seed
from synth.records import (
    EvidenceRank,
    InputSet,
    InputValidator,
    Outcome,
    Reference,
    Seed,
    Solution,
    Task,
    TestSuite,
    Unit,
    Verdict,
)
from synth.rules.reference_judging import FoundReference
from synth.stages.agree import AgreeStage
from synth.stages.context import Context
from synth.stages.evidence import find_evidence, read_judgements
from synth.stages.execute import ExecuteStage
from synth.stages.inputs import InputsStage
from synth.stages.reference import ReferenceStage
from synth.stages.shard_state import ShardState, StageResult
from synth.stages.solve import SolveStage
from synth.stages.syntax import SyntaxStage
from synth.stages.unit_stage import Decided, Stage, UnitStage, Upstream

MOST_WARMTH = 2.0


def build_tries(context: Context) -> list[Stage]:
    """The stages of the second try and of all after it, in their order; none if the recipe tries once."""
    assert context.data.solve is not None
    tries, stages = context.data.solve.tries, list[Stage]()
    before: Upstream = ExecuteStage
    for attempt in range(2, tries + 1):
        chain: list[Stage] = [
            RedrawStage(context, attempt, before),
            RetrySolveStage(context, attempt),
            RetrySyntaxStage(attempt),
        ]
        if context.data.evidence.agreement:
            chain.append(RetryAgreeStage(context, attempt, is_last=attempt == tries))
        chain.append(RetryExecuteStage(context, attempt))
        for earlier, stage in pairwise(chain):
            stage.upstream = (earlier,)
        stages += chain
        before = chain[-1]
    return stages


def stage_name(attempt: int, name: str) -> str:
    """The name of a stage of a later try. It sorts behind those of the first one: of records that were
    written again, the last counts."""
    return f"try{attempt:02}_{name}"


def unsolved_tasks(state: ShardState, context: Context) -> list[Task]:
    """The tasks whose evidence is short so far: no suite yet, or too few candidates that pass it."""
    judged = read_judgements(state)
    tested = {suite.task_id for suite in state.get(TestSuite)}
    return [
        task
        for task in state.survivors(Task)
        if task.id not in tested
        or isinstance(
            find_evidence(judged.solutions[task.id], judged.verdicts, context.data.evidence), Reject
        )
    ]


class RedrawStage(UnitStage[Task]):
    """Draws the tests of a task again, from the same reference. A task of which nothing better is drawn keeps
    its tests."""

    unit = Task
    makes: ClassVar[tuple[type[Unit], ...]] = (TestSuite, InputSet, InputValidator)
    asks_engine: ClassVar[bool] = True

    def __init__(self, context: Context, attempt: int, before: Upstream) -> None:
        self.name, self.upstream = stage_name(attempt, InputsStage.name), (before,)
        self._context, self._attempt = context, attempt
        seed = derive_seed(context.recipe.seed, "try", str(attempt))
        fresh = replace(context, recipe=context.recipe.model_copy(update={"seed": seed}))
        self._inputs, self._references = InputsStage(fresh), ReferenceStage(fresh)

    def entering(self, state: ShardState) -> list[Task]:
        """Unsolved tasks whose tests were drawn, or are still to come, and were passed by nothing."""
        passed = {one.task_id for one in state.get(Verdict) if one.outcome is Outcome.PASS}
        ranks = {suite.task_id: suite.rank for suite in state.get(TestSuite)}
        known = {one.seed_id for one in state.get(Reference)}
        return [
            task
            for task in unsolved_tasks(state, self._context)
            if task.id not in passed
            and task.seed_id in known
            and ranks.get(task.id, EvidenceRank.REFERENCE) is EvidenceRank.REFERENCE
        ]

    async def decide(self, units: Sequence[Task], state: ShardState) -> list[Decided]:
        wanted = {task.seed_id for task in units}
        seeds = [seed for seed in state.get(Seed) if seed.id in wanted]
        old = {one.seed_id: one for one in state.get(Reference) if one.seed_id in wanted}
        run = [seed for seed in seeds if old[seed.id].cases]
        found = await self._references.find(run, state.priority)
        faults = {key: one for key, one in found.items() if isinstance(one, Reject) and one.is_fault}
        again = [_again(old[key], found.get(key)) for key in old]
        shadow = ShardState(state.round, state.name)
        shadow.add("", StageResult((), (*seeds, *again, *units)))
        drawable = [task for task in units if task.seed_id not in faults]
        drawn = dict(
            zip(
                [task.id for task in drawable],
                await self._inputs.decide(drawable, shadow),
                strict=True,
            )
        )
        suites = {suite.task_id: suite for suite in state.get(TestSuite)}
        return [
            Decided(faults[task.seed_id])
            if task.seed_id in faults
            else self._decided(drawn[task.id], suites.get(task.id))
            for task in units
        ]

    def _decided(self, drawn: Decided, before: TestSuite | None) -> Decided:
        if isinstance(drawn.answer, Reject):
            if drawn.answer.is_fault:
                return drawn
            return replace(drawn, answer=Keep({"drawn": 0, "why": drawn.answer.reason}), made=())
        made = tuple(
            one.model_copy(update={"attempt": self._attempt}) if isinstance(one, TestSuite) else one
            for one in drawn.made
        )
        same = {case.arguments for case in before.cases} if before is not None else set()
        rows = [row for one in made if isinstance(one, TestSuite) for row in one.cases]
        shared = sum(case.arguments in same for case in rows)
        return replace(drawn, answer=Keep({**drawn.answer.evidence, "drawn": 1, "shared": shared}), made=made)


def _again(old: Reference, found: FoundReference | Reject | None) -> Reference:
    """The reference with the cases of another draw, where that shows the same contract."""
    if not isinstance(found, FoundReference) or found.reference.contract != old.contract:
        return old
    return found.reference


class RetrySolveStage(SolveStage):
    """Asks for other candidates of the tasks that are not solved. A refusal leaves a task those it has."""

    def __init__(self, context: Context, attempt: int) -> None:
        super().__init__(context)
        self.name = stage_name(attempt, SolveStage.name)
        self.attempt, self._context = attempt, context
        config = self._config
        warmth = config.sampling.temperature + config.warmer * (attempt - 1)
        temperature = min(max(config.sampling.temperature, MOST_WARMTH), warmth)
        sampling = config.sampling.model_copy(update={"temperature": temperature})
        self._config = config.model_copy(update={"sampling": sampling})

    def entering(self, state: ShardState) -> list[Task]:
        return unsolved_tasks(state, self._context)

    async def decide(self, units: Sequence[Task], state: ShardState) -> list[Decided]:
        return [
            replace(found, answer=Keep({"solutions": 0, "why": found.answer.reason}))
            if isinstance(found.answer, Reject) and not found.answer.is_fault
            else found
            for found in await super().decide(units, state)
        ]


class RetrySyntaxStage(SyntaxStage):
    """The static check of the candidates of one try."""

    def __init__(self, attempt: int) -> None:
        self.name, self._attempt = stage_name(attempt, SyntaxStage.name), attempt

    def entering(self, state: ShardState) -> list[Solution]:
        return [one for one in super().entering(state) if one.attempt == self._attempt]


class RetryAgreeStage(AgreeStage):
    """The vote of all candidates so far, on tasks that have no suite yet."""

    def __init__(self, context: Context, attempt: int, *, is_last: bool) -> None:
        super().__init__(context)
        self.name, self.is_last = stage_name(attempt, AgreeStage.name), is_last


class RetryExecuteStage(ExecuteStage):
    """Runs the candidates that have no verdict yet."""

    def __init__(self, context: Context, attempt: int) -> None:
        super().__init__(context)
        self.name = stage_name(attempt, ExecuteStage.name)

    def entering(self, state: ShardState) -> list[Solution]:
        judged = {verdict.solution_id for verdict in state.get(Verdict)}
        return [one for one in super().entering(state) if one.id not in judged]
