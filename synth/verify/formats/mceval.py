"""McEval: the language is the first part of `task_id` (`CPP/3`); `test` stands in that language, samples are
`raw_generation` (whose first block of the language counts) or programs.

Its data leaves out the line break between prompt and completion. Its markup tasks are compared as text and
its AWK tasks with files of its repository: there is nothing here to run for them.
"""

from synth.languages.registry import normalize_language
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

_LANGUAGES = {"shell": "bash"}
_NOT_RUN = ("html", "json", "markdown", "awk")


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
    code = completed(str(problem.get("prompt") or ""), read, "\n")
    return RowParts(language, code, {"kind": "script", "script": need(problem, "test")}, note=read.note)


FORMAT = Format(
    name="mceval",
    title="McEval",
    packages="mceval",
    convert=convert,
)
