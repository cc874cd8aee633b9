"""The section of a recipe that says which GPUs serve and which train."""

from pydantic import Field

from synth.config_base import Config


class DevicesConfig(Config):
    """Which GPUs serve and which train, by number: 0 is the first that `nvidia-smi` shows, or the first that
    CUDA_VISIBLE_DEVICES leaves visible. Where engine and trainer share one, the engine sleeps while the
    trainer works."""

    engine: tuple[int, ...] | None = Field(
        None,
        description="GPUs of `engine`, over which vLLM splits the model. If unset, as few as it fits on.",
    )
    trainer: tuple[int, ...] | None = Field(
        None, description="GPUs of the trainer, one process each. If unset, all."
    )
    teacher: tuple[int, ...] | None = Field(
        None, description="GPUs of a `teacher` that runs here. If unset, those of `engine`."
    )
    tester: tuple[int, ...] | None = Field(
        None, description="GPUs of a `tester` that runs here. If unset, those of `engine`."
    )
    judge: tuple[int, ...] | None = Field(
        None, description="GPUs of a `judge` that runs here. If unset, those of `engine`."
    )
