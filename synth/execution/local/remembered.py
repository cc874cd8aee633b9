"""Observations of this process, kept for equal requests: bounded by number and by bytes.

Place in the flow: `sandbox.py` looks here before it queues a program. The one rule: the oldest go first, and
large ones are not kept at all.
"""

import ctypes
from collections import OrderedDict
from contextlib import suppress
from typing import Final

from synth.execution.observations import held_bytes, is_fault, is_kept
from synth.records import Observation

MOST_BYTES: Final = 64 << 20
_MMAP_THRESHOLD, _LARGE_BYTES = -3, 1 << 20


def return_large_memory() -> None:
    """Have memory of 1 MB and more given back to the system when it is freed. Outputs come and go in many
    threads; the C library would keep what they took for each of them."""
    with suppress(AttributeError, OSError):
        ctypes.CDLL(None).mallopt(_MMAP_THRESHOLD, _LARGE_BYTES)


class Remembered:
    """At most `most` observations, and at most MOST_BYTES of them. Faults are not remembered."""

    def __init__(self, most: int) -> None:
        self._most, self._bytes = most, 0
        self._found: OrderedDict[str, Observation] = OrderedDict()

    def __len__(self) -> int:
        return len(self._found)

    def get(self, key: str) -> Observation | None:
        return self._found.get(key)

    def keep(self, key: str, observation: Observation) -> None:
        if is_fault(observation) or not is_kept(observation) or key in self._found:
            return
        self._found[key] = observation
        self._bytes += held_bytes(observation)
        while len(self._found) > self._most or self._bytes > MOST_BYTES:
            self._bytes -= held_bytes(self._found.popitem(last=False)[1])
