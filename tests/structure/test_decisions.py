"""The notes in docs/decisions have one shape, their index is current, so are those of the experiments, and
links between pages lead somewhere."""

import re
from pathlib import Path

import pytest

from tests.structure.decision_index import INDEX, Note, index, read_note, read_notes, wrong_numbers
from tests.structure.source_tree import ROOT

NOTE = """# 0001 A title

Status: accepted
Date: 2026-11-23

## Context

a

## Decision

b

## Cost

c

## Revisit if

d
"""


def links(text: str) -> list[str]:
    """Targets of the links of a page that lead to files, without the part after #. Code is no link."""
    prose = re.sub(r"```.*?```|`[^`\n]*`", "", text, flags=re.DOTALL)
    targets = [target.partition("#")[0] for target in re.findall(r"\]\(([^)\s]+)\)", prose)]
    return [target for target in targets if target and "://" not in target]


def dead_links(page: Path) -> list[str]:
    return [
        f"{page.relative_to(ROOT)}: {target}"
        for target in links(page.read_text(encoding="utf-8"))
        if not (page.parent / target).exists()
    ]


def test_the_index_of_decisions_is_current() -> None:
    assert INDEX.read_text(encoding="utf-8") == index(read_notes()), "`make docs` writes it again"


def test_each_decision_has_a_number_and_successors_exist() -> None:
    notes = read_notes()
    assert len(notes) > 50
    assert wrong_numbers(notes) == []


def test_a_note_is_read() -> None:
    assert read_note("0001-a.md", NOTE) == Note(
        "0001-a.md", "0001", "A title", "accepted", "", "2026-11-23", ""
    )


@pytest.mark.parametrize(
    ("right", "wrong"),
    [
        ("Status: accepted\n", ""),
        ("Status: accepted", "Status: superseded"),
        ("Date: 2026-11-23\n", ""),
        ("# 0001", "# 0002"),
        ("## Cost", "## What it cost"),
    ],
)
def test_a_note_of_another_shape_is_refused(right: str, wrong: str) -> None:
    with pytest.raises(ValueError, match=r"0001-a\.md"):
        read_note("0001-a.md", NOTE.replace(right, wrong))


def test_a_successor_that_does_not_exist_is_seen() -> None:
    old = read_note("0001-a.md", NOTE.replace("accepted", "superseded by 0009"))
    new = read_note("0002-b.md", NOTE.replace("0001", "0002").replace("23\n", "23\nReplaces: 0001\n"))
    assert wrong_numbers([old, new]) == [
        "0001 was replaced and is still there",
        "0001 is superseded by 0009, which does not exist",
    ]


def test_each_experiment_stands_in_the_index_and_has_its_three_parts() -> None:
    folder = ROOT / "docs" / "experiments"
    pages = sorted(page for page in folder.glob("*.md") if page.name != "README.md")
    listed = links((folder / "README.md").read_text(encoding="utf-8"))
    parts = {tuple(re.findall(r"^## (.+)$", page.read_text(encoding="utf-8"), re.M)) for page in pages}
    assert sorted(link for link in listed if link.startswith("20")) == [page.name for page in pages]
    assert parts == {("Question", "Measured", "Answer")}


def test_links_of_the_pages_lead_to_files() -> None:
    pages = [ROOT / "README.md", *(ROOT / "docs").rglob("*.md")]
    assert [dead for page in pages for dead in dead_links(page)] == []


def test_the_rule_finds_links_and_leaves_code_alone() -> None:
    assert links("[a](b.md#c) `[d](e.md)` [f](https://g) ```\n[h](i.md)\n```") == ["b.md"]
