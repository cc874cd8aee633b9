"""`codemill run replay`, the first thing that a person runs: the data half on answers that ship in the
package, without a model and without any extra."""

import json
import subprocess
import sys
from pathlib import Path

import pytest

from posttrain.core.policy import find_policy, resolve_model
from synth.generation.protocol import GenerationResponse
from synth.policy import identify
from synth.recipe import load_recipe
from synth.resources import resource_folder
from synth.store.run_folder import RunState, read_info
from synth.store.views import conservation_problems, first_kept, funnel, pairs

RECORDING = resource_folder("recipes") / "replay" / "responses-000001.jsonl"
EXTRAS = ("torch", "transformers", "vllm", "trl", "datasets", "peft", "openai", "numpy", "scipy")
PROGRAM = f"import sys; sys.modules.update(dict.fromkeys({EXTRAS!r}))\nfrom posttrain.cli import main; main()"


def codemill(*words: str, cwd: Path) -> "subprocess.CompletedProcess[str]":
    command = [sys.executable, "-c", PROGRAM, *words]
    return subprocess.run(command, capture_output=True, text=True, cwd=cwd, timeout=300, check=False)


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Where the command was given."""
    return tmp_path_factory.mktemp("replay")


@pytest.fixture(scope="module")
def ended(folder: Path) -> "subprocess.CompletedProcess[str]":
    return codemill("run", "replay", cwd=folder)


@pytest.fixture(scope="module")
def run(ended: "subprocess.CompletedProcess[str]", folder: Path) -> Path:
    assert ended.returncode == 0, ended.stderr
    return folder / "runs" / "replay"


def recorded() -> list[GenerationResponse]:
    return [
        GenerationResponse.model_validate_json(line) for line in RECORDING.read_text("utf-8").splitlines()
    ]


def test_the_recording_is_of_the_pocket_model_that_ships() -> None:
    """When this fails, the weights are others: record again, as recipes/replay.yaml says."""
    policy = load_recipe("replay", machine=False).recipe.policy.model
    now = identify(find_policy(resolve_model(policy))).fingerprint
    assert {response.fingerprint for response in recorded()} == {now}


def test_the_recording_is_small() -> None:
    assert RECORDING.stat().st_size < 200_000


def test_it_ends_well_and_every_unit_is_accounted_for(run: Path) -> None:
    assert read_info(run).state is RunState.FINISHED
    assert conservation_problems(run) == []
    assert {row.waiting for row in funnel(run)} == {0}


def test_every_recorded_answer_is_asked_for_and_no_other(run: Path) -> None:
    """When this fails, the prompts or the seeds are others: record again, as recipes/replay.yaml says."""
    figures = json.loads((run / "logs" / "figures.jsonl").read_text("utf-8").splitlines()[-1])
    assert figures["requests_sent"] == len(recorded())


def test_it_keeps_samples_and_pairs_and_rejects_the_rest_with_reasons(run: Path) -> None:
    reasons = {reason.reason for row in funnel(run) for reason in row.reasons}
    assert {"wrong_answer", "parse_error", "round_trip_failed", "reference_constant"} <= reasons
    assert pairs(run).pairs
    kept = first_kept(run)
    assert kept is not None
    assert kept.verdict.passed == kept.verdict.total > 0


def test_it_shows_a_kept_row_its_reason_and_where_to_look_next(
    ended: "subprocess.CompletedProcess[str]", run: Path, folder: Path
) -> None:
    kept = first_kept(run)
    assert kept is not None
    sample, verdict = kept
    lines = ended.stdout.splitlines()
    assert f"{sample.id} ({sample.language}), kept:" in lines
    assert any(line.startswith(f"  pass, {verdict.passed} of {verdict.total} tests") for line in lines)
    assert f"  [user] {sample.prompt[0].content.splitlines()[0]}" in lines
    commands = [line.split() for line in lines if line.startswith("  codemill ")]
    assert [words[1] for words in commands] == ["funnel", "rejected", "pairs", "show", "why"]
    for words in commands:
        done = codemill(*words[1:], cwd=folder)
        assert done.returncode == 0, done.stderr
        assert done.stdout.strip() not in ("", "No pairs.")
