"""Applies a function to a stream in a pool of processes.

The one rule: results come in the order of the stream for any number of workers, and only a bounded number is
in memory.
"""

import multiprocessing
import os
import signal
import threading
from collections import deque
from collections.abc import Callable, Iterator
from concurrent.futures import Future, ProcessPoolExecutor
from contextlib import contextmanager
from multiprocessing import resource_tracker
from typing import TypeVar

Item = TypeVar("Item")
Result = TypeVar("Result")

ITEMS_A_TASK = 16
TASKS_A_WORKER = 4
"""Tasks in flight per worker; bounds memory."""


def map_in_order(function: Callable[[Item], Result], items: Iterator[Item], workers: int) -> Iterator[Result]:
    """The results of a function that can be pickled, as its arguments and results can. With one worker it
    runs in this process."""
    return map(function, items) if workers <= 1 else _in_pool(function, items, workers)


def _in_pool(function: Callable[[Item], Result], items: Iterator[Item], workers: int) -> Iterator[Result]:
    context = multiprocessing.get_context("spawn")
    resource_tracker.ensure_running()  # it would unblock what `_interrupts_blocked` blocks
    pool = ProcessPoolExecutor(workers, mp_context=context, initializer=_end_with_parent)
    try:
        waiting: deque[Future[list[Result]]] = deque()
        for batch in _batches(items):
            with _interrupts_blocked():
                waiting.append(pool.submit(_apply, function, batch))
            if len(waiting) >= workers * TASKS_A_WORKER:
                yield from waiting.popleft().result()
        while waiting:
            yield from waiting.popleft().result()
    finally:
        pool.shutdown(cancel_futures=True)  # do not work on what will not be read


def _end_with_parent() -> None:
    """In a worker: make sure that kill -9 of the parent leaves no worker behind."""
    parent = multiprocessing.parent_process()
    assert parent is not None, "a worker of a pool has a parent"

    def wait() -> None:
        parent.join()
        os._exit(1)

    threading.Thread(target=wait, daemon=True).start()


@contextmanager
def _interrupts_blocked() -> Iterator[None]:
    """Workers are started by `submit` and inherit the blocked signals: Ctrl-C in a terminal is for the
    parent, which then ends them."""
    before = signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGINT})
    try:
        yield
    finally:
        signal.pthread_sigmask(signal.SIG_SETMASK, before)


def _batches(items: Iterator[Item]) -> Iterator[list[Item]]:
    batch: list[Item] = []
    for item in items:
        batch.append(item)
        if len(batch) == ITEMS_A_TASK:
            yield batch
            batch = []
    if batch:
        yield batch


def _apply(function: Callable[[Item], Result], items: list[Item]) -> list[Result]:
    return [function(item) for item in items]
