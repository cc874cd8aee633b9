"""Differences as markup: lines of code with the colours of their syntax, and what changed in them marked.

Place in the flow: the templates of a pair and of a unit call these. The one rule: every text is escaped here,
piece by piece; a colour or a mark never changes what is shown.
"""

from collections.abc import Sequence
from typing import TYPE_CHECKING, Final

from synth.inspector.differences import DiffLine, DiffRow, Piece
from synth.inspector.web.highlighting import MOST_COLUMNS, code_lines
from synth.plain_text import plain

if TYPE_CHECKING:
    from markupsafe import Markup

CONTEXT: Final = 2
"""Lines that `only_changes` leaves around a change."""


def pieces(found: Sequence[Piece]) -> "Markup":
    """A text with its changed pieces marked."""
    from markupsafe import Markup

    made = [
        Markup("<mark>{}</mark>").format(plain(one.text))
        if one.is_changed
        else Markup.escape(plain(one.text))
        for one in found
    ]
    return Markup("").join(made)


class ColouredSide:
    """The lines of one side, by number, each in its syntax's colours."""

    def __init__(self, text: str, language: str) -> None:
        self._lines = code_lines(text, language)

    def line(self, found: DiffLine | None) -> "Markup":
        """One line with its changes marked; empty for a side without one. A long line is cut."""
        from markupsafe import Markup

        if found is None:
            return Markup("")
        known = found.number - 1 < len(self._lines)
        tokens = self._lines[found.number - 1] if known else (("", found.text),)
        if "".join(text for _, text in tokens) != found.text:
            tokens = (("", found.text),)
        made, room = [], MOST_COLUMNS
        for kind, text, is_changed in _overlaid(tokens, found.pieces):
            shown = Markup.escape(plain(text[:room]))
            shown = Markup('<i class="{}">{}</i>').format(kind, shown) if kind else shown
            made.append(Markup("<mark>{}</mark>").format(shown) if is_changed else shown)
            room -= len(text)
            if room <= 0:
                made.append(Markup('<b class="cut">… {:,} characters in all</b>').format(len(found.text)))
                break
        return Markup("").join(made)


def only_changes(rows: Sequence[DiffRow]) -> list[DiffRow | int]:
    """The rows around changes. A number stands for so many rows that are the same and left out."""
    near = {
        at + step
        for at, row in enumerate(rows)
        if row.kind != "same"
        for step in range(-CONTEXT, CONTEXT + 1)
    }
    found = list[DiffRow | int]()
    for at, row in enumerate(rows):
        if at in near:
            found.append(row)
        elif found and isinstance(found[-1], int):
            found[-1] += 1
        else:
            found.append(1)
    return found


def unified(rows: Sequence[DiffRow]) -> list[DiffRow]:
    """Each change as lines that go, then lines that come."""
    found, left, right = list[DiffRow](), list[DiffRow](), list[DiffRow]()
    for row in rows:
        if row.kind == "same":
            found += [*left, *right, row]
            left, right = [], []
            continue
        if row.left is not None:
            left.append(DiffRow(kind="removed", left=row.left))
        if row.right is not None:
            right.append(DiffRow(kind="added", right=row.right))
    return [*found, *left, *right]


def _overlaid(tokens: Sequence[tuple[str, str]], found: Sequence[Piece]) -> list[tuple[str, str, bool]]:
    """Class, text and whether it changed: both divisions of one text, laid over each other."""
    made = list[tuple[str, str, bool]]()
    rest = [(one.text, one.is_changed) for one in found if one.text][::-1]
    for kind, text in tokens:
        while text and rest:
            piece, is_changed = rest.pop()
            size = min(len(text), len(piece))
            made.append((kind, text[:size], is_changed))
            text = text[size:]
            if piece[size:]:
                rest.append((piece[size:], is_changed))
    return made
