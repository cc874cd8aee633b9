"""A filter decides for every call number what its table says. The little machine here runs it, as the kernel
would."""

import struct
from random import Random

import pytest

from synth.execution.isolation.policy.bpf import (
    ARGUMENT_0,
    EQUAL,
    LOAD,
    NUMBER,
    dispatch,
    give,
    line,
    look_at,
)

OTHERWISE, REFUSE, ASK = give(1), give(2), look_at(ARGUMENT_0, EQUAL, 7, give(3), give(4))


def run(program: bytes, number: int, argument: int = 0) -> int:
    """The action of a filter for one call."""
    return follow(program, number, argument)[0]


def follow(program: bytes, number: int, argument: int = 0) -> tuple[int, int]:
    """The action, and how many instructions led to it. Raises IndexError when the program runs past its
    end."""
    data = {NUMBER: number, ARGUMENT_0: argument}
    lines = [struct.unpack_from("=HBBI", program, at) for at in range(0, len(program), 8)]
    at, held, steps = 0, 0, 0
    while True:
        code, if_true, if_false, value = lines[at]
        at, steps = at + 1, steps + 1
        if code == 0x06:
            return int(value), steps
        if code == 0x20:
            held = data[value]
        elif code == 0x05:
            at += value
        else:
            at += (
                if_true
                if {0x15: held == value, 0x25: held > value, 0x35: held >= value, 0x45: held & value}[code]
                else if_false
            )


def test_a_named_call_is_judged_and_its_neighbours_are_not() -> None:
    program = line(LOAD, NUMBER) + dispatch({0: REFUSE, 5: REFUSE, 6: ASK, 462: REFUSE}, OTHERWISE)
    assert [run(program, number) for number in (0, 1, 4, 5, 7, 461, 462, 463, 2**32 - 1)] == [
        2,
        1,
        1,
        2,
        1,
        1,
        2,
        1,
        1,
    ]
    assert (run(program, 6, 7), run(program, 6, 8)) == (3, 4)


def test_an_empty_table_does_the_same_with_every_call() -> None:
    assert run(line(LOAD, NUMBER) + dispatch({}, OTHERWISE), 100) == 1


@pytest.mark.parametrize("seed", range(5))
def test_any_table_is_carried_out_as_it_stands(seed: int) -> None:
    random = Random(seed)
    table = {
        random.randrange(2000): random.choice([REFUSE, ASK]) for _ in range(random.choice([3, 60, 900]))
    }  # 900: far jumps too
    program = line(LOAD, NUMBER) + dispatch(table, OTHERWISE)
    found = [run(program, number, 7) for number in range(2001)]
    assert found == [run(table.get(number, OTHERWISE), number, 7) for number in range(2001)]


def test_the_way_through_a_large_table_is_short() -> None:
    program = line(LOAD, NUMBER) + dispatch(dict.fromkeys(range(0, 400, 2), REFUSE), OTHERWISE)
    assert max(follow(program, number)[1] for number in range(500)) <= 14
