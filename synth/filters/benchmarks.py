"""Benchmark entries for decontamination, from the files and columns in which benchmarks are published.

The one rule: every text of an entry that a model could have learnt from is compared (several prompts, several
solutions). A row without any is an error of the file, not a silent hole in the protection, and so is a row
whose other text stands in a column that nobody reads.
"""

import json
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from itertools import groupby, islice
from pathlib import Path
from typing import Final

from synth.errors import DatasetError, Problem
from synth.filters.benchmark_layouts import Fields, Layout, contest_language, find_layout, row_language
from synth.recipe.benchmark_files import SUFFIXES, benchmark_files, is_benchmark
from synth.table_files import TableFileError, read_rows

PROMPT_COLUMNS: Final = (
    "prompt",
    "instruct_prompt",
    "complete_prompt",
    "instruction",
    "text",
    "question",
    "question_content",
    "problem",
    "problem_statement",
    "description",
    "content",
)
ANSWER_COLUMNS: Final = (
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
TEST_COLUMNS: Final = ("test", "tests", "test_list", "test_cases", "public_test_cases", "code_context")
CHAT_COLUMNS: Final = ("messages", "conversations", "conversation")
ID_COLUMNS: Final = ("task_id", "id", "question_id", "problem_id", "instance_id", "name")
_ABOUT_COLUMNS: Final = frozenset(
    (*ID_COLUMNS, *"url source licence license metadata tags title hints".split())
)
MOST_ANSWERS: Final = 8
"""Of an entry's solutions in one language, so many are compared. APPS and CodeContests hold hundreds for some
tasks."""
_LONG_TEXT: Final = 40
"""Characters of a text that could give a task away."""

HELD_OUT: Final = "@heldout"
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
    """The entries of a file, or of all files in a folder; a task with solutions in several languages is an
    entry for each, of one id. Raises DatasetError for what cannot be read, for a row without a known column,
    and for one of a published layout without a side that its benchmark has."""
    if not is_benchmark(path):
        raise _problem(str(path), f"must end with {', '.join(SUFFIXES)}, or be a folder of such files")
    for file in benchmark_files(path):
        stem = file.name.partition(".")[0]
        for number, row in _read_rows(file):
            yield from _read_row(row, f"{file}:{number}", f"{stem}/{number}")


def _read_rows(file: Path) -> Iterator[tuple[int, object]]:
    try:
        yield from read_rows(file)
    except TableFileError as error:
        raise _problem(error.where, error.words) from error


def _read_row(row: object, where: str, default_id: str) -> Iterator[BenchmarkEntry]:
    if not isinstance(row, dict):
        raise _problem(where, "must be a JSON object")
    layout = find_layout(row)
    if layout is None:
        yield _read_own(row, where, default_id)
        return
    if lacking := layout.lacks(row):
        raise _problem(where, f"is a row of {layout.name} without {' and '.join(lacking)}")
    yield from _read_published(row, layout, where, default_id)


def entry_of(row: Fields) -> BenchmarkEntry:
    """A row of a data set, by its published layout or the usual names; without texts if it has none there."""
    layout = find_layout(row)
    id_ = next(texts_of(row, ID_COLUMNS), "")
    if layout is None:
        return _own_entry(row, id_)
    prompts, tests = (tuple(texts_of(row, names)) for names in (layout.prompts, layout.tests))
    answers = [answer for name in layout.answers for _, answer in _answers(row.get(name), "")]
    return BenchmarkEntry(id_, prompts, tuple(answers), tests, row_language(row, id_) or layout.language)


def _own_entry(row: Fields, id_: str) -> BenchmarkEntry:
    chat = dict(_chat(row))
    prompts = (*texts_of(row, PROMPT_COLUMNS), *chat["prompt"])
    answers = (*texts_of(row, ANSWER_COLUMNS), *chat["answer"])
    return BenchmarkEntry(id_, prompts, answers, tuple(texts_of(row, TEST_COLUMNS)), row_language(row, id_))


def _read_own(row: Fields, where: str, default_id: str) -> BenchmarkEntry:
    """A row of somebody's own columns, by the usual names."""
    entry = _own_entry(row, next(texts_of(row, ID_COLUMNS), default_id))
    known = (*PROMPT_COLUMNS, *ANSWER_COLUMNS, *TEST_COLUMNS, *CHAT_COLUMNS)
    if not (entry.prompts or entry.answers or entry.tests):
        raise _problem(where, f"has none of the columns {', '.join(known)}")
    if unread := [] if entry.prompts and entry.answers else _unread(row, frozenset(known)):
        side = "answer" if entry.prompts else "prompt"
        words = f"holds no {side} under a known name, and text in {', '.join(unread)} that would not be"
        raise _problem(where, f"{words} compared (known: {', '.join(known)})")
    return entry


def _unread(row: Fields, known: frozenset[str]) -> list[str]:
    """Columns with text that could give the task away, and that nobody reads."""
    return sorted(
        name
        for name, value in row.items()
        if name not in known | _ABOUT_COLUMNS
        and any(len(text) >= _LONG_TEXT and len(text.split()) > 1 for text in _strings(value))
    )


def _strings(value: object) -> Iterator[str]:
    if isinstance(value, str):
        yield value
    elif isinstance(value, list):
        yield from (item for item in value if isinstance(item, str))


def _read_published(row: Fields, layout: Layout, where: str, default_id: str) -> Iterator[BenchmarkEntry]:
    """The entries of a row of a published layout: one, or one for each language of its solutions."""
    prompts = tuple(map(without_diff, texts_of(row, layout.prompts)))
    tests = (*map(without_diff, texts_of(row, layout.tests)), *_calls(row, layout))
    if not (prompts or any(texts_of(row, layout.answers))):
        raise _problem(where, f"is a row of {layout.name} whose {' and '.join(layout.needs)} are empty")
    id_ = next(texts_of(row, ID_COLUMNS), default_id)
    language = row_language(row, id_) or layout.language
    head = row.get(layout.completes)
    by_language: dict[str, list[str]] = {language: []}
    for name in layout.answers:
        for spoken, answer in _answers(row.get(name), language):
            joined = [f"{head}{answer}"] if isinstance(head, str) and name == "canonical_solution" else []
            by_language.setdefault(spoken, []).extend((without_diff(answer), *joined))
    for number, (spoken, answers) in enumerate(by_language.items()):
        texts = (prompts, tuple(answers), tests) if number == 0 else ((), tuple(answers), ())
        yield BenchmarkEntry(id_, *texts, spoken)


def _calls(row: Fields, layout: Layout) -> Iterator[str]:
    """The input and the output of CRUXEval, as the call that its prompt states."""
    if layout.name == "CRUXEval":
        yield f"assert f({row['input']}) == {row['output']}"


def _answers(value: object, language: str) -> Iterator[tuple[str, str]]:
    """Answers with their languages, a bounded number of each."""
    if isinstance(value, dict) and isinstance(value.get("solution"), list):
        named = value.get("language")
        spoken = [contest_language(one) for one in named] if isinstance(named, list) else []
        spoken += [language] * (len(value["solution"]) - len(spoken))
        pairs = sorted(zip(spoken, value["solution"], strict=False), key=lambda pair: pair[0])
        for _, group in groupby(pairs, key=lambda pair: pair[0]):
            yield from ((name, code) for name, code in islice(group, MOST_ANSWERS) if isinstance(code, str))
        return
    yield from ((language, code) for code in islice(_solutions(value), MOST_ANSWERS) if code)


def texts_of(row: Mapping[str, object], names: Iterable[str]) -> Iterator[str]:
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
            found = json.loads(value)
        except (ValueError, RecursionError):
            found = None
        if not isinstance(found, list | dict):
            yield value
            return
        value = found
    if isinstance(value, dict):
        value = value.get("solution")
    yield from (item for item in (value if isinstance(value, list) else ()) if isinstance(item, str))


def _chat(row: Fields) -> Iterator[tuple[str, tuple[str, ...]]]:
    """What the user and what the assistant says in a chat, in the words of either usual layout."""
    turns = next((row[name] for name in CHAT_COLUMNS if isinstance(row.get(name), list)), None)
    sides: dict[str, list[str]] = {"prompt": [], "answer": []}
    for turn in turns if isinstance(turns, list) else ():
        if isinstance(turn, dict):
            role, text = turn.get("role", turn.get("from")), turn.get("content", turn.get("value"))
            if isinstance(text, str):
                sides["answer" if role in ("assistant", "gpt", "model") else "prompt"].append(text)
    yield from ((side, tuple(said)) for side, said in sides.items())


def without_diff(text: str) -> str:
    """The lines that a diff adds; any other text as it is."""
    if not text.startswith(("diff --git ", "--- ", "Index: ")):
        return text
    added = (line[1:] for line in text.split("\n") if line.startswith("+") and not line.startswith("+++"))
    return "\n".join(added)


def _problem(where: str, expected: str) -> DatasetError:
    return DatasetError(
        Problem(
            where,
            expected,
            "give each row a prompt, an answer or tests, as benchmarks are published",
            "docs/architecture/filters.md",
        )
    )
