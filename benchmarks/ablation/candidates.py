"""The candidates of one generation phase, read from its run folder; all arms share them.

Place in the flow: `run_round` -> run folder -> here -> `arms`. The one rule: nothing here makes choices.
Tasks too similar to a held-out one are removed from all arms alike, before any arm is made.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from synth.filters.benchmarks import BenchmarkEntry
from synth.filters.decontaminate import Decontaminate
from synth.filters.protocol import FilterInput, Keep, Reject
from synth.prompts.library import PromptLibrary
from synth.records import Decision, IndexRow, Outcome, Solution, Task, TestSuite, Verdict
from synth.stages.execute import ExecuteStage
from synth.stages.shard_state import ShardState, StageResult
from synth.stages.solve import SolveStage, render_solve
from synth.stages.syntax import SyntaxStage
from synth.stages.unit_stage import index_row
from synth.store.shards import StageCommit, iter_records


@dataclass(frozen=True, slots=True)
class Candidates:
    """Tasks with candidates, their suites, all candidates, the ones that parse, and the verdicts on these."""

    tasks: tuple[Task, ...]
    suites: tuple[TestSuite, ...]
    solutions: tuple[Solution, ...]
    parsed: frozenset[str]
    verdicts: tuple[Verdict, ...]

    def without(self, task_ids: frozenset[str]) -> "Candidates":
        """The same candidates without these tasks and everything that belongs to them."""
        return Candidates(
            tuple(task for task in self.tasks if task.id not in task_ids),
            tuple(suite for suite in self.suites if suite.task_id not in task_ids),
            tuple(solution for solution in self.solutions if solution.task_id not in task_ids),
            self.parsed,
            tuple(verdict for verdict in self.verdicts if verdict.task_id not in task_ids),
        )


def read_candidates(run: Path) -> Candidates:
    """All committed candidates of a run folder with one round. Raises StoreError for a damaged shard."""
    commits = StageCommit(run)
    asked = _kept(run, SolveStage.name)
    return Candidates(
        tuple(task for task in commits.iter_bodies(Task) if task.id in asked),
        tuple(suite for suite in commits.iter_bodies(TestSuite) if suite.task_id in asked),
        tuple(commits.iter_bodies(Solution)),
        frozenset(_kept(run, SyntaxStage.name)),
        tuple(commits.iter_bodies(Verdict)),
    )


def _kept(run: Path, stage: str) -> set[str]:
    return {
        found.unit_id
        for found in iter_records(run / "index" / stage, IndexRow)
        if found.decision is Decision.KEPT
    }


def find_contaminated(
    candidates: Candidates, held_out: Sequence[BenchmarkEntry], prompts: PromptLibrary
) -> frozenset[str]:
    """Tasks that the decontamination filter rejects in any of their languages."""
    check = Decontaminate(list(held_out))
    tasks = {task.id: task for task in candidates.tasks}
    asked = sorted({(solution.task_id, solution.language) for solution in candidates.solutions})
    units = [
        FilterInput(id=key, language=language, prompt=_prompt_text(prompts, tasks[key], language))
        for key, language in asked
    ]
    return frozenset(unit.id for unit in units if isinstance(check.check(unit), Reject))


def _prompt_text(prompts: PromptLibrary, task: Task, language: str) -> str:
    return "\n".join(message.content for message in render_solve(prompts, task, language))


def as_state(candidates: Candidates, verdicts: Sequence[Verdict]) -> ShardState:
    """All candidates as one shard that has passed the execution stage with these verdicts, as input for the
    factory's next stages."""
    state = ShardState(1, "all")
    asked = tuple(index_row(SolveStage.name, state, task, Keep()) for task in candidates.tasks)
    units = (*candidates.tasks, *candidates.suites, *candidates.solutions)
    state.add(SolveStage.name, StageResult(asked, units))
    outcomes = {verdict.solution_id: verdict.outcome for verdict in verdicts}
    unread = tuple(
        index_row(SyntaxStage.name, state, solution, Reject("parse_error"))
        for solution in candidates.solutions
        if solution.id not in outcomes
    )
    state.add(SyntaxStage.name, StageResult(unread))
    judged = tuple(
        index_row(ExecuteStage.name, state, solution, _answer(outcomes[solution.id]))
        for solution in candidates.solutions
        if solution.id in outcomes
    )
    state.add(ExecuteStage.name, StageResult(judged, tuple(verdicts)))
    return state


def _answer(outcome: Outcome) -> Keep | Reject:
    return Keep() if outcome is Outcome.PASS else Reject(outcome.value)
