"""The section `evaluation` of a recipe: held-out tasks, and public benchmarks. The one rule: a benchmark's
own protocol decides what its section leaves out."""

from typing import Literal

from pydantic import Field, model_validator

from synth.config_base import Config

HELD_OUT_SUITE = "pocket-heldout"


class BenchmarkConfig(Config):
    """A public benchmark, asked as its authors ask. What is unset is the protocol's."""

    suite: str = Field(description="Name of the benchmark, for example humaneval+ or livecodebench.")
    problems: str = Field(
        description="The problems as they are published: a JSON Lines, JSON, Parquet or Arrow file, or a "
        "folder of such files."
    )
    style: Literal["auto", "complete", "chat"] = Field(
        "auto",
        description="`complete`: the model continues the prompt (base models). `chat`: it answers in its own "
        "chat template (instruct models). `auto`: chat if the model has a template.",
    )
    n: int | None = Field(None, ge=1, le=1024, description="Samples per problem.")
    temperature: float | None = Field(None, ge=0, le=5, description="Sampling temperature. 0 is greedy.")
    top_p: float | None = Field(None, gt=0, le=1, description="Nucleus sampling.")
    max_tokens: int | None = Field(None, ge=1, description="Maximum length of one answer, in tokens.")
    tasks: int | None = Field(None, ge=1, description="Maximum number of problems to use: the first ones.")


class SuiteConfig(Config):
    """A further suite of tasks. What is unset is the evaluation's."""

    suite: str = Field(description="As `evaluation.suite`.")
    tasks: int | None = Field(None, ge=1, description="Maximum number of tasks to use.")
    languages: tuple[str, ...] | None = Field(None, description="Programming languages.")
    n: int | None = Field(None, ge=1, description="Samples per task, at temperature 1.")


class EvaluationConfig(Config):
    """Evaluation on held-out tasks, on public benchmarks, or on both."""

    suite: str | None = Field(
        HELD_OUT_SUITE,
        description="`pocket-heldout`, or a JSON Lines file of tasks with their test suites. Beside "
        "`benchmarks`, none if unset.",
    )
    tasks: int | None = Field(None, ge=1, description="Maximum number of tasks to use.")
    languages: tuple[str, ...] = Field(
        ("python",), description="Programming languages. Each task is solved in all of them, unless `spread`."
    )
    spread: bool = Field(False, description="Solve each task in one language, taken in turn, not in all.")
    n: int = Field(8, ge=1, description="Samples per task for pass@k, at temperature 1.")
    k: tuple[int, ...] = Field((1, 8), description="Values of k for pass@k, each at most `n`.")
    greedy: bool = Field(True, description="Also measure pass@1 with greedy decoding.")
    max_tokens: int = Field(256, ge=1, description="Maximum length of one answer, in tokens.")
    hard: SuiteConfig | None = Field(
        None,
        description="Harder tasks, reported in tables of their own. `pocket-deep`: four operations in a row.",
    )
    development: SuiteConfig | None = Field(
        None,
        description="Other tasks, by which `loop.select` chooses the policy of the next round; they are not "
        "reported. `pocket-development`: other tasks of the pocket world.",
    )
    benchmarks: tuple[BenchmarkConfig, ...] = Field(
        (), description="Public benchmarks, each asked and judged as its authors do."
    )

    @model_validator(mode="before")
    @classmethod
    def _benchmarks_stand_alone(cls, given: object) -> object:
        """Who names benchmarks and no suite asks for the benchmarks only."""
        if isinstance(given, dict) and given.get("benchmarks") and "suite" not in given:
            return {**given, "suite": None}
        return given

    @property
    def reported(self) -> list["EvaluationConfig"]:
        """One for each suite that is reported."""
        return [self.asking(suite) for suite in (self._own, self.hard) if suite is not None]

    @property
    def _own(self) -> SuiteConfig | None:
        return SuiteConfig(suite=self.suite, tasks=self.tasks) if self.suite is not None else None

    def asking(self, part: SuiteConfig) -> "EvaluationConfig":
        """The evaluation of this suite alone."""
        n = part.n or self.n
        alone = {"hard": None, "development": None, "benchmarks": (), "k": tuple(k for k in self.k if k <= n)}
        languages = part.languages or self.languages
        return self.model_copy(
            update={"suite": part.suite, "tasks": part.tasks, "languages": languages, "n": n, **alone}
        )
