"""Names and lines that a reader meets: one class for a name, lines that fit, no source that is not here."""

import ast
import re
from collections import defaultdict
from pathlib import Path

from tests.structure.source_tree import ROOT, parse, sources

MOST_COLUMNS = 110
_PAPER = re.compile(r"\(method, (?:\d|rank)|\bmethod page\b")
"""How pages used to cite a paper that is not in the repository."""
_WRITTEN = (".py", ".md", ".yaml", ".toml", ".c", ".sh")
_FOLDERS = ("synth", "posttrain", "tests", "benchmarks", "docs", "recipes", "prompts")


def files(*suffixes: str) -> list[Path]:
    """Files of the repository with these suffixes, without what installing and running leave behind."""
    found = [path for folder in _FOLDERS for path in (ROOT / folder).rglob("*") if path.suffix in suffixes]
    return [*found, *(path for path in ROOT.iterdir() if path.suffix in suffixes)]


def too_long(text: str) -> list[int]:
    """Numbers of the lines over the limit, embedded strings and comments included."""
    return [number for number, line in enumerate(text.split("\n"), 1) if len(line) > MOST_COLUMNS]


def classes() -> dict[str, list[str]]:
    """Where each class name is defined, in synth and posttrain."""
    found: defaultdict[str, list[str]] = defaultdict(list)
    for module, file in sources().items():
        for node in ast.walk(parse(file)):
            if isinstance(node, ast.ClassDef):
                found[node.name].append(module)
    return found


def test_no_class_name_is_defined_twice() -> None:
    names = classes()
    assert "Problem" in names
    assert {name: places for name, places in names.items() if len(places) > 1} == {}


def test_no_line_of_python_is_wider_than_the_limit() -> None:
    python = files(".py")
    assert len(python) > 300
    wide = {
        str(file.relative_to(ROOT)): lines
        for file in python
        if (lines := too_long(file.read_text(encoding="utf-8")))
    }
    assert wide == {}


def test_the_rule_counts_columns() -> None:
    assert too_long("a" * 110 + "\n" + "é" * 111 + "\n") == [2]


def test_no_page_cites_a_paper_that_is_not_here() -> None:
    own = Path(__file__).resolve()
    citing = [
        str(file.relative_to(ROOT))
        for file in files(*_WRITTEN)
        if file.resolve() != own and _PAPER.search(file.read_text(encoding="utf-8"))
    ]
    assert citing == []


def test_the_rule_sees_such_a_citation() -> None:
    assert all(_PAPER.search(text) for text in ("as it says (method, 3.2).", "(method page, 3.4)"))
