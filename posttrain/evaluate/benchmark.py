"""A public benchmark that is ready to be asked: its questions, and hashes of what a figure stands for.

Place in the flow: `evaluation.benchmarks` and the problem file -> here -> `benchmark_run`. The one rule: all
problems are read and made into rows here, once, so that a bad one is reported before anything is spent.
"""

import hashlib
import re
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Final, Literal

from pydantic import Field

from synth.config import BenchmarkConfig, SamplingConfig
from synth.errors import Problem, UserError
from synth.ids import content_hash
from synth.protocols.protocol import BenchmarkPrompt, Protocol
from synth.protocols.registry import find_protocol
from synth.records import Limits, Message, Record
from synth.verify.formats.registry import get_format
from synth.verify.formats.samples import sample_row
from synth.verify.formats.spec import Fields, Format
from synth.verify.formats.tables import Problems
from synth.verify.rows import RowError, VerifyRow, prepare
from synth.verify.verify import raise_all

Style = Literal["complete", "chat"]

PAGE: Final = "docs/architecture/evaluation.md"
_MOST_BAD: Final = 20
_FIX: Final = "check --suite and --problems"
_LIMIT: Final = re.compile(r"limits\.(\w+) = (\S+)$")
_PROBES: Final = (
    "",
    "x = 1\n",
    "First:\n```python\nx = 1\n```\nThen:\n```\nx = 2\n```\nDone.\n",
    "<think>\n```\nx = 1\n```\n</think>\n```python\nx = 2\n",
    "[ANSWER]\n1 == 1\n[/ANSWER]\n",
    "[BEGIN]\nx = 1\n[DONE]\n",
)
"""Answers that tell one way of reading answers from another."""


class BenchmarkQuestion(Record):
    """What one problem asks, before any template: either a chat, whose answer may have been begun, or a raw
    text."""

    name: str
    """Of the problem, as its file has it."""
    language: str
    messages: tuple[Message, ...] = ()
    prefill: str = ""
    prompt: str = ""
    stop: tuple[str, ...] = ()
    told: dict[str, str | int] = Field(default_factory=dict)
    """Fields that tell the problem from others of its name."""

    def as_prompt(self) -> BenchmarkPrompt:
        """As its protocol gave it."""
        return BenchmarkPrompt(self.messages, self.prefill, self.prompt, self.stop)


@dataclass(frozen=True, slots=True, kw_only=True)
class Benchmark:
    """A benchmark with the settings of this evaluation."""

    config: BenchmarkConfig
    protocol: Protocol
    form: Format
    style: Style
    n: int
    sampling: SamplingConfig
    changed: tuple[str, ...]
    """What of the protocol's settings was changed: `n=10`."""
    problems: Problems
    questions: tuple[BenchmarkQuestion, ...]
    protocol_hash: str
    """Of the prompts, the sampling, the reading of answers, and the tests that a row gets: what else decides
    a figure than the model and the problems."""
    problems_hash: str
    """Of the problems that are asked."""

    def row(self, question: BenchmarkQuestion, sample: Fields) -> VerifyRow:
        """What `codemill verify` makes of a sample. Raises RowError."""
        return sample_row(sample, f"answer to {question.name}", self.form, self.problems)

    def sample(self, question: BenchmarkQuestion, text: str) -> Fields:
        """The sample of the model's text, as the format reads it. Raises RowError."""
        return make_sample(self.protocol, self.problems, question, text)


def choose_style(config: BenchmarkConfig, *, has_template: bool) -> Style:
    """How the model is asked. Raises UserError for an unknown suite, or a style that it does not have."""
    protocol = find_protocol(config.suite)
    ways: dict[Style, object] = {"complete": protocol.complete, "chat": protocol.chat}
    known = [style for style, way in ways.items() if way is not None]
    if config.style == "auto":
        wanted: Style = "chat" if has_template else "complete"
        return wanted if wanted in known else known[0]
    if config.style not in known:
        words = f"is not how {protocol.title} is asked: it knows {' and '.join(known)}"
        raise UserError(
            Problem(f"style {config.style} of {config.suite}", words, f"--style {known[0]}", PAGE)
        )
    return config.style


def load_benchmark(
    config: BenchmarkConfig, folder: Path, style: Style, limits: Limits, *, prefills: bool = True
) -> Benchmark:
    """Read a benchmark. With `prefills` false, answers cannot be begun: prefills are left out, and the stop
    words that go with them. Raises UserError, or RowError with the problems that cannot be used."""
    protocol = find_protocol(config.suite)
    form = get_format(protocol.format)
    problems = Problems(folder / Path(config.problems).expanduser(), form)
    reader = _Reader(protocol, form, problems, style, limits, prefills)
    questions = tuple(reader.read(config.tasks))
    if not questions:
        raise UserError(
            Problem(f"problems {config.problems}", "has no problems", "name the benchmark's own file", PAGE)
        )
    sampling = _sampling(config, protocol)
    n = protocol.n if config.n is None else config.n
    return Benchmark(
        config=config,
        protocol=protocol,
        form=form,
        style=style,
        n=n,
        sampling=sampling,
        changed=_changes(config, protocol),
        problems=problems,
        questions=questions,
        protocol_hash=content_hash(
            protocol.suite,
            style,
            n,
            sampling.model_dump(),
            [question.model_dump(mode="json") for question in questions],
            reader.probed(questions[0]),
        ),
        problems_hash=reader.problems_hash,
    )


def _sampling(config: BenchmarkConfig, protocol: Protocol) -> SamplingConfig:
    names = ("temperature", "top_p", "max_tokens")
    given = {name: getattr(config, name) for name in names if getattr(config, name) is not None}
    return SamplingConfig.model_validate({name: getattr(protocol, name) for name in names} | given)


def _changes(config: BenchmarkConfig, protocol: Protocol) -> tuple[str, ...]:
    names = ("n", "temperature", "top_p", "max_tokens")
    given = {name: getattr(config, name) for name in names}
    changed = [
        f"{name}={value:g}"
        for name, value in given.items()
        if value is not None and value != getattr(protocol, name)
    ]
    return (*changed, *([f"tasks={config.tasks}"] if config.tasks is not None else []))


class _Reader:
    """Reads the problems in order, each into its question."""

    def __init__(
        self,
        protocol: Protocol,
        form: Format,
        problems: Problems,
        style: Style,
        limits: Limits,
        prefills: bool,
    ) -> None:
        self._protocol, self._form, self._problems = protocol, form, problems
        self._style, self._limits, self._prefills = style, limits, prefills
        self._hash = hashlib.sha256()

    @property
    def problems_hash(self) -> str:
        """Of the problems read so far."""
        return self._hash.hexdigest()[:16]

    def read(self, most: int | None) -> Iterator[BenchmarkQuestion]:
        """The questions of the first problems. Raises RowError with the problems that give none."""
        bad: list[RowError] = []
        for number, (key, problem) in enumerate(self._problems):
            if number == most or len(bad) >= _MOST_BAD:
                break
            try:
                yield self._question(key, problem)
            except RowError as error:
                bad.append(error)
            self._hash.update(content_hash(key, _plain(problem), length=64).encode())
        raise_all(bad)

    def _question(self, key: str, problem: Fields) -> BenchmarkQuestion:
        given = next((problem[field] for field in self._form.key_fields if field in problem), key)
        named = given if isinstance(given, str | int) else key  # DS-1000 names a problem inside its metadata
        where = f"problem {named}"
        try:
            question = self._asked(str(named), problem)
            prepare(self._row(question, _PROBES[1]), where, self._limits)
        except RowError as error:
            raise RowError(*(_of_problem(one, where) for one in error.problems)) from None
        except (ValueError, TypeError, KeyError, AttributeError, IndexError) as error:
            words = f"does not have the format of {self._form.title}: {type(error).__name__}: {error}"
            raise RowError(Problem(where, words, _FIX, PAGE)) from None
        return question

    def _asked(self, name: str, problem: Fields) -> BenchmarkQuestion:
        ask = self._protocol.chat if self._style == "chat" else self._protocol.complete
        if ask is None:
            raise ValueError(f"{self._protocol.suite} is not asked in the style {self._style}")
        prompt = ask(problem)
        drops = bool(prompt.prefill) and not self._prefills
        return BenchmarkQuestion(
            name=name,
            language=self._protocol.language(problem),
            messages=prompt.messages,
            prefill="" if drops else prompt.prefill,
            prompt=prompt.prompt,
            stop=() if drops else prompt.stop,
            told={field: problem[field] for field in self._form.told_apart if field in problem},
        )

    def _row(self, question: BenchmarkQuestion, text: str) -> VerifyRow:
        sample = make_sample(self._protocol, self._problems, question, text)
        return sample_row(sample, f"answer to {question.name}", self._form, self._problems)

    def probed(self, question: BenchmarkQuestion) -> list[object]:
        """The rows that stated answers become: how answers are read, and what tests them."""
        rows: list[object] = []
        for probe in _PROBES:
            try:
                rows.append(self._row(question, probe).model_dump(mode="json"))
            except RowError as error:
                rows.append(str(error))
        return rows


def make_sample(protocol: Protocol, problems: Problems, question: BenchmarkQuestion, text: str) -> Fields:
    """The model's text as a sample of the benchmark. Raises RowError."""
    where = f"answer to {question.name}"
    problem = problems.find(question.name, where, question.told)
    try:
        return protocol.sample(problem, question.as_prompt(), text)
    except (ValueError, TypeError, KeyError, AttributeError, IndexError) as error:
        words = f"cannot be made a sample: {type(error).__name__}: {error}"
        raise RowError(Problem(where, words, _FIX, PAGE)) from None


def _of_problem(found: Problem, where: str) -> Problem:
    """What a reader of samples says, about the problem itself."""
    limit = _LIMIT.search(found.where)
    fix = f"--set execution.limits.{limit[1]}={limit[2]}" if limit is not None else _FIX
    inside = found.where.removeprefix(f"answer to {where.removeprefix('problem ')}").removeprefix(where)
    return Problem(": ".join(filter(None, (where, inside.lstrip(": ")))), found.message, fix, PAGE)


def _plain(value: object) -> object:
    """A problem of any table in values that JSON can hold."""
    if isinstance(value, dict):
        return {str(key): _plain(inner) for key, inner in value.items()}
    if isinstance(value, list | tuple):
        return [_plain(inner) for inner in value]
    return value if value is None or isinstance(value, str | int | float | bool) else repr(value)
