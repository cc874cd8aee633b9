"""From passing solutions to samples: the best of each task and language, by how good they are to learn from
(rejection sampling; Qwen2.5-Coder report, 4.2).

Entered: passing solutions of tasks that count, by evidence of a rank that the recipe takes. Kept: up to
`per_task` distinct programs of each task and language, the first of which is the best.
"""

from collections import Counter, defaultdict
from collections.abc import Sequence
from statistics import median
from typing import ClassVar, Final

from synth.filters.protocol import Evidence, Keep, Reject
from synth.ids import unit_id
from synth.languages.code_tokens import normalize_code
from synth.products import Sample
from synth.records import (
    CodingProblem,
    EvidenceRank,
    Message,
    Seed,
    Solution,
    Task,
    TestSuite,
    Unit,
)
from synth.rules.reasoning_text import before_answer
from synth.rules.solution_quality import score_solution
from synth.rules.structure_distance import pick_distinct
from synth.stages.asking import Asker
from synth.stages.context import Context
from synth.stages.evidence import EvidenceStage, read_judgements
from synth.stages.shard_state import ShardState
from synth.stages.solve import solve_prompt
from synth.stages.unit_stage import Decided, UnitStage, Upstream
from synth.thresholds import Threshold

THRESHOLDS: Final = (
    Threshold(
        stage="select",
        reasons=("not_best",),
        measure="place",
        keeps="<=",
        key="data.select.per_task",
        sentence="It is among the best {limit} distinct programs of its task and language.",
        caveat="A program that differs from a better placed one in layout alone has no place.",
    ),
)


class SelectStage(UnitStage[Solution]):
    """Makes the samples, with exactly the prompt that was asked."""

    name = "select"
    unit = Solution
    upstream: tuple[Upstream, ...] = (EvidenceStage,)
    makes: ClassVar[tuple[type[Unit], ...]] = (Sample,)

    def __init__(self, context: Context) -> None:
        self._config, self._asker = context.data.select, Asker(context, self.name)

    async def decide(self, units: Sequence[Solution], state: ShardState) -> list[Decided]:
        groups: defaultdict[tuple[str, str], list[Solution]] = defaultdict(list)
        for solution in units:
            groups[solution.task_id, solution.language].append(solution)
        decided: dict[str, Decided] = {}
        for group in groups.values():
            decided |= self._choose(group, state)
        return [decided[solution.id] for solution in units]

    def _choose(self, group: list[Solution], state: ShardState) -> dict[str, Decided]:
        """The decisions about the passing solutions of one task in one language."""
        task_id, language = group[0].task_id, group[0].language
        task = next(task for task in state.get(Task) if task.id == task_id)
        rank = next(suite.rank for suite in state.get(TestSuite) if suite.task_id == task_id)
        sources: list[Seed | CodingProblem] = [*state.get(Seed), *state.get(CodingProblem)]
        licence = next((one.origin.licence for one in sources if one.id == task.seed_id), "")
        _, verdicts = read_judgements(state)
        lost = {key for key, verdict in verdicts.items() if verdict.outcome.is_fault}
        if rank not in self._config.ranks:
            return {solution.id: Decided(Reject("unwanted_rank", {"rank": rank.value})) for solution in group}
        asked = sum(
            s.task_id == task_id and s.language == language and s.id not in lost for s in state.get(Solution)
        )  # also what met tests that were drawn again since: it is how hard the task is
        by_id = {solution.id: solution for solution in group}
        ranked = list(choose_best(group, len(group), self._config.order))
        places: dict[str, Evidence] = {one: {"place": at} for at, one in enumerate(ranked, 1)}
        chosen, near = pick_distinct(
            [by_id[one] for one in ranked], self._config.per_task, self._config.min_distance
        )
        for one, (twin, away) in near.items():
            places[one] |= {"alike": twin, "distance": away}
        decided = {
            solution.id: Decided(Reject("not_best", {"best": chosen[0], **places.get(solution.id, {})}))
            for solution in group
        }
        for solution in group:
            if solution.id in chosen:
                sample = self._sample(task, solution, len(group) / asked, rank, chosen.index(solution.id))
                sample = sample.model_copy(update={"licence": licence})
                decided[solution.id] = Decided(Keep(places[solution.id]), (sample,))
        return decided

    def _sample(
        self, task: Task, solution: Solution, pass_rate: float, rank: EvidenceRank, choice: int
    ) -> Sample:
        return Sample(
            id=unit_id("sample", solution.id),
            task_id=task.id,
            solution_id=solution.id,
            language=solution.language,
            natural_language=task.natural_language,
            code=solution.code,
            prompt=solve_prompt(self._asker, task, solution.language),
            completion=self._completion(solution),
            reasoning=solution.reasoning,
            pass_rate=round(pass_rate, 4),
            rank=rank,
            choice=choice,
            shape=task.shape,
        )

    def _completion(self, solution: Solution) -> tuple[Message, ...]:
        """The answer; with what was thought before it, where the recipe trains on that."""
        [answer] = answer_messages(solution)
        if self._config.reasoning != "train":
            return (answer,)
        text = before_answer(solution.reasoning, self._config.reasoning_marks, answer.content)
        return (answer.model_copy(update={"content": text}),)


def answer_messages(solution: Solution) -> tuple[Message, ...]:
    """A solution as an assistant's turn: one fenced block."""
    return (Message(role="assistant", content=f"```{solution.language}\n{solution.code}\n```"),)


def choose_best(group: list[Solution], count: int, order: str = "quality") -> dict[str, None]:
    """Ids of up to `count` distinct programs of one task and language, the best first: those that are best to
    learn from, the shortest, or those written most often; of equal ones the more frequent.

    Programs that differ only in layout count as one program, represented by its most frequent layout.
    """
    programs: dict[str, list[Solution]] = {}
    for solution in group:
        programs.setdefault(normalize_code(solution.code, solution.language), []).append(solution)
    usual = median(len(solution.code) for solution in group)
    found = [(_usual_layout(same), len(same)) for same in programs.values()]

    def standing(one: tuple[Solution, int]) -> float:
        """The least is the best."""
        match order:
            case "shortest":
                return len(one[0].code)
            case "common":
                return -one[1]
        return -score_solution(one[0].code, one[0].language, usual)

    ranked = sorted(found, key=lambda one: (standing(one), -one[1], one[0].index))
    return dict.fromkeys(solution.id for solution, _ in ranked[:count])


def _usual_layout(same: list[Solution]) -> Solution:
    """The first program with the most frequent text."""
    written = Counter(solution.code for solution in same)
    return max(same, key=lambda solution: (written[solution.code], -solution.index))
