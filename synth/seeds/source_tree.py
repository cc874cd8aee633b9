"""Seeds from folders of source code: finds, cuts and filters files as a stream, optionally in a
pool of processes.

The one rule: results come in file order for any number of workers, and only a bounded number of files
is in memory.
"""

import multiprocessing
import os
import signal
import threading
from collections import deque
from collections.abc import Iterator
from concurrent.futures import Future, ProcessPoolExecutor
from contextlib import contextmanager
from functools import partial
from multiprocessing import resource_tracker
from pathlib import Path

from synth.config import SourceTreeSeedsConfig
from synth.records import Origin
from synth.seeds.cut import cut_file
from synth.seeds.files import find_files
from synth.seeds.protocol import FileCut, FileRef, SeedOrRejection, SeedRejection
from synth.seeds.screen import require_scanner

FILES_A_TASK = 16
TASKS_A_WORKER = 4
"""Tasks in flight per worker; bounds memory."""


def read_cuts(
    config: SourceTreeSeedsConfig,
    recipe_folder: Path,
    *,
    random_seed: int = 0,
    round_: int = 0,
    workers: int = 1,
) -> Iterator[FileCut]:
    """Each file of the tree with its text (for FIM) and its functions. Raises RecipeError if the folder
    does not exist."""
    require_scanner(config.screen)
    refs = find_files(config, recipe_folder, random_seed, round_)
    return (
        map(partial(cut_file, config=config), refs) if workers <= 1 else _read_parallel(config, refs, workers)
    )


def _read_parallel(config: SourceTreeSeedsConfig, refs: Iterator[FileRef], workers: int) -> Iterator[FileCut]:
    context = multiprocessing.get_context("spawn")
    resource_tracker.ensure_running()  # it would unblock what `_interrupts_blocked` blocks
    pool = ProcessPoolExecutor(workers, mp_context=context, initializer=_end_with_parent)
    try:
        waiting: deque[Future[list[FileCut]]] = deque()
        for batch in _batches(refs):
            with _interrupts_blocked():
                waiting.append(pool.submit(_cut_batch, batch, config))
            if len(waiting) >= workers * TASKS_A_WORKER:
                yield from waiting.popleft().result()
        while waiting:
            yield from waiting.popleft().result()
    finally:
        pool.shutdown(cancel_futures=True)  # do not cut files that will not be read


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


def _batches(refs: Iterator[FileRef]) -> Iterator[list[FileRef]]:
    batch: list[FileRef] = []
    for ref in refs:
        batch.append(ref)
        if len(batch) == FILES_A_TASK:
            yield batch
            batch = []
    if batch:
        yield batch


def _cut_batch(refs: list[FileRef], config: SourceTreeSeedsConfig) -> list[FileCut]:
    return [cut_file(ref, config) for ref in refs]


def list_units(cut: FileCut) -> Iterator[SeedOrRejection]:
    """The rejections and seeds of one file: the file itself if it was rejected, else its functions."""
    if cut.reject is not None:
        origin = Origin(source=cut.ref.source, path=cut.ref.relative, licence=cut.ref.licence)
        yield SeedRejection(cut.ref.id, "file", cut.ref.language, origin, cut.reject)
    yield from cut.units
