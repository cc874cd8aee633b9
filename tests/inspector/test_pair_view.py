"""One pair: what differs, what each test says of both sides, and the warnings, each where it holds and
nowhere else."""

from pathlib import Path

import pytest

from synth.errors import UserError
from synth.inspector.marks import Marks
from synth.inspector.queries.length_bias import length_bias
from synth.inspector.queries.pair import (
    PairChoiceOf,
    PairView,
    list_pairs,
    neighbours_of_pair,
    read_pair,
)
from synth.records import Message, Outcome
from tests.inspector.judged_run import RIGHT_CODE, build_judged_run, opened, pair


@pytest.fixture(scope="module")
def run(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return build_judged_run(tmp_path_factory.mktemp("runs"))


def view(run: Path) -> PairView:
    return read_pair(*opened(run), "pair-7a")


def warnings(run: Path) -> set[str]:
    return {one.code for one in view(run).warnings}


def test_the_matrix_has_both_sides_of_every_test(run: Path) -> None:
    found = [(row.index, row.chosen.state, row.rejected.state) for row in view(run).matrix]
    assert found == [
        (0, "right", "right"),
        (1, "right", "wrong"),
        (2, "right", "wrong"),
        (3, "right", "unrun"),
    ]


def test_the_lines_that_differ_stand_beside_each_other(run: Path) -> None:
    found = view(run)
    assert [row.kind for row in found.rows] == ["same", "changed", "same"]
    assert (found.chosen.outcome, found.rejected.outcome) == ("pass", "wrong_answer")


def test_it_says_why_it_is_a_pair(run: Path) -> None:
    words = " ".join(view(run).why)
    assert "the rejected one 33% (wrong answer)" in words
    assert "a gap of 40% or more (it is 67%)" in words


def test_a_sound_pair_has_no_warning(run: Path) -> None:
    assert warnings(run) == set()


def test_a_side_that_is_much_longer_is_a_warning(tmp_path: Path) -> None:
    long = "def double(x):\n" + "".join(f"    y{number} = {number}\n" for number in range(9))
    assert warnings(build_judged_run(tmp_path, wrong_code=long)) == {"length_bias"}


def test_sides_that_differ_in_layout_only_are_near_identical(tmp_path: Path) -> None:
    assert warnings(build_judged_run(tmp_path, wrong_code=RIGHT_CODE.replace("    ", "  "))) == {
        "near_identical"
    }


def test_a_fault_of_the_machine_is_a_warning(tmp_path: Path) -> None:
    lost = pair(rejected_outcome=Outcome.INFRASTRUCTURE)
    assert warnings(build_judged_run(tmp_path, pairs=(lost,))) == {"machine_fault"}


def test_a_rejected_program_that_passes_what_the_chosen_one_fails_is_a_warning(tmp_path: Path) -> None:
    swapped = pair(chosen_id="solution-4d", rejected_id="solution-3c", chosen_pass=0.3)
    assert warnings(build_judged_run(tmp_path, pairs=(swapped,))) == {"rejected_passes_more", "chosen_fails"}


def test_a_run_without_logs_says_that_tests_are_unknown(tmp_path: Path) -> None:
    assert warnings(build_judged_run(tmp_path, with_logs=False)) == {"unlogged"}


def test_pairs_are_listed_filtered_and_walked_through(tmp_path: Path) -> None:
    made = tuple(
        pair(f"pair-{number:02d}", rejected_outcome=outcome)
        for number, outcome in enumerate([Outcome.WRONG_ANSWER, Outcome.RUNTIME_ERROR] * 3)
    )
    run = build_judged_run(tmp_path, pairs=made)
    library, opened_run = opened(run)
    first = list_pairs(library, opened_run, PairChoiceOf(), limit=4)
    assert ([line.id for line in first.lines], first.count) == (
        ["pair-00", "pair-01", "pair-02", "pair-03"],
        6,
    )
    rest = list_pairs(library, opened_run, PairChoiceOf(), after=first.next_key)
    assert ([line.id for line in rest.lines], rest.next_key) == (["pair-04", "pair-05"], "")
    wrong = PairChoiceOf(outcome="wrong_answer")
    near = neighbours_of_pair(library, opened_run, wrong, "pair-02")
    assert (near.before, near.after, near.place, near.count) == ("pair-00", "pair-04", 2, 3)
    Marks(run).judge("pair-03", "flip")
    assert [line.id for line in list_pairs(library, opened_run, PairChoiceOf(mark="flip")).lines] == [
        "pair-03"
    ]
    assert list_pairs(library, opened_run, PairChoiceOf(mark="none")).count == 5


def test_an_unknown_pair_is_a_users_mistake(run: Path) -> None:
    with pytest.raises(UserError, match="is no pair of judged"):
        read_pair(*opened(run), "pair-nothing")


@pytest.mark.parametrize(("longer", "is_bias"), [(40, True), (22, False)])
def test_a_length_that_gives_the_chosen_side_away_is_said_of_the_run(
    tmp_path: Path, longer: int, is_bias: bool
) -> None:
    made = [
        pair(
            f"pair-{at}",
            chosen=(Message(role="assistant", content="x" * (90 if at < longer else 30)),),
            rejected=(Message(role="assistant", content="x" * 60),),
        )
        for at in range(44)
    ]
    found = length_bias(*opened(build_judged_run(tmp_path, pairs=tuple(made))))
    assert found is not None
    assert (found.pairs, found.chosen_longer, found.rejected_longer) == (44, longer, 44 - longer)
    assert found.median_factor == (1.5 if is_bias else 1.0)
    assert (found.is_bias, found.longer) == (is_bias, "chosen")
