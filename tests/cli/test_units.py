"""`codemill units`: the terminal twin of the page of units."""

import json
from collections.abc import Sequence
from pathlib import Path

import pytest
import typer
from typer.testing import CliRunner, Result

from synth.cli import inspect
from synth.cli.app import Frame
from tests.store.small_run import BAD, build_small_run


@pytest.fixture(scope="module")
def runs_dir(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("runs")
    build_small_run(folder)
    return folder


def units(runs_dir: Path, *words: str) -> Result:
    app = typer.Typer(cls=Frame)
    inspect.register(app)
    return CliRunner().invoke(app, ["units", "--runs-dir", str(runs_dir), *words])


def ids(result: Result) -> Sequence[str]:
    assert result.exit_code == 0, result.output
    return [row["unit_id"] for row in json.loads(result.stdout)["page"]["rows"]]


def test_units_are_listed_and_counted(runs_dir: Path) -> None:
    shown = units(runs_dir, "reason:wrong_answer")
    assert BAD.id in shown.stdout
    assert "1 of 13 rows: units with the reason wrong_answer" in shown.stdout


def test_words_of_the_shell_are_words_of_the_filter(runs_dir: Path) -> None:
    assert ids(units(runs_dir, "--json", "text:return x * x", "stage:solve")) == [BAD.id]
    assert ids(units(runs_dir, "--json", "kind:solution stage:verdict", "--", "-reason:*_*")) == [
        "solution-3c"
    ]


def test_a_run_is_a_name_or_a_path(runs_dir: Path) -> None:
    by_name = ids(units(runs_dir, "--json", "--run", "small", "kind:seed"))
    assert by_name == ids(units(runs_dir.parent, "--json", "--run", str(runs_dir / "small"), "kind:seed"))
    assert len(by_name) == 3


def test_facets_are_counted(runs_dir: Path) -> None:
    assert "decision:rejected" in units(runs_dir, "--facets").stdout
    found = json.loads(units(runs_dir, "--facets", "--json", "stage:verdict").stdout)
    assert found["count"]["found"] == 3


@pytest.mark.parametrize("words", [("lnag:rust",), ("--run", "none"), ("--sort", "size"), ("lang:cobol",)])
def test_a_mistake_of_the_user_is_told(runs_dir: Path, words: Sequence[str]) -> None:
    found = units(runs_dir, *words)
    assert found.exit_code == 2
    assert "fix:" in found.stderr
