"""`codemill checklist fit`: rows in, weights for a recipe out; what cannot be read is named."""

import json
from pathlib import Path

import pytest
import typer
from typer.testing import CliRunner

from synth.checklist_config import ChecklistConfig
from synth.cli import checklist
from synth.cli.app import Frame

app = typer.Typer(cls=Frame, pretty_exceptions_enable=False)
checklist.register(app)

GOOD = '''"""Sum of squares."""
def sum_of_squares(numbers):
    # each once
    return sum(one * one for one in numbers)
'''
BAD = "def f(x):\n  return sum(a*a for a in x)\n"


def write_rows(path: Path, *rows: object) -> Path:
    path.write_text("".join(json.dumps(row) + "\n" for row in rows), encoding="utf-8")
    return path


def labelled() -> list[dict[str, object]]:
    return [
        {"code": GOOD if good else BAD, "language": "python", "good": good, "pass_rate": number / 20}
        for number in range(20)
        for good in (True, False)
    ]


def test_the_weights_that_come_out_go_into_a_recipe(tmp_path: Path) -> None:
    file = write_rows(tmp_path / "rows.jsonl", *labelled())
    ended = CliRunner().invoke(app, ["checklist", "fit", str(file), "--json"])
    assert ended.exit_code == 0, ended.output
    found = json.loads(ended.output)
    assert (found["good"], found["bad"], found["auc"]) == (20, 20, 1.0)
    assert ChecklistConfig(weights=found["weights"]).weights["comments"] > 0


@pytest.mark.parametrize(
    ("row", "words"),
    [
        ({"language": "python", "good": True}, "must have `code`"),
        ({"code": "x", "language": "python", "good": 1}, "must have `good`: true or false"),
        ({"code": "x", "language": "python", "good": True, "pass_rate": 2}, "no number from 0 to 1"),
        (["x"], "must be an object"),
    ],
)
def test_a_row_that_cannot_be_used_is_named(tmp_path: Path, row: object, words: str) -> None:
    file = write_rows(tmp_path / "rows.jsonl", *labelled(), row)
    ended = CliRunner().invoke(app, ["checklist", "fit", str(file)])
    assert ended.exit_code == 2
    assert "rows.jsonl:41" in ended.output
    assert words in ended.output


def test_rows_of_one_kind_are_refused(tmp_path: Path) -> None:
    file = write_rows(tmp_path / "rows.jsonl", *(row for row in labelled() if row["good"]))
    ended = CliRunner().invoke(app, ["checklist", "fit", str(file)])
    assert ended.exit_code == 2
    assert "20 good and 0 bad rows" in ended.output
