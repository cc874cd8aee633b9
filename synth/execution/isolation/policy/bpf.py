"""System call filters as classic BPF: a table from call numbers to actions, compiled into a balanced
tree of comparisons.

Place in the flow: `seccomp.py` decides the action for each call. The one rule: the shape of the program
changes only its cost. The kernel runs a new filter once for every existing call number, so a list of 150
comparisons costs a tenth of a millisecond per started program, and a tree of depth 8 costs a tenth of that.

Opcodes are from include/uapi/linux/bpf_common.h, the layout of `struct seccomp_data` from
include/uapi/linux/seccomp.h.
"""

import struct
from collections.abc import Mapping
from itertools import pairwise

LOAD, EQUAL, GREATER, AT_LEAST, ANY_BIT, AND, JUMP, RETURN = 0x20, 0x15, 0x25, 0x35, 0x45, 0x54, 0x05, 0x06
NUMBER, ARCH, ARGUMENT_0, ARGUMENT_1 = 0, 4, 16, 24
"""Offsets in `struct seccomp_data`; for an argument, of its low half."""
_FARTHEST = 255


def line(code: int, value: int, if_true: int = 0, if_false: int = 0) -> bytes:
    """One instruction; jumps count from the next instruction."""
    return struct.pack("=HBBI", code, if_true, if_false, value)


def give(action: int) -> bytes:
    """End the filter with an action."""
    return line(RETURN, action)


def look_at(offset: int, test: int, value: int, then: bytes, otherwise: bytes) -> bytes:
    """The action for a call that is judged by an argument; both branches are a single `give`."""
    return line(LOAD, offset) + line(test, value, 0, 1) + then + otherwise


def dispatch(table: Mapping[int, bytes], otherwise: bytes) -> bytes:
    """Instructions that apply the table to the number in the accumulator, and `otherwise` to numbers that are
    not in it.

    Each action must end the filter on every path.
    """
    starts: dict[int, bytes] = {0: otherwise}
    for number in sorted(table):
        starts[number] = table[number]
        starts.setdefault(number + 1, otherwise)
    numbers = sorted(starts)
    kept = [0] + [number for before, number in pairwise(numbers) if starts[number] != starts[before]]
    return _tree([(number, starts[number]) for number in kept])


def _tree(ranges: list[tuple[int, bytes]]) -> bytes:
    """The first half of the ranges comes right after the comparison, then the second half."""
    if len(ranges) == 1:
        return ranges[0][1]
    middle = len(ranges) // 2
    below, above = _tree(ranges[:middle]), _tree(ranges[middle:])
    distance = len(below) // 8
    if distance > _FARTHEST:
        return line(AT_LEAST, ranges[middle][0], 0, 1) + line(JUMP, distance) + below + above
    return line(AT_LEAST, ranges[middle][0], distance, 0) + below + above
