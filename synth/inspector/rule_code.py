"""The code of a rule: the functions of ours that give a reason, as they stand in this version.

Place in the flow: the page of a reason shows them beside its sentence. The one rule: the source is read, and
nothing of it is run. A reason is looked for where stages, filters and rules reject, and an outcome where
verdicts are made.
"""

import ast
from collections.abc import Iterator
from functools import lru_cache
from pathlib import Path
from typing import Final

from synth.records import Outcome
from synth.wire_record import Record

_SYNTH: Final = Path(__file__).parents[1]
_ROOMS: Final = ("stages", "filters", "rules", "seeds")
_VERDICT: Final = "execution/verdict.py"
_MOST_PIECES: Final = 3
_LONGEST: Final = 80
"""Lines: a longer function says too much to be read beside a chart."""


class RuleCode(Record):
    """One function: where it stands in the repository, its first line, and its text."""

    place: str
    line: int
    name: str
    text: str


@lru_cache(maxsize=256)
def rule_code(stage: str, reason: str) -> tuple[RuleCode, ...]:
    """The functions that reject for this reason, those of the stage's own module first; at most three."""
    stage = stage.removeprefix("seed_")
    found = [piece for path in _modules(reason) for piece in _functions(path, reason)]
    found.sort(key=lambda piece: (stage not in Path(piece.place).stem, piece.place, piece.line))
    own = [piece for piece in found if stage in Path(piece.place).stem]
    return tuple((own or found)[:_MOST_PIECES])


def _modules(reason: str) -> Iterator[Path]:
    """Modules whose text names the reason."""
    for room in _ROOMS:
        for path in sorted((_SYNTH / room).rglob("*.py")):
            if f'"{reason}"' in path.read_text(encoding="utf-8"):
                yield path
    if reason in {outcome.value for outcome in Outcome}:
        yield _SYNTH / _VERDICT


def _functions(path: Path, reason: str) -> Iterator[RuleCode]:
    text = path.read_text(encoding="utf-8")
    lines, is_verdict = text.splitlines(), path == _SYNTH / _VERDICT
    for node in ast.walk(ast.parse(text)):
        if not isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
            continue
        inner = [one for one in ast.walk(node) if isinstance(one, ast.FunctionDef) and one is not node]
        last = node.end_lineno or node.lineno
        gives = _gives(node, reason, is_verdict)
        gives = gives and not any(_gives(one, reason, is_verdict) for one in inner)
        if gives and last - node.lineno < _LONGEST:
            place = str(Path("synth") / path.relative_to(_SYNTH))
            body = "\n".join(lines[node.lineno - 1 : last])
            yield RuleCode(place=place, line=node.lineno, name=node.name, text=_without_indent(body))


def _gives(node: ast.AST, reason: str, is_verdict: bool) -> bool:
    """Whether the code rejects for the reason, or in the module of verdicts names the outcome."""
    parts = list(ast.walk(node))
    if is_verdict:
        return any(isinstance(one, ast.Attribute) and one.attr == reason.upper() for one in parts)
    rejects = any(isinstance(one, ast.Name) and "reject" in one.id.lower() for one in parts)
    return rejects and any(isinstance(one, ast.Constant) and one.value == reason for one in parts)


def _without_indent(text: str) -> str:
    first = text[: len(text) - len(text.lstrip(" "))]
    return "\n".join(line.removeprefix(first) for line in text.split("\n"))
