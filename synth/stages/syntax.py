"""The static check before the sandbox: a candidate without code, or whose code does not parse, goes no
further (report, 4.1)."""

from synth.filters.protocol import Keep, Reject
from synth.filters.syntax import check_syntax
from synth.records import Solution
from synth.stages.protocol import Produces, index_row
from synth.stages.shard_state import ShardState, StageResult


class SyntaxStage:
    """Entered: all candidates."""

    name = "syntax"
    upstream: tuple[str, ...] = ("solve",)
    ordered = False
    asks_engine = False
    produces: Produces = {}

    def entering(self, state: ShardState) -> list[str]:
        return [solution.id for solution in state.get("solution", Solution)]

    async def run(self, state: ShardState) -> StageResult:
        return StageResult(
            tuple(
                index_row(
                    self.name,
                    state,
                    solution.id,
                    "solution",
                    _check(solution),
                    parents=(solution.task_id,),
                    language=solution.language,
                )
                for solution in state.get("solution", Solution)
            )
        )


def _check(solution: Solution) -> Keep | Reject:
    if solution.cut:
        return Reject("answer_cut")
    return check_syntax(solution.code, solution.language) if solution.code else Reject("no_code")
