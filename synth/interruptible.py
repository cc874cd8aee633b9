"""Runs the main coroutine of a command, so that Ctrl-C and SIGTERM end it in order at any moment.

The one rule: while the event loop is being made, signals wait; they would tear it half-made.
"""

import asyncio
import signal
from collections.abc import Callable, Coroutine
from typing import TypeVar

T = TypeVar("T")

_HELD = (signal.SIGINT, signal.SIGTERM)


def run_interruptibly(main: Callable[[], Coroutine[None, None, T]]) -> T:
    """What `main()` returns. Ctrl-C cancels it and then raises KeyboardInterrupt, as `asyncio.run` does."""

    async def begin() -> T:
        signal.pthread_sigmask(signal.SIG_UNBLOCK, _HELD)
        return await main()

    signal.pthread_sigmask(signal.SIG_BLOCK, _HELD)
    try:
        return asyncio.run(begin())
    finally:
        signal.pthread_sigmask(signal.SIG_UNBLOCK, _HELD)
