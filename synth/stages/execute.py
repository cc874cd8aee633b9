"""From a candidate to its verdict: the sandbox runs it on the inputs, and the parent compares its output
with the suite.

Entered: candidates that parse, of tasks with a suite. Kept: those that pass. The one rule: expected values
stay here; the sandbox only gets inputs.
"""

from collections.abc import Sequence
from typing import ClassVar, Final

from synth.execution.verdict import judge_cases
from synth.filters.protocol import Evidence, Keep, Reject
from synth.program_log import ProgramLog, log_program
from synth.records import ExecutionRequest, Observation, Outcome, Solution, TestSuite, Unit, Verdict
from synth.rules.limits import find_limits
from synth.stages.agree import AgreeStage
from synth.stages.context import Context
from synth.stages.running import run_each
from synth.stages.shard_state import ShardState
from synth.stages.sharpen import SharpenStage
from synth.stages.syntax import SyntaxStage
from synth.stages.unit_stage import Decided, UnitStage, Upstream
from synth.thresholds import Threshold

THRESHOLDS: Final = (
    Threshold(
        stage="execute",
        reasons=("wrong_answer", "runtime_error"),
        measure="passed",
        over="total",
        keeps=">=",
        fixed=1.0,
        sentence="A share of {limit} of its tests passes.",
        caveat="Tests that are hidden from selection are not counted, and must pass as well.",
    ),
    Threshold(
        stage="execute",
        reasons=("timeout",),
        measure="cpu_s",
        keeps="<=",
        key="execution.limits.cpu_s",
        sentence="It needs at most {limit} s of CPU time.",
        caveat="A program that was stopped did not show how long it needs.",
        is_cut_off=True,
    ),
    Threshold(
        stage="execute",
        reasons=("memory_limit",),
        measure="memory_mb",
        keeps="<=",
        key="execution.limits.memory_mb",
        sentence="It needs at most {limit} MiB.",
        caveat="A program that was stopped did not show how much it needs.",
        is_cut_off=True,
    ),
)


class ExecuteStage(UnitStage[Solution]):
    """Runs every candidate of the shard."""

    name = "execute"
    unit = Solution
    upstream: tuple[Upstream, ...] = (
        SyntaxStage,
        AgreeStage,
        SharpenStage,
    )
    makes: ClassVar[tuple[type[Unit], ...]] = (Verdict, ProgramLog)

    def __init__(self, context: Context) -> None:
        self._sandbox, self._limits = context.sandbox, find_limits(context.recipe.execution)
        self._may_wait = context.data.solve is not None and context.data.solve.tries > 1

    def entering(self, state: ShardState) -> list[Solution]:
        """Candidates. With several tries, agreement about some tasks may still be to come: theirs wait."""
        found = list(super().entering(state))
        if not self._may_wait:
            return found
        tested = {suite.task_id for suite in state.get(TestSuite)}
        return [one for one in found if one.task_id in tested]

    async def decide(self, units: Sequence[Solution], state: ShardState) -> list[Decided]:
        suites = {suite.task_id: suite for suite in state.get(TestSuite)}
        requests = [self._request(solution, suites[solution.task_id]) for solution in units]

        def read(at: int, observation: Observation) -> Decided:
            solution_id = units[at].id
            verdict, right = judge_cases(observation, suites[units[at].task_id], solution_id)
            failed = verdict.outcome is not Outcome.PASS and not verdict.outcome.is_fault
            logs = (log_program(observation, right, solution_id),) if failed else ()
            return Decided(_answer(verdict), (verdict, *logs), ms=1000 * observation.wall_s)

        return await run_each(self._sandbox, requests, read, state.late_priority)

    def _request(self, solution: Solution, suite: TestSuite) -> ExecutionRequest:
        return ExecutionRequest(
            id=solution.id,
            language=solution.language,
            code=solution.code,
            call=suite.call(),
            limits=self._limits,
        )


def _answer(verdict: Verdict) -> Keep | Reject:
    evidence: Evidence = {
        "passed": verdict.passed,
        "total": verdict.total,
        "rank": verdict.rank.value,
        "cpu_s": round(verdict.cpu_s, 4),
        "memory_mb": round(verdict.peak_memory_mb, 1),
    }
    if verdict.hidden_total:
        evidence |= {"hidden_passed": verdict.hidden_passed, "hidden_total": verdict.hidden_total}
    if verdict.outcome is Outcome.PASS:
        return Keep(evidence)
    return Reject(verdict.outcome.value, evidence | {"first_failure": verdict.first_failure[:300]})
