"""The runner: shards flow, the books balance, and a run that is taken up again does nothing twice."""

import asyncio
from collections.abc import Generator, Sequence
from pathlib import Path
from typing import ClassVar

import pytest

from synth.errors import OutageError, StoreError
from synth.filters.protocol import Keep, Reject
from synth.pipeline.graph import build_graph, in_order
from synth.pipeline.shard_scheduler import ShardScheduler
from synth.records import Origin, Seed
from synth.stages.shard_state import ShardState, StageResult
from synth.stages.unit_stage import Decided, Source, Stage, UnitStage, Upstream, index_row
from synth.store.shards import StageCommit
from synth.store.views import conservation_problems


def _seed(number: int) -> Seed:
    return Seed(
        id=f"seed-{number:03d}", language="python", code=f"x = {number}", origin=Origin(source="test")
    )


class Numbers(Source):
    """Twenty seeds in shards of four."""

    name = "snippet"
    makes = (Seed,)

    def read(self, round_: int) -> Generator[tuple[ShardState, StageResult], None, None]:
        for start in range(0, 20, 4):
            state = ShardState(round_, f"{start:05d}")
            seeds = tuple(_seed(number) for number in range(start, start + 4))
            rows = tuple(index_row("snippet", state, seed, Keep()) for seed in seeds)
            yield state, StageResult(rows, seeds)


class EveryThird(UnitStage[Seed]):
    """Turns away every third seed; can be told to fail at one shard, or to lose a unit."""

    name = "reference"
    unit = Seed
    upstream: tuple[Upstream, ...] = (Numbers,)

    def __init__(self, fail_at: str = "", lose: str = "") -> None:
        self.fail_at, self.lose, self.ran = fail_at, lose, list[str]()

    async def run(self, state: ShardState) -> StageResult:
        if state.name == self.fail_at:
            raise ConnectionError("the engine went away")
        self.ran.append(state.name)
        result = await super().run(state)
        return StageResult(tuple(row for row in result.rows if row.unit_id != self.lose))

    async def decide(self, units: Sequence[Seed], state: ShardState) -> list[Decided]:
        return [Decided(Reject("no_return") if int(seed.id[-3:]) % 3 == 0 else Keep()) for seed in units]


class FirstSeven(UnitStage[Seed]):
    """Remembers: keeps the first seven seeds that reach it."""

    name = "select"
    unit = Seed
    upstream: tuple[Upstream, ...] = (EveryThird,)
    ordered = True

    def __init__(self) -> None:
        self.seen = 0

    async def decide(self, units: Sequence[Seed], state: ShardState) -> list[Decided]:
        numbers = range(self.seen + 1, self.seen + len(units) + 1)
        self.seen += len(units)
        return [Decided(Keep() if number <= 7 else Reject("over_quota")) for number in numbers]


def _run(folder: Path, *stages: Stage) -> list[str]:
    return asyncio.run(
        ShardScheduler(Numbers(), list(stages), StageCommit(folder), shards_in_flight=2).run(1)
    )


def _kept(folder: Path, stage: str, shards: list[str]) -> list[str]:
    return [
        item.unit_id
        for name in shards
        for item in StageCommit(folder).read_index(stage, 1, name)
        if not item.reason
    ]


def test_every_unit_that_enters_a_stage_leaves_it_with_a_row(tmp_path: Path) -> None:
    shards = _run(tmp_path, EveryThird(), FirstSeven())
    assert len(_kept(tmp_path, "snippet", shards)) == 20
    assert len(_kept(tmp_path, "reference", shards)) == 13
    assert len(_kept(tmp_path, "select", shards)) == 7
    assert conservation_problems(tmp_path) == []


def test_a_unit_that_a_stage_loses_stops_the_run(tmp_path: Path) -> None:
    with pytest.raises(StoreError, match=r"seed-005 \(lost\)"):
        _run(tmp_path, EveryThird(lose="seed-005"))


def test_a_shard_error_reaches_the_caller_and_the_next_run_resumes(
    tmp_path: Path,
) -> None:
    broken = EveryThird(fail_at="00008")
    with pytest.raises(ConnectionError, match="went away"):
        _run(tmp_path, broken, FirstSeven())
    committed = {path.stem.partition("-")[2] for path in (tmp_path / "index" / "reference").glob("*.parquet")}
    assert "00008" not in committed
    repaired = EveryThird()
    shards = _run(tmp_path, repaired, FirstSeven())
    assert set(repaired.ran) == set(shards) - committed
    assert "00008" in repaired.ran
    assert conservation_problems(tmp_path) == []
    fresh = tmp_path / "fresh"
    assert _kept(tmp_path, "select", shards) == _kept(
        fresh, "select", _run(fresh, EveryThird(), FirstSeven())
    )


def test_a_finished_round_is_read_and_not_run_again(tmp_path: Path) -> None:
    _run(tmp_path, EveryThird(), FirstSeven())
    again = EveryThird()
    _run(tmp_path, again, FirstSeven())
    assert again.ran == []


def test_ordered_stages_remember_what_they_kept_before_a_restart(tmp_path: Path) -> None:
    """The ordered stage commits its first shards, the process ends, a new one takes over with an empty
    memory."""
    shards = _run(tmp_path, EveryThird(), FirstSeven())
    expected = _kept(tmp_path, "select", shards)
    later = sorted((tmp_path / "index" / "select").glob("*.parquet"))[2:]
    assert len(later) == 3
    for path in later:
        path.unlink()
    _run(tmp_path, EveryThird(), FirstSeven())
    assert _kept(tmp_path, "select", shards) == expected


def test_stages_run_in_the_order_of_their_edges_not_of_the_list() -> None:
    assert [stage.name for stage in in_order(build_graph([FirstSeven(), EveryThird()]))] == [
        "reference",
        "select",
    ]


class InTurn(FirstSeven):
    """Remembers, and other stages follow it."""

    ordered = False
    in_turn = True

    def __init__(self) -> None:
        super().__init__()
        self.ran = list[str]()

    async def run(self, state: ShardState) -> StageResult:
        self.ran.append(state.name)
        return await super().run(state)


class LateFirst(EveryThird):
    """Finishes the first shard after the second one."""

    def __init__(self) -> None:
        super().__init__()
        self._second = asyncio.Event()

    async def run(self, state: ShardState) -> StageResult:
        if state.name == "00000":
            await asyncio.wait_for(self._second.wait(), timeout=20)
        result = await super().run(state)
        if state.name == "00004":
            self._second.set()
        return result


class After(EveryThird):
    """Stands behind the stage that goes in turn, shard by shard."""

    name = "instruct"
    upstream: tuple[Upstream, ...] = (InTurn,)


def test_shards_go_in_turn_in_the_order_of_the_source_and_on_to_later_stages(tmp_path: Path) -> None:
    references, turn = LateFirst(), InTurn()
    shards = _run(tmp_path, references, turn, After())
    assert references.ran[:2] == ["00004", "00000"]
    assert turn.ran == shards
    kept = _kept(tmp_path, "select", shards)
    assert kept == [f"seed-{number:03d}" for number in (1, 2, 4, 5, 7, 8, 10)]
    assert _kept(tmp_path, "instruct", shards) == kept
    assert conservation_problems(tmp_path) == []


def test_what_goes_in_turn_remembers_what_it_kept_before_a_restart(tmp_path: Path) -> None:
    shards = _run(tmp_path, EveryThird(), InTurn(), After())
    expected = _kept(tmp_path, "instruct", shards)
    for stage in ("select", "instruct"):
        for path in sorted((tmp_path / "index" / stage).glob("*.parquet"))[1:]:
            path.unlink()
    again = InTurn()
    _run(tmp_path, EveryThird(), again, After())
    assert again.ran == shards
    assert _kept(tmp_path, "instruct", shards) == expected


class LeftOpen(EveryThird):
    """The machine fails one seed of the second shard."""

    async def decide(self, units: Sequence[Seed], state: ShardState) -> list[Decided]:
        failed = Decided(Reject("infrastructure"))
        return [failed if seed.id == "seed-005" else Decided(Keep()) for seed in units]


def test_a_shard_that_is_left_open_does_not_hold_up_those_behind_it(tmp_path: Path) -> None:
    turn = InTurn()
    with pytest.raises(OutageError):
        _run(tmp_path, LeftOpen(), turn, After())
    assert turn.ran == ["00000", "00008", "00012", "00016"]


class Asking(EveryThird):
    """Says when all five shards have passed."""

    asks_engine: ClassVar[bool] = True

    def __init__(self) -> None:
        super().__init__()
        self.all_passed = asyncio.Event()

    async def run(self, state: ShardState) -> StageResult:
        result = await super().run(state)
        if len(self.ran) == 5:
            self.all_passed.set()
        return result


class Slow(FirstSeven):
    """A sandbox slower than any engine: it begins when the engine has nothing left to answer."""

    ordered = False

    def __init__(self, engine: Asking) -> None:
        super().__init__()
        self.engine = engine

    async def run(self, state: ShardState) -> StageResult:
        await asyncio.wait_for(self.engine.all_passed.wait(), timeout=20)
        return await super().run(state)


def test_the_engine_does_not_wait_for_a_slower_sandbox(tmp_path: Path) -> None:
    """Two shards at a time in each lane; in one lane the five shards would wait for each other."""
    engine = Asking()
    shards = _run(tmp_path, engine, Slow(engine))
    assert len(_kept(tmp_path, "select", shards)) == 7
    assert conservation_problems(tmp_path) == []


class Answering(FirstSeven):
    """An engine that writes down how many shards the stage before it had finished when it was first asked."""

    name = "solve"
    ordered = False
    asks_engine: ClassVar[bool] = True

    def __init__(self, before: EveryThird) -> None:
        super().__init__()
        self.before = before
        self.ready_at_first = 0

    async def run(self, state: ShardState) -> StageResult:
        self.ready_at_first = self.ready_at_first or len(self.before.ran)
        return await super().run(state)


@pytest.mark.parametrize(("in_flight", "ready"), [(1, 1), (3, 3), (9, 5)])
def test_the_engine_starts_when_enough_shards_are_ready_or_all_are(
    tmp_path: Path, in_flight: int, ready: int
) -> None:
    references = EveryThird()
    engine = Answering(references)
    shards = asyncio.run(
        ShardScheduler(
            Numbers(), [references, engine], StageCommit(tmp_path), shards_in_flight=in_flight
        ).run(1)
    )
    assert engine.ready_at_first >= ready
    assert len(_kept(tmp_path, "solve", shards)) == 7


def test_two_stages_of_one_name_are_refused() -> None:
    with pytest.raises(ValueError, match="reference"):
        build_graph([EveryThird(), EveryThird()])
