"""A file of samples beside the problems of a benchmark, as entries of `codemill verify`.

A sample names its problem (`task_id`, `question_id`, `problem_id` or `name`) and holds programs: `completion`
(continues the prompt), `solution` or `code` (whole), `completions`, `solutions`, `code_list` (lists of them),
or a model's answer (`raw_generation`, `llm_response`, `output_list`), in which the format finds the program.
It may say its `language`. The one rule: each program is one row, in the order of the file.
"""

import json
from collections.abc import Iterator
from functools import partial
from pathlib import Path
from typing import Any

from synth.errors import Problem, UserError
from synth.verify.formats.registry import get_format
from synth.verify.formats.sample_files import POSITION, sample_lines
from synth.verify.formats.spec import BenchmarkSample, Fields, Format
from synth.verify.formats.tables import Problems
from synth.verify.row_files import Entry, hash_row, read_object
from synth.verify.rows import PAGE, RowError, VerifyRow, read_row

_ANSWERS = ("raw_generation", "llm_response", "output_list")
_WHOLE = {
    "completion": False,
    "completions": False,
    "solution": True,
    "solutions": True,
    "code": True,
    "code_list": True,
}


def sample_entries(
    samples: Path, form: str, problems: Path, language: str | None, salt: str
) -> Iterator[Entry]:
    """The rows of a file of samples. Raises UserError for an unknown format or unreadable problems."""
    known = get_format(form)
    table = Problems(problems, known)
    number = 0
    for where, line in sample_lines(samples):
        for index, read in enumerate(_readers(line, where, known, table, language or "")):
            number += 1
            yield Entry(where, number, hash_row(line, f"{salt} {known.name} {language} {index}"), read)


def sample_row(sample: Fields, where: str, form: Format, table: Problems) -> VerifyRow:
    """The row of a sample with one program. Raises RowError."""
    program, *others = _programs(sample, where, "", form)
    if others:
        words = f"holds {1 + len(others)} programs"
        raise RowError(Problem(where, words, "make a sample of each", PAGE))
    return _row(sample, program, "", where, form, table)


def _readers(
    line: bytes, where: str, form: Format, table: Problems, language: str
) -> "list[partial[VerifyRow]]":
    """One reader for each program of the line; one that raises where the line cannot be read."""
    try:
        sample = read_object(line, where)
        programs = _programs(sample, where, language, form)
    except RowError as error:
        return [partial(_raise, error)]
    many = len(programs) > 1
    return [
        partial(_row, sample, program, f"#{index}" if many else "", where, form, table)
        for index, program in enumerate(programs)
    ]


def _raise(error: RowError) -> VerifyRow:
    raise error


def _row(
    sample: Fields, program: BenchmarkSample, suffix: str, where: str, form: Format, table: Problems
) -> VerifyRow:
    name = next((sample[field] for field in form.sample_names if field in sample), None)
    try:
        if name is None:
            name, problem = table.at(sample[POSITION], where)
        else:
            problem = table.find(name, where, sample)
        judged = form.convert(problem, program)
    except UserError as error:
        problems = (
            p if p.where.startswith(where) else Problem(f"{where}: {p.where}", p.message, p.fix, p.see)
            for p in error.problems
        )
        raise RowError(*problems) from None
    except (ValueError, TypeError, KeyError, AttributeError) as error:
        raise RowError(
            Problem(
                f"{where}: problem {name}",
                f"does not have the format of {form.title}: {error}",
                "check --format",
                PAGE,
            )
        ) from None
    own = sample.get("id") if "id" not in form.sample_names or name != sample.get("id") else None
    row: dict[str, object] = {
        "id": f"{name}{suffix}" if own is None else own,
        "language": judged.language,
        "code": judged.code,
        "tests": dict(judged.tests),
        "note": judged.note,
    }
    return read_row({**row, "limits": dict(judged.limits)} if judged.limits else row, where)


def _programs(sample: Fields, where: str, language: str, form: Format) -> list[BenchmarkSample]:
    if not any(field in sample for field in (*form.sample_names, POSITION)):
        raise RowError(
            Problem(
                where,
                f"has none of the fields that name its problem: {', '.join(form.sample_names)}",
                f"add {form.sample_names[0]}",
                PAGE,
            )
        )
    told = sample.get("language")
    stated = language if told in (None, "") else str(told)
    for field, whole in _WHOLE.items():
        if field in sample:
            return [BenchmarkSample(text, whole, stated) for text in _list(sample[field], where)]
    for field in _ANSWERS:
        if field in sample:
            return [BenchmarkSample(text, True, stated, answer=True) for text in _list(sample[field], where)]
    raise RowError(
        Problem(
            where,
            f"has no program in any of the fields {', '.join([*_WHOLE, *_ANSWERS])}",
            "add completion or solution",
            PAGE,
        )
    )


def _list(value: object, where: str) -> list[str]:
    items: list[Any] = value if isinstance(value, list) else [value]
    if not items or not all(isinstance(item, str) for item in items):
        raise RowError(
            Problem(
                f"{where}: program = {json.dumps(value)[:60]}",
                "must be a string or a list of strings",
                "write the program",
                PAGE,
            )
        )
    return items
