"""Failures are no decisions: they leave a shard open, the round ends before anything is built on it, and the
same round again asks only what failed."""

import asyncio
from collections.abc import Callable
from pathlib import Path

import pytest

from synth.errors import EngineError, OutageError, Problem
from synth.execution.scripted import ScriptedSandbox
from synth.generation.journal import JournalledEngine
from synth.generation.protocol import GenerationRequest
from synth.generation.scripted import ScriptedEngine
from synth.pipeline.books import RoundProgress
from synth.pipeline.round import RoundData, run_round
from synth.records import ExecutionRequest, Observation
from synth.stages.context import Context
from synth.store.card import data_card
from synth.store.open_shards import STARTS, OpenShards
from synth.store.run_folder import RunFolder, RunIdentity, RunState, read_info
from synth.store.views import conservation_problems, failed_units, funnel
from tests.builders import build_observation
from tests.pipeline.test_round import answer, context, file_hashes, make_round, observe

OVERLOADED = EngineError(Problem("the endpoint", "is overloaded", "ask again later"))
Fails = Callable[[GenerationRequest], bool]
Faults = Callable[[ExecutionRequest], bool]


def no(_: object) -> bool:
    return False


def about_largest(request: GenerationRequest) -> bool:
    return "max(xs" in request.messages[-1].content


class Start:
    """One start of the round, whose engine and sandbox fail where they are told."""

    def __init__(
        self, folder: Path, fails: Fails = no, faults: Faults = no, *, accept: bool = False, **data: object
    ) -> None:
        folder.mkdir(parents=True, exist_ok=True)
        self.folder, self.accept = folder, accept
        self.progress: RoundProgress | None = None
        self.engine = ScriptedEngine(lambda asked: OVERLOADED if fails(asked) else answer(asked))
        made = context(folder, self.engine, **data)

        def see(request: ExecutionRequest) -> Observation:
            return (
                build_observation(request, infrastructure="no room") if faults(request) else observe(request)
            )

        self.journal = JournalledEngine(self.engine, folder / "run" / "journal")
        self.context = Context(
            made.recipe, made.data, folder, ScriptedSandbox(see), self.journal, made.prompts
        )

    def run(self) -> RoundData:
        def note(progress: RoundProgress) -> None:
            self.progress = progress

        async def work(run: RunFolder) -> RoundData:
            try:
                return await run_round(self.context, run, 1, on_progress=note, accept_failures=self.accept)
            finally:
                await self.journal.close()

        with RunFolder.create_or_resume(self.folder, "run", RunIdentity(recipe={"name": "r"})) as run:
            return asyncio.run(work(run))


def interrupted(start: Start) -> str:
    with pytest.raises(OutageError) as caught:
        start.run()
    return str(caught.value)


def test_a_failed_unit_leaves_its_shard_open_and_ends_the_round_before_anything_is_built_on_it(
    tmp_path: Path,
) -> None:
    start = Start(tmp_path, about_largest)
    words = interrupted(start)
    assert (
        "round 1\n  waits for 1 failed units in 1 open shards of the stage instruct (engine_failed 1)"
        in words
    )
    assert "the endpoint is overloaded" in words
    assert "give the same command again" in words
    run = tmp_path / "run"
    assert file_hashes(tmp_path) == {}
    rows = {row.stage: row for row in funnel(run)}
    assert (rows["instruct"].entered, rows["instruct"].kept, rows["instruct"].waiting) == (2, 1, 1)
    assert rows["execute"].entered == 4, "the other shard went on"
    assert "exact_dedup" not in rows
    assert failed_units(run) == []
    assert conservation_problems(run) == []
    [shard] = OpenShards(run)
    [unit] = shard.units
    assert (shard.stage, unit.reason, unit.starts) == ("instruct", "engine_failed", 1)
    info = read_info(run)
    assert info.state is RunState.INTERRUPTED
    assert "waits for 1 failed units" in info.message


def test_the_same_round_again_asks_only_what_failed_and_makes_the_same_products(tmp_path: Path) -> None:
    interrupted(Start(tmp_path / "broken", about_largest))
    again = Start(tmp_path / "broken")
    again.run()
    make_round(tmp_path / "whole")
    assert [about_largest(asked) for asked in again.engine.requests] == [True, False], (
        "its instruct, its solve"
    )
    assert file_hashes(tmp_path / "broken") == file_hashes(tmp_path / "whole")
    assert list(OpenShards(tmp_path / "broken" / "run")) == []
    assert read_info(tmp_path / "broken" / "run").state is RunState.FINISHED


@pytest.mark.parametrize(
    ("stage", "fails", "faults"),
    [
        ("reference", no, lambda asked: asked.id.startswith("reference")),
        ("instruct", about_largest, no),
        ("solve", lambda asked: asked.n > 1, no),
        ("execute", no, lambda asked: "def solve" in asked.code and "sorted" in asked.code),
    ],
)
def test_whatever_fails_is_recovered_at_any_stage(
    tmp_path: Path, stage: str, fails: Fails, faults: Faults
) -> None:
    interrupted(Start(tmp_path / "broken", fails, faults))
    assert {shard.stage for shard in OpenShards(tmp_path / "broken" / "run")} == {stage}
    Start(tmp_path / "broken").run()
    make_round(tmp_path / "whole")
    assert file_hashes(tmp_path / "broken") == file_hashes(tmp_path / "whole")
    assert conservation_problems(tmp_path / "broken" / "run") == []


def test_units_of_an_open_shard_that_did_not_fail_are_not_asked_again(tmp_path: Path) -> None:
    """Both seeds are in one shard, and one fails."""
    interrupted(Start(tmp_path, about_largest, shard_size=2))
    again = Start(tmp_path, shard_size=2)
    again.run()
    instructed = [asked for asked in again.engine.requests if asked.n == 1]
    assert [about_largest(asked) for asked in instructed] == [True]


def test_the_books_of_a_start_count_what_failed_and_what_waits_with_it(tmp_path: Path) -> None:
    start = Start(tmp_path, about_largest, shard_size=2)
    interrupted(start)
    assert start.progress is not None
    counts = start.progress.stages["instruct"]
    assert (counts.entered, counts.kept, counts.rejected, counts.failed, counts.waiting) == (2, 0, 0, 1, 1)


def test_what_fails_at_three_starts_can_be_accepted_and_is_a_failure_for_good(tmp_path: Path) -> None:
    assert "--accept-failures" not in interrupted(Start(tmp_path, about_largest, accept=True))
    assert "--accept-failures" in interrupted(Start(tmp_path, about_largest, accept=True))
    Start(tmp_path, about_largest, accept=True).run()
    run = tmp_path / "run"
    assert [(one.stage, one.reason, one.units) for one in failed_units(run)] == [
        ("instruct", "engine_failed", 1)
    ]
    assert list(OpenShards(run)) == []
    rows = {row.stage: row for row in funnel(run)}
    assert (rows["instruct"].kept, rows["instruct"].failed, rows["instruct"].waiting) == (1, 1, 0)
    assert conservation_problems(run) == []
    assert "1 units failed for reasons that say nothing about them" in data_card(run, {}, {})


def test_without_the_option_nothing_is_accepted_however_often_it_fails(tmp_path: Path) -> None:
    for _ in range(STARTS + 1):
        interrupted(Start(tmp_path, about_largest))
    [shard] = OpenShards(tmp_path / "run")
    assert shard.units[0].starts == STARTS + 1
    assert "1 units failed and wait to be asked again" in data_card(tmp_path / "run", {}, {})


def test_a_stage_that_fails_at_everything_comes_no_nearer_to_being_accepted(tmp_path: Path) -> None:
    for _ in range(STARTS + 1):
        interrupted(Start(tmp_path, lambda _: True, accept=True))
    assert {unit.starts for shard in OpenShards(tmp_path / "run") for unit in shard.units} == {0}


def test_each_unit_has_to_fail_at_three_starts_itself(tmp_path: Path) -> None:
    """First one of the shard's two units fails, then the other."""
    for _ in range(2):
        interrupted(Start(tmp_path, about_largest, accept=True, shard_size=2))
    (tmp_path / "run" / "journal").rename(tmp_path / "journal")
    other = Start(tmp_path, lambda asked: "sum(xs" in asked.messages[-1].content, accept=True, shard_size=2)
    interrupted(other)
    [shard] = OpenShards(tmp_path / "run")
    assert [unit.starts for unit in shard.units] == [1]
