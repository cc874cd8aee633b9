"""A training job and what its process says while it runs: the wire between the parent, which launches, and
the trainer, which trains.

Place in the flow: recipe -> `SftJob` or `DpoJob` -> JSON file -> trainer process -> one JSON line an event on
its standard output. The one rule: a job's hash covers everything that makes its result (policy, data, config,
seed) and nothing else, such as folders or names.
"""

from pathlib import Path
from typing import Annotated, Literal, NamedTuple

from pydantic import ConfigDict, Field, TypeAdapter

from posttrain.core.data_files import data_hash
from posttrain.core.policy import FoundPolicy
from synth.config import DpoConfig, PolicyConfig, SftConfig
from synth.ids import content_hash
from synth.records import Record

_NOT_OF_THE_RESULT = {"data", "report_to", "save_steps", "overlong"}


class TrainJob(Record):
    """What every trainer needs. `policy` is a folder or hub id with full weights, `adapter` one to go on
    from."""

    name: str
    policy: str
    adapter: str = ""
    data: tuple[str, ...]
    output: str
    """The checkpoint's folder."""
    seed: int = 0
    dtype: Literal["auto", "float32", "bfloat16"] = PolicyConfig().dtype

    @property
    def folder(self) -> Path:
        return Path(self.output)

    @property
    def start(self) -> FoundPolicy:
        """The policy that training starts from (for DPO, also the reference)."""
        return FoundPolicy(self.policy, self.adapter)

    @property
    def data_paths(self) -> tuple[Path, ...]:
        return tuple(map(Path, self.data))


class SftJob(TrainJob):
    """Supervised fine-tuning on all rows of all data sets together."""

    kind: Literal["sft"] = "sft"
    config: SftConfig = SftConfig()


class DpoJob(TrainJob):
    """Preference optimization; the reference is the policy that it starts from."""

    kind: Literal["dpo"] = "dpo"
    config: DpoConfig = DpoConfig()


class TrainingStart(NamedTuple):
    """What the next training of a chain (coarse, fine, DPO, next round) starts from.

    With `one_adapter`, one adapter over the base is trained on and on, as an engine wants it that swaps
    adapters; otherwise each training starts from the merged weights of the one before.
    """

    policy: str
    adapter: str = ""
    one_adapter: bool = False

    def after(self, job: TrainJob) -> "TrainingStart":
        """The link behind a job that started here."""
        if self.one_adapter:
            return self._replace(adapter=str(job.folder / "adapter"))
        return TrainingStart(str(job.folder / "merged"))


Job = Annotated[SftJob | DpoJob, Field(discriminator="kind")]
JOBS: TypeAdapter[tuple[Job, ...]] = TypeAdapter(tuple[Job, ...])


def job_hash(job: SftJob | DpoJob) -> str:
    """Hash of what makes the result. Reads the policy's and the data's bytes, so both must exist. Raises
    RecipeError or DatasetError."""
    config = job.config.model_dump(mode="json", exclude=_NOT_OF_THE_RESULT)
    return content_hash(
        "job", job.kind, job.start.fingerprint, data_hash(job.data_paths), config, job.seed, job.dtype
    )


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
