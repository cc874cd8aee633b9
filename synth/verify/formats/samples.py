"""A file of samples beside the problems of a benchmark, as entries of `codemill verify`.

A line names its problem (`task_id`, `question_id`, `problem_id` or `name`) and holds programs: `completion`
(continues the prompt), `solution` or `code` (whole), `completions`, `solutions`, `code_list` (lists of them),
or `raw_generation` (a model's answer, whose first fenced block counts). It may say its `language`. The one
rule: each program is one row, in the order of the file.
"""

import json
from collections.abc import Iterator
from functools import partial
from pathlib import Path
from typing import Any

from synth.errors import Problem, UserError
from synth.prompts.fences import read_fences
from synth.verify.formats.registry import get_format
from synth.verify.formats.spec import BenchmarkSample, Fields, Format
from synth.verify.formats.tables import Problems
from synth.verify.row_files import Entry, file_lines, hash_row, read_object
from synth.verify.rows import PAGE, RowError, VerifyRow, read_row

_NAMES = ("task_id", "question_id", "problem_id", "name")
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
    for line_number, line in file_lines(samples):
        where = f"{samples}:{line_number}"
        for index, read in enumerate(_readers(line, where, known, table, language or "")):
            number += 1
            yield Entry(where, number, hash_row(line, f"{salt} {known.name} {language} {index}"), read)


def _readers(
    line: bytes, where: str, form: Format, table: Problems, language: str
) -> "list[partial[VerifyRow]]":
    """One reader for each program of the line; one that raises where the line cannot be read."""
    try:
        sample = read_object(line, where)
        programs = _programs(sample, where, language)
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
    name = next(sample[field] for field in _NAMES if field in sample)
    try:
        judged = form.convert(table.find(name, where), program)
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
    row = {
        "id": sample.get("id", f"{name}{suffix}"),
        "language": judged.language,
        "code": judged.code,
        "tests": dict(judged.tests),
    }
    return read_row(row, where)


def _programs(sample: Fields, where: str, language: str) -> list[BenchmarkSample]:
    if not any(field in sample for field in _NAMES):
        raise RowError(
            Problem(
                where,
                f"has none of the fields that name its problem: {', '.join(_NAMES)}",
                "add task_id",
                PAGE,
            )
        )
    stated = sample.get("language") or language
    if "raw_generation" in sample:
        return [
            BenchmarkSample(_fenced(text), True, str(stated))
            for text in _list(sample["raw_generation"], where)
        ]
    for field, whole in _WHOLE.items():
        if field in sample:
            return [BenchmarkSample(text, whole, str(stated)) for text in _list(sample[field], where)]
    raise RowError(
        Problem(
            where,
            f"has no program in any of the fields {', '.join([*_WHOLE, 'raw_generation'])}",
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


def _fenced(answer: str) -> str:
    blocks = read_fences(answer)
    return blocks[0].text if blocks else answer
