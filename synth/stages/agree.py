"""Agreement as a stage: the second rank of evidence, for tasks whose seed could not be run.

Entered: tasks with inputs but no reference. Kept: those on whose outputs enough candidates agree. These
outputs become the task's suite, and the candidates are judged by it like all others. For other tasks it
abstains. The pure step is `synth.rules.agreement`.
"""

from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import ClassVar, Final

from synth.filters.protocol import Evidence, Keep, Reject
from synth.records import (
    Case,
    EvidenceRank,
    ExecutionRequest,
    InputSet,
    Solution,
    Task,
    TestSuite,
    Unit,
)
from synth.rules.agreement import Ballot, find_consensus, make_ballot
from synth.rules.canonical import without_long_outputs
from synth.rules.limits import find_limits
from synth.rules.reference_judging import find_fault
from synth.stages.context import Context
from synth.stages.running import run_each
from synth.stages.shard_state import ShardState
from synth.stages.syntax import SyntaxStage
from synth.stages.unit_stage import Decided, UnitStage, Upstream
from synth.thresholds import Threshold

THRESHOLDS: Final = (
    Threshold(
        stage="agree",
        reasons=("agreement_abstained",),
        measure="share",
        keeps=">=",
        key="data.evidence.agreement_threshold",
        sentence="At least a share of {limit} of the voters behave alike on every input.",
        caveat="The agreed outputs of a task below the threshold were not looked at: they may still be too "
        "few, or all the same.",
    ),
)


class AgreeStage(UnitStage[Task]):
    """Runs the candidates of such tasks on the inputs, and takes the outputs that most of them share."""

    name = "agree"
    unit = Task
    upstream: tuple[Upstream, ...] = (SyntaxStage,)
    makes: ClassVar[tuple[type[Unit], ...]] = (TestSuite,)

    def __init__(self, context: Context) -> None:
        self._context = context
        self.is_last = context.data.solve is None or context.data.solve.tries == 1
        """Whether no try comes after it. Before that, a task on which it abstains stays."""

    def entering(self, state: ShardState) -> list[Task]:
        without_reference = {inputs.task_id for inputs in state.get(InputSet)}
        without_reference -= {suite.task_id for suite in state.get(TestSuite)}
        return [task for task in super().entering(state) if task.id in without_reference]

    async def decide(self, units: Sequence[Task], state: ShardState) -> list[Decided]:
        entered = {task.id for task in units}
        inputs = {one.task_id: one for one in state.get(InputSet) if one.task_id in entered}
        ballots = await self._vote(inputs, state)
        decided = []
        for task in units:
            found = ballots[task.id]
            one = Decided(found) if isinstance(found, Reject) else self._agree(inputs[task.id], found)
            decided.append(one if self.is_last else _postponed(one))
        return decided

    async def _vote(
        self, inputs: Mapping[str, InputSet], state: ShardState
    ) -> dict[str, list[Ballot] | Reject]:
        """The outputs of each task's candidates. If the sandbox could not run one of them, the fault: a vote
        without it could come out differently."""
        parsed = state.survivors(Solution)
        voters = [solution for solution in parsed if solution.task_id in inputs]
        programs = [self._program(solution, inputs[solution.task_id]) for solution in voters]
        seen = await run_each(
            self._context.sandbox, programs, lambda _, one: without_long_outputs(one), state.late_priority
        )
        ballots: dict[str, list[Ballot]] = {task: [] for task in inputs}
        faults: dict[str, Reject] = {}
        for solution, observation in zip(voters, seen, strict=True):
            if fault := find_fault(observation):
                faults[solution.task_id] = fault
            one = inputs[solution.task_id]
            ballot = make_ballot(solution, observation, one.contract.signature, len(one.rows))
            ballots[solution.task_id].append(ballot)
        return ballots | faults

    def _program(self, solution: Solution, inputs: InputSet) -> ExecutionRequest:
        return ExecutionRequest(
            id=f"agree-{solution.id}",
            language=solution.language,
            code=solution.code,
            call=inputs.contract.call(inputs.rows),
            limits=find_limits(self._context.recipe.execution),
        )

    def _agree(self, inputs: InputSet, ballots: list[Ballot]) -> Decided:
        data = self._context.data
        several = len({ballot.language for ballot in ballots}) > 1
        found = find_consensus(
            ballots,
            threshold=data.evidence.agreement_threshold,
            method=data.evidence.agreement_method,
            across_languages=several,
        )
        if isinstance(found, Reject):
            return Decided(found)
        cases = tuple(
            Case(arguments=arguments, expected=output)
            for arguments, output in zip(inputs.rows, found.outputs, strict=True)
            if output is not None
        )
        if len(cases) < data.inputs.minimum:
            evidence: Evidence = {"agreed": len(cases), "minimum": data.inputs.minimum}
            return Decided(Reject("too_few_inputs", evidence))
        if len({case.expected for case in cases}) < 2:
            why = "every input gives the same output"
            return Decided(Reject("agreement_abstained", {"why": why, "cases": len(cases)}))
        suite = TestSuite(
            task_id=inputs.task_id,
            contract=inputs.contract,
            cases=cases,
            rank=EvidenceRank.AGREEMENT,
            compare=data.evidence.compare,
        )
        return Decided(Keep(found.evidence), (suite,))


def _postponed(found: Decided) -> Decided:
    """The same, but that a task without agreement stays for the next try."""
    answer = found.answer
    if isinstance(answer, Keep) or answer.is_fault:
        return found
    return replace(found, answer=Keep({**answer.evidence, "abstained": answer.reason}))
