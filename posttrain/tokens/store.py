"""The token store: a data set as tokens, in memory-mapped shards, with the length of every row.

Place in the flow: `build` makes a store -> `selection` puts stores together -> trainers read rows by index.
The one rule: a store has every row of its data, as tokens or as a rejected row with its reason, and never
changes once `store.json` is there. Opening one costs no time and no memory for its rows.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from posttrain.tokens.shards import RejectedRow, ShardFiles
from synth.records import Record
from synth.store.atomic import atomic_file, write_bytes
from synth.store.seals import read_json, seal_json

if TYPE_CHECKING:
    import numpy

MANIFEST = "store.json"
LENGTHS = "lengths.npy"


class StoreManifest(Record):
    """`store.json`, written last."""

    name: str
    """Hash of data, tokenizer, template, `max_length` and code."""
    kind: str
    """The kind of training that the tokens are for: a key of `ENCODINGS`."""
    source: str
    """The data set that was read."""
    rows: int
    rejected: dict[str, int]
    """Rows left out, by reason."""
    shards: tuple[int, ...]
    """Rows of each shard."""


@dataclass(frozen=True, slots=True)
class TokenStore:
    """A finished store. Rows have the columns that `encodings` gives them."""

    folder: Path
    manifest: StoreManifest

    def __len__(self) -> int:
        return self.manifest.rows

    @property
    def lengths(self) -> "numpy.ndarray":
        """Tokens of each row (in preference data: prompt and both answers together), int32, memory-mapped."""
        import numpy

        found: numpy.ndarray = numpy.load(self.folder / LENGTHS, mmap_mode="r")
        return found

    @property
    def dataset(self) -> Any:  # noqa: ANN401 - a Dataset of `datasets`
        """All rows as a memory-mapped `datasets.Dataset`, in the order of the data; the same name for it in
        every process, so that they share what TRL computes beside it."""
        from datasets import Dataset, concatenate_datasets

        shards = [
            Dataset.from_file(str(files.tokens))
            for files, rows in zip(self._files(), self.manifest.shards, strict=True)
            if rows
        ]
        whole = concatenate_datasets(shards)
        return Dataset(whole.data, info=whole.info, fingerprint=self.manifest.name)

    def rejected(self) -> Iterator[RejectedRow]:
        """The rows left out, in the order of the data."""
        for files in self._files():
            with files.rejected.open("rb") as lines:
                yield from map(RejectedRow.model_validate_json, lines)

    def _files(self) -> Iterator[ShardFiles]:
        return (ShardFiles(self.folder, index) for index in range(len(self.manifest.shards)))


def open_store(folder: Path) -> TokenStore | None:
    """The store in this folder if it is finished. Raises StoreError for a damaged manifest."""
    if not (folder / MANIFEST).is_file():
        return None
    return TokenStore(folder, StoreManifest.model_validate_json(read_json(folder / MANIFEST)))


def finish_store(folder: Path, name: str, kind: str, source: str, count: int) -> TokenStore:
    """Complete a store all of whose shards are there."""
    import numpy

    rejected: dict[str, int] = {}
    rows = []
    for index in range(count):
        counts = ShardFiles(folder, index).found()
        assert counts is not None, f"shard {index} is not finished"
        rows.append(counts.rows)
        for reason, number in counts.rejected.items():
            rejected[reason] = rejected.get(reason, 0) + number
    lengths = [numpy.fromfile(ShardFiles(folder, index).lengths, numpy.int32) for index in range(count)]
    with atomic_file(folder / LENGTHS) as file:
        numpy.save(file, numpy.concatenate(lengths or [numpy.empty(0, numpy.int32)]))
    manifest = StoreManifest(
        name=name, kind=kind, source=source, rows=sum(rows), rejected=rejected, shards=tuple(rows)
    )
    write_bytes(folder / MANIFEST, seal_json(manifest.model_dump_json()))
    return TokenStore(folder, manifest)
