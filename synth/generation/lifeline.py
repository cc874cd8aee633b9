"""A pipe that ties a child process to this one: `guard.py` watches its read end and ends the child's whole
process group when the write end closes, even on kill -9.

Place in the flow: `owned_process` (engines) and `posttrain.launch` (trainers) start their children this way.
The one rule: only this process holds the write end.
"""

import os
import sys
import threading
from collections.abc import Sequence

from synth.generation import guard


class Lifeline:
    """The pipe of one child. `let_go` may be called from any thread."""

    def __init__(self, keeps: Sequence[int] = ()) -> None:
        """`keeps`: descriptors of ours that the guard holds open until the child's group has ended."""
        self.watched, self._held = os.pipe()
        self._keeps = tuple(keeps)
        self._lock = threading.Lock()

    @property
    def inherited(self) -> tuple[int, ...]:
        """The descriptors that the child must inherit."""
        return self.watched, *self._keeps

    def command(self, command: Sequence[str], grace_s: float = 5.0) -> list[str]:
        """The command, started by its guard, which gives it so many seconds between SIGTERM and SIGKILL.
        The child must inherit the descriptors `inherited`."""
        return [sys.executable, "-I", guard.__file__, str(self.watched), f"{grace_s:g}", *command]

    def let_go(self) -> None:
        """End the child if it still runs. May be called twice."""
        with self._lock:
            held, self._held = self._held, -1
        if held >= 0:
            os.close(held)

    def hand_over(self) -> None:
        """Close our copy of the read end: the child now has its own. May be called twice."""
        with self._lock:
            watched, self.watched = self.watched, -1
        if watched >= 0:
            os.close(watched)

    def close(self) -> None:
        """Let go, and close the read end too."""
        self.let_go()
        self.hand_over()
