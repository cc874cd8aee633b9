"""A pipe that ties a child process to this one: `guard.py` watches its reading end and ends the child's whole
group when the other end closes, on kill -9 too.

Place in the flow: `owned_process` (engines) and `posttrain.launch` (trainers) start their children so. The
one rule: the writing end is in this process alone.
"""

import os
import sys
import threading
from collections.abc import Sequence

from synth.generation import guard


class Lifeline:
    """The pipe of one child. May be let go from any thread."""

    def __init__(self) -> None:
        self.watched, self._held = os.pipe()
        self._lock = threading.Lock()

    def command(self, command: Sequence[str]) -> list[str]:
        """The command behind its guard. The child must be given the descriptor `watched`."""
        return [sys.executable, "-I", guard.__file__, str(self.watched), *command]

    def let_go(self) -> None:
        """End the child, if it still runs. May be called twice."""
        with self._lock:
            held, self._held = self._held, -1
        if held >= 0:
            os.close(held)

    def hand_over(self) -> None:
        """Close our copy of the reading end: the child has its own now. May be called twice."""
        with self._lock:
            watched, self.watched = self.watched, -1
        if watched >= 0:
            os.close(watched)

    def close(self) -> None:
        """Let go, and close the reading end too."""
        self.let_go()
        self.hand_over()
