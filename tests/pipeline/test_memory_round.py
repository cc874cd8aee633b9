"""A round with a memory: what earlier rounds made is not paid for again, and a resume changes nothing."""

import asyncio
from pathlib import Path

import pytest

from synth.errors import EngineError, Problem
from synth.generation.protocol import GenerationRequest
from synth.generation.scripted import ScriptedEngine
from synth.pipeline.round import RoundData, run_round
from synth.store.run_folder import RunFolder, RunIdentity
from synth.store.shards import StageCommit
from synth.store.views import conservation_problems
from tests.pipeline.test_round import answer, context, file_hashes


def make(folder: Path, round_: int, engine: ScriptedEngine) -> RoundData:
    folder.mkdir(parents=True, exist_ok=True)
    made = context(folder, engine, memory={})
    with RunFolder.create_or_resume(folder, "run", RunIdentity(recipe={"name": "r"})) as run:
        return asyncio.run(run_round(made, run, round_))


def reasons(folder: Path, round_: int) -> list[str]:
    commits = StageCommit(folder / "run")
    shards = commits.shards_of("memory", round_)
    return [row.reason for shard in shards for row in commits.read_index("memory", round_, shard)]


def test_a_second_round_pays_for_no_task_of_the_first(tmp_path: Path) -> None:
    first, second = ScriptedEngine(answer), ScriptedEngine(answer)
    make(tmp_path, 1, first)
    make(tmp_path, 2, second)
    assert sum(one.n > 1 for one in first.requests) == 2
    assert sum(one.n > 1 for one in second.requests) == 0
    assert reasons(tmp_path, 2) == ["task_repeated", "task_repeated"]
    assert conservation_problems(tmp_path / "run") == []


@pytest.mark.parametrize("allowed", [1, 2])
def test_a_round_that_was_broken_off_refuses_what_a_whole_one_refuses(tmp_path: Path, allowed: int) -> None:
    def same(request: GenerationRequest) -> str | list[str]:
        if request.n == 1:
            return "Compute what is asked for of the numbers."
        return answer(request)

    asked: list[GenerationRequest] = []

    def break_off(request: GenerationRequest) -> str | list[str] | Exception:
        asked.append(request)
        gone = Problem("the engine", "went away", "start it again")
        return same(request) if len(asked) <= allowed else EngineError(gone, retryable=False)

    broken, whole = tmp_path / "broken", tmp_path / "whole"
    with pytest.raises(EngineError, match="went away"):
        make(broken, 1, ScriptedEngine(break_off))
    make(broken, 1, ScriptedEngine(same))
    make(whole, 1, ScriptedEngine(same))
    assert file_hashes(broken) == file_hashes(whole)
    assert reasons(broken, 1) == ["", "task_repeated"]
    assert conservation_problems(broken / "run") == []
