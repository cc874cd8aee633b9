"""The static check before the sandbox: rejects candidates without code and code that does not parse
(Qwen2.5-Coder report, 4.1)."""

import asyncio
from collections.abc import Sequence

from synth.filters.protocol import Keep, Reject
from synth.filters.syntax import check_syntax
from synth.records import Solution
from synth.stages.shard_state import ShardState
from synth.stages.solve import SolveStage
from synth.stages.unit_stage import Decided, UnitStage, Upstream


class SyntaxStage(UnitStage[Solution]):
    """Entered: all candidates."""

    name = "syntax"
    unit = Solution
    upstream: tuple[Upstream, ...] = (SolveStage,)

    async def decide(self, units: Sequence[Solution], state: ShardState) -> list[Decided]:
        checked = (asyncio.to_thread(_check, solution) for solution in units)
        return [Decided(found) for found in await asyncio.gather(*checked)]


def _check(solution: Solution) -> Keep | Reject:
    if solution.cut:
        return Reject("answer_cut")
    return check_syntax(solution.code, solution.language) if solution.code else Reject("no_code")
