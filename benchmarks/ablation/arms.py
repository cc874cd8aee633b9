"""Chooses the rows that each arm trains on. Pure: the same candidates and seed give the same rows.

    verified     the factory's evidence, selection and pairing stages, on the verdicts of the sandbox
    shuffled     the same stages, on the same verdicts dealt out anew among the candidates of each language
    unverified   candidates that parse, drawn at random, and pairs of them in random order: no verdict is read

The one rule: all arms have the same number of samples and of pairs, so they take the same number of steps.
"""

from collections import defaultdict
from collections.abc import Mapping, Sequence
from enum import StrEnum
from itertools import combinations
from random import Random
from typing import NamedTuple, TypeVar

from benchmarks.ablation.candidates import Candidates, as_state
from synth.config import PairsConfig
from synth.ids import derive_random, unit_id
from synth.languages.code_tokens import normalize_code
from synth.products import Pair, Sample
from synth.records import Message, Outcome, Record, Solution, Verdict
from synth.stages.context import Context
from synth.stages.evidence import EvidenceStage
from synth.stages.pair import PairStage
from synth.stages.select import SelectStage, answer_messages
from synth.stages.solve import render_solve
from synth.stages.unit_stage import Stage


class ArmName(StrEnum):
    VERIFIED = "verified"
    UNVERIFIED = "unverified"
    SHUFFLED = "shuffled"


class ArmSample(Record):
    """One SFT row, in TRL's columns, with the solution's id."""

    id: str
    task_id: str
    language: str
    prompt: tuple[Message, ...]
    completion: tuple[Message, ...]


class ArmPair(Record):
    """One DPO row, in TRL's columns, with the ids of both solutions."""

    id: str
    task_id: str
    language: str
    prompt: tuple[Message, ...]
    chosen: tuple[Message, ...]
    rejected: tuple[Message, ...]
    chosen_id: str
    rejected_id: str


class Arm(NamedTuple):
    samples: list[ArmSample]
    pairs: list[ArmPair]


ArmRow = TypeVar("ArmRow", ArmSample, ArmPair)


async def make_arms(
    context: Context, candidates: Candidates, *, max_samples: int, max_pairs: int
) -> dict[ArmName, Arm]:
    """The three arms, of equal size. The random numbers come from the recipe's seed."""
    seed = context.recipe.seed
    dealt = shuffle_verdicts(candidates, derive_random(seed, "ablation", "verdicts"))
    verified = await choose_by_verdicts(context, candidates, candidates.verdicts)
    arms = {
        ArmName.VERIFIED: verified,
        ArmName.UNVERIFIED: draw_blindly(
            context,
            candidates,
            len(verified.samples),
            len(verified.pairs),
            derive_random(seed, "ablation", "blind"),
        ),
        ArmName.SHUFFLED: await choose_by_verdicts(context, candidates, dealt),
    }
    return equalize(arms, max_samples=max_samples, max_pairs=max_pairs, seed=seed)


# --- by verdicts, right or shuffled -------------------------------------------------------------------------


async def choose_by_verdicts(context: Context, candidates: Candidates, verdicts: Sequence[Verdict]) -> Arm:
    """The rows that the factory would train on with these verdicts."""
    state = as_state(candidates, verdicts)
    stages: tuple[Stage, ...] = (
        EvidenceStage(context),
        SelectStage(context),
        PairStage(context, SelectStage),
    )
    for stage in stages:
        state.add(stage.name, await stage.run(state))
    return Arm(
        [_arm_sample(sample) for sample in state.get(Sample)],
        [_arm_pair(pair) for pair in state.get(Pair)],
    )


def _arm_sample(sample: Sample) -> ArmSample:
    return ArmSample(
        id=sample.solution_id,
        task_id=sample.task_id,
        language=sample.language,
        prompt=sample.prompt,
        completion=sample.completion,
    )


def _arm_pair(pair: Pair) -> ArmPair:
    return ArmPair.model_validate({name: getattr(pair, name) for name in ArmPair.model_fields})


def shuffle_verdicts(candidates: Candidates, random: Random) -> list[Verdict]:
    """Every candidate with the verdict of another candidate of its language, from any task; each verdict
    is used once."""
    languages = {solution.id: solution.language for solution in candidates.solutions}
    groups: defaultdict[str, list[Verdict]] = defaultdict(list)
    for verdict in candidates.verdicts:
        groups[languages[verdict.solution_id]].append(verdict)
    dealt: list[Verdict] = []
    for language in sorted(groups):
        holders = groups[language]
        for holder, verdict in zip(holders, random.sample(holders, len(holders)), strict=True):
            own = {"solution_id": holder.solution_id, "task_id": holder.task_id}
            dealt.append(verdict.model_copy(update=own))
    return dealt


# --- without verdicts ---------------------------------------------------------------------------------------


def draw_blindly(context: Context, candidates: Candidates, samples: int, pairs: int, random: Random) -> Arm:
    """This many samples and pairs (or all available) from the candidates that parse.

    Samples are drawn as the policy wrote them, including duplicates, so a rare program has no more weight
    than in the policy's answers.
    """
    assert context.prompts is not None and context.data.pairs is not None
    prompts, tasks = context.prompts, {task.id: task for task in candidates.tasks}
    pool = sorted(
        (found for found in candidates.solutions if found.id in candidates.parsed),
        key=lambda solution: solution.id,
    )
    options = blind_pairs(pool, context.data.pairs, random)

    def prompt(solution: Solution) -> tuple[Message, ...]:
        return render_solve(prompts, tasks[solution.task_id], solution.language)

    return Arm(
        [_blind_sample(found, prompt(found)) for found in random.sample(pool, min(samples, len(pool)))],
        [
            _blind_pair(chosen, rejected, prompt(chosen))
            for chosen, rejected in random.sample(options, min(pairs, len(options)))
        ],
    )


def blind_pairs(
    solutions: Sequence[Solution], config: PairsConfig, random: Random
) -> list[tuple[Solution, Solution]]:
    """Up to `per_prompt` pairs of distinct programs per task and language, in random order, within the
    allowed length ratio."""
    groups: defaultdict[tuple[str, str], dict[str, Solution]] = defaultdict(dict)
    for solution in solutions:
        groups[solution.task_id, solution.language].setdefault(
            normalize_code(solution.code, solution.language), solution
        )
    found: list[tuple[Solution, Solution]] = []
    for key in sorted(groups):
        options = [
            pair
            for pair in combinations(groups[key].values(), 2)
            if _length_ratio(*pair) <= config.max_length_ratio
        ]
        for pair in random.sample(options, min(config.per_prompt, len(options))):
            chosen, rejected = random.sample(pair, 2)
            found.append((chosen, rejected))
    return found


def _length_ratio(one: Solution, other: Solution) -> float:
    lengths = sorted((len(one.code), len(other.code)))
    return max(1, lengths[1]) / max(1, lengths[0])


def _blind_sample(solution: Solution, prompt: tuple[Message, ...]) -> ArmSample:
    return ArmSample(
        id=solution.id,
        task_id=solution.task_id,
        language=solution.language,
        prompt=prompt,
        completion=answer_messages(solution),
    )


def _blind_pair(chosen: Solution, rejected: Solution, prompt: tuple[Message, ...]) -> ArmPair:
    return ArmPair(
        id=unit_id("pair", chosen.id, rejected.id),
        task_id=chosen.task_id,
        language=chosen.language,
        prompt=prompt,
        chosen=answer_messages(chosen),
        rejected=answer_messages(rejected),
        chosen_id=chosen.id,
        rejected_id=rejected.id,
    )


# --- equal budgets ------------------------------------------------------------------------------------------


def equalize(
    arms: Mapping[ArmName, Arm], *, max_samples: int, max_pairs: int, seed: int
) -> dict[ArmName, Arm]:
    """All arms, cut at random to the size of the smallest and to the budget."""
    samples = min(max_samples, *(len(arm.samples) for arm in arms.values()))
    pairs = min(max_pairs, *(len(arm.pairs) for arm in arms.values()))
    return {
        name: Arm(
            _subset(arm.samples, samples, derive_random(seed, "ablation", name, "samples")),
            _subset(arm.pairs, pairs, derive_random(seed, "ablation", name, "pairs")),
        )
        for name, arm in arms.items()
    }


def _subset(rows: Sequence[ArmRow], count: int, random: Random) -> list[ArmRow]:
    """This many random rows, in the order of their ids."""
    return sorted(random.sample(sorted(rows, key=_id), count), key=_id)


def _id(found: ArmSample | ArmPair) -> str:
    return found.id


# --- the composition of an arm, by the true verdicts --------------------------------------------------------


class Composition(Record):
    """Rows of an arm, with the sandbox's true verdicts on them."""

    samples: int
    passing: int
    """Samples that pass."""
    pairs: int
    right: int
    """Pairs whose chosen answer passes and whose rejected one does not."""
    reversed: int
    """Pairs the other way round; in all other pairs, both pass or neither does."""
    tasks: int
    """Number of distinct tasks in samples and pairs."""


def compose(arm: Arm, verdicts: Sequence[Verdict]) -> Composition:
    """Count an arm by the true verdicts."""
    passed = {verdict.solution_id for verdict in verdicts if verdict.outcome is Outcome.PASS}
    ordered = [(pair.chosen_id in passed, pair.rejected_id in passed) for pair in arm.pairs]
    return Composition(
        samples=len(arm.samples),
        passing=sum(sample.id in passed for sample in arm.samples),
        pairs=len(arm.pairs),
        right=ordered.count((True, False)),
        reversed=ordered.count((False, True)),
        tasks=len({sample.task_id for sample in arm.samples} | {pair.task_id for pair in arm.pairs}),
    )
