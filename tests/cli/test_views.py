"""The terminal views, through the console command's own frame."""

import json
import os
import subprocess
import sys
import textwrap
from pathlib import Path
from typing import Any

import pytest
import typer
from typer.testing import CliRunner

from synth.cli import views
from synth.cli.app import Frame
from synth.errors import UserError
from synth.execution.observations import request_key
from synth.plain_text import plain
from synth.records import CaseObservation, ExecutionRequest, FunctionCall, Limits, Observation, Phase
from synth.store.export import ExportFormat
from synth.store.export import export as write_export
from synth.store.run_folder import RunFolder, RunState
from synth.store.units import find_unit
from synth.store.views import rejected as stored_rejected
from tests.store.small_run import BAD, GOOD, build_small_run, commit, identity, row


@pytest.fixture
def runs(tmp_path: Path) -> Path:
    build_small_run(tmp_path / "runs")
    return tmp_path / "runs"


def call(*arguments: str, code: int = 0) -> str:
    app = typer.Typer(cls=Frame, pretty_exceptions_enable=False)
    views.register(app)
    result = CliRunner().invoke(app, list(arguments))
    assert result.exit_code == code, result.output
    return result.output


def call_json(*arguments: str) -> Any:  # noqa: ANN401  # whatever the document holds
    return json.loads(call(*arguments, "--json"))


def test_ls_shows_the_newest_run_first(runs: Path) -> None:
    build_small_run(runs, "another")
    assert [run["name"] for run in call_json("ls", "--runs-dir", str(runs))] == ["another", "small"]
    assert "finished" in call("ls", "--runs-dir", str(runs))


def test_ls_of_an_empty_folder_is_an_empty_list(tmp_path: Path) -> None:
    assert call_json("ls", "--runs-dir", str(tmp_path)) == []


def test_the_funnel_of_the_newest_run_is_the_default(runs: Path) -> None:
    text = call("funnel", "--runs-dir", str(runs))
    assert text.startswith("small")
    verdict = next(line for line in text.splitlines() if "verdict" in line)
    assert verdict.split()[:7] == ["1", "verdict", "3", "1", "1", "1", "0"]
    assert "toolchain_missing 1, wrong_answer 1" in verdict


def test_the_funnel_names_lost_units(runs: Path) -> None:
    with RunFolder.create_or_resume(runs, "small", identity()) as run:
        run.commits.record_entered("select", 1, "0000", ["solution-3c", "solution-4d"])
        run.commits.commit("select", 1, "0000", [row("select", "solution-3c")], {})
    assert "not conserved: select 1/0000 solution-4d" in call("funnel", "small", "--runs-dir", str(runs))
    assert (
        call_json("funnel", "--runs-dir", str(runs))["conservation_problems"][0]["unit_id"] == "solution-4d"
    )


def test_show_prints_decisions_and_bodies(runs: Path) -> None:
    text = call("show", "4d", "--runs-dir", str(runs))
    for part in ("solution-4d (solution)", "wrong_answer", "    def double(x):", "outcome: wrong_answer"):
        assert part in text
    assert call_json("show", "4d", "--runs-dir", str(runs))["bodies"][0]["fields"]["code"] == BAD.code


def test_rejected_pages_by_key(runs: Path) -> None:
    first = call_json("rejected", "--limit", "2", "--runs-dir", str(runs))
    second = call_json("rejected", "--limit", "2", "--after", first["next"], "--runs-dir", str(runs))
    ids = [one["unit_id"] for page in (first, second) for one in page["rows"]]
    assert ids == ["seed-9z", "solution-4d", "solution-5e"]
    assert second["next"] is None
    assert f"--after {first['next']}" in call("rejected", "--limit", "2", "--runs-dir", str(runs))


def test_rejected_by_reason(runs: Path) -> None:
    text = call("rejected", "--reason", "wrong_answer", "--runs-dir", str(runs))
    assert "solution-4d" in text
    assert "seed-9z" not in text


def test_pairs_show_both_answers(runs: Path) -> None:
    text = call("pairs", "--runs-dir", str(runs))
    for part in (
        "chosen solution-3c, passes 100%",
        "return 2 * x",
        "rejected solution-4d, passes 50%, wrong_answer",
        "return x * x",
    ):
        assert part in text


def test_why_prints_the_lineage_as_a_tree(runs: Path) -> None:
    lines = call("why", "pair-7a", "--runs-dir", str(runs)).splitlines()
    depth = {
        name: next(line.index(name) for line in lines if name in line)
        for name in ("seed-1a", "task-2b", "verdict of", "pair-7a", "checkpoint")
    }
    assert sorted(depth, key=lambda name: depth[name]) == [
        "seed-1a",
        "task-2b",
        "verdict of",
        "pair-7a",
        "checkpoint",
    ]
    assert any("wrong_answer, reference, 1 of 2" in line for line in lines)
    edges = call_json("why", "pair-7a", "--runs-dir", str(runs))["edges"]
    assert ["pair-7a", "checkpoint r1-dpo"] in edges


def test_export_writes_the_layout(runs: Path, tmp_path: Path) -> None:
    out = tmp_path / "out"
    assert "sft 1, pairs 1, fim 1" in call(
        "export", "small", "--format", "llama-factory", "-o", str(out), "--runs-dir", str(runs)
    )
    assert (out / "dataset_info.json").exists()


@pytest.mark.parametrize(
    ("arguments", "nearest"),
    [
        (["funnel", "smal"], "small"),
        (["show", "solution-3x"], "solution-3c"),
        (["why", "pair-7x"], "pair-7a"),
        (["rejected", "--reason", "timeouts"], "timeout"),
        (["rejected", "--stage", "verdit"], "verdict"),
        (["rejected", "--after", "solution-4d"], "page key"),
        (["pairs", "--language", "pyton"], "python"),
        (["export", "--format", "lama-factory", "-o", "nowhere"], "llama-factory"),
    ],
)
def test_an_unknown_name_exits_two_and_shows_the_nearest(
    runs: Path, arguments: list[str], nearest: str
) -> None:
    text = call(*arguments, "--runs-dir", str(runs), code=2)
    assert nearest in text
    assert "Traceback" not in text


@pytest.mark.parametrize(
    ("arguments", "option"),
    [
        (["show", "solution-3x"], "--run"),
        (["replay", "solution-3x"], "--run"),
        (["rejected", "--after", "solution-4d"], "--after"),
        (["rejected", "--reason", "timeouts"], "--reason"),
        (["export", "-o", "."], "-o"),
    ],
)
def test_a_mistake_names_the_option_that_mends_it(runs: Path, arguments: list[str], option: str) -> None:
    fix = call(*arguments, "--runs-dir", str(runs), code=2).partition("fix: ")[2]
    assert option in fix


def test_the_store_speaks_of_records_and_knows_no_option(runs: Path) -> None:
    for wrong in (
        lambda: find_unit(runs / "small", "solution-3x"),
        lambda: stored_rejected(runs / "small", after_key="solution-4d"),
        lambda: write_export(runs / "small", ExportFormat.JSONL, runs),
    ):
        with pytest.raises(UserError) as caught:
            wrong()
        assert "--" not in str(caught.value)


def test_a_folder_without_runs_says_how_to_make_one(tmp_path: Path) -> None:
    text = call("funnel", "--runs-dir", str(tmp_path), code=2)
    assert "codemill run RECIPE" in text
    assert "--runs-dir" in text


def test_registering_the_views_loads_nothing_heavy() -> None:
    heavy = "duckdb pyarrow networkx torch datasets transformers rich.table tree_sitter"
    program = f"""
        import sys, typer
        from synth.cli import views
        views.register(typer.Typer())
        print([name for name in {heavy.split()} if name in sys.modules])
    """
    command = [sys.executable, "-c", textwrap.dedent(program)]
    done = subprocess.run(
        command, capture_output=True, text=True, env={**os.environ, "PYTHONPATH": "."}, check=True
    )
    assert done.stdout == "[]\n"


HOSTILE = "\x1b]0;owned\x07\x1b[2J[bold red]loud[/]\r\x9b31m\u202egnol\ud800\x7f :smile: \x00"


def test_text_that_a_model_wrote_cannot_steer_the_terminal(tmp_path: Path) -> None:
    with RunFolder.create_or_resume(tmp_path, "r", identity()) as run:
        evil = GOOD.model_copy(update={"code": f"# {HOSTILE}\nx = 1\n", "policy": HOSTILE})
        commit(
            run,
            [row("solve", GOOD.id, evidence=json.dumps({"found": HOSTILE}, ensure_ascii=False))],
            [evil],
        )
        run.finish(RunState.FAILED, HOSTILE)
    for command in (
        ["show", "3c"],
        ["why", "3c"],
        ["ls"],
        ["rejected"],
        ["show", "3c", "--json"],
        ["ls", "--json"],
    ):
        text = call(*command, "--runs-dir", str(tmp_path))
        assert not set(text) & set("\x1b\x07\r\x9b\u202e\ud800\x7f\x00"), command
    text = call("show", "3c", "--runs-dir", str(tmp_path))
    assert "\\x1b[2J[bold red]loud[/]\\x0d\\x9b31m\\u202egnol\\ud800\\x7f :smile: \\x00" in text


def test_plain_keeps_what_people_write() -> None:
    text = "def f(x):\n\treturn 'é 加倍 😀 [0]'\n"
    assert plain(text) == text


def recorded_run(tmp_path: Path, double_of_three: str) -> Path:
    """A run whose sandbox is the recorded one, with what it saw of the good solution."""
    request = ExecutionRequest(
        id="any",
        language="python",
        code=GOOD.code,
        call=FunctionCall(entry_point="double", signature="(int) -> int", arguments=(("i2",), ("i3",))),
        limits=Limits(),
    )
    cases = (
        CaseObservation(index=0, status="returned", output="i4"),
        CaseObservation(index=1, status="returned", output=double_of_three),
    )
    observation = Observation(
        request_id="any",
        language="python",
        phase=Phase.RUN,
        exit_code=0,
        finished=True,
        cases=cases,
        level="recorded",
    )
    seen = tmp_path / "seen"
    seen.mkdir()
    (seen / f"{request_key(request)}.json").write_text(observation.model_dump_json())
    path = build_small_run(tmp_path / "runs")
    info = json.loads((path / "run.json").read_text())
    info["recipe"]["execution"] = {"kind": "recorded", "path": str(seen)}
    info.pop("sha256_of_the_rest")  # as an older version wrote it
    (path / "run.json").write_text(json.dumps(info))
    return path.parent


def test_replay_shows_each_case_and_what_the_run_said(tmp_path: Path) -> None:
    runs = recorded_run(tmp_path, "i7")
    found = call_json("replay", "3c", "--runs-dir", str(runs))
    assert (found["outcome"], found["outcome_in_run"]) == ("wrong_answer", "pass")
    assert found["cases"] == [
        {"index": 0, "input": "2", "expected": "4", "found": "4", "is_right": True},
        {"index": 1, "input": "3", "expected": "6", "found": "7", "is_right": False},
    ]
    text = call("replay", "3c", "--runs-dir", str(runs))
    assert "solution-3c (python): wrong_answer; in the run: pass" in text
    assert [line.split() for line in text.splitlines() if "WRONG" in line] == [["WRONG", "3", "6", "7"]]


@pytest.mark.parametrize("unit", ["sample-6f", "pair-7a", "fim-8b"])
def test_a_product_is_replayed_by_its_program(tmp_path: Path, unit: str) -> None:
    assert call_json("replay", unit, "--runs-dir", str(recorded_run(tmp_path, "i6")))["outcome"] == "pass"


def test_only_programs_can_be_replayed(runs: Path) -> None:
    assert "not a program" in call("replay", "task-2b", "--runs-dir", str(runs), code=2)


def test_replay_runs_the_program_for_real(runs: Path) -> None:
    good, bad, seed = (
        call_json("replay", unit, "--local", "--runs-dir", str(runs)) for unit in ("3c", "4d", "seed-1a")
    )
    assert good["outcome"] == seed["outcome"] == "pass"
    assert (bad["outcome"], [case["found"] for case in bad["cases"]]) == ("wrong_answer", ["4", "9"])
