"""The base of the stages: who enters, how decisions become index rows, which stages come before."""

import asyncio
from collections.abc import Sequence

import pytest

from synth.filters.protocol import Keep, Reject
from synth.reasons import REASONS, ReasonClass
from synth.records import Decision, IndexRow, Origin, Solution, Unit, Verdict
from synth.seeds.protocol import SeedRejection
from synth.stages.shard_state import ShardState
from synth.stages.unit_stage import Decided, UnitStage, Upstream, index_row
from tests.builders import build_seed, build_solution, build_task, build_verdict
from tests.stages.harness import build_shard

STATE = ShardState(2, "00003")


class ScriptedStage(UnitStage[Solution]):
    """A stage over solutions that decides what it was given."""

    unit = Solution

    def __init__(self, name: str, *before: Upstream, decided: Sequence[Decided] = ()) -> None:
        self.name, self.upstream, self._decided = name, before, decided
        self.asked: list[tuple[list[str], ShardState]] = []

    async def decide(self, units: Sequence[Solution], state: ShardState) -> Sequence[Decided]:
        self.asked.append(([unit.id for unit in units], state))
        return self._decided


def make_row(unit: Unit, answer: Keep | Reject, found: Decided | None = None) -> IndexRow:
    return index_row("work", STATE, unit, answer, found)


def test_a_row_says_what_the_unit_says_of_itself() -> None:
    assert make_row(build_solution("s1", task_id="t1", language="ruby"), Keep()) == IndexRow(
        round=2,
        stage="work",
        shard="00003",
        unit_id="s1",
        kind="solution",
        parents=("t1",),
        language="ruby",
        decision=Decision.KEPT,
    )


def test_a_task_states_its_natural_language_and_the_language_of_its_seed() -> None:
    row = make_row(build_task(natural_language="zh", seed_language="go"), Keep())
    assert (row.kind, row.parents, row.language, row.natural_language) == ("task", ("seed-1",), "go", "zh")


def test_a_unit_without_a_language_has_an_empty_one() -> None:
    row = make_row(build_verdict("s1"), Keep())
    assert (row.kind, row.unit_id, row.language, row.natural_language) == ("verdict", "s1", "", "")


def test_a_parent_that_is_not_known_is_left_out() -> None:
    assert make_row(build_task(seed_id=""), Keep()).parents == ()


def test_the_natural_language_of_the_decision_goes_before_that_of_the_unit() -> None:
    zh = Decided(Keep(), natural_language="zh")
    assert make_row(build_task(natural_language="en"), Keep(), zh).natural_language == "zh"
    assert make_row(build_task(natural_language="en"), Keep(), Decided(Keep())).natural_language == "en"


def test_what_never_became_a_unit_has_a_row_too() -> None:
    file = SeedRejection("f1", "file", "python", Origin(source="test"), Reject("unreadable"))
    row = index_row("snippet", STATE, file, file.reject)
    assert (row.unit_id, row.kind, row.parents, row.language) == ("f1", "file", (), "python")
    assert (row.decision, row.reason) == (Decision.REJECTED, "unreadable")


@pytest.mark.parametrize("reason", REASONS)
def test_a_reason_of_ours_is_a_failure_and_every_other_a_rejection(reason: str) -> None:
    row = make_row(build_seed(), Reject(reason))
    is_ours = REASONS[reason].reason_class is ReasonClass.INFRASTRUCTURE
    assert (row.decision, row.reason) == (Decision.FAILED if is_ours else Decision.REJECTED, reason)


def test_there_are_reasons_of_ours() -> None:
    assert make_row(build_seed(), Reject("infrastructure")).decision is Decision.FAILED
    assert make_row(build_seed(), Reject("wrong_answer")).decision is Decision.REJECTED


def test_evidence_is_json_in_the_order_of_its_keys() -> None:
    assert make_row(build_seed(), Keep({"b": 1, "a": "x"})).evidence == '{"a": "x", "b": 1}'
    assert make_row(build_seed(), Reject("impure", {"b": 0.5, "a": 2})).evidence == '{"a": 2, "b": 0.5}'


def test_a_row_states_what_the_decision_cost() -> None:
    row = make_row(build_seed(), Keep(), Decided(Keep(), ms=1.23456, tokens=7))
    assert (row.ms, row.tokens) == (1.235, 7)
    row = make_row(build_seed(), Keep())
    assert (row.ms, row.tokens) == (0.0, 0)
    row = make_row(build_seed(), Keep(), Decided(Keep()))
    assert (row.ms, row.tokens) == (0.0, 0)


def test_every_unit_that_enters_leaves_with_one_row_and_what_was_made_of_it() -> None:
    made = tuple(build_verdict(name) for name in ("s1", "s2", "s3"))
    decided = [
        Decided(Keep(), made[:2], tokens=1),
        Decided(Reject("no_code"), natural_language="zh"),
        Decided(Reject("infrastructure"), made[2:]),
    ]
    shard = build_shard(*(build_solution(name) for name in ("s2", "s1", "s3")))
    stage = ScriptedStage("work", decided=decided)
    result = asyncio.run(stage.run(shard))
    assert stage.asked == [(["s2", "s1", "s3"], shard)]
    assert [(row.unit_id, row.stage, row.decision, row.natural_language) for row in result.rows] == [
        ("s2", "work", Decision.KEPT, ""),
        ("s1", "work", Decision.REJECTED, "zh"),
        ("s3", "work", Decision.FAILED, ""),
    ]
    assert result.made == made
    assert [row.tokens for row in result.rows] == [1, 0, 0]


@pytest.mark.parametrize("number", [0, 1, 3])
def test_a_decision_too_few_or_too_many_is_an_error(number: int) -> None:
    shard = build_shard(build_solution("s1"), build_solution("s2"))
    with pytest.raises(ValueError, match="zip"):
        asyncio.run(ScriptedStage("work", decided=[Decided(Keep())] * number).run(shard))


def test_a_unit_enters_unless_a_stage_before_turned_it_or_its_origin_away() -> None:
    first = ScriptedStage("first")
    second = ScriptedStage("second", first)
    third = ScriptedStage("third", second)
    units = [build_task("t1"), build_task("t2"), build_solution("s1", task_id="t1")]
    units += [build_solution(name, task_id="t2") for name in ("s2", "s3")]
    for rejected, entering in (
        ({}, ["s1", "s2", "s3"]),
        ({"second": ["s2"]}, ["s1", "s3"]),
        ({"first": ["s2"]}, ["s1", "s3"]),
        ({"first": ["t2"]}, ["s1"]),
        ({"first": ["t1"], "second": ["s3"]}, ["s2"]),
        ({"unrelated": ["t2"]}, ["s1"]),
    ):
        shard = build_shard(*units, rejected=rejected)
        assert [unit.unit_id for unit in third.entering(shard)] == entering, rejected


def test_a_failure_of_ours_keeps_a_unit_out_too() -> None:
    stage = ScriptedStage("second", ScriptedStage("first"))
    shard = build_shard(build_solution("s1"), rejected={"first": ["s1"]}, reason="infrastructure")
    assert stage.entering(shard) == []


def test_only_units_of_its_kind_enter() -> None:
    shard = build_shard(build_seed(), build_task(), build_solution("s1"), build_verdict("s1"))
    assert [type(unit) for unit in ScriptedStage("work").entering(shard)] == [Solution]


def test_a_stage_makes_nothing_asks_nobody_and_takes_shards_in_any_order_unless_it_says_so() -> None:
    stage = ScriptedStage("work")
    assert (stage.makes, stage.asks_engine, stage.ordered) == ((), False, False)


def test_a_decision_alone_makes_and_costs_nothing() -> None:
    decided = Decided(Keep())
    assert (decided.made, decided.natural_language, decided.ms, decided.tokens) == ((), "", 0.0, 0)


def test_verdicts_are_units_of_their_solution() -> None:
    row = make_row(build_verdict("s9", task_id="t9"), Keep())
    assert (Verdict.kind, row.unit_id, row.parents) == ("verdict", "s9", ("t9",))
