"""Memory that ran out in a training, in words: what this job needs, part by part, and which of its keys need
less.

Place in the flow: `train_jobs` asks for an error of torch, `launch` for a trainer that the system killed. The
one rule: the keys that are named have been tried: the prediction with them is that much lower.
"""

from posttrain.core.jobs import TrainingJob
from posttrain.memory.shapes import ModelShape, find_shape
from posttrain.memory.training import TrainingMemory, predict_training, settings_of
from posttrain.placement.trainings import kind_of, smaller
from synth.errors import Problem, TrainerError
from synth.training_config import TrainConfig

_ENOUGH = 0.7
"""Of what the job takes beside the libraries: nothing says how much room there is."""
_GENERAL = "lower batch_size (and raise gradient_accumulation), set gradient_checkpointing, lower max_length"


def as_out_of_memory(error: Exception, job: TrainingJob) -> TrainerError | None:
    """The error in our words if a GPU's memory ran out, else None."""
    if type(error).__name__ != "OutOfMemoryError" and "out of memory" not in str(error).lower():
        return None
    said = str(error).splitlines()[0] if str(error) else type(error).__name__
    return TrainerError(
        Problem(
            f"training {job.name}",
            f"ran out of memory ({said}); {needs(job, on_gpu=True)}",
            f"{advice(job, on_gpu=True)}; then rerun the same command: it goes on from the last saved step",
            "docs/architecture/watching.md",
        )
    )


def needs(job: TrainingJob, on_gpu: bool) -> str:
    """What the job needs, in words."""
    shape = find_shape(job.policy)
    if shape is None:
        return "the sizes of the model are not known here"
    memory = _predicted(job, shape, job.config, on_gpu)
    parts = ", ".join(f"{name} {size / 1e9:.1f}" for name, size in memory._asdict().items() if size > 5e7)
    return (
        f"it needs about {memory.total / 1e9:.1f} GB ({parts}) with batch_size: {job.config.batch_size} and "
        f"rows of up to {job.config.max_length} tokens"
    )


def advice(job: TrainingJob, on_gpu: bool) -> str:
    """Keys of this job with values that need less."""
    shape = find_shape(job.policy)
    if shape is None:
        return f"{_GENERAL}, or end what else uses memory"
    now = _predicted(job, shape, job.config, on_gpu)
    for words, config in smaller(job.config):
        then, total = (one := _predicted(job, shape, config, on_gpu)).total - one.overhead, one.total
        if words and then <= _ENOUGH * (now.total - now.overhead):
            again = ", which begins again" if config.lora != job.config.lora else ""
            return f"set {words} (about {total / 1e9:.1f} GB{again}), or end what else uses memory"
    return f"{_GENERAL}, take a smaller model, or end what else uses memory"


def _predicted(job: TrainingJob, shape: ModelShape, config: TrainConfig, on_gpu: bool) -> TrainingMemory:
    settings = settings_of(kind_of(config), config, job.dtype, on_gpu=on_gpu, trains_on=bool(job.adapter))
    return predict_training(shape, settings)
