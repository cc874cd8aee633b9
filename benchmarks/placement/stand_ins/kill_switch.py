"""kill -9 of the command under trial at the step that the trial names, once."""

import os
import signal
from pathlib import Path


def step(name: str) -> None:
    """Kill the command if this is the step, and go on for a while as a process does that was not told yet."""
    mark = Path(os.environ["SIMULATED_CARDS"]) / "killed"
    if os.environ.get("KILL_AT") == name and not mark.exists():
        mark.touch()
        os.kill(int((mark.parent / "command.pid").read_text()), signal.SIGKILL)
