"""Benchmark entries for decontamination, read from JSON Lines files as the usual benchmarks
name their columns.

The one rule: a row without any text that could be compared is an error of the file, not a silent hole
in the protection.
"""

import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path

from synth.errors import DatasetError, Problem

PROMPT_COLUMNS = ("prompt", "instruction", "text", "question", "problem", "description", "content")
ANSWER_COLUMNS = ("canonical_solution", "answer", "code", "solution", "output", "response", "completion")
TEST_COLUMNS = ("test", "tests", "test_list", "test_cases", "public_test_cases")
ID_COLUMNS = ("task_id", "id", "question_id", "problem_id", "name")

HELD_OUT = "@heldout"
"""In `filters.decontaminate`: the tasks of the recipe's own evaluation."""


@dataclass(frozen=True, slots=True)
class BenchmarkEntry:
    """One task of a benchmark. A part that it does not have is empty."""

    id: str
    prompt: str = ""
    answer: str = ""
    tests: str = ""
    language: str = ""


def read_benchmark(path: Path) -> Iterator[BenchmarkEntry]:
    """The entries of a JSON Lines file. Raises DatasetError for a row that is no JSON object or has
    no known column."""
    with path.open(encoding="utf-8") as lines:
        for number, line in enumerate(lines, start=1):
            if line.strip():
                yield _read_row(line, f"{path}:{number}", f"{path.stem}/{number}")


def _read_row(line: str, where: str, default_id: str) -> BenchmarkEntry:
    try:
        row = json.loads(line)
    except ValueError as error:
        raise _problem(where, f"is not JSON: {error}") from error
    if not isinstance(row, dict):
        raise _problem(where, "must be a JSON object")
    prompt, answer, tests = (_text(row, names) for names in (PROMPT_COLUMNS, ANSWER_COLUMNS, TEST_COLUMNS))
    if not (prompt or answer or tests):
        raise _problem(
            where, f"has none of the columns {', '.join(PROMPT_COLUMNS + ANSWER_COLUMNS + TEST_COLUMNS)}"
        )
    return BenchmarkEntry(
        _text(row, ID_COLUMNS) or default_id, prompt, answer, tests, str(row.get("language") or "")
    )


def _text(row: Mapping[str, object], names: tuple[str, ...]) -> str:
    """The first named column that is there: a string as it is, a list joined by lines, anything
    else as JSON."""
    for name in names:
        value = row.get(name)
        if value is None or value == "":
            continue
        if isinstance(value, list) and all(isinstance(item, str) for item in value):
            return "\n".join(value)
        return value if isinstance(value, str) else json.dumps(value, ensure_ascii=False)
    return ""


def _problem(where: str, expected: str) -> DatasetError:
    return DatasetError(
        Problem(
            where,
            expected,
            "write one JSON object per line, with a prompt, an answer or tests",
            "docs/architecture/filters.md",
        )
    )
