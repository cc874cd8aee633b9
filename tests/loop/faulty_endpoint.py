"""The recorded endpoint with one outage: from its nth request on, and for some seconds, it does not answer.

Place in the flow: the tests of outages and `benchmarks/outages` ask it. The one rule: outside of the outage
it is the recorded endpoint, and it notes which requests it has answered.
"""

import threading
import time
from collections import Counter
from enum import StrEnum
from pathlib import Path
from typing import Any

from tests.loop.recorded_endpoint import Key, RecordedEndpoint, called_key
from tests.recordings.record import Recording


class Fault(StrEnum):
    """What the endpoint does in its outage."""

    ERRORS = "answers 500"
    GARBAGE = "answers garbage"
    EMPTY = "answers without choices"
    HUNG = "accepts requests and is silent"
    DROPPED = "ends connections without an answer"
    KILLED = "refuses connections"


REPLIES = {
    Fault.ERRORS: (500, '{"error": {"message": "restarting"}}'),
    Fault.GARBAGE: (200, "<html>bad gateway\x00"),
    Fault.EMPTY: (200, '{"choices": []}'),
}


class FaultyEndpoint(RecordedEndpoint):
    """Begins its outage when request number `first` arrives, and ends it `seconds` later."""

    def __init__(
        self,
        recording: Recording,
        folder: Path,
        fault: Fault,
        first: int,
        seconds: float,
        delay_s: float = 0.02,
    ) -> None:
        super().__init__(recording, folder, delay_s)
        self.fault, self.first, self.seconds = fault, first, seconds
        self.answered: Counter[Key] = Counter()
        self.failed = 0
        """Requests that met the outage. Those that were refused a connection are not seen."""
        self.over = threading.Event()
        self._seen = 0

    def reply(self, body: dict[str, Any]) -> tuple[int, str] | None:
        with self._lock:
            self._seen += 1
            begins = self._seen == self.first
            fails = self._seen >= self.first and not self.over.is_set()
        if begins:
            threading.Thread(target=self._outage, daemon=True).start()
        if not fails:
            found = super().reply(body)
            self.answered[called_key(body)] += 1
            return found
        self.failed += 1
        if self.fault is Fault.HUNG:
            self.over.wait()
        return REPLIES.get(self.fault)

    def _outage(self) -> None:
        if self.fault is Fault.KILLED:
            self.stop()
        time.sleep(self.seconds)
        self.over.set()
        if self.fault is Fault.KILLED:
            self.start()


class RefusingEndpoint(RecordedEndpoint):
    """Answers 500 to one request, whenever it comes: the first of all, or the first for an instruction."""

    def __init__(self, recording: Recording, folder: Path, delay_s: float, of_all: bool = False) -> None:
        super().__init__(recording, folder, delay_s)
        self.of_all, self.is_well = of_all, False
        self.refused: list[Key] = []

    def reply(self, body: dict[str, Any]) -> tuple[int, str] | None:
        key = called_key(body)
        with self._lock:
            if not self.refused and (self.of_all or "Write an instruction" in key[0]):
                self.refused.append(key)
            fails = key in self.refused and not self.is_well
            if fails:
                self.arrived.append(key)
        return (500, '{"error": {"message": "this one never works"}}') if fails else super().reply(body)
