"""The labelled answers of a round: every sample that survived as a good one, every candidate that failed as a
bad one, for KTO.

Entered: tasks that count, after all filters and after the pairs. Kept: those that give a row. The one rule:
a candidate is bad if its program failed the tests of a task that counts; what was never judged, and what is
equal but for its layout to a program that passed, is neither good nor bad; and what stands in a pair is left
to the pair, unless the recipe wants both.
"""

from collections.abc import Iterator, Sequence
from typing import ClassVar, Final

from synth.choice_records import LabelledSolution
from synth.config import Recipe
from synth.filters.protocol import Keep, Reject
from synth.ids import unit_id
from synth.languages.code_tokens import normalize_code
from synth.products import Pair, Sample
from synth.records import EvidenceRank, Outcome, Solution, Task, TestSuite, Unit
from synth.select_config import LabelsConfig
from synth.stages.asking import Asker
from synth.stages.context import Context
from synth.stages.evidence import EvidenceStage, Judgements, read_judgements
from synth.stages.pair import PairStage, contaminated_tasks
from synth.stages.select import answer_messages
from synth.stages.shard_state import ShardState
from synth.stages.solve import solve_prompt
from synth.stages.unit_stage import Decided, UnitStage, Upstream

_NO_LABEL: Final = frozenset(
    (Outcome.PASS, Outcome.VACUOUS, Outcome.INFRASTRUCTURE, Outcome.TOOLCHAIN_MISSING)
)
"""Outcomes that do not show that a program is wrong."""


def labels_of(recipe: Recipe) -> LabelsConfig | None:
    """How the recipe wants its labelled answers; None if it wants none."""
    assert recipe.data is not None
    if recipe.data.labels is not None or recipe.kto is None:
        return recipe.data.labels
    return LabelsConfig()


class LabelStage(UnitStage[Task]):
    """Ordered, because it follows filters that remember, and the pairs."""

    name = "label"
    unit = Task
    makes: ClassVar[tuple[type[Unit], ...]] = (LabelledSolution,)
    ordered = True

    def __init__(self, context: Context, config: LabelsConfig, last_filter: Upstream) -> None:
        self.upstream = (EvidenceStage, PairStage, last_filter)
        self._config, self._asker = config, Asker(context, self.name)

    async def decide(self, units: Sequence[Task], state: ShardState) -> list[Decided]:
        judged, tainted = read_judgements(state), contaminated_tasks(state)
        good = {sample.solution_id for sample in state.survivors(Sample)}
        paired = set[str]() if self._config.in_pairs else _paired(state)
        ranks = {suite.task_id: suite.rank for suite in state.get(TestSuite)}
        return [
            Decided(Reject("contaminated"))
            if task.id in tainted
            else _decided([*self._label(task, judged, good, paired, ranks[task.id])])
            for task in units
        ]

    def _label(
        self, task: Task, judged: Judgements, good: set[str], paired: set[str], rank: EvidenceRank
    ) -> Iterator[LabelledSolution]:
        """First the good answers of a task, then the bad ones, each program once."""
        solutions = [one for one in judged.solutions[task.id] if one.id in judged.verdicts]
        outcomes = {one.id: judged.verdicts[one.id].outcome for one in solutions}
        seen = {_text(one) for one in solutions if outcomes[one.id] in _NO_LABEL or one.id in paired}
        # what passed is no bad answer, however it is laid out
        for solution in solutions:
            if solution.id in good and solution.id not in paired:
                yield self._answer(task, solution, Outcome.PASS, rank)
        for solution in solutions:
            if outcomes[solution.id] not in _NO_LABEL and _text(solution) not in seen:
                seen.add(_text(solution))
                yield self._answer(task, solution, outcomes[solution.id], rank)

    def _answer(
        self, task: Task, solution: Solution, outcome: Outcome, rank: EvidenceRank
    ) -> LabelledSolution:
        return LabelledSolution(
            id=unit_id("labelled", solution.id),
            task_id=task.id,
            solution_id=solution.id,
            language=solution.language,
            outcome=outcome,
            prompt=solve_prompt(self._asker, task, solution.language),
            completion=answer_messages(solution),
            label=outcome is Outcome.PASS,
            rank=rank,
        )


def _decided(made: Sequence[LabelledSolution]) -> Decided:
    if not made:
        return Decided(Reject("no_label"))
    good = sum(one.label for one in made)
    return Decided(Keep({"good": good, "bad": len(made) - good}), tuple(made))


def _paired(state: ShardState) -> set[str]:
    return {side for pair in state.get(Pair) for side in (pair.chosen_id, pair.rejected_id)}


def _text(solution: Solution) -> tuple[str, str]:
    return solution.language, normalize_code(solution.code, solution.language)
