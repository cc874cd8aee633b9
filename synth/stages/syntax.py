"""The static check before the sandbox: rejects candidates without code, code that does not parse
(Qwen2.5-Coder report, 4.1), code that nowhere names the function to write, and code that imports the seed.

The one rule: what fails here has no verdict, so a fault of form is never a label.
"""

import asyncio
import re
from collections.abc import Sequence

from synth.filters.protocol import Keep, Reject
from synth.filters.seed_import import check_seed_import, seed_module
from synth.filters.syntax import check_syntax
from synth.records import FunctionContract, Seed, Solution, Task
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
        check = CandidateCheck(state)
        checked = (asyncio.to_thread(check.check, one) for one in units)
        return [Decided(found) for found in await asyncio.gather(*checked)]


def _entry_points(state: ShardState) -> dict[str, str]:
    """The name that a program must define, of each task that names one."""
    return {
        task.id: task.contract.entry_point
        for task in state.get(Task)
        if isinstance(task.contract, FunctionContract)
    }


def _names(code: str, entry_point: str) -> bool:
    """Whether the name stands in the text as a word; some languages do not tell capitals apart."""
    return re.search(rf"(?<!\w){re.escape(entry_point)}(?!\w)", code, re.IGNORECASE) is not None


def _importable_seeds(state: ShardState) -> dict[str, tuple[str, str]]:
    """The seed's module and name, of each task whose seed a program could import."""
    seeds = {seed.id: seed for seed in state.get(Seed)}
    found = {}
    for task in state.get(Task):
        seed = seeds.get(task.seed_id)
        if seed is not None and (module := seed_module(seed.origin, seed.language)):
            found[task.id] = (module, seed.entry_point.rpartition(".")[2] or last_function(seed.code))
    return found


class CandidateCheck:
    """The check of this stage, for answers that come later than it."""

    def __init__(self, state: ShardState) -> None:
        self._seeds, self._names = _importable_seeds(state), _entry_points(state)

    def check(self, solution: Solution) -> Keep | Reject:
        """Whether the program can be run as an answer to its task."""
        return _check(solution, self._names.get(solution.task_id, ""), self._seeds.get(solution.task_id))


def _check(solution: Solution, entry_point: str, seed: tuple[str, str] | None) -> Keep | Reject:
    if solution.cut:
        return Reject("answer_cut")
    if not solution.code:
        return Reject("no_code")
    answer = check_syntax(solution.code, solution.language)
    if not isinstance(answer, Reject) and entry_point and not _names(solution.code, entry_point):
        return Reject("wrong_name", {"wanted": entry_point})
    if seed is None or solution.language != "python" or isinstance(answer, Reject):
        return answer
    own = check_seed_import(solution.code, *seed)
    return own if isinstance(own, Reject) else answer
