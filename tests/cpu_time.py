"""What a piece of code costs, for bounds that no input may break.

The one rule: only what the piece itself does counts, not the other threads of the tests' process nor its
garbage collector, whose work grows with all that the tests hold.
"""

import gc
import time
from collections.abc import Iterator
from contextlib import contextmanager


class CpuTime:
    """CPU seconds of a block, once it has ended."""

    seconds: float = 0.0


@contextmanager
def cpu_time() -> Iterator[CpuTime]:
    """Measure what this thread does in the block."""
    used, was_enabled = CpuTime(), gc.isenabled()
    gc.disable()
    started = time.thread_time()
    try:
        yield used
    finally:
        used.seconds = time.thread_time() - started
        if was_enabled:
            gc.enable()
