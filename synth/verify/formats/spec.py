"""The shape of a test format: how a problem of a benchmark and one sample become a row.

Place in the flow: problems and samples -> `samples.py` -> rows. The one rule: a format is data and one pure
function; it downloads nothing and runs nothing.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import NamedTuple

from synth.errors import Problem
from synth.verify.rows import PAGE, RowError

Fields = Mapping[str, object]


class BenchmarkSample(NamedTuple):
    """One program for a problem. `whole` programs stand for themselves; others continue
    the problem's prompt."""

    text: str
    whole: bool
    language: str
    """Empty where neither the sample nor the command says it."""


class RowParts(NamedTuple):
    """What a format makes of a problem and a sample: the rest of a row."""

    language: str
    code: str
    tests: Fields


@dataclass(frozen=True, slots=True, kw_only=True)
class Format:
    """One public format. `convert` raises RowError through `need` and `refuse`."""

    name: str
    title: str
    aliases: tuple[str, ...] = ()
    key_fields: tuple[str, ...] = ("task_id",)
    """Fields of a problem that name it; the first that is there counts."""
    prefix: str = ""
    """Left out of names on both sides: some editions write `Mbpp/2`, some 2."""
    convert: Callable[[Fields, BenchmarkSample], RowParts]

    def key(self, name: object) -> str:
        """The name of a problem as it is looked up."""
        return str(name).removeprefix(self.prefix)


def need(problem: Fields, *names: str) -> str:
    """The first of these fields that is there, as text. Raises RowError."""
    for name in names:
        if isinstance(problem.get(name), str):
            return str(problem[name])
    raise refuse(
        f"field {' or '.join(names)}", "is missing: the problem does not have the format that was named"
    )


def texts(problem: Fields, name: str) -> Sequence[str]:
    """A list of strings; empty if it is missing or null."""
    found = problem.get(name)
    return [str(item) for item in found] if isinstance(found, list | tuple) else []


def refuse(what: str, expected: str) -> RowError:
    """The error for a problem that cannot become a row."""
    return RowError(Problem(what, expected, "use --skip-bad to skip such rows", PAGE))


def completed(prompt: str, sample: BenchmarkSample) -> str:
    """The program: the sample itself, or prompt and sample."""
    return sample.text if sample.whole else prompt + sample.text
