"""What one shard holds: its units by kind, and which of them no stage turned away."""

import pytest

from synth.filters.protocol import Keep, Reject
from synth.products import Pair, Sample
from synth.records import Reference, Seed, Solution, Task, Unit, Verdict
from synth.stages.pair import TaskInLanguage
from synth.stages.shard_state import ShardState, StageResult
from synth.stages.unit_stage import index_row
from tests.builders import (
    build_pair,
    build_reference,
    build_sample,
    build_seed,
    build_solution,
    build_task,
    build_verdict,
)

PAIR = build_pair("p1", task_id="t1", chosen_id="s1", rejected_id="s2")
FLOW = (
    build_seed("seed-1"),
    build_reference("seed-1"),
    build_task("t1", seed_id="seed-1"),
    build_solution("s1", task_id="t1"),
    build_solution("s2", task_id="t1"),
    build_verdict("s1", task_id="t1"),
    build_sample("m1", task_id="t1", solution_id="s1"),
    PAIR,
)


def build_state(*units: Unit) -> ShardState:
    state = ShardState(1, "00000")
    state.add("", StageResult((), units))
    return state


def decide(state: ShardState, stage: str, *units: Unit, reason: str = "") -> None:
    answer = Reject(reason) if reason else Keep()
    state.add(stage, StageResult(tuple(index_row(stage, state, unit, answer) for unit in units)))


def test_a_shard_is_known_by_round_and_name() -> None:
    assert ShardState(4, "00012").key == (4, "00012")


def test_its_number_is_its_priority_and_late_programs_go_after_those_of_every_shard() -> None:
    first, last = ShardState(1, "00000"), ShardState(1, "99999")
    assert (first.priority, last.priority) == (0, 99999)
    assert first.late_priority > last.priority
    assert last.late_priority - first.late_priority == 99999
    assert first.late_priority == 1 << 32


def test_units_are_found_by_kind_in_the_order_in_which_they_came() -> None:
    state = build_state(*FLOW)
    state.add("later", StageResult((), (build_solution("s0"),)))
    assert [unit.id for unit in state.get(Solution)] == ["s1", "s2", "s0"]
    assert [unit.id for unit in state.get(Task)] == ["t1"]
    assert state.get(Verdict) == [build_verdict("s1", task_id="t1")]
    assert state.get(Pair) == [PAIR]


def test_a_shard_without_units_of_a_kind_gives_none() -> None:
    assert build_state().get(Task) == []
    assert build_state(build_seed()).survivors(Task) == []


def test_two_records_of_one_kind_are_told_apart_by_their_type() -> None:
    state = build_state(build_task("t1"), TaskInLanguage(task_id="t1", language="go"))
    assert [type(unit) for unit in state.get(Task)] == [Task]
    assert [type(unit) for unit in state.get(TaskInLanguage)] == [TaskInLanguage]


def test_a_unit_survives_the_stages_that_kept_it_or_never_saw_it() -> None:
    state = build_state(build_task("t1"), build_task("t2"))
    decide(state, "seen", build_task("t1"))
    assert [task.id for task in state.survivors(Task)] == ["t1", "t2"]


@pytest.mark.parametrize("reason", ["not_best", "infrastructure"])
def test_a_unit_that_was_turned_away_does_not_survive_whatever_the_reason(reason: str) -> None:
    state = build_state(build_task("t1"), build_task("t2"))
    decide(state, "gate", build_task("t1"), reason=reason)
    assert [task.id for task in state.survivors(Task)] == ["t2"]


def test_every_stage_so_far_counts() -> None:
    state = build_state(build_task("t1"), build_task("t2"), build_task("t3"))
    decide(state, "first", build_task("t1"), reason="not_best")
    decide(state, "second", build_task("t1"), build_task("t2"), reason="too_long")
    assert [task.id for task in state.survivors(Task)] == ["t3"]


@pytest.mark.parametrize("kind", [Seed, Reference, Task, Solution, Verdict, Sample, Pair])
def test_what_was_made_of_a_lost_seed_is_lost_at_every_distance(kind: type[Unit]) -> None:
    state = build_state(*FLOW)
    assert state.survivors(kind) == state.get(kind) != []
    decide(state, "snippet", build_seed("seed-1"), reason="impure")
    assert state.survivors(kind) == []


@pytest.mark.parametrize("lost", ["s1", "s2"])
def test_a_unit_of_two_parents_needs_both(lost: str) -> None:
    state = build_state(*FLOW)
    decide(state, "execute", build_solution(lost), reason="violation")
    assert state.survivors(Pair) == []
    assert [unit.id for unit in state.survivors(Sample)] == (["m1"] if lost == "s2" else [])


def test_a_unit_that_is_about_another_leaves_it_its_parents() -> None:
    """A verdict has the id of its solution: what either was made from counts."""
    state = build_state(build_solution("s1", task_id="t1"), build_verdict("s1", task_id="t2"))
    for lost in ("t1", "t2"):
        decide(state, "gate", build_task(lost), reason="not_best")
        assert state.survivors(Solution) == []


def test_what_was_made_of_a_lost_unit_does_not_take_its_origin_along() -> None:
    state = build_state(*FLOW)
    decide(state, "filter", build_sample("m1"), reason="too_long")
    assert [unit.id for unit in state.survivors(Solution)] == ["s1", "s2"]
    assert state.survivors(Sample) == []


def test_a_parent_that_the_shard_does_not_hold_counts_by_its_id() -> None:
    state = build_state(build_solution("s1", task_id="elsewhere"))
    decide(state, "gate", build_task("elsewhere"), reason="not_best")
    assert state.survivors(Solution) == []


def test_a_circle_of_origins_ends() -> None:
    state = build_state(build_task("a", seed_id="b"), build_task("b", seed_id="a"))
    assert [task.id for task in state.survivors(Task)] == ["a", "b"]
    decide(state, "gate", build_task("a"), reason="not_best")
    assert state.survivors(Task) == []


def test_ids_are_found_by_the_reason_of_any_stage() -> None:
    state = build_state()
    decide(state, "one", build_task("t1"), reason="contaminated")
    decide(state, "two", build_task("t2"), build_task("t3"), reason="contaminated")
    decide(state, "three", build_task("t4"), reason="too_long")
    decide(state, "four", build_task("t5"))
    assert state.ids_with_reason("contaminated") == {"t1", "t2", "t3"}
    assert state.ids_with_reason("too_long") == {"t4"}
    assert state.ids_with_reason("not_best") == set()
