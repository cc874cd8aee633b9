"""What each training takes: rows, steps, memory, disk and time.

Place in the flow: jobs of `standalone`, or the sections of a recipe that makes its own data -> here ->
`forecast`. The one rule: where the data is there it is tokenized now, into the store that the training itself
will read, so rows, steps and tokens are exact; where it is not, an earlier run says how many rows a seed
gave, or nothing is said.
"""

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

from posttrain.core.jobs import TrainingJob
from posttrain.memory.shapes import ModelShape, find_shape
from posttrain.memory.training import predict_training, settings_of
from posttrain.placement.trainings import kind_of
from posttrain.plan.amounts import Amount, at_most, estimate, exact, unknown
from posttrain.plan.earlier import training_rate
from posttrain.plan.forecast import PlannedPhase
from synth.cards import Card
from synth.training_config import SftConfig, TrainingConfig

if TYPE_CHECKING:
    from transformers import PreTrainedTokenizerBase


class Machine(NamedTuple):
    """Where the trainings will run, and what is known of earlier ones."""

    cards: Sequence[Card]
    runs_dir: Path

    @property
    def processes(self) -> int:
        return max(1, len(self.cards))


def plan_jobs_with_data(jobs: Sequence[TrainingJob], machine: Machine) -> list[PlannedPhase]:
    """The trainings of a chain whose data sets are there. Raises what reading the data raises."""
    from posttrain.core.policy import load_tokenizer

    base = jobs[0].policy  # later jobs start from what earlier ones will have made of it
    tokenizer = load_tokenizer(base)
    return [_with_data(job.model_copy(update={"policy": base}), tokenizer, machine) for job in jobs]


def _with_data(job: TrainingJob, tokenizer: "PreTrainedTokenizerBase", machine: Machine) -> PlannedPhase:
    from posttrain.plan.steps import count_steps, longest_sequence
    from posttrain.watch.held_out import training_rows

    rows = training_rows(job, tokenizer)
    held_out = rows.held_out
    spared = len(held_out) if held_out is not None else 0
    counted = count_steps(rows.lengths, job.config, job.seed, spared)
    shape = find_shape(job.policy)
    longest = longest_sequence(rows.dataset)
    disk, states = _disk(job, tokenizer, machine, counted.kept_states)
    return PlannedPhase(
        name=f"training {job.name}",
        rows=exact(len(rows)),
        held_out=exact(len(held_out)) if held_out is not None else None,
        steps=exact(counted.steps),
        trained_tokens=exact(counted.tokens),
        memory=_memory(shape, job.kind, job.config, job.dtype, machine, longest, bool(job.adapter)),
        disk=disk,
        states=exact(counted.states),
        disk_while=states,
        seconds=_seconds(shape, job.kind, job.config, float(counted.tokens), machine),
    )


def plan_made_data(
    name: str,
    round_: int,
    config: TrainingConfig,
    policy: str,
    dtype: str,
    rows: Amount,
    machine: Machine,
) -> PlannedPhase:
    """A training on rows that the run itself will make."""
    kind = kind_of(config)
    shape = find_shape(policy)
    packed = isinstance(config, SftConfig) and config.packing
    if config.max_steps > 0:
        steps = exact(config.max_steps)
    elif rows.value is None:
        steps = unknown(rows.basis)
    else:
        count = -(-rows.value // config.step_rows) * config.epochs
        word = f"{rows.basis}; packing takes fewer steps" if packed else rows.basis
        steps = at_most(count, word) if packed else estimate(count, word)
    return PlannedPhase(
        name=f"training {name}",
        round=round_,
        rows=rows,
        steps=steps,
        memory=_memory(shape, kind, config, dtype, machine, None, False),
        disk=_made_disk(shape, config, dtype, machine),
        seconds=unknown("rows have no lengths yet") if steps.value is not None else None,
    )


# --- parts --------------------------------------------------------------------------------------------------


def _memory(
    shape: ModelShape | None,
    kind: str,
    config: TrainingConfig,
    dtype: str,
    machine: Machine,
    longest: int | None,
    trains_on: bool,
) -> Amount:
    if shape is None:
        return unknown("the sizes of the model are not known here")
    settings = settings_of(
        kind,  # type: ignore[arg-type]
        config,
        dtype,  # type: ignore[arg-type]
        on_gpu=bool(machine.cards),
        length=longest,
        trains_on=trains_on,
        processes=machine.processes,
    )
    rests = "the shape of the model" + ("" if longest else ", and rows of `max_length`")
    return estimate(predict_training(shape, settings).total, rests)


def _disk(
    job: TrainingJob, tokenizer: "PreTrainedTokenizerBase", machine: Machine, states: int
) -> tuple[Amount, Amount]:
    """Bytes of weights that stay, and the most that lies there while it trains."""
    from posttrain.plan.disk import adapter_tensors, file_bytes, state_bytes, stored_tensors

    stored = stored_tensors(Path(job.policy)) if Path(job.policy).is_dir() else []
    if not stored:
        none = unknown("the base is not on this disk")
        return none, none
    served = _served(job.dtype, machine)
    merged = sum(file_bytes(one.narrowed(served)) for one in stored)
    if job.config.lora is not None:
        trained = adapter_tensors(job.policy, job.config.lora, tokenizer)
        kept, state = merged + file_bytes(trained), state_bytes(trained)
    else:
        masters = sum(file_bytes(one.narrowed("float32")) for one in stored)
        kept = merged + (masters if served != "float32" else 0)
        state = sum(state_bytes(one) for one in stored)
    return exact(kept), exact(states * state)


def _made_disk(shape: ModelShape | None, config: TrainingConfig, dtype: str, machine: Machine) -> Amount:
    if shape is None:
        return unknown("the sizes of the model are not known here")
    width = 2 if _served(dtype, machine) == "bfloat16" else 4
    weights = width * shape.weights
    if config.lora is not None:
        weights += 4 * shape.adapted(config.lora.rank, config.lora.target_modules)
    elif width == 2:
        weights += 4 * shape.weights
    return estimate(weights, "the shape of the model")


def _served(dtype: str, machine: Machine) -> str:
    return ("bfloat16" if machine.cards else "float32") if dtype == "auto" else dtype


def _seconds(
    shape: ModelShape | None, kind: str, config: TrainingConfig, tokens: float, machine: Machine
) -> Amount:
    if shape is None:
        return unknown("the sizes of the model are not known here")
    rate = training_rate(machine.runs_dir, kind, config.lora is not None, shape.weights)
    return estimate(tokens / rate.value, rate.basis) if rate.value else rate
