"""The trainings of one round: coarse, fine, DPO, each from the policy before it.

Place in the flow: the round's products -> here -> `rounds`, which launches them. Pure. The one rule: a
training without rows is left out, and said so.
"""

from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from types import MappingProxyType
from typing import Final, NamedTuple

from posttrain.core.jobs import DpoJob, SftJob, make_job, one_adapter, planned_policy
from synth.config import Recipe
from synth.pipeline.round import RoundData
from synth.policy import Policy
from synth.training_config import DpoConfig, SftConfig

BASE: Final = "base"
"""The name of the policy that a run begins with."""


class RoundJobs(NamedTuple):
    """The jobs in order, and a line for each that was left out."""

    jobs: list[SftJob | DpoJob]
    left_out: list[str]


class _Training(NamedTuple):
    name: str
    config: SftConfig | DpoConfig
    files: Sequence[Path]
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
) -> RoundJobs:
    """The trainings of a round that begin from `policy`; their outputs are written to `checkpoints`.
    `replayed` has the rows of earlier rounds for a job.

    Each starts from the merged weights of the one before, or trains one adapter on (`one_adapter`).
    """
    trains_on = one_adapter(recipe, on_gpu)
    brought = policy.name == BASE and not (recipe.engine is not None and recipe.engine.serves_adapters_only)
    jobs: list[SftJob | DpoJob] = []
    left_out: list[str] = []
    start = policy
    for training in _trainings(recipe, data, replayed):
        if not training.files:
            left_out.append(f"round {round_}: {training.left_out}")
            continue
        name = f"round-{round_}-{training.name}"
        if not trains_on or (brought and not jobs):  # an adapter that the recipe brings is merged
            start = start.without_adapter()
        job = make_job(training.config, recipe, name, start, training.files, checkpoints / name)
        jobs.append(job)
        start = planned_policy(job)
    return RoundJobs(jobs, left_out)


def _trainings(recipe: Recipe, data: RoundData, replayed: Mapping[str, Path]) -> Iterator[_Training]:
    sft, dpo = recipe.sft, recipe.dpo

    def files(job: str) -> list[Path]:
        own = [one.path for one in data.for_job(job)]
        return [*own, replayed[job]] if own and job in replayed else own

    if sft is not None:
        left_out = "no samples, so no {} fine-tuning"
        yield _Training("coarse", sft.coarse, files("coarse"), left_out.format("coarse"))
        if sft.fine is not None:
            yield _Training("fine", sft.fine, files("fine"), left_out.format("fine"))
    if dpo is not None:
        yield _Training("dpo", dpo, files("dpo"), "no pairs, so no preference optimization")


def to_measure(jobs: Sequence[SftJob | DpoJob]) -> list[int]:
    """Indexes of the jobs whose policies are evaluated: the last SFT job, and DPO."""
    last_of_kind = {job.kind: place for place, job in enumerate(jobs)}
    return sorted(last_of_kind.values())
