"""Benchmark entries for decontamination, from the files and columns in which benchmarks are published.

The one rule: every text of an entry that a model could have learnt from is compared (several prompts, several
solutions), and a row without any is an error of the file, not a silent hole in the protection.
"""

import json
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from itertools import islice
from pathlib import Path

from synth.errors import DatasetError, Problem
from synth.recipe.benchmark_files import SUFFIXES, benchmark_files, is_benchmark
from synth.table_files import TableFileError, read_rows

PROMPT_COLUMNS = (
    "prompt",
    "instruct_prompt",
    "complete_prompt",
    "instruction",
    "text",
    "question",
    "question_content",
    "problem",
    "description",
    "content",
)
ANSWER_COLUMNS = (
    "canonical_solution",
    "reference_code",
    "answer",
    "code",
    "solution",
    "solutions",
    "output",
    "response",
    "completion",
)
TEST_COLUMNS = ("test", "tests", "test_list", "test_cases", "public_test_cases", "code_context")
ID_COLUMNS = ("task_id", "id", "question_id", "problem_id", "name")
MOST_ANSWERS = 8
"""Of an entry's solutions, so many are compared. APPS and CodeContests hold up to hundreds for one task."""

HELD_OUT = "@heldout"
"""In `filters.decontaminate`: the tasks of the recipe's own evaluation."""


@dataclass(frozen=True, slots=True)
class BenchmarkEntry:
    """One task of a benchmark, with its texts of each kind. A kind that it does not have is empty."""

    id: str
    prompts: tuple[str, ...] = ()
    answers: tuple[str, ...] = ()
    tests: tuple[str, ...] = ()
    language: str = ""


def read_benchmark(path: Path) -> Iterator[BenchmarkEntry]:
    """The entries of a file, or of all files in a folder. Raises DatasetError for what cannot be read,
    and for a row without a known column."""
    if not is_benchmark(path):
        raise _problem(str(path), f"must end with {', '.join(SUFFIXES)}, or be a folder of such files")
    for file in benchmark_files(path):
        stem = file.name.partition(".")[0]
        for number, row in _read_rows(file):
            yield _read_row(row, f"{file}:{number}", f"{stem}/{number}")


def _read_rows(file: Path) -> Iterator[tuple[int, object]]:
    try:
        yield from read_rows(file)
    except TableFileError as error:
        raise _problem(error.where, error.words) from error


def _read_row(row: object, where: str, default_id: str) -> BenchmarkEntry:
    if not isinstance(row, dict):
        raise _problem(where, "must be a JSON object")
    prompts, answers, tests = (
        tuple(_texts(row, names)) for names in (PROMPT_COLUMNS, ANSWER_COLUMNS, TEST_COLUMNS)
    )
    if not (prompts or answers or tests):
        known = ", ".join(PROMPT_COLUMNS + ANSWER_COLUMNS + TEST_COLUMNS)
        raise _problem(where, f"has none of the columns {known}")
    return BenchmarkEntry(
        next(_texts(row, ID_COLUMNS), default_id), prompts, answers, tests, str(row.get("language") or "")
    )


def _texts(row: Mapping[str, object], names: Iterable[str]) -> Iterator[str]:
    """The texts of the named columns: a string as it is, several solutions each alone, another list joined by
    lines, anything else as JSON."""
    for name in names:
        value = row.get(name)
        if value is None or value == "" or value == []:
            continue
        if name == "solutions":
            yield from islice(_solutions(value), MOST_ANSWERS)
        elif isinstance(value, list) and all(isinstance(item, str) for item in value):
            yield "\n".join(value)
        else:
            yield value if isinstance(value, str) else json.dumps(value, ensure_ascii=False)


def _solutions(value: object) -> Iterator[str]:
    """APPS writes a list as JSON text, CodeContests lists of texts beside their languages."""
    if isinstance(value, str):
        try:
            value = json.loads(value)
        except (ValueError, RecursionError):
            yield str(value)
            return
    if isinstance(value, dict):
        value = value.get("solution")
    yield from (item for item in (value if isinstance(value, list) else ()) if isinstance(item, str))


def _problem(where: str, expected: str) -> DatasetError:
    return DatasetError(
        Problem(
            where,
            expected,
            "give each row a prompt, an answer or tests, as benchmarks are published",
            "docs/architecture/filters.md",
        )
    )
