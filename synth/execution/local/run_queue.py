"""Decides which program runs next, and which programs go to a thread together.

Place in the flow: `local/sandbox.py` adds programs and passes the resulting groups to its threads. The one
rule: the lowest priority number goes first, and arrival order decides between equals; a program that needs
more slots than are free blocks later ones (no overtaking), and no slot stays free while a thread has programs
that it has not begun. A program that runs long lends its slot to those that wait, as far as there are spare
ones. For one event loop; only `Group.begin` is for the threads.
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
"""After this time, programs of a shared build that have not begun may be built again for a free slot."""


_LONG_S: Final = 0.25
"""A program that has run for so long lends its slot;"""
_LONG_BUILT_S: Final = 2.0
"""and one that is built first."""


@dataclass(eq=False, slots=True)
class QueuedProgram:
    """A program that waits or runs. `callers` wait for its observation; when none are left, the
    observation is cancelled."""

    key: str
    request: ExecutionRequest
    observation: asyncio.Future[Observation]
    priority: int = 0
    batch_key: BatchKey | None = None
    weight: int = 1
    """Slots that it takes."""
    needs_build: bool = False
    callers: int = 0
    toolchain_changes: int = 0
    """Runs that were void because the toolchain changed during them."""
    arrival: int = field(default_factory=itertools.count().__next__)


class Group:
    """Programs for one thread, which begins them in turn and skips those taken back."""

    def __init__(self, programs: Sequence[QueuedProgram]) -> None:
        self.programs = tuple(programs)
        self.weight = programs[0].weight
        self.found: deque[tuple[QueuedProgram, Observation]] = deque()
        """Set by the thread, read by the event loop."""
        self.begun: list[QueuedProgram] = []
        self.has_lent = False
        """Whether its slot has gone to another group."""
        self._left = dict(enumerate(programs))
        self._started = self._began = time.monotonic()

    def begin(self, index: int) -> bool:
        """Whether to run this program; if so, it can no longer be taken back."""
        program = self._left.pop(index, None)
        if program is None or program.observation.cancelled():
            return False
        self.begun.append(program)
        self._began = time.monotonic()
        return True

    def is_abandoned(self) -> bool:
        """Whether nobody waits for the program begun last. For the threads."""
        return bool(self.begun) and self.begun[-1].observation.cancelled()

    @property
    def runs_long(self) -> bool:
        """Whether its current program is one of those that others should not wait for."""
        long_s = _LONG_BUILT_S if self.programs[0].needs_build else _LONG_S
        return time.monotonic() - self._began > long_s

    def put_back(self, index: int) -> None:
        """Put back the program begun last: there is no result for it."""
        self._left[index] = self.begun.pop()

    @property
    def stealable(self) -> int:
        """How many programs another slot may take over: from a thread that has begun, and from a shared build
        if it takes long."""
        left, key = len(self._left), self.programs[0].batch_key
        is_shared = key is not None and key.contract is not None
        if left == len(self.programs) or (is_shared and time.monotonic() - self._started < _BUILT_S):
            return 0
        return left

    @property
    def waiting(self) -> int:
        """How many of its programs have not begun."""
        return len(self._left)

    def take_back(self, most: int | None = None) -> list[QueuedProgram]:
        """Take back the programs that have not begun, or at most the last `most` of them."""
        taken: list[QueuedProgram] = []
        with suppress(KeyError):
            while most is None or len(taken) < most:
                taken.append(self._left.popitem()[1])
        return taken[::-1]


class RunQueue:
    """Waiting programs, and the slots where they can run. `spare` slots stand in for those of programs that
    run long."""

    def __init__(self, slots: int, spare: int = 0) -> None:
        self._free, self._spare = slots, spare
        self._lines: dict[tuple[int, BatchKey | None], deque[QueuedProgram]] = {}
        self._groups: set[Group] = set()

    def put(self, program: QueuedProgram) -> None:
        """Add in order of arrival: at the end, unless the program was here before."""
        line = self._lines.setdefault((program.priority, program.batch_key), deque())
        at = len(line)
        while at and line[at - 1].arrival > program.arrival:
            at -= 1
        line.insert(at, program)

    def raise_priority(self, program: QueuedProgram, priority: int) -> None:
        """Another caller requests the program: while it waits, the lower of the two numbers applies."""
        line = self._lines.get((program.priority, program.batch_key), deque())
        if priority < program.priority and program in line:
            line.remove(program)
            program.priority = priority
            self.put(program)

    def groups(self) -> Iterator[Group]:
        """The groups that can begin now. Each one holds its slots until `done`."""
        self._lend()
        while group := self._next():
            self._free -= group.weight
            self._groups.add(group)
            yield group

    def done(self, group: Group) -> None:
        """The group's thread has ended: its slots are free, and the programs that it left wait again."""
        self._groups.discard(group)
        if group.has_lent:
            self._spare += group.weight
        else:
            self._free += group.weight
        for program in group.take_back():
            self.put(program)

    def clear(self) -> list[QueuedProgram]:
        """Remove all programs that have not begun, including those in running groups."""
        left = [program for line in self._lines.values() for program in line]
        self._lines.clear()
        return left + [program for group in self._groups for program in group.take_back()]

    def _lend(self) -> None:
        """Hand on the slots of groups whose program runs long, while anybody waits for one."""
        for group in self._groups:
            waits = self._first_line() is not None or group.waiting
            if waits and not group.has_lent and group.weight <= self._spare and group.runs_long:
                for program in group.take_back():
                    self.put(program)
                group.has_lent = True
                self._spare -= group.weight
                self._free += group.weight

    def _next(self) -> Group | None:
        line = self._first_line()
        if line is None:
            return self._part_of_a_group()
        if line[0].weight > self._free:
            self._call_back(line[0].priority)
            return None
        size = self._size(line[0], len(line))
        return Group([line.popleft() for _ in range(size)])

    def _first_line(self) -> deque[QueuedProgram] | None:
        """The queue whose first program is next. Programs without callers are dropped."""
        for key, line in list(self._lines.items()):
            while line and line[0].observation.cancelled():
                line.popleft()
            if not line:
                del self._lines[key]
        return min(self._lines.values(), key=lambda line: (line[0].priority, line[0].arrival), default=None)

    def _call_back(self, priority: int) -> None:
        """Threads with less urgent programs stop after their current one."""
        for group in self._groups:
            if group.programs[0].priority > priority and group.stealable:
                for program in group.take_back():
                    self.put(program)

    def _size(self, first: QueuedProgram, count: int) -> int:
        """The number of programs that are cheapest together, while every free slot still gets its share."""
        most = first.batch_key.most if first.batch_key else 1
        return min(most, -(-count * first.weight // self._free))

    def _part_of_a_group(self) -> Group | None:
        """Half of the programs not yet begun by the thread that has most of them."""
        ready = [group for group in self._groups if group.weight <= self._free and group.stealable]
        fullest = max(ready, key=lambda group: group.stealable, default=None)
        taken = fullest.take_back(-(-fullest.stealable // 2)) if fullest else []
        return Group(taken) if taken else None
