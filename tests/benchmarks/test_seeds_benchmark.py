"""The yield of seeds on a folder made here."""

from pathlib import Path

import pytest

from benchmarks.seeds.__main__ import main

GOOD = "def double_sum(numbers: list[int]) -> int:\n    total = sum(numbers)\n    return 2 * total\n"
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
    assert "'function': 1" in shown
