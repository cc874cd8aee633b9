"""Tables for generated cards. The one rule: whatever a cell holds, it stays one cell."""

from collections.abc import Sequence


def markdown_table(heads: Sequence[str], rows: Sequence[Sequence[object]]) -> str:
    """A table of GitHub's Markdown."""
    lines: list[Sequence[object]] = [heads, ["---"] * len(heads), *rows]
    return "\n".join("| " + " | ".join(markdown_cell(cell) for cell in line) + " |" for line in lines)


def markdown_cell(value: object) -> str:
    """One line in which nothing ends the cell or opens a tag."""
    return " ".join(str(value).split()).replace("|", "\\|").replace("<", "&lt;")
