"""The columns of published instruction sets, and of any other that the recipe maps.

The one rule: a layout is data. It is chosen by the columns that a row has, the more particular first; what
the recipe maps counts before it.
"""

from collections.abc import Mapping
from typing import Any, Final, NamedTuple

from synth.config import ColumnPart


class SetLayout(NamedTuple):
    """Where a set keeps the parts of a row. Empty: it has no such column."""

    title: str
    needs: tuple[str, ...]
    """Columns by which it is known."""
    problem: tuple[str, ...]
    """Its text, in parts that are joined; one that is not there is left out."""
    answer: str = ""
    tests: tuple[str, ...] = ()
    """The first that can be read counts."""
    language_column: str = ""
    language: str = ""
    """Of every answer, if no column states it."""
    starter: str = ""
    """The head of the function that is asked for."""


LAYOUTS: Final = (
    SetLayout(
        "KodCode",
        ("question", "solution", "test"),
        ("question",),
        "solution",
        ("test",),
        language="python",
    ),
    SetLayout(
        "OpenCodeInstruct",
        ("input", "output", "unit_tests"),
        ("input",),
        "output",
        ("unit_tests",),
        language="python",
    ),
    SetLayout(
        "verifiable coding problems",
        ("prompt", "verification_info"),
        ("prompt",),
        "gold_standard_solution",
        ("verification_info",),
        language="python",
    ),
    SetLayout(
        "Codeforces problems",
        ("description", "input_format", "output_format"),
        ("title", "description", "input_format", "output_format", "note"),
        "solution",
        ("official_tests", "public_tests", "examples"),
    ),
    SetLayout(
        "APPS and TACO",
        ("question", "input_output"),
        ("question",),
        "solutions",
        ("input_output",),
        language="python",
        starter="starter_code",
    ),
    SetLayout(
        "CodeContests",
        ("description", "public_tests"),
        ("description",),
        "solution",
        ("generated_tests", "private_tests", "public_tests"),
    ),
    SetLayout("MBPP", ("text", "code", "test_list"), ("text",), "code", ("test_list",), language="python"),
    SetLayout(
        "MBPP, sanitised",
        ("prompt", "code", "test_list"),
        ("prompt",),
        "code",
        ("test_list",),
        language="python",
    ),
    SetLayout(
        "the unsolved tasks of a run",
        ("instruction", "reference", "best_pass_rate"),
        ("instruction",),
        "reference",
        language_column="language",
    ),
    SetLayout("OSS-Instruct", ("problem", "solution"), ("problem",), "solution", ("tests",), "lang"),
    SetLayout("Evol-Instruct", ("instruction", "response"), ("instruction",), "response"),
    SetLayout("CodeAlpaca", ("instruction", "output"), ("instruction", "input"), "output"),
    SetLayout("prompt and completion", ("prompt", "completion"), ("prompt",), "completion", ("tests",)),
    SetLayout("question and answer", ("question", "answer"), ("question",), "answer", ("tests",)),
    SetLayout("chats", ("messages",), ("messages",), "messages"),
    SetLayout("chats", ("conversations",), ("conversations",), "conversations"),
    SetLayout("problems alone", ("problem",), ("problem",), "", ("tests",)),
)


def find_layout(row: Mapping[str, Any], columns: Mapping[ColumnPart, str]) -> SetLayout | None:
    """The layout of a row; None if it has no column for the problem."""
    known = next((one for one in LAYOUTS if all(name in row for name in one.needs)), None)
    if "problem" in columns:
        known = SetLayout("the recipe's columns", (), (columns["problem"],))
    if known is None:
        return None
    return known._replace(
        answer=columns.get("answer", known.answer),
        tests=(columns["tests"],) if "tests" in columns else known.tests,
        language_column=columns.get("language", known.language_column),
        starter=columns.get("starter", known.starter),
    )
