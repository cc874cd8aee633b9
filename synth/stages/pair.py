"""From verdicts to preference pairs: chosen passes and rejected fails the same tests.

Entered: tasks that count, once per language in which they have candidates. Kept: those that give at least one
pair. A task with a contaminated sample gives none, because the prompt is the same.
"""

import json
from collections.abc import Mapping, Sequence
from typing import ClassVar, Final

from synth.filters.protocol import Keep, Reject
from synth.ids import derive_random, unit_id
from synth.products import Pair, Sample
from synth.records import Outcome, Task, TestSuite, Unit, Verdict
from synth.rules.pairing import JudgedSolution, LengthBalance, PairChoice, PairingResult, make_pairs
from synth.rules.speed_pairs import Timed, Timing, choose_speed_pairs
from synth.stages.asking import Asker
from synth.stages.context import Context
from synth.stages.evidence import EvidenceStage, Judgements, read_judgements
from synth.stages.select import answer_messages
from synth.stages.shard_state import ShardState
from synth.stages.solve import solve_prompt
from synth.stages.unit_stage import Decided, UnitStage, Upstream
from synth.thresholds import Threshold

THRESHOLDS: Final = (
    Threshold(
        stage="pair",
        reasons=("pair_margin",),
        measure="fitting_gap",
        keeps=">=",
        key="data.pairs.min_gap",
        alone=True,
        sentence="Two answers of fitting length differ by at least {limit} in their shares of passed tests.",
        caveat="It counts tasks that give a pair at all, not pairs.",
    ),
    Threshold(
        stage="pair",
        reasons=("pair_margin",),
        measure="clear_log_ratio",
        keeps="<=",
        key="data.pairs.max_length_ratio",
        is_ratio=True,
        alone=True,
        sentence="Of two answers that differ clearly, one is at most {limit} times as long as the other.",
        caveat="It counts tasks that give a pair at all, not pairs. Measured is the logarithm of the ratio.",
    ),
)


class TaskInLanguage(Unit):
    """A task in one of the languages in which it was solved."""

    kind: ClassVar[str] = "task"
    about: ClassVar[str] = "a task in one language"
    parents: ClassVar[tuple[str, ...]] = ("task_id",)

    task_id: str
    language: str

    @property
    def unit_id(self) -> str:
        return f"{self.task_id}.{self.language}"


class PairStage(UnitStage[TaskInLanguage]):
    """Ordered, because it balances the lengths of chosen and rejected answers over the whole round."""

    name = "pair"
    unit = TaskInLanguage
    makes: ClassVar[tuple[type[Unit], ...]] = (Pair,)
    ordered = True

    def __init__(self, context: Context, last_filter: Upstream) -> None:
        assert context.data.pairs is not None
        self.upstream = (EvidenceStage, last_filter)
        self._config, self._context = context.data.pairs, context
        self._asker = Asker(context, self.name)
        self._balance = LengthBalance()

    def entering(self, state: ShardState) -> list[TaskInLanguage]:
        judged = read_judgements(state)
        return [
            TaskInLanguage(task_id=task.id, language=language)
            for task in state.survivors(Task)
            for language in sorted(
                {
                    solution.language
                    for solution in judged.solutions[task.id]
                    if solution.id in judged.verdicts
                }
            )
        ]

    async def decide(self, units: Sequence[TaskInLanguage], state: ShardState) -> list[Decided]:
        tasks = {task.id: task for task in state.get(Task)}
        judged, tainted = read_judgements(state), contaminated_tasks(state)
        decided: dict[str, Decided] = {}
        for task_id in dict.fromkeys(unit.task_id for unit in units):
            if task_id not in tainted:
                decided |= self._pair_task(tasks[task_id], judged, state)
        refused = Decided(Reject("contaminated"))
        return [decided.get(unit.unit_id, refused) for unit in units]

    def _pair_task(self, task: Task, judged: Judgements, state: ShardState) -> dict[str, Decided]:
        """The pairs of one task in each language."""
        suite = [suite for suite in state.get(TestSuite) if suite.task_id == task.id][-1]
        if suite.rank not in self._config.ranks:
            refused = Decided(Reject("unwanted_rank", {"rank": suite.rank.value}))
            languages = {solution.language for solution in judged.solutions[task.id]}
            return {f"{task.id}.{language}": refused for language in languages}
        candidates = [
            JudgedSolution(solution, judged.verdicts[solution.id])
            for solution in judged.solutions[task.id]
            if solution.id in judged.verdicts
        ]
        random = derive_random(self._context.recipe.seed, self.name, task.id)
        results = make_pairs(task, candidates, self._config, random, self._balance)
        times = {one.solution_id: one for one in state.get(Timing)}
        timed = [
            Timed(one.solution, times[one.solution.id]) for one in candidates if one.solution.id in times
        ]
        return {
            f"{task.id}.{result.language}": self._decided(task, result, suite, timed) for result in results
        }

    def _decided(
        self, task: Task, result: PairingResult, suite: TestSuite, timed: Sequence[Timed]
    ) -> Decided:
        answer = result.reject or Keep({"pairs": len(result.pairs), **result.margins})
        pairs = tuple(self._pair(task, choice, suite) for choice in result.pairs)
        by_speed = self._by_speed(
            task, suite, [one for one in timed if one.solution.language == result.language]
        )
        if by_speed:
            answer = Keep({"pairs": len(pairs), **answer.evidence, "by_speed": len(by_speed)})
        return Decided(answer, (*pairs, *by_speed))

    def _by_speed(self, task: Task, suite: TestSuite, timed: Sequence[Timed]) -> tuple[Pair, ...]:
        """The pairs of right programs, the fast one chosen."""
        if self._config.speed is None:
            return ()
        return tuple(
            self._pair(
                task,
                PairChoice(_right(fast, suite), _right(slow, suite)),
                suite,
                by="speed",
                figures={
                    "ratio": round(ratio, 3),
                    "fast_ms": list(fast.timing.cpu_ms),
                    "slow_ms": list(slow.timing.cpu_ms),
                    "factor": fast.timing.factor,
                    "calls": fast.timing.calls,
                },
            )
            for fast, slow, ratio in choose_speed_pairs(
                timed, self._config.speed, self._config.max_length_ratio
            )
        )

    def _pair(
        self,
        task: Task,
        choice: PairChoice,
        suite: TestSuite,
        by: str = "tests",
        figures: Mapping[str, object] | None = None,
    ) -> Pair:
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
            by=by,
            figures=json.dumps(figures, sort_keys=True) if figures else "",
        )


def _right(timed: Timed, suite: TestSuite) -> JudgedSolution:
    """A program that was timed has passed: its verdict, in short."""
    count = len(suite.cases) - suite.hidden
    verdict = Verdict(
        solution_id=timed.solution.id,
        task_id=suite.task_id,
        outcome=Outcome.PASS,
        passed=count,
        total=count,
        rank=suite.rank,
    )
    return JudgedSolution(timed.solution, verdict)


def contaminated_tasks(state: ShardState) -> set[str]:
    """Tasks with a sample that was rejected as contaminated."""
    tainted = state.ids_with_reason("contaminated")
    return {sample.task_id for sample in state.get(Sample) if sample.id in tainted}
