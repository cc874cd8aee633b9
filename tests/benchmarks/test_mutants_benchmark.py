"""The strength of tests, measured on a folder made here."""

from pathlib import Path

import pytest

from benchmarks.mutants.__main__ import main

CODE = """def shorten(text: str, limit: int) -> str:
    words = text.split(" ")
    kept = []
    for word in words:
        if len(word) > limit:
            word = word[:limit] + "."
        kept.append(word)
    return "-".join(kept)
"""


def test_counts_mutants_that_pass_and_shows_them(tmp_path: Path, capfd: pytest.CaptureFixture[str]) -> None:
    tree = tmp_path / "tree"
    tree.mkdir()
    (tree / "good.py").write_text(CODE)
    wanted = ["--languages", "python", "--keep", str(tmp_path / "kept"), "--read", "3"]
    assert main([str(tree), *wanted]) in (0, 1)
    shown = capfd.readouterr().out
    cells = next(line for line in shown.splitlines() if line.startswith("│ python")).split("│")[2:-1]
    references, unsearched, ran, drawn, chosen = (cell.strip() for cell in cells[:5])
    assert (references, unsearched) == ("1", "0")
    assert int(ran) >= 15
    assert float(chosen.strip("%")) <= 10 <= float(drawn.strip("%")) + 10
