"""Strict recipe models: the keys of a recipe with their types, bounds and defaults. `synth.recipe` reads
YAML into them.

Every field has a description: `docs/recipes.md` and the JSON schema for editors are generated from here.
"""

from typing import Annotated, Literal

from pydantic import Field

from synth.checklist_config import ChecklistConfig
from synth.comparison_rules import DEFAULT_ABSOLUTE, DEFAULT_RELATIVE, DEFAULT_VALUES, ValuesRule
from synth.config_base import Config as Config
from synth.config_base import Package as Package
from synth.config_base import SamplingConfig as SamplingConfig
from synth.devices_config import DevicesConfig
from synth.engine_config import ENGINE_CONFIGS as ENGINE_CONFIGS
from synth.engine_config import EngineBaseConfig as EngineBaseConfig
from synth.engine_config import EngineConfig as EngineConfig
from synth.engine_config import OpenaiEngineConfig as OpenaiEngineConfig
from synth.engine_config import RecordedEngineConfig as RecordedEngineConfig
from synth.engine_config import RequestConfig as RequestConfig
from synth.engine_config import TransformersEngineConfig as TransformersEngineConfig
from synth.engine_config import VllmServerEngineConfig as VllmServerEngineConfig
from synth.evaluation_config import BenchmarkConfig as BenchmarkConfig
from synth.evaluation_config import EvaluationConfig as EvaluationConfig
from synth.instruct_config import Shape as Shape
from synth.launch_config import LaunchConfig
from synth.loop_config import LoopConfig as LoopConfig
from synth.memory_config import MemoryConfig
from synth.natural_languages import NaturalLanguage
from synth.outage_config import OutageConfig
from synth.packages_config import PackagesConfig as PackagesConfig
from synth.records import EvidenceRank, IsolationLevel, Limits
from synth.repair_config import RepairConfig, RepairTasksConfig, ReviewConfig
from synth.roles import ENGINE, ROLES, and_stand_ins
from synth.seeds_config import CodeSeedsConfig as CodeSeedsConfig
from synth.seeds_config import ColumnPart as ColumnPart
from synth.seeds_config import DataSetSeedsConfig as DataSetSeedsConfig
from synth.seeds_config import HubSeedsConfig as HubSeedsConfig
from synth.seeds_config import InstructionSeedsConfig as InstructionSeedsConfig
from synth.seeds_config import JsonlSeedsConfig as JsonlSeedsConfig
from synth.seeds_config import LicencesConfig as LicencesConfig
from synth.seeds_config import PocketSeedsConfig as PocketSeedsConfig
from synth.seeds_config import RowSeedsConfig as RowSeedsConfig
from synth.seeds_config import ScreenConfig as ScreenConfig
from synth.seeds_config import SeedsConfig as SeedsConfig
from synth.seeds_config import SourceTreeSeedsConfig as SourceTreeSeedsConfig
from synth.select_config import MOST_TRIES, LabelsConfig, SpeedConfig
from synth.select_config import SelectConfig as SelectConfig
from synth.spending_config import BudgetConfig, PricesConfig
from synth.training_config import CoarseToFineConfig, DpoConfig, KtoConfig, TrainingConfig

# --- models -------------------------------------------------------------------------------------------------


class PolicyConfig(Config):
    """The model to train."""

    model: str = Field("pocket", description="`pocket`, a local folder, or a hub id.")
    dtype: Literal["auto", "float32", "bfloat16"] = Field(
        "auto", description="Data type of the weights in training. `auto`: bfloat16 on a GPU, else float32."
    )


# --- data stages --------------------------------------------------------------------------------------------


class InstructConfig(Config):
    """Write an instruction for each snippet."""

    sampling: SamplingConfig = Field(
        SamplingConfig(temperature=0.7, max_tokens=96), description="Sampling of the instruction."
    )
    natural_languages: tuple[NaturalLanguage, ...] = Field(
        ("en",), description="Natural languages of the instructions, used in turn."
    )
    entry_point: str = Field("", description="Name of the function to write. Empty: the snippet's own name.")
    shapes: tuple[Shape, ...] = Field(
        (),
        description="Forms in which functions are asked for, used in turn: `solve.<shape>.md` of the prompt "
        "set. Empty: the plain one.",
    )
    max_overlap: float = Field(
        0.3,
        ge=0,
        le=1,
        description="Reject instructions with more than this share of the snippet's runs of four tokens.",
    )


class InputsConfig(Config):
    """Test inputs: written by the model and drawn from the signature."""

    sampling: SamplingConfig = Field(
        SamplingConfig(temperature=1.0, max_tokens=160), description="Sampling of the inputs."
    )
    from_model: bool = Field(True, description="Also ask the model for inputs.")
    validator: bool = Field(
        False,
        description="Also ask the model for a program that says which inputs a task allows. What it forbids "
        "is no test.",
    )
    generator: bool = Field(False, description="Also ask the model for a program that makes inputs.")
    drawn: int = Field(12, ge=0, description="Inputs to draw from the signature: edge cases, then random.")
    minimum: int = Field(6, ge=1, description="Tasks with fewer valid inputs are rejected.")
    maximum: int = Field(16, ge=1, description="Maximum number of inputs kept per task.")
    mutants: int = Field(
        80,
        ge=0,
        description="Mutants of the reference that the inputs of its task are chosen to catch. 0: the inputs "
        "are kept as they were drawn.",
    )
    searched: int = Field(
        300,
        ge=16,
        description="Inputs that are tried for that; ten times as many on the mutants that none of them "
        "catches.",
    )
    candidates: bool = Field(
        True,
        description="With `mutants`: candidates that pass what selection sees of the inputs, and differ from "
        "the reference on others, add inputs that catch them.",
    )
    hidden: bool = Field(
        True,
        description="Whether half of the inputs are hidden from selection and pairs. A solution must pass "
        "them too.",
    )

    @property
    def asks_model(self) -> bool:
        """Whether a model is asked for anything."""
        return self.from_model or self.validator or self.generator


class SolveConfig(Config):
    """Candidate solutions."""

    languages: tuple[str, ...] = Field(
        ("python",), description="Programming languages to solve each task in."
    )
    n: int = Field(8, ge=1, le=1024, description="Candidates per task and language.")
    sampling: SamplingConfig = Field(
        SamplingConfig(temperature=1.0, max_tokens=256), description="Sampling of the candidates."
    )
    tries: int = Field(
        1,
        ge=1,
        le=MOST_TRIES,
        description="How often a task is tried that is not solved: each time `n` more candidates, and other "
        "tests where no candidate has passed those that were drawn.",
    )
    warmer: float = Field(
        0.0, ge=0, le=1, description="Added to the sampling temperature at each further try, up to 2."
    )


class LocalSandboxConfig(Config):
    """The sandbox on this machine."""

    kind: Literal["local"] = "local"
    workers: int = Field(
        0,
        ge=0,
        description="Concurrent programs. 0 = one per core (two for interpreted languages).",
    )
    limits: Limits = Field(Limits(), description="Limits for each program.")
    minimum_level: IsolationLevel = Field("C", description="Lowest acceptable isolation level.")
    packages: PackagesConfig = Field(
        PackagesConfig(), description="Packages that programs can import, beside what python3 has."
    )
    cache: str | None = Field(
        None, min_length=1, description="Folder that caches results across runs. If unset, nothing is cached."
    )
    cache_mb: int = Field(
        1024, ge=1, description="Maximum size of the cache in MB. The oldest results are evicted first."
    )


class RecordedSandboxConfig(Config):
    """Observations of an earlier run, looked up by request."""

    kind: Literal["recorded"] = "recorded"
    path: str = Field(description="Folder of recorded observations.")


class E2bSandboxConfig(Config):
    """E2B sandboxes. Needs the package e2b-code-interpreter (`pip install 'codemill[e2b]'`)."""

    kind: Literal["e2b"] = "e2b"
    template: str | None = Field(
        None,
        description=(
            "Template name or id; if unset, the package's default. It must contain the toolchains to be used."
        ),
    )
    concurrency: int = Field(8, ge=1, le=1000, description="Maximum number of live sandboxes.")
    batch_size: int = Field(64, ge=1, le=4096, description="Programs per call.")
    timeout_s: int = Field(
        900,
        ge=60,
        le=86400,
        description="Lifetime of a sandbox in seconds, renewed while in use. Also limits each batch.",
    )
    max_retries: int = Field(
        6, ge=0, le=20, description="Retries when E2B limits the rate, with growing pauses."
    )
    backoff_s: float = Field(1.0, gt=0, le=60, description="First pause in seconds. Each pause doubles.")
    api_key_env: str = Field(
        "E2B_API_KEY",
        min_length=1,
        description="Environment variable that holds the API key.",
    )
    limits: Limits = Field(Limits(), description="Limits for each program.")
    cache: str | None = Field(
        None, min_length=1, description="Folder that caches results across runs. If unset, nothing is cached."
    )
    cache_mb: int = Field(
        1024, ge=1, description="Maximum size of the cache in MB. The oldest results are evicted first."
    )


ExecutionConfig = Annotated[
    LocalSandboxConfig | RecordedSandboxConfig | E2bSandboxConfig, Field(discriminator="kind")
]


class EvidenceConfig(Config):
    """Evidence that a task needs before its verdicts count."""

    min_reproductions: int = Field(
        2,
        ge=1,
        description=(
            "Round trip: minimum number of distinct solutions that behave like the seed, "
            "written from the instruction alone. Programs that differ in layout alone are one."
        ),
    )
    min_share: float = Field(
        0.05,
        ge=0,
        le=1,
        description="Round trip: minimum share of the candidates that behave like the seed, as the lower "
        "bound of its 95% interval (Wilson): 2 of 8, 3 of 16 or 6 of 48 reach 0.05.",
    )
    min_examples: int = Field(
        3,
        ge=0,
        description="So many calls with a stated result (doctests, the tree's own tests) are enough to judge "
        "the task of a seed that cannot be run. 0: never.",
    )
    agreement: bool = Field(
        False, description="Judge tasks without a reference by agreement among the candidates."
    )
    agreement_method: Literal["pagerank", "codet", "count"] = Field(
        "pagerank", description="Agreement: how behaviours are ranked. See docs/architecture/filters.md."
    )
    agreement_threshold: float = Field(
        0.6, ge=0, le=1, description="Agreement: abstain if the winning behaviour has a smaller share."
    )
    rel: float = Field(
        DEFAULT_RELATIVE, ge=0, allow_inf_nan=False, description="Results: relative tolerance of floats."
    )
    abs: float = Field(
        DEFAULT_ABSOLUTE,
        ge=0,
        allow_inf_nan=False,
        description="Results: absolute tolerance of floats; one of the two is enough. "
        "With both 0, floats are equal to the bit.",
    )
    any_order: bool = Field(False, description="Results that are lists: their items may have any order.")

    @property
    def compare(self) -> ValuesRule | None:
        """The rule of comparison that suites carry; None for the default."""
        rule = ValuesRule(rel=self.rel, abs=self.abs, any_order=self.any_order)
        return None if rule == DEFAULT_VALUES else rule


class FiltersConfig(Config):
    """Filters over finished samples, and over seeds before a model is asked about them."""

    seeds: bool = Field(
        True,
        description=(
            "Whether contaminated seeds, and duplicates among those that can serve, leave before a model is "
            "asked. Seeds of the pocket world are drawn each anew: for them it does nothing."
        ),
    )
    exact_dedup: bool = Field(True, description="Drop samples whose normalized text was already kept.")
    near_dedup: bool = Field(True, description="Drop near-duplicates (MinHash).")
    near_dedup_threshold: float = Field(
        0.8,
        gt=0,
        le=1,
        description="Jaccard similarity of five-token shingles from which two are duplicates.",
    )
    decontaminate: tuple[str, ...] = Field(
        (),
        description=(
            "Files or folders of benchmarks as they are published: .jsonl, .json (both also .gz), .parquet. "
            "`hub:OWNER/NAME`: a data set of the hub, with `@REVISION` and `/FILE` if wanted. "
            "`@heldout`: the recipe's evaluation tasks."
        ),
    )
    decontamination: Literal["containment", "report"] = Field(
        "containment",
        description=(
            "What counts as contaminated. `containment`: a large share of a benchmark entry's n-grams; "
            "`report`: any `ngram` consecutive words."
        ),
    )
    ngram: int = Field(
        10, ge=2, description="Consecutive words that count in mode `report` (Qwen2.5-Coder report, 5)."
    )
    max_tokens: int = Field(2048, ge=1, description="Longer samples are rejected, never truncated.")


class PairsConfig(Config):
    """Preference pairs from execution."""

    per_prompt: int = Field(2, ge=1, description="Maximum number of pairs per task and language.")
    after_sft: bool = Field(
        False,
        description="Solve the tasks that gave samples once more with the policy that SFT made of them, and "
        "pair those answers: they are the own ones of the policy that DPO starts from.",
    )
    min_chosen: float = Field(1.0, ge=0, le=1, description="Minimum pass rate of the chosen answer.")
    min_rejected: float = Field(
        0.0,
        ge=0,
        lt=1,
        description="The pass rate of the rejected answer must be above this: one that passes nothing shows "
        "little beside a crash or another reading of the task.",
    )
    min_gap: float = Field(
        0.4, ge=0, le=1, description="Minimum difference of the two pass rates (AceCoder, arXiv 2502.01718)."
    )
    max_length_ratio: float = Field(2.0, ge=1, description="Maximum length ratio of the two answers.")
    ranks: tuple[EvidenceRank, ...] = Field(
        tuple(EvidenceRank), description="Ranks of evidence whose verdicts become pairs."
    )
    outcomes: tuple[Literal["wrong_answer", "runtime_error", "compile_error", "timeout"], ...] = Field(
        ("wrong_answer", "runtime_error"), description="Outcomes that a rejected answer may have."
    )
    speed: SpeedConfig | None = Field(
        None, description="Also pair fast and slow programs among the right ones. If unset, none."
    )


class FimConfig(Config):
    """Fill-in-the-middle samples from verified code."""

    share: float = Field(0.1, ge=0, le=1, description="Share of FIM rows in the coarse SFT data.")
    per_source: int = Field(1, ge=1, description="Maximum number of FIM samples per source text.")
    max_middle_share: float = Field(
        0.6, gt=0, lt=1, description="Maximum length of the middle, as a share of the text."
    )
    max_tokens: int | None = Field(
        None,
        ge=64,
        description="Maximum length of a row in tokens, as they are estimated: of a longer text, the lines "
        "around the middle are taken. If unset, three quarters of `sft.coarse.max_length`, or of 4096.",
    )
    repository_format: bool = Field(
        False, description="Put other files of the repository before the file (repository format)."
    )


class DataConfig(Config):
    """The data half of a round: from snippets to training data."""

    seeds: SeedsConfig = Field(description="Where the snippets come from.")
    instruct: InstructConfig | None = Field(None, description="How to write tasks. If unset, none are made.")
    memory: MemoryConfig | None = Field(
        None, description="Tasks that are nearly repeated. If unset, none is refused before it is solved."
    )
    inputs: InputsConfig = Field(InputsConfig(), description="Test inputs.")
    solve: SolveConfig | None = Field(None, description="How to write solutions. If unset, none are made.")
    evidence: EvidenceConfig = Field(
        EvidenceConfig(), description="Evidence that a task needs before its verdicts count."
    )
    select: SelectConfig = Field(SelectConfig(), description="Which solutions become samples.")
    checklist: ChecklistConfig | None = Field(
        None, description="Score samples point by point. If unset, they are not scored."
    )
    filters: FiltersConfig = Field(FiltersConfig(), description="Filters over samples.")
    pairs: PairsConfig | None = Field(None, description="Preference pairs. If unset, none are made.")
    labels: LabelsConfig | None = Field(
        None, description="Labelled answers. If unset, they are made where the recipe has `kto`."
    )
    repair: RepairConfig | None = Field(None, description="Repair turns. If unset, none.")
    repair_tasks: RepairTasksConfig | None = Field(
        None, description="Tasks to repair a wrong program. If unset, none."
    )
    review: ReviewConfig | None = Field(None, description="Tasks to review a program. If unset, none.")
    fim: FimConfig | None = Field(None, description="Fill-in-the-middle samples. If unset, none are made.")
    shard_size: int = Field(32, ge=1, description="Files or rows of the source per shard.")

    @property
    def brings_tasks(self) -> bool:
        """Whether the seeds are problems, so that no model has to write them."""
        return isinstance(self.seeds, InstructionSeedsConfig)

    @property
    def makes_tasks(self) -> bool:
        """Whether there are tasks to solve."""
        return self.instruct is not None or self.brings_tasks

    @property
    def asking(self) -> dict[str, SamplingConfig]:
        """The sections that ask a model, with their sampling. Each renders the prompt of the same name."""
        sections = {name: getattr(self, name) for name in type(self).model_fields}
        found = {name: one.sampling for name, one in sections.items() if hasattr(one, "sampling")}
        if not self.makes_tasks or not self.inputs.asks_model:
            found.pop("inputs", None)
        if self.brings_tasks:
            found.pop("instruct", None)
        return found


# --- the recipe ---------------------------------------------------------------------------------------------


class Recipe(Config):
    """One recipe describes the whole factory or any part of it. Parts that are left out do not run."""

    name: str = Field(
        pattern=r"^[A-Za-z0-9][A-Za-z0-9._-]*$", description="Name of the run. Its folder is runs/<name>."
    )
    description: str = Field("", description="What the recipe is for, in one sentence.")
    seed: int = Field(0, ge=0, description="The random seed from which all others are derived.")
    prompts: str = Field("default", description="Prompt set: a folder in prompts/.")
    policy: PolicyConfig = Field(PolicyConfig(), description="The model to train.")
    engine: EngineConfig | None = Field(
        None, description="The engine that generates. Required by every stage that asks a model."
    )
    teacher: EngineConfig | None = Field(
        None, description="Engine that writes instructions. If unset, `engine`."
    )
    tester: EngineConfig | None = Field(
        None, description="Engine that writes test inputs and programs about them. If unset, `teacher`."
    )
    judge: EngineConfig | None = Field(
        None, description="Engine that judges what cannot be run. If unset, `teacher`."
    )
    devices: DevicesConfig | None = Field(
        None,
        description="Which GPUs serve and which train. If unset, the trainer gets all and the engine shares "
        "them; without a GPU, the CPU does everything.",
    )
    execution: ExecutionConfig = Field(LocalSandboxConfig(), description="Where programs run.")
    data: DataConfig | None = Field(None, description="Data stages. If unset, no data is made.")
    sft: CoarseToFineConfig | None = Field(None, description="Supervised fine-tuning.")
    dpo: DpoConfig | None = Field(None, description="Direct preference optimization.")
    kto: KtoConfig | None = Field(
        None, description="Kahneman-Tversky optimization, instead of `dpo` or after it."
    )
    launch: LaunchConfig = Field(LaunchConfig(), description="How trainers are started.")
    evaluation: EvaluationConfig | None = Field(
        None, description="Evaluation on held-out tasks and public benchmarks."
    )
    loop: LoopConfig = Field(LoopConfig(), description="Rounds of generation and training.")
    outage: OutageConfig = Field(
        OutageConfig(), description="How an outage of an engine or the sandbox is sat out."
    )
    prices: PricesConfig = Field(PricesConfig(), description="Prices of tokens.")
    budget: BudgetConfig | None = Field(None, description="What the run may spend. If unset, no limit.")

    @property
    def engines(self) -> dict[str, EngineConfig]:
        """The engines that it names, by role."""
        found: dict[str, EngineConfig | None] = {role: getattr(self, role) for role in ROLES}
        return {role: config for role, config in found.items() if config is not None}

    def answers_for(self, role: str) -> str:
        """The role whose engine answers in this one: itself, or what stands in for it."""
        return next((one for one in and_stand_ins(role) if one in self.engines), ENGINE)

    @property
    def trainings(self) -> dict[str, TrainingConfig]:
        """The sections that train, in the order in which they run, by their dotted path."""
        sft = self.sft
        sections: dict[str, TrainingConfig | None] = {
            "sft.coarse": sft.coarse if sft else None,
            "sft.fine": sft.fine if sft else None,
            "dpo": self.dpo,
            "kto": self.kto,
        }
        return {path: config for path, config in sections.items() if config is not None}
