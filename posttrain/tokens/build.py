"""Makes a token store, once: several processes take the parts of the data set in turn.

Place in the flow: a job's data set -> here -> a `TokenStore`. The one rule: a shard is finished or made
again. A build that was killed goes on with the shards that are finished; a second caller, such as another
process of the same training, waits and then reads what the first one made.
"""

import hashlib
import math
import os
import signal
import threading
from collections.abc import Callable, Iterator, Mapping, Sequence
from concurrent.futures import ProcessPoolExecutor, as_completed
from concurrent.futures.process import BrokenProcessPool
from dataclasses import dataclass
from functools import lru_cache
from multiprocessing import get_context, parent_process
from pathlib import Path

from posttrain.core.data_files import data_files, data_hash
from posttrain.core.tokens import Encoder
from posttrain.tokens.encodings import ENCODINGS
from posttrain.tokens.parts import DataRange, cut
from posttrain.tokens.shards import RowRule, ShardFiles, write_shard
from posttrain.tokens.store import TokenStore, finish_store, open_store
from synth.errors import Problem, TrainerError
from synth.ids import content_hash
from synth.store.atomic import remove_stale_files
from synth.store.lock import locked

WORTH_A_WORKER = 4 << 20
"""Bytes of text that take longer than the start of a process."""

OnPart = Callable[[int, int], None]
"""(finished parts, all parts)."""


@dataclass(frozen=True, slots=True)
class Wanted:
    """What a store is made of, but for the tokenizer."""

    source: Path
    kind: str
    """A key of `ENCODINGS`."""
    limit: int
    """Most tokens of a row."""
    columns: tuple[tuple[str, str], ...] = ()
    """Pairs of our name of a column and the data set's."""


@dataclass(frozen=True, slots=True)
class Tokenizing:
    """The encoder, the hash of its tokenizer and template, and how many processes encode (0: one for each
    core, fewer for little data)."""

    encoder: Encoder
    identity: str
    workers: int = 0


def store_name(wanted: Wanted, identity: str) -> str:
    """The folder of the store: hash of data, tokenizer, template, limit and code."""
    data = (str(wanted.source), data_hash([wanted.source]))
    return content_hash("tokens", wanted.kind, data, wanted.columns, wanted.limit, identity, _code_hash())


def token_store(
    home: Path, wanted: Wanted, tokenizing: Tokenizing, on_part: OnPart = lambda _done, _all: None
) -> TokenStore:
    """The store of this data set under `home`, made now or before. Raises DatasetError for data that cannot
    be read, TrainerError if a process ends."""
    name = store_name(wanted, tokenizing.identity)
    folder = home / name
    if (found := open_store(folder)) is not None:
        return found
    with locked(folder, math.inf):
        if (found := open_store(folder)) is not None:
            return found
        remove_stale_files(folder)
        parts = list(cut(data_files(wanted.source)))
        for done in _encode_parts(parts, folder, wanted, tokenizing):
            on_part(done, len(parts))
        return finish_store(folder, name, wanted.kind, str(wanted.source), len(parts))


def _encode_parts(
    parts: Sequence[DataRange], folder: Path, wanted: Wanted, tokenizing: Tokenizing
) -> Iterator[int]:
    """Make the shards that are missing; gives the number of finished shards after each."""
    missing = {index: part for index, part in enumerate(parts) if ShardFiles(folder, index).found() is None}
    worth = sum(part.bytes for part in missing.values()) // WORTH_A_WORKER
    workers = tokenizing.workers or min(len(os.sched_getaffinity(0)), worth)
    done = len(parts) - len(missing)
    yield done
    made = _in_turn if workers < 2 else _in_workers
    for _ in made(missing, folder, wanted, tokenizing, workers):
        done += 1
        yield done


def _in_turn(
    missing: Mapping[int, DataRange], folder: Path, wanted: Wanted, tokenizing: Tokenizing, _workers: int
) -> Iterator[int]:
    for index, part in missing.items():
        yield write_shard(part, ShardFiles(folder, index), tokenizing.encoder, _rule(wanted))


def _in_workers(
    missing: Mapping[int, DataRange], folder: Path, wanted: Wanted, tokenizing: Tokenizing, workers: int
) -> Iterator[int]:
    pool = ProcessPoolExecutor(workers, get_context("spawn"), _begin, (tokenizing.encoder, folder, wanted))
    try:
        for finished in as_completed([pool.submit(_one, index, part) for index, part in missing.items()]):
            yield finished.result()
    except BrokenProcessPool as error:
        raise TrainerError(
            Problem(
                f"tokens of {wanted.source}",
                "cannot be made: a process ended, most likely because memory ran out",
                "rerun the same command: finished shards are kept",
            )
        ) from error
    finally:
        pool.shutdown(wait=True, cancel_futures=True)


def _rule(wanted: Wanted) -> RowRule:
    return RowRule(ENCODINGS[wanted.kind], dict(wanted.columns), wanted.limit)


# --- in a worker --------------------------------------------------------------------------------------------

_job: tuple[Encoder, Path, Wanted]


def _begin(encoder: Encoder, folder: Path, wanted: Wanted) -> None:
    """Keep what all parts share. A signal to the whole group is the parent's to handle, and its death is
    this process's end."""
    global _job
    _job = (encoder, folder, wanted)
    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, signal.SIG_IGN)
    threading.Thread(target=_end_with_parent, daemon=True).start()


def _end_with_parent() -> None:
    parent = parent_process()
    if parent is not None:
        parent.join()
    os._exit(1)


def _one(index: int, part: DataRange) -> int:
    encoder, folder, wanted = _job
    return write_shard(part, ShardFiles(folder, index), encoder, _rule(wanted))


@lru_cache(maxsize=1)
def _code_hash() -> str:
    """Hash of the code between a file of rows and its tokens."""
    from importlib.metadata import version

    root = Path(__file__).parents[1]
    digest = hashlib.sha256(version("tokenizers").encode())
    for file in sorted(file for room in ("core", "tokens") for file in (root / room).glob("*.py")):
        digest.update(file.read_bytes())
    return digest.hexdigest()
