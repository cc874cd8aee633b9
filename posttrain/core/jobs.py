"""A training job and the events of its process: the wire format between the parent, which starts the trainer,
and the trainer.

Place in the flow: recipe -> `SftJob` or `DpoJob` -> JSON file -> trainer process -> one JSON line per event
on its standard output. The one rule: a job's hash covers everything that determines its result (policy, data,
config, seed) and nothing else, such as folders or names.
"""

from collections.abc import Sequence
from pathlib import Path
from typing import Annotated, Literal

from pydantic import ConfigDict, Field, TypeAdapter

from posttrain.core.data_files import data_hash
from synth.config import PolicyConfig, Recipe
from synth.ids import content_hash, derive_seed
from synth.launch_config import Sharding
from synth.policy import Policy, fingerprint_weights
from synth.records import Record
from synth.training_config import DpoConfig, KtoConfig, SftConfig, TrainingConfig

_NOT_OF_THE_RESULT = frozenset(
    "data eval_data report_to save_steps save_minutes overlong unusable spike".split()
)
_SHARING = {"rows_per_step", "batch_size", "gradient_accumulation"}
"""How a step's rows are shared out; its rows as a whole are of the result."""
_OF_ONE_BATCH = {"sft", "aot", "aot_unpaired", "kto"}
"""Losses that TRL computes over the rows that a process trains at a time."""

TOKENS = "tokens"
"""The folder of a run beside `checkpoints`, for token stores."""


class TrainingSet(Record):
    """Files that are read alike, and their share of the rows that are trained on."""

    paths: tuple[str, ...]
    columns: dict[str, str] = Field(default_factory=dict)
    """The data set's names of columns, by ours."""
    weight: float | None = None
    """None: all rows. Either all data sets of a job have a weight, or none has."""

    @property
    def short(self) -> "str | TrainingSet":
        """Just the path, where that says all."""
        return self.paths[0] if self == TrainingSet(paths=self.paths[:1]) else self


class TrainJob(Record):
    """The settings of every trainer. `policy` is a folder or hub id with full weights; `adapter` is one
    to train further."""

    name: str
    policy: str
    adapter: str = ""
    data: tuple[str | TrainingSet, ...]
    """Data sets, or just the paths of their files."""
    eval_data: tuple[str, ...] = ()
    """Data sets on which the loss is measured, instead of a share of the rows."""
    output: str
    """The checkpoint's folder."""
    tokens: str = ""
    """Folder of the token stores that the jobs of a run share; by default inside the checkpoint's."""
    seed: int = 0
    dtype: Literal["auto", "float32", "bfloat16"] = PolicyConfig().dtype
    sharding: Sharding = "none"
    """How the processes hold weights and optimizer; not of the result."""

    @property
    def folder(self) -> Path:
        return Path(self.output)

    @property
    def token_folder(self) -> Path:
        return Path(self.tokens) if self.tokens else self.folder / "trainer" / TOKENS

    @property
    def data_sets(self) -> tuple[TrainingSet, ...]:
        return tuple(one if isinstance(one, TrainingSet) else TrainingSet(paths=(one,)) for one in self.data)

    @property
    def data_paths(self) -> tuple[Path, ...]:
        return tuple(Path(path) for one in self.data_sets for path in one.paths)


class SftJob(TrainJob):
    """Supervised fine-tuning on the rows of all data sets together."""

    kind: Literal["sft"] = "sft"
    config: SftConfig = SftConfig()


class DpoJob(TrainJob):
    """Preference optimization; the reference is the policy that it starts from."""

    kind: Literal["dpo"] = "dpo"
    config: DpoConfig = DpoConfig()


class KtoJob(TrainJob):
    """Optimization on answers that are each good or bad; the reference is the policy that it starts from."""

    kind: Literal["kto"] = "kto"
    config: KtoConfig = KtoConfig()


TrainingJob = SftJob | DpoJob | KtoJob
"""A job of any kind."""

Job = Annotated[TrainingJob, Field(discriminator="kind")]
JOBS: TypeAdapter[tuple[Job, ...]] = TypeAdapter(tuple[Job, ...])


def make_job(
    config: TrainingConfig,
    recipe: Recipe,
    name: str,
    start: Policy,
    data: Sequence[Path | TrainingSet],
    output: Path,
    scope: str = "",
    eval_data: Sequence[Path] = (),
) -> TrainingJob:
    """The job that trains `start` (also the reference in DPO) on these data sets, with the recipe's dtype.
    Its seed is its own, drawn for the scope (its name where there is none), so that two adapters never begin
    alike."""
    if recipe.engine is not None and recipe.engine.serves_adapters_only:
        config = without_token_rows(config)
    common = TrainJob(
        name=name,
        policy=start.base,
        adapter=start.adapter,
        data=tuple(one.short if isinstance(one, TrainingSet) else str(one) for one in data),
        eval_data=tuple(map(str, eval_data)),
        output=str(output),
        tokens=str(output.parent.with_name(TOKENS)),
        seed=derive_seed(recipe.seed, "training", scope or name),
        dtype=recipe.policy.dtype,
        sharding=recipe.launch.sharding,
    ).model_dump()
    if isinstance(config, SftConfig):
        return SftJob(**common, config=config)
    if isinstance(config, KtoConfig):
        return KtoJob(**common, config=config)
    return DpoJob(**common, config=config)


def without_token_rows(config: TrainingConfig) -> TrainingConfig:
    """The settings for an engine that cannot serve trained rows of the embeddings."""
    if config.lora is None or config.lora.train_tokens != "auto":
        return config
    lora = config.lora.model_copy(update={"train_tokens": "none"})
    return config.model_copy(update={"lora": lora})


def one_adapter(recipe: Recipe, on_gpu: bool) -> bool:
    """Whether one adapter over the base is trained on from job to job, instead of being merged each time.

    So it is where the engine serves nothing else. It is also where weights are held in bfloat16 and all jobs
    have the same LoRA settings: each merge there rounds what was learned. Elsewhere a fresh adapter over
    merged weights lets the rank grow.
    """
    if recipe.engine is not None and recipe.engine.serves_adapters_only:
        return True
    loras = [config.lora for config in recipe.trainings.values()]
    narrow = recipe.policy.dtype == "bfloat16" or (recipe.policy.dtype == "auto" and on_gpu)
    return narrow and loras[0] is not None and all(lora == loras[0] for lora in loras)


def highest_rank(recipe: Recipe) -> int:
    """Of the adapters that the recipe trains; 0 if it trains none."""
    return max((config.lora.rank for config in recipe.trainings.values() if config.lora), default=0)


def planned_policy(job: TrainingJob) -> Policy:
    """The policy that the job will produce, for jobs that start from it. It has no fingerprint yet."""
    merged = str(job.folder / "merged")
    if job.config.lora is None:
        return Policy(name=job.name, base=merged)
    return Policy(name=job.name, base=job.policy, adapter=str(job.folder / "adapter"), merged=merged)


def job_hash(job: TrainingJob) -> str:
    """Hash of everything that determines the result. Reads the bytes of the policy and the data, so both must
    exist. How many processes there are, and how many rows each trains at a time, is free to change. Raises
    RecipeError or DatasetError."""
    config = job.config.model_dump(mode="json", exclude=set(_NOT_OF_THE_RESULT | _SHARING))
    config["step_rows"] = job.config.step_rows
    if _OF_ONE_BATCH.intersection(_losses(job)):
        config["batch_size"] = job.config.batch_size
    start = fingerprint_weights(job.policy, job.adapter)
    sets = [(len(one.paths), one.columns, one.weight) for one in job.data_sets]
    data: list[object] = [data_hash(job.data_paths), sets]
    if job.eval_data:
        data.append(data_hash(tuple(map(Path, job.eval_data))))
    return content_hash("job", job.kind, start, *data, config, job.seed, job.dtype)


def _losses(job: TrainingJob) -> tuple[str, ...]:
    if isinstance(job, DpoJob):
        return job.config.loss_type
    return (job.config.loss_type,) if isinstance(job, KtoJob) else ()


# --- what the process says ----------------------------------------------------------------------------------


class TrainingProgress(Record):
    """One optimizer step. `metrics` has TRL's names (`loss`, `rewards/margins`, `mean_token_accuracy`...)."""

    model_config = ConfigDict(ser_json_inf_nan="constants")  # a single metric may be NaN

    event: Literal["progress"] = "progress"
    job: str
    step: int
    total: int
    loss: float
    metrics: dict[str, float] = Field(default_factory=dict)


class Finished(Record):
    """The policy of this job is complete on disk."""

    event: Literal["finished"] = "finished"
    job: str


class Refused(Record):
    """A CodemillError in the trainer process, for the parent to raise again."""

    event: Literal["refused"] = "refused"
    error: str
    problems: tuple[tuple[str, str, str, str], ...]


EVENTS: TypeAdapter[TrainingProgress | Finished | Refused] = TypeAdapter(
    Annotated[TrainingProgress | Finished | Refused, Field(discriminator="event")]
)
