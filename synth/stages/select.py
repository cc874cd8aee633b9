"""From passing solutions to samples: the best of each task and language, short and plain before long
(rejection sampling, report 4.2).

Entered: passing solutions of tasks that count. Kept: up to `per_task` distinct programs of each task and
language, the first of which is the best.
"""

from collections import Counter

from synth.filters.protocol import Keep, Reject
from synth.ids import unit_id
from synth.languages.code_tokens import normalize_code
from synth.records import EvidenceRank, IndexRow, Message, Sample, Solution, Task, TestSuite
from synth.stages.asking import Asker
from synth.stages.evidence import by_task
from synth.stages.protocol import Context, Produces, index_row
from synth.stages.shard_state import ShardState, StageResult
from synth.stages.solve import solve_prompt


class SelectStage:
    """Makes the samples, with the very prompt that was asked."""

    name = "select"
    upstream: tuple[str, ...] = ("evidence",)
    ordered = False
    asks_engine = False
    produces: Produces = {"sample": Sample}

    def __init__(self, context: Context) -> None:
        self._config, self._asker = context.data.select, Asker(context, self.name)

    def entering(self, state: ShardState) -> list[str]:
        return [solution.id for solution in passing(state)]

    async def run(self, state: ShardState) -> StageResult:
        tasks = {task.id: task for task in state.get("task", Task)}
        ranks = {suite.task_id: suite.rank for suite in state.get("suite", TestSuite)}
        groups: dict[tuple[str, str], list[Solution]] = {}
        for solution in passing(state):
            groups.setdefault((solution.task_id, solution.language), []).append(solution)
        solutions = by_task(state).solutions
        rows: list[IndexRow] = []
        samples: list[Sample] = []
        for (task_id, language), group in groups.items():
            asked = sum(1 for solution in solutions[task_id] if solution.language == language)
            chosen = choose_best(group, self._config.per_task)
            for solution in group:
                answer = Keep() if solution.id in chosen else Reject("not_best", {"best": next(iter(chosen))})
                rows.append(
                    index_row(
                        self.name,
                        state,
                        solution.id,
                        "solution",
                        answer,
                        parents=(task_id,),
                        language=language,
                    )
                )
                if solution.id in chosen:
                    samples.append(self._sample(tasks[task_id], solution, len(group) / asked, ranks[task_id]))
        return StageResult(tuple(rows), {"sample": samples})

    def _sample(self, task: Task, solution: Solution, pass_rate: float, rank: EvidenceRank) -> Sample:
        return Sample(
            id=unit_id("sample", solution.id),
            task_id=task.id,
            solution_id=solution.id,
            language=solution.language,
            natural_language=task.natural_language,
            prompt=solve_prompt(self._asker, task, solution.language),
            completion=answer_messages(solution),
            pass_rate=round(pass_rate, 4),
            rank=rank,
        )


def answer_messages(solution: Solution) -> tuple[Message, ...]:
    """A solution as an assistant's turn: one fenced block."""
    return (Message(role="assistant", content=f"```{solution.language}\n{solution.code}\n```"),)


def passing(state: ShardState) -> list[Solution]:
    """Passing solutions of the tasks that count."""
    tasks, passed = state.kept("evidence"), state.kept("execute")
    return [
        solution
        for solution in state.get("solution", Solution)
        if solution.id in passed and solution.task_id in tasks
    ]


def choose_best(group: list[Solution], count: int) -> dict[str, None]:
    """Ids of up to `count` distinct programs: the one that was written most often first, then the shorter
    one.

    Programs that differ in layout alone are one program, and the layout that was written most often stands
    for it.
    """
    programs: dict[str, list[Solution]] = {}
    for solution in group:
        programs.setdefault(normalize_code(solution.code, solution.language), []).append(solution)
    ranked = sorted(programs.values(), key=lambda same: (-len(same), len(same[0].code), same[0].index))
    return dict.fromkeys(_usual_layout(same).id for same in ranked[:count])


def _usual_layout(same: list[Solution]) -> Solution:
    """The first of those whose text was written most often."""
    written = Counter(solution.code for solution in same)
    return max(same, key=lambda solution: (written[solution.code], -solution.index))
