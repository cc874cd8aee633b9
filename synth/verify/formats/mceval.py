"""McEval: the language is the first part of `task_id` (`CPP/3`); `test` stands in that language, samples are
`raw_generation` or programs.

Its markup tasks are compared as text and its AWK tasks with files of its repository: there is nothing here to
run for them.
"""

from synth.verify.formats.spec import BenchmarkSample, Fields, Format, RowParts, completed, need, refuse

_LANGUAGES = {"shell": "bash"}
_NOT_RUN = ("html", "json", "markdown", "awk")


def convert(problem: Fields, sample: BenchmarkSample) -> RowParts:
    """The test after the program."""
    named = need(problem, "task_id").partition("/")[0].lower()
    if named in _NOT_RUN:
        raise refuse(
            f"McEval's {named} tasks",
            "cannot be run: they compare text, or need files of McEval's repository",
        )
    code = completed(str(problem.get("prompt") or ""), sample)
    return RowParts(_LANGUAGES.get(named, named), code, {"kind": "script", "script": need(problem, "test")})


FORMAT = Format(name="mceval", title="McEval", convert=convert)
