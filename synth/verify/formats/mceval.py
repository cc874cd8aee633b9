"""McEval: the language is the first part of `task_id` (`CPP/3`); `test` stands in that language, samples are
`raw_generation` (whose first block of the language counts) or programs.

Its data leaves out the line break between prompt and completion. The one rule: what its own evaluation puts
before a program stands there. It runs the tasks in Scheme with Racket, and those in C# in a project with
implicit usings. Its markup tasks are compared as text and its AWK tasks with files of its repository: nothing
can be run for them.
"""

from typing import Final

from synth.languages.registry import normalize_language
from synth.verify.formats.dotnet_projects import IMPLICIT_USINGS
from synth.verify.formats.spec import (
    BenchmarkSample,
    Fields,
    Format,
    RowParts,
    completed,
    need,
    read_sample,
    refuse,
)
from synth.verify.formats.whole_functions import with_imports

_LANGUAGES: Final = {"shell": "bash", "scheme": "racket", "c#": "csharp"}
_NOT_RUN: Final = ("html", "json", "markdown", "awk")
_RACKET: Final = "#lang racket\n(require rackunit)\n"


def language_of(problem: Fields) -> str:
    """The language of a problem."""
    named = need(problem, "task_id").partition("/")[0].lower()
    return normalize_language(_LANGUAGES.get(named, named))


def convert(problem: Fields, sample: BenchmarkSample) -> RowParts:
    """The test after the program."""
    language = language_of(problem)
    if language in _NOT_RUN:
        raise refuse(
            f"McEval's {language} tasks",
            "cannot be run: they compare text, or need files of McEval's repository",
        )
    read = read_sample(sample, language, choice="first")
    prompt = str(problem.get("prompt") or "")
    code = with_imports(read.code, prompt) if read.answer and read.whole else completed(prompt, read, "\n")
    if language == "csharp":
        code = IMPLICIT_USINGS + code
    elif language == "racket" and "#lang" not in code:
        code = _RACKET + code
    return RowParts(language, code, {"kind": "script", "script": need(problem, "test")}, note=read.note)


FORMAT = Format(
    name="mceval",
    title="McEval",
    packages="mceval",
    convert=convert,
)
