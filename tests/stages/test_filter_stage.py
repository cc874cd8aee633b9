"""A filter as a stage: it meets units of any kind, one after the other."""

import pytest

from synth.filters.exact_dedup import ExactDedup
from synth.filters.length import LengthFilter
from synth.filters.near_dedup import NearDedup
from synth.filters.protocol import FilterInput, Keep, Reject
from synth.products import Sample
from synth.records import Decision, Message, Origin, Reference, Seed, Solution, Task, Unit
from synth.stages.filter import BeforeModelStage, FilterStage, own_text
from synth.stages.select import SelectStage
from synth.stages.snippet import SnippetSource
from tests.builders import build_pair, build_reference, build_sample, build_seed, build_solution, build_task
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
    remembers = False

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


def test_it_stands_where_its_flow_puts_it_and_takes_shards_in_order_if_it_remembers() -> None:
    stage = FilterStage(ExactDedup(), Sample, SelectStage)
    assert describe_stage(stage) == StagePlace("exact_dedup", Sample, ("select",), ordered=True)
    after = FilterStage(LengthFilter(100), Task, stage)
    assert describe_stage(after) == StagePlace("length", Task, ("exact_dedup",), ordered=False)


def test_before_the_model_a_filter_that_remembers_takes_shards_in_turn() -> None:
    dedup = BeforeModelStage(ExactDedup(), Reference, SnippetSource)
    assert (dedup.name, dedup.ordered, dedup.in_turn) == ("seed_exact_dedup", False, True)
    length = BeforeModelStage(LengthFilter(100), Seed, SnippetSource)
    assert (length.name, length.ordered, length.in_turn) == ("seed_length", False, False)


def test_before_the_model_seeds_are_compared_by_their_own_function() -> None:
    """Helpers that close two functions of one file make them no duplicates of each other."""
    helpers = "\n".join(f"LIMIT_{n} = {n} * scale({n})" for n in range(30))
    origin = Origin(source="tree", path="a.py", start_line=10, end_line=11)
    codes = [f"{helpers}\ndef f(x):\n    return x + LIMIT_{n} * {'-' * n}x\n" for n in (1, 2)]
    seeds = [build_seed(str(n), code, origin=origin) for n, code in enumerate((*codes, codes[0]))]
    references = [build_reference(seed.id, code=seed.code) for seed in seeds]
    assert [own_text(seed).startswith("def f(x)") for seed in seeds] == [True] * 3
    found = run_stage(
        BeforeModelStage(NearDedup(), Reference, SnippetSource), build_shard(*seeds, *references)
    )
    assert [found.decision(seed.id)[1] for seed in seeds] == ["", "", "near_duplicate"]
    assert found.evidence("2")["twin"] == "0"


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
