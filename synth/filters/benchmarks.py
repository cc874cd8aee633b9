"""Benchmark entries for decontamination, from the files and columns in which benchmarks are published.

The one rule: every text of an entry that a model could have learnt from is compared (several prompts, several
solutions), and a row without any is an error of the file, not a silent hole in the protection.
"""

import io
import json
import zlib
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from itertools import islice
from pathlib import Path
from typing import IO

from synth.errors import DatasetError, Problem
from synth.recipe.benchmark_files import SUFFIXES, benchmark_files, is_benchmark
from synth.unpacking import MB, read_gzip

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
_MOST_UNPACKED = 1024 * MB
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
    if file.suffix == ".parquet":
        yield from enumerate(_read_parquet(file), 1)
        return
    try:
        with (
            io.BytesIO(read_gzip(file, _MOST_UNPACKED)) if file.suffix == ".gz" else file.open("rb") as stream
        ):
            if ".jsonl" in file.suffixes:
                yield from _read_lines(file, stream)
            else:
                yield from enumerate(_rows_of(json.load(stream)), 1)
    except (OSError, EOFError, zlib.error, ValueError, RecursionError) as error:
        raise _problem(str(file), f"cannot be read: {error}") from error


def _open(file: Path) -> IO[bytes]:
    return io.BytesIO(read_gzip(file, _MOST_UNPACKED)) if file.suffix == ".gz" else file.open("rb")


def _read_lines(file: Path, lines: IO[bytes]) -> Iterator[tuple[int, object]]:
    for number, line in enumerate(lines, 1):
        if line.strip():
            try:
                row = json.loads(line)
            except (ValueError, RecursionError) as error:
                raise _problem(f"{file}:{number}", f"is not JSON: {error}") from error
            yield number, row


def _rows_of(document: object) -> Iterable[object]:
    """The rows of a JSON document: a list, a list under a name, or an object of rows by their ids."""
    if isinstance(document, list):
        return document
    if not isinstance(document, dict):
        return [document]
    lists = [value for value in document.values() if isinstance(value, list)]
    if len(document) == 1 and lists:
        return lists[0]
    if document and all(isinstance(row, dict) for row in document.values()):
        return [{"id": name, **row} for name, row in document.items()]
    return [document]


def _read_parquet(file: Path) -> Iterator[object]:
    import pyarrow
    from pyarrow import parquet

    try:
        for batch in parquet.ParquetFile(file).iter_batches():
            yield from batch.to_pylist()
    except (pyarrow.ArrowException, OSError) as error:
        raise _problem(str(file), f"cannot be read: {error}") from error


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
