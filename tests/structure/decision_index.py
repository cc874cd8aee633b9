"""The index of docs/decisions, made from the heads of the notes. `make docs` writes it.

A note begins with `# 0010 Title`, `Status: accepted` or `Status: superseded by 0092`, and `Date: 2026-11-23`;
a note that took the place of others names them: `Replaces: 0136, 0150`. Then Context, Decision, Cost and
Revisit if.
"""

import re
from pathlib import Path
from typing import NamedTuple

FOLDER = Path(__file__).resolve().parents[2] / "docs" / "decisions"
INDEX = FOLDER / "README.md"
SECTIONS = ["Context", "Decision", "Cost", "Revisit if"]
_HEAD = re.compile(
    r"# (?P<number>\d{4}) (?P<title>[^\n]+)\n\n"
    r"Status: (?P<status>accepted|superseded by (?P<by>\d{4}))\n"
    r"Date: (?P<date>\d{4}-\d\d-\d\d)\n"
    r"(?:Replaces: (?P<replaces>\d{4}(?:, \d{4})*)\n)?\n"
)
_INTRODUCTION = """# Decisions

One short note for each decision: context, decision, cost, when to revisit. This page is generated:
`make docs` writes it again. Notes that a later one replaced are in the history under their numbers.

| number | decision | status | date | replaces |
|---|---|---|---|---|
"""


class Note(NamedTuple):
    """One decision, as its head states it."""

    file: str
    number: str
    title: str
    status: str
    by: str
    """Number of the note that superseded it; empty while it is accepted."""
    date: str
    replaces: str


def read_note(name: str, text: str) -> Note:
    """The note in a file. Raises ValueError for a head that is not as it should be, or sections that are
    missing."""
    head = _HEAD.match(text)
    if head is None or not name.startswith(f"{head['number']}-"):
        raise ValueError(f"{name}: no number of its own, status or date at the top")
    if re.findall(r"^## (.+)$", text, re.MULTILINE) != SECTIONS:
        raise ValueError(f"{name}: the sections are not {', '.join(SECTIONS)}")
    parts = head.groupdict(default="")
    return Note(
        name, parts["number"], parts["title"], parts["status"], parts["by"], parts["date"], parts["replaces"]
    )


def read_notes() -> list[Note]:
    """All notes, by number."""
    files = sorted(path for path in FOLDER.glob("*.md") if path != INDEX)
    return [read_note(path.name, path.read_text(encoding="utf-8")) for path in files]


def wrong_numbers(notes: list[Note]) -> list[str]:
    """Numbers that are used twice, were replaced, or are named as a successor and do not exist."""
    numbers = [note.number for note in notes]
    replaced = {number for note in notes for number in note.replaces.split(", ")}
    twice = [f"{number} is used twice" for number in sorted(set(numbers)) if numbers.count(number) > 1]
    back = [f"{number} was replaced and is still there" for number in sorted(replaced & set(numbers))]
    lost = [
        f"{note.number} is superseded by {note.by}, which does not exist"
        for note in notes
        if note.by and note.by not in numbers
    ]
    return twice + back + lost


def index(notes: list[Note]) -> str:
    """The whole page."""
    rows = [
        f"| [{note.number}]({note.file}) | {note.title} | {note.status} | {note.date} | {note.replaces} |\n"
        for note in notes
    ]
    return _INTRODUCTION + "".join(rows)


if __name__ == "__main__":
    INDEX.write_text(index(read_notes()), encoding="utf-8")
