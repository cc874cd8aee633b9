"""Rows of programs that people labelled good or bad, as points of the checklist.

Place in the flow: files -> `row_files` -> here -> `rules.checklist_fit`. The one rule: a row that cannot be
read is an error that names its file and line; a fit over what happens to be readable would be another one.
"""

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Final

from synth.curation.row_files import iter_rows, list_files
from synth.errors import Problem, UserError
from synth.languages.registry import get_language
from synth.rules.checklist import measure_points
from synth.rules.checklist_fit import LabelledPoints

_PAGE: Final = "docs/architecture/selection.md"


def read_labelled(files: Sequence[Path]) -> list[LabelledPoints]:
    """The points of all rows. Raises UserError for a row that lacks `code`, `language` or `good`."""
    return [
        _points(row.value, f"{file.path}:{row.number}", row.problem)
        for file in list_files(files)
        for row in iter_rows(file)
    ]


def _points(value: object, where: str, problem: str) -> LabelledPoints:
    if problem or not isinstance(value, Mapping):
        raise _unusable(where, problem or "must be an object with `code`, `language` and `good`")
    code, language, good = (value.get(name) for name in ("code", "language", "good"))
    if not isinstance(code, str) or not isinstance(language, str):
        raise _unusable(where, "must have `code` and `language`, both texts")
    if not isinstance(good, bool):
        raise _unusable(where, "must have `good`: true or false")
    share = value.get("pass_rate", 1.0)
    if isinstance(share, bool) or not isinstance(share, int | float) or not 0 <= share <= 1:
        raise _unusable(where, "has a `pass_rate` that is no number from 0 to 1")
    points = measure_points(code, get_language(language).name, float(share), passed=True)
    return LabelledPoints(points, good)


def _unusable(where: str, what: str) -> UserError:
    fix = 'one row: {"code": "…", "language": "python", "good": true, "pass_rate": 0.5}'
    return UserError(Problem(where, what, fix, _PAGE))
