"""What is asked again where one input took all the time."""

import pytest

from synth.records import CaseObservation, Observation, Phase, Stop
from synth.rules.slow_inputs import find_slow_row, lighter_rows
from synth.values import encode


def seen(stop: Stop, answered: int) -> Observation:
    cases = tuple(CaseObservation(index=at, status="returned", output="i1") for at in range(answered))
    return Observation(request_id="x", language="python", phase=Phase.RUN, stop=stop, cases=cases)


@pytest.mark.parametrize(
    ("stop", "answered", "slow"), [(Stop.CPU, 3, 3), (Stop.MEMORY, 0, 0), (Stop.NONE, 3, None)]
)
def test_the_first_input_without_an_answer_is_the_slow_one(stop: Stop, answered: int, slow: int) -> None:
    assert find_slow_row(seen(stop, answered)) == slow


@pytest.mark.parametrize(
    ("values", "slow", "kept"),
    [
        ([[5], [1], [40], [12], [2]], 3, [0, 1, 4]),
        ([[5], [-1], [0], [-7]], 1, [0, 2]),
        ([["aa"], ["abcdef"], ["abcde"], ["abcdefg"]], 1, [0, 2]),
        ([[[1, 9], 5], [[1], 2], [[9], 1]], 0, [1]),
        ([[0], [1], [2]], 0, [1, 2]),
        ([[5], [1]], 7, []),
    ],
)
def test_inputs_that_ask_for_as_much_are_left_out_with_it(
    values: list[list[object]], slow: int, kept: list[int]
) -> None:
    rows = [tuple(encode(value) for value in row) for row in values]  # type: ignore[arg-type]
    assert lighter_rows(rows, slow) == kept
