"""The trainings of one round: coarse, fine, DPO, each from the policy before it.

Place in the flow: the round's products -> here -> `rounds`, which launches them. Pure. The one rule: a
training without rows is left out, and said so.
"""

from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from types import MappingProxyType
from typing import Final, NamedTuple

from posttrain.core.jobs import TrainingJob, TrainingSet, make_job, one_adapter, planned_policy
from synth.config import Recipe
from synth.pipeline.round import RoundData
from synth.policy import Policy
from synth.training_config import TrainConfig, TrainingConfig
from synth.training_data_config import ROUND

BASE: Final = "base"
"""The name of the policy that a run begins with."""


class RoundJobs(NamedTuple):
    """The jobs in order, and a line for each that was left out."""

    jobs: list[TrainingJob]
    left_out: list[str]


class _Training(NamedTuple):
    name: str
    config: TrainingConfig
    data: Sequence[Path | TrainingSet]
    """Empty if there is nothing to train on."""
    left_out: str
    """What to say when there are no rows."""


def plan_jobs(
    recipe: Recipe,
    checkpoints: Path,
    round_: int,
    policy: Policy,
    data: RoundData,
    replayed: Mapping[str, Path] = MappingProxyType({}),
    on_gpu: bool = False,
    brought: Mapping[str, Sequence[TrainingSet]] = MappingProxyType({}),
) -> RoundJobs:
    """The trainings of a round that begin from `policy`; their outputs are written to `checkpoints`.
    `replayed` has the rows of earlier rounds for a job, `brought` the data sets that the recipe names.

    Each starts from the merged weights of the one before, or trains one adapter on (`one_adapter`).
    """
    trains_on = one_adapter(recipe, on_gpu)
    is_base = policy.name == BASE and not (recipe.engine is not None and recipe.engine.serves_adapters_only)
    jobs: list[TrainingJob] = []
    left_out: list[str] = []
    start = policy
    for training in _trainings(recipe, data, replayed, brought):
        if not training.data:
            left_out.append(f"round {round_}: {training.left_out}")
            continue
        name = f"round-{round_}-{training.name}"
        if not trains_on or (is_base and not jobs):  # an adapter that the recipe brings is merged
            start = start.without_adapter()
        job = make_job(training.config, recipe, name, start, training.data, checkpoints / name)
        jobs.append(job)
        start = planned_policy(job)
    return RoundJobs(jobs, left_out)


def _trainings(
    recipe: Recipe,
    data: RoundData,
    replayed: Mapping[str, Path],
    brought: Mapping[str, Sequence[TrainingSet]],
) -> Iterator[_Training]:
    sft, dpo = recipe.sft, recipe.dpo

    def sets(job: str, config: TrainConfig) -> list[Path | TrainingSet]:
        own = [one.path for one in data.for_job(job)]
        own += [replayed[job]] if own and job in replayed else []
        return [*_weighted(own, config), *brought.get(job, ())]

    if sft is not None:
        left_out = "no samples, so no {} fine-tuning"
        yield _Training("coarse", sft.coarse, sets("coarse", sft.coarse), left_out.format("coarse"))
        if sft.fine is not None:
            yield _Training("fine", sft.fine, sets("fine", sft.fine), left_out.format("fine"))
    if dpo is not None:
        yield _Training("dpo", dpo, sets("dpo", dpo), "no pairs, so no preference optimization")
    if recipe.kto is not None:
        yield _Training("kto", recipe.kto, sets("kto", recipe.kto), "no labelled answers, so no KTO")


def _weighted(own: Sequence[Path], config: TrainConfig) -> Sequence[Path | TrainingSet]:
    """The round's own rows; one data set, where the recipe says their share."""
    weights = [one.weight for one in config.data if one.source == ROUND]
    if not own or not weights or weights[0] is None:
        return own
    return [TrainingSet(paths=tuple(map(str, own)), weight=weights[0])]


def to_measure(jobs: Sequence[TrainingJob]) -> list[int]:
    """Indexes of the jobs whose policies are evaluated: the last SFT job, and DPO."""
    last_of_kind = {job.kind: place for place, job in enumerate(jobs)}
    return sorted(last_of_kind.values())
