"""One part of a data set as a shard of tokens: an Arrow file, the rows' lengths, and the rows left out.

Place in the flow: `parts` -> here, in a worker process -> `store` reads the shards. The one rule: a shard has
all its rows or does not exist. Its counts are written last; a part without them is made again.
"""

from array import array
from collections.abc import Iterator, Mapping
from itertools import accumulate, chain
from pathlib import Path
from typing import IO, Any, NamedTuple

from posttrain.core.row_forms import in_trl_columns
from posttrain.core.rows import UnusableRow
from posttrain.core.tokens import Encoder, PrefixMismatch
from posttrain.tokens.encodings import Columns, Encoding, TooLong, row_length
from posttrain.tokens.parts import DataRange, RowFound, read_part
from synth.records import Record
from synth.store.atomic import atomic_file, write_bytes

BATCH_ROWS = 1000


class RejectedRow(Record):
    """A line of `rejected_rows.jsonl`."""

    where: str
    reason: str
    """`unusable`, `too_long` or `prefix_mismatch`."""
    detail: str
    tokens: int = 0


class ShardCounts(Record):
    """What is in one shard."""

    rows: int
    rejected: dict[str, int]
    """Rows left out, by reason."""


class ShardFiles:
    """Where one shard's files are."""

    def __init__(self, folder: Path, index: int) -> None:
        name = f"part-{index:05d}"
        self.tokens = folder / f"{name}.arrow"
        self.lengths = folder / f"{name}.lengths"
        self.rejected = folder / f"{name}.rejected.jsonl"
        self.counts = folder / f"{name}.json"

    def found(self) -> ShardCounts | None:
        """The counts of a finished shard."""
        if not self.counts.is_file():
            return None
        return ShardCounts.model_validate_json(self.counts.read_text(encoding="utf-8"))


class RowRule(NamedTuple):
    """How the rows of a data set are read and measured."""

    encoding: Encoding
    columns: Mapping[str, str]
    """The data set's names of columns, by ours."""
    limit: int


def write_shard(part: DataRange, files: ShardFiles, encoder: Encoder, rule: RowRule) -> int:
    """Encode the rows of a part. Returns how many bytes of text were read. Raises DatasetError."""
    rejected: dict[str, int] = {}
    lengths = array("i")
    with atomic_file(files.rejected) as left_out, atomic_file(files.tokens) as tokens:

        def kept() -> Iterator[Columns]:
            for found in read_part(part):
                columns = _encode(found, encoder, rule)
                if isinstance(columns, RejectedRow):
                    rejected[columns.reason] = rejected.get(columns.reason, 0) + 1
                    left_out.write(columns.model_dump_json().encode() + b"\n")
                else:
                    lengths.append(row_length(columns))
                    yield columns

        _write_table(kept(), tokens)
    write_bytes(files.lengths, lengths.tobytes())
    counts = ShardCounts(rows=len(lengths), rejected=rejected)
    write_bytes(files.counts, counts.model_dump_json().encode())
    return part.bytes


def _encode(found: RowFound, encoder: Encoder, rule: RowRule) -> Columns | RejectedRow:
    try:
        if isinstance(found.row, UnusableRow):
            raise found.row
        row = rule.encoding.parse(found.where, in_trl_columns(found.row, rule.columns))
        columns = rule.encoding.encode(encoder, row)
        if (tokens := rule.encoding.longest(columns)) > rule.limit:
            raise TooLong(tokens, rule.limit)
    except TooLong as error:
        return RejectedRow(where=found.where, reason="too_long", detail=str(error), tokens=error.tokens)
    except PrefixMismatch as error:
        return RejectedRow(where=found.where, reason="prefix_mismatch", detail=str(error))
    except UnusableRow as error:
        return RejectedRow(where=found.where, reason="unusable", detail=str(error))
    return columns


def _write_table(rows: Iterator[Columns], out: IO[bytes]) -> None:
    """Write the rows as an Arrow stream of small batches. Without rows, the file stays empty."""
    import pyarrow

    writer, batch = None, list[Columns]()

    def flush() -> None:
        nonlocal writer
        columns = {name: _as_array([row[name] for row in batch]) for name in batch[0]}
        made = pyarrow.RecordBatch.from_pydict(columns)
        writer = writer or pyarrow.ipc.new_stream(out, made.schema)
        writer.write_batch(made)
        batch.clear()

    for row in rows:
        batch.append(row)
        if len(batch) == BATCH_ROWS:
            flush()
    if batch:
        flush()
    if writer is not None:
        writer.close()


def _as_array(values: list[Any]) -> Any:  # noqa: ANN401 - an array of pyarrow
    """A column of lists of integers, or of single values. Lists come as buffers: `pyarrow.array` would look
    at each value, and load pandas."""
    import pyarrow

    kinds = {bool: pyarrow.bool_(), int: pyarrow.int64(), float: pyarrow.float64()}
    if (kind := kinds.get(type(values[0]))) is not None:
        return pyarrow.array(values, type=kind)
    flat = array("i", chain.from_iterable(values))
    ends = array("i", accumulate(map(len, values), initial=0))
    ids = pyarrow.Array.from_buffers(pyarrow.int32(), len(flat), [None, pyarrow.py_buffer(flat)])
    lists = pyarrow.list_(pyarrow.int32())
    return pyarrow.Array.from_buffers(lists, len(values), [None, pyarrow.py_buffer(ends)], children=[ids])
