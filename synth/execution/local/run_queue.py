"""Which program runs next, and which go to a thread together.

Place in the flow: `sandbox.py` puts runs in and gives the groups that come out to its threads. The one rule:
the lowest turn goes first, and among equals whoever came first; nobody passes one that waits for more places
than are free, and no place stays free while a thread has programs before it that it has not begun. For one
event loop; `Group.begin` alone is for the threads.
"""

import asyncio
import itertools
import time
from collections import deque
from collections.abc import Iterator, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from typing import Final

from synth.execution.local.batching import BatchKey
from synth.records import ExecutionRequest, Observation

_BUILT_S: Final = 2.0
"""After so long, what has not begun of a shared build may be built again for a free place."""


@dataclass(eq=False, slots=True)
class QueuedProgram:
    """A program that waits or runs. `callers` want to know what is seen; where nobody does any more, `seen`
    is cancelled."""

    key: str
    request: ExecutionRequest
    seen: asyncio.Future[Observation]
    turn: int = 0
    kind: BatchKey | None = None
    places: int = 1
    callers: int = 0
    voids: int = 0
    """How often what was seen said nothing, because the toolchain had changed."""
    arrival: int = field(default_factory=itertools.count().__next__)


class Group:
    """Runs for one thread, which begins one after the other and leaves what was taken back."""

    def __init__(self, runs: Sequence[QueuedProgram]) -> None:
        self.runs = tuple(runs)
        self.places = runs[0].places
        self.found: deque[tuple[QueuedProgram, Observation]] = deque()
        """By the thread, for the loop."""
        self.begun: list[QueuedProgram] = []
        self._left = dict(enumerate(runs))
        self._started = time.monotonic()

    def begin(self, index: int) -> bool:
        """Whether this one is to be run; it cannot be taken back then."""
        run = self._left.pop(index, None)
        if run is None or run.seen.cancelled():
            return False
        self.begun.append(run)
        return True

    def put_back(self, index: int) -> None:
        """The last that was begun: nothing is known of it."""
        self._left[index] = self.begun.pop()

    @property
    def spare(self) -> int:
        """How many runs another place may take: of a thread that has begun, and of a shared build when it
        takes long."""
        left = len(self._left)
        is_shared = self.runs[0].kind is not None and self.runs[0].kind.contract is not None
        if left == len(self.runs) or (is_shared and time.monotonic() - self._started < _BUILT_S):
            return 0
        return left

    def take_back(self, most: int | None = None) -> list[QueuedProgram]:
        """What has not begun, or so many of it, the last ones."""
        taken: list[QueuedProgram] = []
        with suppress(KeyError):
            while most is None or len(taken) < most:
                taken.append(self._left.popitem()[1])
        return taken[::-1]


class RunQueue:
    """Runs that wait, and the places where they can run."""

    def __init__(self, places: int) -> None:
        self._free = places
        self._lines: dict[tuple[int, BatchKey | None], deque[QueuedProgram]] = {}
        self._groups: set[Group] = set()

    def put(self, run: QueuedProgram) -> None:
        """At its place in the order of arrival, which is the end unless it was here before."""
        line = self._lines.setdefault((run.turn, run.kind), deque())
        at = len(line)
        while at and line[at - 1].arrival > run.arrival:
            at -= 1
        line.insert(at, run)

    def hurry(self, run: QueuedProgram, turn: int) -> None:
        """Somebody asks for the run at a turn of his own: where it still waits, the lower one counts."""
        line = self._lines.get((run.turn, run.kind), deque())
        if turn < run.turn and run in line:
            line.remove(run)
            run.turn = turn
            self.put(run)

    def groups(self) -> Iterator[Group]:
        """What can begin now. Each holds its places until `done`."""
        while group := self._next():
            self._free -= group.places
            self._groups.add(group)
            yield group

    def done(self, group: Group) -> None:
        """Its thread has ended: its places are free, and what it left waits again."""
        self._groups.discard(group)
        self._free += group.places
        for run in group.take_back():
            self.put(run)

    def clear(self) -> list[QueuedProgram]:
        """Take out all that has not begun, running groups' too."""
        left = [run for line in self._lines.values() for run in line]
        self._lines.clear()
        return left + [run for group in self._groups for run in group.take_back()]

    def _next(self) -> Group | None:
        line = self._first_line()
        if line is None:
            return self._part_of_a_group()
        if line[0].places > self._free:
            self._call_back(line[0].turn)
            return None
        size = self._size(line[0], len(line))
        return Group([line.popleft() for _ in range(size)])

    def _first_line(self) -> deque[QueuedProgram] | None:
        """The line of whoever is next; what nobody asks for any more is left out."""
        for key, line in list(self._lines.items()):
            while line and line[0].seen.cancelled():
                line.popleft()
            if not line:
                del self._lines[key]
        return min(self._lines.values(), key=lambda line: (line[0].turn, line[0].arrival), default=None)

    def _call_back(self, turn: int) -> None:
        """Threads at higher turns end with the program that they are at."""
        for group in self._groups:
            if group.runs[0].turn > turn and group.spare:
                for run in group.take_back():
                    self.put(run)

    def _size(self, first: QueuedProgram, count: int) -> int:
        """As many as are cheapest together, as long as every free place gets its part."""
        most = first.kind.most if first.kind else 1
        return min(most, -(-count * first.places // self._free))

    def _part_of_a_group(self) -> Group | None:
        """Half of what the thread with the most before it has not begun."""
        ready = [group for group in self._groups if group.places <= self._free and group.spare]
        fullest = max(ready, key=lambda group: group.spare, default=None)
        taken = fullest.take_back(-(-fullest.spare // 2)) if fullest else []
        return Group(taken) if taken else None
