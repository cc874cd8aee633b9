"""How fast the right programs of a task are, on inputs larger than those of its tests.

Entered: tasks that count, once per language in which at least one program passes. Kept: those with several
distinct programs whose times can be told from noise. The one rule: only CPU time beyond a program's start
counts, each repeat does other work than the one before (no cache can answer it), and every second repeat runs
the programs in the opposite order.
"""

import asyncio
from collections.abc import Sequence
from typing import ClassVar, NamedTuple

from synth.filters.protocol import Evidence, Keep, Reject
from synth.ids import content_hash
from synth.languages.code_tokens import normalize_code
from synth.products import SPEED_STAGE
from synth.records import (
    ExecutionRequest,
    FunctionContract,
    Observation,
    Outcome,
    Solution,
    Stop,
    Task,
    TestSuite,
    Unit,
)
from synth.rules.canonical import canonical_outputs
from synth.rules.limits import find_limits
from synth.rules.reference_judging import find_fault
from synth.rules.speed_pairs import SIZES, Row, Size, Timing, enlarge, largest_rows, spread, spread_out
from synth.stages.context import Context
from synth.stages.evidence import EvidenceStage, read_judgements
from synth.stages.pair import TaskInLanguage
from synth.stages.running import SandboxFault, run_each
from synth.stages.shard_state import ShardState
from synth.stages.unit_stage import Decided, UnitStage, Upstream


class TimedRun(NamedTuple):
    """One run of a program. `cpu_s` is that of the whole process; `results` is empty if it did not end."""

    cpu_s: float
    results: str
    fault: Reject | None


class SpeedStage(UnitStage[TaskInLanguage]):
    """Times programs. One task at a time, so that its programs share the machine with few others."""

    name = SPEED_STAGE
    unit = TaskInLanguage
    upstream: tuple[Upstream, ...] = (EvidenceStage,)
    makes: ClassVar[tuple[type[Unit], ...]] = (Timing,)

    def __init__(self, context: Context) -> None:
        assert context.data.pairs is not None and context.data.pairs.speed is not None
        self._config, self._sandbox = context.data.pairs.speed, context.sandbox
        self._limits = find_limits(context.recipe.execution)
        self._turn = asyncio.Lock()

    def entering(self, state: ShardState) -> list[TaskInLanguage]:
        tasks = {task.id: task for task in state.survivors(Task)}
        found = {
            (one.task_id, one.language): None
            for one in _passing(state)
            if one.task_id in tasks and isinstance(tasks[one.task_id].contract, FunctionContract)
        }
        return [TaskInLanguage(task_id=task_id, language=language) for task_id, language in found]

    async def decide(self, units: Sequence[TaskInLanguage], state: ShardState) -> list[Decided]:
        suites = {suite.task_id: suite for suite in state.get(TestSuite)}
        passing = _passing(state)
        decided = []
        for unit in units:
            own = [one for one in passing if (one.task_id, one.language) == (unit.task_id, unit.language)]
            programs = _distinct(own)[: self._config.programs]
            if len(programs) < 2:
                decided.append(Decided(Reject("no_speed_pair", {"programs": len(programs)})))
                continue
            try:
                async with self._turn:
                    decided.append(await self._time(programs, suites[unit.task_id], state.late_priority))
            except SandboxFault as fault:
                decided.append(Decided(fault.reject))
        return decided

    async def _time(self, programs: list[Solution], suite: TestSuite, priority: int) -> Decided:
        rows = largest_rows(suite.cases, self._config.rows)
        if not rows:
            return Decided(Reject("no_speed_pair", {"programs": len(programs), "rows": 0}))
        size, left = SIZES[0], programs
        for tried in SIZES:
            seen = await self._run(left, suite, rows, tried, 0, priority)
            ended = [one for one, run in zip(left, seen, strict=True) if run.results]
            if len(ended) < 2:
                break  # too large for most of them: the size before it is the largest
            size, left = tried, ended
            start = await self._starts(ended, suite, rows, priority)
            times = [run.cpu_s for run in seen if run.results]
            if 1000 * max(whole - begun for whole, begun in zip(times, start, strict=True)) >= (
                2 * self._config.least_ms
            ):
                break
        return await self._repeat(left, suite, rows, size, priority)

    async def _repeat(
        self, programs: list[Solution], suite: TestSuite, rows: Sequence[Row], size: Size, priority: int
    ) -> Decided:
        times: dict[str, list[float]] = {one.id: [] for one in programs}
        results: dict[str, str] = {}
        for repeat in range(self._config.repeats):
            order = programs[::-1] if repeat % 2 else programs
            start = await self._starts(order, suite, rows, priority)
            seen = await self._run(order, suite, rows, size, repeat + 1, priority)
            for program, begun, run in zip(order, start, seen, strict=True):
                if not run.results or results.setdefault(program.id, run.results) != run.results:
                    times.pop(program.id, None)
                elif program.id in times:
                    times[program.id].append(round(1000 * max(0.0, run.cpu_s - begun), 3))
        made = tuple(
            Timing(
                solution_id=one.id,
                task_id=one.task_id,
                cpu_ms=tuple(times[one.id]),
                factor=size.factor,
                calls=size.calls,
                results=results[one.id],
            )
            for one in programs
            if one.id in times
        )
        evidence: Evidence = {"programs": len(made), "factor": size.factor, "calls": size.calls}
        if made:
            evidence |= {"slowest_ms": max(min(one.cpu_ms) for one in made), "spread": spread(made)}
        if len(made) < 2:
            return Decided(Reject("no_speed_pair", evidence))
        return Decided(Keep(evidence), made)

    async def _starts(
        self, programs: Sequence[Solution], suite: TestSuite, rows: Sequence[Row], priority: int
    ) -> list[float]:
        """The CPU seconds of one call on the smallest of the rows."""
        seen = await self._run(programs, suite, rows[-1:], Size(1, 1), 0, priority)
        return [run.cpu_s for run in seen]

    async def _run(
        self,
        programs: Sequence[Solution],
        suite: TestSuite,
        rows: Sequence[Row],
        size: Size,
        more: int,
        priority: int,
    ) -> list[TimedRun]:
        """One run of each, with `more` calls on the first row. Raises SandboxFault."""
        grown = (make(row, size.factor) for row in rows for make in (enlarge, spread_out))
        large = list(dict.fromkeys(grown))
        asked = [*large * size.calls, *large[:1] * more]
        requests = [
            ExecutionRequest(
                id=f"speed-{one.id}",
                language=one.language,
                code=one.code,
                call=suite.contract.call(asked),
                limits=self._limits,
            )
            for one in programs
        ]

        def read(_: int, seen: Observation) -> TimedRun:
            outputs = canonical_outputs(seen)
            ended = seen.finished and seen.stop is Stop.NONE and bool(outputs)
            distinct = [outputs.get(at, "") for at in range(len(large))]  # it may refuse a larger input
            return TimedRun(seen.cpu_s, content_hash(distinct) if ended else "", find_fault(seen))

        found = await run_each(self._sandbox, requests, read, priority)
        if fault := next((run.fault for run in found if run.fault is not None), None):
            raise SandboxFault(fault)
        return found


def _passing(state: ShardState) -> list[Solution]:
    judged = read_judgements(state)
    return [
        one
        for solutions in judged.solutions.values()
        for one in solutions
        if one.id in judged.verdicts and judged.verdicts[one.id].outcome is Outcome.PASS
    ]


def _distinct(solutions: Sequence[Solution]) -> list[Solution]:
    """The first of each program, whatever its layout."""
    found: dict[str, Solution] = {}
    for one in solutions:
        found.setdefault(normalize_code(one.code, one.language), one)
    return list(found.values())
