"""A filter as a stage: it meets units of any kind, one after the other."""

import pytest

from synth.filters.exact_dedup import ExactDedup
from synth.filters.length import LengthFilter
from synth.filters.protocol import FilterInput, Keep, Reject
from synth.products import Sample
from synth.records import Decision, Message, Seed, Solution, Task, Unit
from synth.stages.filter import FilterStage
from synth.stages.select import SelectStage
from synth.stages.snippet import SnippetSource
from tests.builders import build_pair, build_sample, build_seed, build_solution, build_task
from tests.stages.harness import (
    StagePlace,
    StageRun,
    build_context,
    build_shard,
    describe_stage,
    find_entering,
    run_stage,
)

LONG, SHORT = "x = 1\n" * 200, "x = 1\n"


class Recorder:
    """Keeps everything, and notes what it was shown."""

    stage = "recorder"

    def __init__(self) -> None:
        self.seen: list[FilterInput] = []

    def check(self, unit: FilterInput) -> Keep | Reject:
        self.seen.append(unit)
        return Keep({"seen": len(self.seen)})


def say(text: str) -> tuple[Message, ...]:
    return (Message(role="assistant", content=text),)


def filter_all(*units: Unit) -> StageRun:
    """What a filter of at most 100 tokens says about units of one kind."""
    stage = FilterStage(LengthFilter(max_tokens=100), type(units[0]), SnippetSource)
    return run_stage(stage, build_shard(*units))


def test_it_stands_where_its_flow_puts_it_and_takes_shards_in_order() -> None:
    stage = FilterStage(ExactDedup(), Sample, SelectStage)
    assert describe_stage(stage) == StagePlace("exact_dedup", Sample, ("select",), ordered=True)
    after = FilterStage(LengthFilter(100), Task, stage)
    assert describe_stage(after) == StagePlace("length", Task, ("exact_dedup",), ordered=True)


@pytest.mark.parametrize(
    ("short", "long", "row"),
    [
        (build_seed("a", SHORT), build_seed("b", LONG), ("seed", (), "python", "")),
        (
            build_task("a", instruction="Add."),
            build_task("b", instruction=LONG),
            ("task", ("seed-1",), "python", "en"),
        ),
        (build_solution("a", SHORT), build_solution("b", LONG), ("solution", ("task-1",), "python", "")),
        (
            build_sample("a", code=SHORT, solution_id="s1"),
            build_sample("b", code=LONG, solution_id="s1"),
            ("sample", ("s1",), "python", "en"),
        ),
        (
            build_pair("a", chosen=say(SHORT)),
            build_pair("b", chosen=say(LONG)),
            ("pair", ("solution-1", "solution-2"), "python", ""),
        ),
    ],
)
def test_units_of_every_kind_are_kept_or_rejected_by_what_they_hold(
    short: Unit, long: Unit, row: tuple[str, tuple[str, ...], str, str]
) -> None:
    run = filter_all(short, long)
    assert run.decision("a") == (Decision.KEPT, "")
    assert run.decision("b") == (Decision.REJECTED, "too_long")
    assert run.evidence("b")["limit"] == 100
    stated = [(one.kind, one.parents, one.language, one.natural_language) for one in run.rows.values()]
    assert stated == [row, row]
    assert run.units == ()


def test_a_filter_sees_prompt_language_and_program_of_each_unit() -> None:
    recorder = Recorder()
    sample = build_sample("m", code="y", language="go", prompt=say("p"))
    pair = build_pair("p", language="go", prompt=say("p"), chosen=say("c"), rejected=say("r"))
    for unit in (build_seed("s", "x", language="go"), build_task("t", seed_language="go"), sample, pair):
        run_stage(FilterStage(recorder, type(unit), SnippetSource), build_shard(unit))
    assert recorder.seen == [
        FilterInput("s", "go", "", "x"),
        FilterInput("t", "go", "Return the sum of the list.", ""),
        FilterInput("m", "go", "p", "y"),
        FilterInput("p", "go", "p", "c\nr"),
    ]


def test_a_filter_remembers_from_shard_to_shard_and_the_first_one_stays() -> None:
    stage = FilterStage(ExactDedup(), Solution, SnippetSource)
    first = run_stage(stage, build_shard(build_solution("a", "x = 1"), build_solution("b", "y = 2")))
    second = run_stage(stage, build_shard(build_solution("c", "z = 3"), build_solution("d", "x  =  1")))
    assert [row.reason for row in (*first.rows.values(), *second.rows.values())] == [
        "",
        "",
        "",
        "exact_duplicate",
    ]
    assert second.evidence("d") == {"twin": "a"}


def test_a_unit_that_an_earlier_filter_turned_away_does_not_enter() -> None:
    first = FilterStage(LengthFilter(100), Seed, SnippetSource)
    second = FilterStage(ExactDedup(), Seed, first)
    seeds = [build_seed("a"), build_seed("b"), build_seed("c")]
    shard = build_shard(*seeds, rejected={"length": ["a"], "snippet": ["b"]})
    assert find_entering(second, shard) == ["c"]


def test_a_sample_does_not_enter_when_what_it_was_made_from_was_turned_away() -> None:
    stage = FilterStage(LengthFilter(100), Sample, SelectStage(build_context()))
    samples = [build_sample("m1", solution_id="s1"), build_sample("m2", solution_id="s2")]
    shard = build_shard(build_solution("s1"), *samples, rejected={"execute": ["s1"]})
    assert find_entering(stage, shard) == ["m2"]
