"""SIGTERM in a trainer process: a request to save and end, as schedulers send it before they take
a machine away.

Place in the flow: `train_jobs` listens, `fit` and its callback ask. The one rule: a handler only notes the
request; the training acts on it at the end of a step, where its state is whole.
"""

import signal
import threading

from synth.errors import Problem, TrainerError

_asked = threading.Event()


def listen() -> None:
    """From now on SIGTERM is noted instead of ending the process."""
    signal.signal(signal.SIGTERM, lambda _number, _frame: _asked.set())


def is_asked() -> bool:
    """Whether this process was asked to end."""
    return _asked.is_set()


def end_if_asked(job: str, where: str) -> None:
    """Raises TrainerError if this process was asked to end. `where` says how far the job has come."""
    if is_asked():
        raise TrainerError(
            Problem(
                f"training {job}",
                f"was asked to end (SIGTERM) and did so {where}",
                "rerun the same command: it goes on from there",
                "docs/architecture/training.md",
            )
        )
