"""The published layouts of benchmarks: which columns hold the questions, the answers and the tests.

Place in the flow: `benchmarks.py` reads each row by its layout. The one rule: a benchmark that publishes a
side is read on that side. A row without it is an error that names the columns, because a benchmark that is
half read protects half.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final

from synth.languages.registry import find_language, normalize_language

Fields = Mapping[str, object]


@dataclass(frozen=True, slots=True, kw_only=True)
class Layout:
    """One published layout. `marks` are columns that only it has; the other fields name columns by kind."""

    name: str
    marks: tuple[str, ...]
    """All of these columns together tell it; `a|b` is either of two."""
    prompts: tuple[str, ...] = ()
    answers: tuple[str, ...] = ()
    tests: tuple[str, ...] = ()
    needs: tuple[str, ...]
    """What each row must have, `a|b` either of two. The column must be there; it may be empty, where the
    benchmark itself has tasks without solutions."""
    completes: str = ""
    """The column whose text the answers continue, so that both together are a program."""
    language: str = ""
    """The language of its code. If unset, the row says it: `language`, or the first part of its id."""

    def fits(self, row: Fields) -> bool:
        """Whether a row has this layout."""
        return all(_has(row, either) for either in self.marks)

    def lacks(self, row: Fields) -> list[str]:
        """The needed columns that a row does not have."""
        return [either.replace("|", " or ") for either in self.needs if not _has(row, either)]


def _has(row: Fields, either: str) -> bool:
    return any(name in row for name in either.split("|"))


LAYOUTS: Final = (
    Layout(
        name="SWE-bench",
        marks=("patch|test_patch|fix_patch", "instance_id|base_commit|base"),
        prompts=("problem_statement", "title", "body", "hints_text"),
        answers=("patch", "fix_patch"),
        tests=("test_patch",),
        needs=("problem_statement|body", "patch|fix_patch"),
    ),
    Layout(
        name="LiveCodeBench",
        marks=("question_id", "contest_id|platform|starter_code", "question_content|private_test_cases"),
        prompts=("question_content", "question_title"),
        answers=("starter_code",),
        tests=("public_test_cases",),
        needs=("question_content", "public_test_cases"),
        language="python",
    ),
    Layout(
        name="LiveCodeBench (prediction of test outputs)",
        marks=("question_id", "function_name", "test|test_id"),
        prompts=("question_content", "question_title"),
        answers=("starter_code",),
        tests=("test",),
        needs=("question_content", "test"),
        language="python",
    ),
    Layout(
        name="CRUXEval",
        marks=("code", "input|output", "id|numsteps|question_id"),
        answers=("code",),
        needs=("code", "input", "output"),
        language="python",
    ),
    Layout(
        name="BigCodeBench",
        marks=("complete_prompt|instruct_prompt|code_prompt", "test|canonical_solution"),
        prompts=("instruct_prompt", "complete_prompt"),
        answers=("canonical_solution",),
        tests=("test",),
        needs=("instruct_prompt|complete_prompt", "canonical_solution"),
        completes="complete_prompt",
        language="python",
    ),
    Layout(
        name="CodeContests",
        marks=("public_tests|private_tests|generated_tests", "description|solutions"),
        prompts=("description",),
        answers=("solutions",),
        tests=("public_tests",),
        needs=("description", "solutions"),
    ),
    Layout(
        name="APPS or TACO",
        marks=("input_output", "question|solutions"),
        prompts=("question",),
        answers=("solutions",),
        tests=("input_output",),
        needs=("question", "solutions"),
        language="python",
    ),
    Layout(
        name="DS-1000",
        marks=("code_context",),
        prompts=("prompt",),
        answers=("reference_code",),
        tests=("code_context",),
        needs=("prompt", "reference_code"),
        language="python",
    ),
    Layout(
        name="MultiPL-E",
        marks=("stop_tokens|doctests", "prompt|tests"),
        prompts=("prompt",),
        tests=("tests",),
        needs=("prompt", "tests"),
    ),
    Layout(
        name="MdEval",
        marks=("question_id", "buggy_code|correct_code|example_buggy_code"),
        prompts=("question", "instruction", "docstring"),
        answers=("correct_code", "canonical_solution", "buggy_code", "example_buggy_code"),
        tests=("test",),
        needs=("question|instruction", "correct_code|canonical_solution"),
    ),
    Layout(
        name="HumanEvalPack",
        marks=("declaration", "canonical_solution|buggy_solution|test"),
        prompts=("instruction", "prompt", "docstring"),
        answers=("canonical_solution", "buggy_solution"),
        tests=("test", "example_test"),
        needs=("prompt|instruction", "canonical_solution"),
        completes="declaration",
    ),
    Layout(
        name="McEval",
        marks=("task_id", "signature|docstring", "canonical_solution|instruction"),
        prompts=("instruction", "prompt", "docstring"),
        answers=("canonical_solution",),
        tests=("test",),
        needs=("instruction|prompt", "canonical_solution"),
        completes="prompt",
    ),
    Layout(
        name="ClassEval",
        marks=("skeleton",),
        prompts=("class_description", "skeleton"),
        answers=("solution_code",),
        tests=("test",),
        needs=("skeleton", "solution_code"),
        language="python",
    ),
    Layout(
        name="HumanEval",
        marks=("entry_point", "canonical_solution|test|plus_input|base_input", "task_id"),
        prompts=("prompt",),
        answers=("canonical_solution",),
        tests=("test", "assertion"),
        needs=("prompt", "canonical_solution"),
        completes="prompt",
        language="python",
    ),
    Layout(
        name="MBPP",
        marks=("test_list|test_setup_code|challenge_test_list|test_imports", "task_id"),
        prompts=("text", "prompt"),
        answers=("code",),
        tests=("test_list", "challenge_test_list", "test"),
        needs=("text|prompt", "code"),
        language="python",
    ),
)


def find_layout(row: Fields) -> Layout | None:
    """The published layout of a row; None for a file of somebody's own columns."""
    return next((layout for layout in LAYOUTS if layout.fits(row)), None)


_CONTEST_LANGUAGES: Final = {1: "python", 2: "cpp", 3: "python", 4: "java"}
"""Numbers of CodeContests. `PYTHON` is Python 2."""


def contest_language(value: object) -> str:
    """The language of one solution of CodeContests, whose languages are numbers or names."""
    if isinstance(value, int):
        return _CONTEST_LANGUAGES.get(value, "")
    return normalize_language(str(value).lower().rstrip("23")) if isinstance(value, str) else ""


_ID_LANGUAGES: Final = {"js": "javascript", "c++": "cpp", "c#": "csharp", "py": "python", "rs": "rust"}


def row_language(row: Fields, id_: str) -> str:
    """The language that a row states, or that the first part of its id names (`Go/3`); else empty."""
    for stated in (row.get("language"), row.get("lang"), id_.partition("/")[0] if "/" in id_ else ""):
        if isinstance(stated, str) and stated:
            name = normalize_language(_ID_LANGUAGES.get(stated.lower(), stated.lower()))
            if find_language(name) is not None:
                return name
    return ""
