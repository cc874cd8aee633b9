"""The static check before the sandbox: rejects candidates without code, code that does not parse
(Qwen2.5-Coder report, 4.1), and code that imports the seed which it should write."""

import asyncio
from collections.abc import Sequence

from synth.filters.protocol import Keep, Reject
from synth.filters.seed_import import check_seed_import, seed_module
from synth.filters.syntax import check_syntax
from synth.records import Seed, Solution, Task
from synth.seeds.python.self_contained import last_function
from synth.stages.shard_state import ShardState
from synth.stages.solve import SolveStage
from synth.stages.unit_stage import Decided, UnitStage, Upstream


class SyntaxStage(UnitStage[Solution]):
    """Entered: all candidates."""

    name = "syntax"
    unit = Solution
    upstream: tuple[Upstream, ...] = (SolveStage,)

    async def decide(self, units: Sequence[Solution], state: ShardState) -> list[Decided]:
        seeds = _importable_seeds(state)
        checked = (asyncio.to_thread(_check, one, seeds.get(one.task_id)) for one in units)
        return [Decided(found) for found in await asyncio.gather(*checked)]


def _importable_seeds(state: ShardState) -> dict[str, tuple[str, str]]:
    """The seed's module and name, of each task whose seed a program could import."""
    seeds = {seed.id: seed for seed in state.get(Seed)}
    found = {}
    for task in state.get(Task):
        seed = seeds.get(task.seed_id)
        if seed is not None and (module := seed_module(seed.origin, seed.language)):
            found[task.id] = (module, last_function(seed.code))
    return found


def _check(solution: Solution, seed: tuple[str, str] | None) -> Keep | Reject:
    if solution.cut:
        return Reject("answer_cut")
    if not solution.code:
        return Reject("no_code")
    answer = check_syntax(solution.code, solution.language)
    if seed is None or solution.language != "python" or isinstance(answer, Reject):
        return answer
    own = check_seed_import(solution.code, *seed)
    return own if isinstance(own, Reject) else answer
