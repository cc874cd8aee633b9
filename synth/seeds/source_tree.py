"""Seeds from folders of source code: files found, cut and filtered, in a pool of processes where asked, streaming.

The one rule: results come in the order of the files whatever the number of workers, and only a bounded number of files is in memory.
"""

import multiprocessing
from collections import deque
from collections.abc import Iterator
from concurrent.futures import Future, ProcessPoolExecutor
from functools import partial
from pathlib import Path

from synth.config import SourceTreeSeeds
from synth.records import Origin
from synth.seeds.cut import cut_file
from synth.seeds.files import find_files
from synth.seeds.protocol import FileCut, FileRef, SeedOrRejection, SeedRejection

FILES_A_TASK = 16
TASKS_A_WORKER = 4
"""Tasks in flight for each worker: bounds memory."""


def read_cuts(
    config: SourceTreeSeeds, recipe_folder: Path, *, random_seed: int = 0, round_: int = 0, workers: int = 1
) -> Iterator[FileCut]:
    """Each file of the tree with its text (for FIM) and its functions. Raises RecipeError for a folder that is not there."""
    refs = find_files(config, recipe_folder, random_seed, round_)
    return map(partial(cut_file, config=config), refs) if workers <= 1 else _read_parallel(config, refs, workers)


def _read_parallel(config: SourceTreeSeeds, refs: Iterator[FileRef], workers: int) -> Iterator[FileCut]:
    context = multiprocessing.get_context("spawn")
    with ProcessPoolExecutor(workers, mp_context=context) as pool:
        waiting: deque[Future[list[FileCut]]] = deque()
        for batch in _batches(refs):
            waiting.append(pool.submit(_cut_batch, batch, config))
            if len(waiting) >= workers * TASKS_A_WORKER:
                yield from waiting.popleft().result()
        while waiting:
            yield from waiting.popleft().result()


def _batches(refs: Iterator[FileRef]) -> Iterator[list[FileRef]]:
    batch: list[FileRef] = []
    for ref in refs:
        batch.append(ref)
        if len(batch) == FILES_A_TASK:
            yield batch
            batch = []
    if batch:
        yield batch


def _cut_batch(refs: list[FileRef], config: SourceTreeSeeds) -> list[FileCut]:
    return [cut_file(ref, config) for ref in refs]


def units_of(cut: FileCut) -> Iterator[SeedOrRejection]:
    """The rejections and seeds of one file: the file itself when it was refused, else its functions."""
    if cut.reject is not None:
        origin = Origin(source=cut.ref.source, path=cut.ref.relative, licence=cut.ref.licence)
        yield SeedRejection(cut.ref.id, "file", cut.ref.language, origin, cut.reject)
    yield from cut.units
