"""From a candidate to its verdict: the sandbox runs it on the inputs, and the parent compares what came out
with the suite.

Entered: candidates that parse, of tasks with a suite. Kept: those that pass. The one rule: expected values
stay here; the sandbox gets inputs only.
"""

from synth.execution.verdict import judge
from synth.filters.protocol import Evidence, Keep, Reject
from synth.records import (
    ExecutionRequest,
    FunctionCall,
    FunctionContract,
    Outcome,
    Solution,
    TestSuite,
    Verdict,
)
from synth.rules.limits import limits_of
from synth.stages.protocol import Context, Produces, index_row
from synth.stages.shard_state import ShardState, StageResult


class ExecuteStage:
    """Runs every candidate of the shard."""

    name = "execute"
    upstream: tuple[str, ...] = ("syntax", "agree")
    ordered = False
    asks_engine = False
    produces: Produces = {"verdict": Verdict}

    def __init__(self, context: Context) -> None:
        self._context = context

    def entering(self, state: ShardState) -> list[str]:
        return [solution.id for solution in self._solutions(state)]

    def _solutions(self, state: ShardState) -> list[Solution]:
        kept, judged = state.kept("syntax"), {suite.task_id for suite in state.get("suite", TestSuite)}
        return [
            solution
            for solution in state.get("solution", Solution)
            if solution.id in kept and solution.task_id in judged
        ]

    async def run(self, state: ShardState) -> StageResult:
        solutions = self._solutions(state)
        suites = {suite.task_id: suite for suite in state.get("suite", TestSuite)}
        limits = limits_of(self._context.recipe.execution)
        requests = [
            ExecutionRequest(
                id=s.id, language=s.language, code=s.code, call=suite_call(suites[s.task_id]), limits=limits
            )
            for s in solutions
        ]
        seen = await self._context.sandbox.execute(requests, state.late_priority)
        verdicts = [
            judge(observation, suites[s.task_id], s.id)
            for s, observation in zip(solutions, seen, strict=True)
        ]
        rows = tuple(
            index_row(
                self.name,
                state,
                solution.id,
                "solution",
                _answer(verdict),
                parents=(solution.task_id,),
                language=solution.language,
                ms=1000 * observation.wall_s,
            )
            for solution, verdict, observation in zip(solutions, verdicts, seen, strict=True)
        )
        return StageResult(rows, {"verdict": verdicts})


def suite_call(suite: TestSuite) -> FunctionCall:
    """The call that a suite asks for, without its expected values."""
    contract = suite.contract
    assert isinstance(contract, FunctionContract), "tasks of the loop have a typed signature"
    return FunctionCall(
        entry_point=contract.entry_point,
        signature=contract.signature,
        arguments=tuple(case.arguments for case in suite.cases),
    )


def _answer(verdict: Verdict) -> Keep | Reject:
    evidence: Evidence = {
        "passed": verdict.passed,
        "total": verdict.total,
        "rank": verdict.rank.value,
        "cpu_s": round(verdict.cpu_s, 4),
    }
    if verdict.outcome is Outcome.PASS:
        return Keep(evidence)
    return Reject(verdict.outcome.value, evidence | {"first_failure": verdict.first_failure[:300]})
