"""Rows of earlier rounds: which are trained on again, each task and program once."""

from pathlib import Path

import pytest

from posttrain.loop.replay import write_replay
from synth.config import Recipe
from synth.pipeline.round import RoundData, WrittenSet
from synth.products import BY_NAME, Sample
from synth.records import EvidenceRank, Message
from synth.store.parquet import read_rows
from synth.store.products import write_product


def sample(number: int, round_: int) -> Sample:
    """The same task and program in each round, under another id."""
    return Sample(
        id=f"sample-{round_}-{number}",
        task_id=f"task-{round_}-{number}",
        solution_id=f"solution-{round_}-{number}",
        language="python",
        natural_language="en",
        code=f"return {number}",
        prompt=(Message(role="user", content=f"give {number}"),),
        completion=(Message(role="assistant", content=f"return {number}"),),
        pass_rate=1.0,
        rank=EvidenceRank.EXAMPLES,
    )


def write_round(run: Path, round_: int, numbers: range) -> RoundData:
    product = BY_NAME["sft"]
    sets = []
    for data_set in product.data_sets:
        rows = [sample(number, round_) for number in numbers]
        report = write_product(run, product, f"round-{round_}{data_set.suffix}", rows)
        sets.append(WrittenSet(product, data_set, report.path, report.rows))
    return RoundData(tuple(sets))


def recipe(replay: float) -> Recipe:
    return Recipe.model_validate({"name": "r", "seed": 3, "loop": {"rounds": 3, "replay": replay}})


def ids(path: Path) -> list[str]:
    return [row["id"] for row in read_rows(path)]


def test_all_earlier_rows_come_again_but_each_task_and_program_once(tmp_path: Path) -> None:
    write_round(tmp_path, 1, range(10))
    write_round(tmp_path, 2, range(5, 15))
    data = write_round(tmp_path, 3, range(12, 20))
    files = write_replay(tmp_path, recipe(1.0), 3, data)
    assert sorted(files) == ["coarse", "fine"]
    assert ids(files["coarse"]) == [f"sample-2-{n}" for n in range(5, 12)] + [
        f"sample-1-{n}" for n in range(5)
    ]


def test_a_share_is_drawn_and_the_same_rows_again(tmp_path: Path) -> None:
    write_round(tmp_path, 1, range(40))
    data = write_round(tmp_path, 2, range(100, 110))
    first = write_replay(tmp_path, recipe(0.25), 2, data)["coarse"]
    drawn, content = ids(first), first.read_bytes()
    assert len(drawn) == 10
    assert write_replay(tmp_path, recipe(0.25), 2, data)["coarse"].read_bytes() == content


@pytest.mark.parametrize(("replay", "round_"), [(0.0, 2), (1.0, 1)])
def test_nothing_is_replayed_without_a_share_or_an_earlier_round(
    tmp_path: Path, replay: float, round_: int
) -> None:
    for number in range(1, round_ + 1):
        data = write_round(tmp_path, number, range(number * 10, number * 10 + 10))
    assert write_replay(tmp_path, recipe(replay), round_, data) == {}
