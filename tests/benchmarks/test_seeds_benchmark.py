"""The yield of seeds on a folder made here."""

from collections import Counter
from pathlib import Path

import pytest

from benchmarks.seeds.__main__ import main
from benchmarks.seeds.kinds import KINDS, has_enough_kinds

GOOD = "def double_sum(numbers: list[int]) -> int:\n    total = sum(numbers)\n    return 2 * total\n"
CHANGING = (
    "def double_all(numbers: list[int]) -> None:\n    for at, one in enumerate(numbers):\n"
    "        numbers[at] = 2 * one\n"
)
APPLYING = (
    "def apply_twice(change, number: int) -> int:\n    once = change(number)\n    return change(once) - 3\n"
)
ROOT = (
    "def root(number: int) -> int:\n    if number < 0:\n        raise ValueError('a negative number')\n"
    "    return int(number ** 0.5)\n"
)
COUNTER = (
    "class Tally:\n    def __init__(self) -> None:\n        self.sum = 0\n"
    "    def add(self, number: int) -> None:\n        self.sum += number\n"
    "    def total(self) -> int:\n        return self.sum\n"
)
PROGRAM = "numbers = [int(one) for one in input().split()]\nprint(sum(numbers))\n"
FOREIGN = "def read_remote(name: str) -> str:\n    found = somewhere.get(name)\n    return found\n"


def test_counts_functions_references_and_reasons(tmp_path: Path, capfd: pytest.CaptureFixture[str]) -> None:
    tree = tmp_path / "tree"
    tree.mkdir()
    (tree / "good.py").write_text(GOOD)
    (tree / "foreign.py").write_text(FOREIGN)
    assert main([str(tree), "--languages", "python", "--keep", str(tmp_path / "kept")]) == 0
    shown = capfd.readouterr().out
    row = next(line for line in shown.splitlines() if line.startswith("│ python"))
    assert [cell.strip() for cell in row.split("│")[2:7]] == ["2", "2", "2", "1", "50.0%"]
    assert "1 not_self_contained" in row
    assert "0 kinds of contract with 200 references or more" in shown


def test_counts_references_by_kind_of_contract(tmp_path: Path, capfd: pytest.CaptureFixture[str]) -> None:
    tree = tmp_path / "tree"
    tree.mkdir()
    texts = {"good": GOOD, "change": CHANGING, "apply": APPLYING, "root": ROOT, "tally": COUNTER}
    for name, text in (texts | {"program": PROGRAM}).items():
        (tree / f"{name}.py").write_text(text)
    assert main([str(tree), "--languages", "python", "--keep", str(tmp_path / "kept")]) == 0
    lines = [
        [cell.strip() for cell in line.split("│")[1:3]]
        for line in capfd.readouterr().out.splitlines()
        if line.startswith("│")
    ]
    counts = {kind: count for kind, count in lines if kind in KINDS}
    assert counts == {
        "function": "3",
        "changed argument": "1",
        "class": "1",
        "program": "1",
        "error": "1",
        "callback": "1",
    }


def test_enough_kinds_are_four_with_two_hundred_references_each() -> None:
    enough = {kind: Counter({"python": 150, "java": 50}) for kind in list(KINDS)[:4]}
    assert has_enough_kinds(enough)
    assert not has_enough_kinds(enough | {"class": Counter({"python": 199})})
