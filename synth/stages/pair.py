"""From verdicts to preference pairs: chosen passes and rejected fails the same tests.

Entered: tasks that count, once for each language in which they have candidates. Kept: those that give at
least one pair. A task of which a sample was found contaminated gives none: the prompt is the same.
"""

from synth.filters.protocol import Keep, Reject
from synth.ids import derive_random, unit_id
from synth.records import IndexRow, Pair, Sample, Task, TestSuite
from synth.rules.pairing import JudgedSolution, LengthBalance, PairChoice, PairingResult, make_pairs
from synth.stages.asking import Asker
from synth.stages.evidence import by_task
from synth.stages.protocol import Context, Produces, index_row
from synth.stages.select import answer_messages
from synth.stages.shard_state import ShardState, StageResult
from synth.stages.solve import solve_prompt


class PairStage:
    """Ordered, because it balances the lengths of chosen and rejected answers over the whole round."""

    name = "pair"
    ordered = True
    asks_engine = False
    produces: Produces = {"pair": Pair}

    def __init__(self, context: Context, after: str) -> None:
        """`after` is the last filter."""
        assert context.data.pairs is not None
        self.upstream: tuple[str, ...] = ("evidence", after)
        self._config, self._context = context.data.pairs, context
        self._asker = Asker(context, self.name)
        self._balance = LengthBalance()

    def entering(self, state: ShardState) -> list[str]:
        return [
            _unit(task.id, language)
            for task in self._tasks(state)
            for language in self._languages(task.id, state)
        ]

    def _tasks(self, state: ShardState) -> list[Task]:
        kept = state.kept("evidence")
        return [task for task in state.get("task", Task) if task.id in kept]

    @staticmethod
    def _languages(task_id: str, state: ShardState) -> list[str]:
        judged = by_task(state)
        return sorted(
            {solution.language for solution in judged.solutions[task_id] if solution.id in judged.verdicts}
        )

    async def run(self, state: ShardState) -> StageResult:
        judged = by_task(state)
        suites = {suite.task_id: suite for suite in state.get("suite", TestSuite)}
        tainted = contaminated_tasks(state)
        rows: list[IndexRow] = []
        pairs: list[Pair] = []
        for task in self._tasks(state):
            if task.id in tainted:
                refused = Reject("contaminated")
                rows += [
                    self._row(task, PairingResult(language, (), refused), state)
                    for language in self._languages(task.id, state)
                ]
                continue
            candidates = [
                JudgedSolution(s, judged.verdicts[s.id])
                for s in judged.solutions[task.id]
                if s.id in judged.verdicts
            ]
            random = derive_random(self._context.recipe.seed, self.name, task.id)
            for result in make_pairs(task, candidates, self._config, random, self._balance):
                rows.append(self._row(task, result, state))
                pairs += [self._pair(task, choice, suites[task.id]) for choice in result.pairs]
        return StageResult(tuple(rows), {"pair": pairs})

    def _row(self, task: Task, result: PairingResult, state: ShardState) -> IndexRow:
        answer = result.reject or Keep({"pairs": len(result.pairs)})
        return index_row(
            self.name,
            state,
            _unit(task.id, result.language),
            "task",
            answer,
            parents=(task.id,),
            language=result.language,
        )

    def _pair(self, task: Task, choice: PairChoice, suite: TestSuite) -> Pair:
        chosen, rejected = choice
        return Pair(
            id=unit_id("pair", chosen.solution.id, rejected.solution.id),
            task_id=task.id,
            language=chosen.solution.language,
            prompt=solve_prompt(self._asker, task, chosen.solution.language),
            chosen=answer_messages(chosen.solution),
            rejected=answer_messages(rejected.solution),
            chosen_id=chosen.solution.id,
            rejected_id=rejected.solution.id,
            chosen_pass=chosen.pass_share,
            rejected_pass=round(rejected.pass_share, 4),
            rejected_outcome=rejected.verdict.outcome,
            rank=suite.rank,
        )


def contaminated_tasks(state: ShardState) -> set[str]:
    """Tasks of which the decontamination filter turned a sample away; none where the recipe has no such
    filter."""
    turned_away = state.rejected("decontaminate")
    return {sample.task_id for sample in state.get("sample", Sample) if sample.id in turned_away}


def _unit(task_id: str, language: str) -> str:
    return f"{task_id}.{language}"
