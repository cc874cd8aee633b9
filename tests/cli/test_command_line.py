"""The console command as a person meets it: exit codes, streams, and what is said."""

import json
import os
import signal
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]


def codemill(*arguments: str, cwd: Path = ROOT) -> subprocess.CompletedProcess[str]:
    environment = {**os.environ, "PYTHONPATH": str(ROOT), "COLUMNS": "160"}
    command = [sys.executable, "-m", "posttrain.cli", *arguments]
    return subprocess.run(
        command, capture_output=True, text=True, cwd=cwd, env=environment, timeout=120, check=False
    )


def test_wrong_recipe_exits_2_with_every_problem_and_no_traceback(tmp_path: Path) -> None:
    (tmp_path / "wrong.yaml").write_text("name: a\nsed: 1\nloop: {rounds: 0}\n")
    done = codemill("run", "wrong.yaml", cwd=tmp_path)
    assert done.returncode == 2
    assert done.stdout == ""
    assert "wrong.yaml:2: sed = 1" in done.stderr
    assert "wrong.yaml:3: loop.rounds = 0" in done.stderr
    assert "Traceback" not in done.stderr
    assert not (tmp_path / "runs").exists()


def test_unknown_recipe_exits_2(tmp_path: Path) -> None:
    done = codemill("run", "nothing-like-it", cwd=tmp_path)
    assert (done.returncode, "Traceback" in done.stderr) == (2, False)
    assert "is neither a file nor the name of a recipe" in done.stderr


def test_a_run_without_training_data_names_the_command_for_own_data(
    tmp_path: Path,
) -> None:
    (tmp_path / "rows.jsonl").write_text('{"text": "a"}\n')
    (tmp_path / "alone.yaml").write_text(
        "name: a\npolicy: {model: pocket}\nsft: {coarse: {data: rows.jsonl}}\n"
    )
    done = codemill("run", "alone.yaml", cwd=tmp_path)
    assert (done.returncode, "Traceback" in done.stderr) == (2, False)
    assert "codemill sft" in done.stderr
    assert not (tmp_path / "runs").exists()


def test_unknown_command_exits_2() -> None:
    assert codemill("runn").returncode == 2


@pytest.mark.parametrize(
    "command",
    ["run", "sft", "dpo", "eval", "check", "doctor", "schema", "ls", "funnel", "show", "why", "export"],
)
def test_every_command_has_help(command: str) -> None:
    done = codemill(command, "--help")
    assert done.returncode == 0, done.stderr
    assert "Usage" in done.stdout


def test_check_prints_the_whole_recipe() -> None:
    done = codemill("check", "qwen2.5-coder/0.5b", "--set", "data.solve.n=3")
    assert done.returncode == 0, done.stderr
    assert "    n: 3\n" in done.stdout


def test_schema_is_json() -> None:
    assert json.loads(codemill("schema").stdout)["title"] == "codemill recipe"


def test_a_reader_that_goes_away_is_no_error() -> None:
    environment = {**os.environ, "PYTHONPATH": str(ROOT)}
    process = subprocess.Popen(
        [sys.executable, "-m", "posttrain.cli", "schema"],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        cwd=ROOT,
        env=environment,
    )
    assert process.stdout is not None
    assert process.stderr is not None
    process.stdout.close()
    assert process.stderr.read() == b""
    process.stderr.close()
    assert process.wait(timeout=60) in (0, 120)


INTERRUPTED = """
import typer
from synth.cli.app import app

@app.command()
def wait() -> None:
    import time
    print("waiting", flush=True)
    time.sleep(60)

app()
"""


def _listen_to_ctrl_c() -> None:
    """A shell that runs the tests in the background tells its children to ignore it."""
    signal.signal(signal.SIGINT, signal.SIG_DFL)


def test_ctrl_c_exits_130_and_says_that_the_same_command_resumes() -> None:
    process = subprocess.Popen(
        [sys.executable, "-c", INTERRUPTED, "wait"],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        cwd=ROOT,
        text=True,
        preexec_fn=_listen_to_ctrl_c,
    )
    try:
        assert process.stdout is not None
        assert process.stdout.readline() == "waiting\n"
        process.send_signal(signal.SIGINT)
        _, said = process.communicate(timeout=30)
    finally:
        process.kill()
        process.wait()
    assert process.returncode == 130
    assert "rerun the same command to resume" in said
    assert "Traceback" not in said
