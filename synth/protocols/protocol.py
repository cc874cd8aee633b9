"""The shape of a benchmark's protocol: how a model is asked for a problem, and how its text becomes a sample.

Place in the flow: problem -> `complete` or `chat` -> model -> `sample` -> `synth.verify.formats` -> row. The
one rule: a protocol is data and pure functions, those of the benchmark's own published harness; it asks no
model and runs nothing.
"""

from collections.abc import Callable
from dataclasses import dataclass
from typing import NamedTuple

from synth.records import Message
from synth.verify.formats.spec import Fields, Format, refuse


class BenchmarkPrompt(NamedTuple):
    """What a model is given for one problem: a chat or a raw text, never both."""

    messages: tuple[Message, ...] = ()
    """For instruct models; rendered in the model's own template."""
    prefill: str = ""
    """How the protocol begins the assistant's answer; the model goes on from there."""
    prompt: str = ""
    """For base models."""
    stop: tuple[str, ...] = ()
    """The text ends before the first of these."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Protocol:
    """One suite. Its functions raise RowError for a problem that lacks what the format promises."""

    suite: str
    """What `--suite` takes."""
    format: str
    """The format that reads the suite's problems and makes rows of its samples."""
    column: str
    """Its column in the table of results; a suite in several languages has one for each."""
    title: str
    n: int = 1
    """Samples of each problem."""
    temperature: float = 0.0
    top_p: float = 1.0
    max_tokens: int
    """Of one answer."""
    complete: Callable[[Fields], BenchmarkPrompt] | None
    """How base models are asked; None where the benchmark has no such protocol."""
    chat: Callable[[Fields], BenchmarkPrompt] | None
    """How instruct models are asked."""
    sample: Callable[[Fields, BenchmarkPrompt, str], Fields]
    """Problem, prompt and the model's text (without prefill) make a sample as the format takes it."""
    language: Callable[[Fields], str]
    """The language of a problem, as the sandbox names it."""
    source: str
    """Where the protocol is published, and its licence."""


def user(text: str) -> tuple[Message, ...]:
    """A chat of one message."""
    return (Message(role="user", content=text),)


def sample_row(form: Format, problem: Fields, **program: object) -> Fields:
    """A sample of that problem, with what tells it from others of its name. Raises RowError where the problem
    has no name."""
    name = next((field for field in form.key_fields if field in problem), None)
    if name is None:
        raise refuse(f"field {' or '.join(form.key_fields)}", "is missing: the problem has no name")
    told_apart = {field: problem[field] for field in form.told_apart if field in problem}
    return {name: problem[name], **told_apart, **program}


def in_python(problem: Fields) -> str:
    """The language of suites in Python alone."""
    return "python"
