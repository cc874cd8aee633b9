"""The last tests of a suite, which real wrong candidates choose: those that pass what selection sees of it
and differ from the reference elsewhere.

Entered: tasks with a suite that stands on a reference, and with candidates. Kept: all of them; a suite that
gets more tests takes the place of the one before. The one rule: the expected values are the reference's, on
inputs that the task allows; candidates only say which inputs are worth a test.
"""

import asyncio
from collections.abc import Collection, Sequence
from itertools import islice
from typing import ClassVar, Final

from synth.filters.protocol import Evidence, Keep
from synth.languages.code_tokens import normalize_code
from synth.languages.holding import why_not_held
from synth.languages.registry import get_language
from synth.records import (
    Case,
    EvidenceRank,
    ExecutionRequest,
    InputValidator,
    Observation,
    Reference,
    Seed,
    Solution,
    Task,
    TestSuite,
    Unit,
)
from synth.rules.canonical import without_long_outputs
from synth.rules.limits import find_limits
from synth.rules.sharper_suite import choose_added
from synth.rules.strong_suite import find_wrong
from synth.stages.context import Context
from synth.stages.input_programs import Validator
from synth.stages.inputs import find_demands, written_rows
from synth.stages.running import Run, SandboxFault, run_each
from synth.stages.shard_state import ShardState
from synth.stages.strengthen import SuiteSearch
from synth.stages.syntax import SyntaxStage
from synth.stages.unit_stage import Decided, UnitStage, Upstream

AT_ONCE: Final = 4
"""Tasks of a shard whose pools are searched at the same time."""
POOL: Final = 120
"""Other inputs that candidates are run on."""


class SharpenStage(UnitStage[Task]):
    """Adds the tests that catch candidates which would be accepted otherwise."""

    name = "sharpen"
    unit = Task
    upstream: tuple[Upstream, ...] = (SyntaxStage,)
    makes: ClassVar[tuple[type[Unit], ...]] = (TestSuite,)

    def __init__(self, context: Context) -> None:
        self._context, self._config = context, context.data.inputs
        self._limits = find_limits(context.recipe.execution)

    def entering(self, state: ShardState) -> list[Task]:
        suites = {suite.task_id: suite for suite in state.get(TestSuite)}
        run = {
            one.seed_id for one in state.get(Reference) if one.rank is EvidenceRank.REFERENCE and one.cases
        }
        solved = {solution.task_id for solution in state.survivors(Solution)}
        return [
            task
            for task in super().entering(state)
            if task.id in suites
            and task.id in solved
            and task.seed_id in run
            and suites[task.id].rank is EvidenceRank.REFERENCE
            and task.contract.kind != "stdio"
        ]

    async def decide(self, units: Sequence[Task], state: ShardState) -> list[Decided]:
        suites = {suite.task_id: suite for suite in state.get(TestSuite)}
        references = {reference.seed_id: reference for reference in state.get(Reference)}
        validators = {one.task_id: one.code for one in state.get(InputValidator)}
        examples = {seed.id: seed.examples for seed in state.get(Seed)}
        solutions = state.survivors(Solution)
        turn = asyncio.Semaphore(AT_ONCE)

        async def run(requests: Sequence[ExecutionRequest]) -> list[Observation]:
            return await run_each(
                self._context.sandbox, requests, lambda _, one: without_long_outputs(one), state.late_priority
            )

        async def sharpen(task: Task) -> Decided:
            reference, suite = references[task.seed_id], suites[task.id]
            stated = examples.get(task.seed_id, ())
            written = written_rows(reference, stated)
            good = written_rows(reference, [one for one in stated if not one.raises])
            code = validators.get(task.id)
            validator = Validator(code, task.contract, run, self._limits) if code else None
            search = SuiteSearch(self._config, self._limits, self._context.recipe.seed, suite.compare, run)
            known = [case.arguments for case in (*suite.cases, *reference.cases)]
            try:
                async with turn:
                    demands = find_demands(reference, good)
                    pool = await search.find_pool(reference, written, known, demands, validator)
                    mine = _distinct([one for one in solutions if one.task_id == task.id])
                    return await self._choose(reference, suite, pool, mine, search, run)
            except SandboxFault as fault:
                return Decided(fault.reject)

        return list(await asyncio.gather(*map(sharpen, units)))

    async def _choose(
        self,
        reference: Reference,
        suite: TestSuite,
        pool: Sequence[Case],
        solutions: Sequence[Solution],
        search: SuiteSearch,
        run: Run,
    ) -> Decided:
        known = {case.arguments for case in suite.cases}
        languages = {one.language for one in solutions}
        fresh = (case for case in pool if case.arguments not in known and _is_held(case, suite, languages))
        pool = list(islice(fresh, POOL))
        count = len(suite.cases) - suite.hidden
        whole = suite.model_copy(update={"cases": (*suite.cases[:count], *pool), "hidden": 0})
        seen = await run([self._request(one, whole) for one in solutions]) if pool else []
        found = [wrong for one in seen if (wrong := find_wrong(one, whole)) is not None]
        added = choose_added(
            [wrong[:count] for wrong in found],
            [wrong[count:] for wrong in found],
            [case.expected or f"! {case.raises}" for case in pool],
        )
        cases = (
            await search.without_unstable(reference, [pool[at] for at in added.chosen])
            if added.chosen
            else []
        )
        evidence: Evidence = {
            "candidates": len(found),
            "passing": added.passing,
            "caught": added.caught if cases else 0,
            "added": len(cases),
        }
        if not cases:
            return Decided(Keep(evidence))
        more = (*suite.cases[:count], *cases, *suite.cases[count:])
        return Decided(Keep(evidence), (suite.model_copy(update={"cases": more}),))

    def _request(self, solution: Solution, suite: TestSuite) -> ExecutionRequest:
        return ExecutionRequest(
            id=f"sharpen-{solution.id}",
            language=solution.language,
            code=solution.code,
            call=suite.call(),
            limits=self._limits,
        )


def _is_held(case: Case, suite: TestSuite, languages: Collection[str]) -> bool:
    """Whether all of the languages can be asked for the case."""
    return not any(why_not_held(get_language(language), suite.contract, [case]) for language in languages)


def _distinct(solutions: Sequence[Solution]) -> list[Solution]:
    """One of each program, whatever its layout."""
    found: dict[tuple[str, str], Solution] = {}
    for solution in solutions:
        found.setdefault((solution.language, normalize_code(solution.code, solution.language)), solution)
    return list(found.values())
