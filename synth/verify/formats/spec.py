"""The shape of a test format: how a problem of a benchmark and one sample become a row.

Place in the flow: problems and samples -> `samples.py` -> rows. The one rule: a format is data and one pure
function; it downloads nothing and runs nothing.
"""

import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import NamedTuple

from synth.errors import Problem
from synth.prompts.answers import Choice, read_code
from synth.verify.rows import PAGE, RowError

Fields = Mapping[str, object]

NAMES = ("task_id", "question_id", "problem_id", "name")
"""Fields of a sample that name its problem."""


class BenchmarkSample(NamedTuple):
    """One program for a problem. `whole` programs stand for themselves; others continue
    the problem's prompt."""

    text: str
    whole: bool
    language: str
    """Empty where neither the sample nor the command says it."""
    answer: bool = False
    """A model's whole answer, in which the program has to be found."""


class Reading(NamedTuple):
    """The program that was read from a sample."""

    code: str
    whole: bool
    note: str = ""
    """What the reader has to say: a truncated answer, an answer without a program."""
    answer: bool = False
    """It was found in an answer: what the prompt gives may be missing."""


class RowParts(NamedTuple):
    """What a format makes of a problem and a sample: the rest of a row."""

    language: str
    code: str
    tests: Fields
    limits: Fields = {}
    """Those that the problem states, as a row has them."""
    note: str = ""
    """Said with any verdict but a pass."""


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
    sample_names: tuple[str, ...] = NAMES
    """Fields of a sample that name its problem; the first that is there counts."""
    told_apart: tuple[str, ...] = ()
    """Fields that tell problems of the same name apart; a sample states them too."""
    packages: str = ""
    """The ready-made set (`ready_packages.toml`) that its tests and references import from; empty if they
    need only standard libraries. Commands use it without an option where it was built."""

    def key(self, name: object) -> str:
        """The name of a problem as it is looked up."""
        name = name.get("problem_id") if isinstance(name, Mapping) else name
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


def read_sample(
    sample: BenchmarkSample, language: str, name: str = "", choice: Choice = "definition"
) -> Reading:
    """The program of a sample. Answers are read, and so is anything that begins with a fence, as no program
    does. `name` is what the program has to define: a body alone is a completion."""
    if not sample.answer and not sample.text.lstrip().startswith(("```", "~~~")):
        return Reading(sample.text, sample.whole)
    found = read_code(sample.text, language, name, choice, any_tag=True)
    defines = re.search(rf"^\S.*\b{re.escape(name)}\b", found.code, re.MULTILINE)
    is_body = bool(name) and found.code[:1] in (" ", "\t") and not defines
    note = "the answer was cut off" if found.cut else "" if found.code else "the answer has no program"
    return Reading(found.code, not is_body, note, sample.answer)


def completed(prompt: str, read: Reading, joint: str = "") -> str:
    """The program: the sample itself, or prompt and sample, with the joint between them where neither brings
    it."""
    if read.whole:
        return read.code
    joined = not joint or prompt.endswith(joint) or read.code.startswith(joint)
    return prompt + ("" if joined else joint) + read.code
