"""`codemill revoke`: the same answer in the terminal, as JSON, and as a patch."""

import json
from pathlib import Path

import typer
from typer.testing import CliRunner

from synth.cli import revoke, views
from synth.cli.app import Frame
from tests.store.small_run import build_small_run

app = typer.Typer(cls=Frame, pretty_exceptions_enable=False)
for module in (revoke, views):
    module.register(app)


def _run(*arguments: str) -> str:
    found = CliRunner().invoke(app, ["revoke", *arguments])
    assert found.exit_code == 0, found.output
    return found.output


def test_the_patch_of_a_licence_empties_the_next_export(tmp_path: Path) -> None:
    build_small_run(tmp_path)
    patch, where = tmp_path / "patch.jsonl", ["--runs-dir", str(tmp_path)]
    said = _run("small", "--licence", "Apache-2.0", "-o", str(patch), *where)
    assert "licence Apache-2.0" in said and "sft/r1-coarse.parquet" in said and "r1-dpo" in said
    out = tmp_path / "out"
    written = CliRunner().invoke(
        app, ["export", "small", "-o", str(out), "-f", "jsonl", "--without", str(patch), *where]
    )
    assert written.exit_code == 0, written.output
    assert {path.name: path.read_text() for path in out.glob("*.jsonl")} == {
        "sft.jsonl": "",
        "pairs.jsonl": "",
        "fim.jsonl": "",
    }


def test_json_is_the_record_with_the_listed_units(tmp_path: Path) -> None:
    build_small_run(tmp_path)
    found = json.loads(_run("small", "--seed", "1a", "--limit", "2", "--json", "--runs-dir", str(tmp_path)))
    assert found["withdrawn"]["unit"] == "1a"
    assert found["kinds"][0] == {"kind": "seed", "count": 1}
    assert found["units"] == [["seed-1a", "seed"], ["task-2b", "task"]]


def test_an_unknown_source_names_the_option(tmp_path: Path) -> None:
    build_small_run(tmp_path)
    found = CliRunner().invoke(app, ["revoke", "small", "--source", "nowhere", "--runs-dir", str(tmp_path)])
    assert found.exit_code == 2
    assert "--source" in found.output and "pocket" in found.output
