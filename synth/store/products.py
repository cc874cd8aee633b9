"""The products: data sets in TRL's columns, written from the kept records. `sft/`, `pairs/`, `fim/` in the
run folder.

The one rule: the same records in the same order give the same bytes, since the writer's settings are fixed.
Records are taken as they come and not held, so a data set may be larger than the memory.

Training text is UTF-8, which has no lone surrogates: each is written as U+FFFD, and the report counts the
rows in which that happened.
"""

import hashlib
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple

from pydantic import JsonValue

from synth.records import FimSample, Pair, Sample
from synth.store.parquet import write_rows
from synth.store.query import stream_query

if TYPE_CHECKING:
    import pyarrow as pa

GROUP_ROWS = 500
"""Rows that are in memory at once: training texts are long."""

PRODUCT_MODELS: dict[str, type[Sample | Pair | FimSample]] = {"sft": Sample, "pairs": Pair, "fim": FimSample}


class ProductReport(NamedTuple):
    """What was written: the file, its rows, the hash of its bytes, and the rows in which lone surrogates
    became U+FFFD."""

    path: Path
    rows: int
    sha256: str
    repaired: int


def write_sft(folder: Path, name: str, samples: Iterable[Sample]) -> ProductReport:
    """Write `sft/<name>.parquet`: TRL's conversational prompt and completion, with ids, languages and
    evidence. Raises StoreError."""
    return _write(folder / "sft" / f"{name}.parquet", samples, Sample)


def write_pairs(folder: Path, name: str, pairs: Iterable[Pair]) -> ProductReport:
    """Write `pairs/<name>.parquet`: TRL's conversational prompt, chosen and rejected. Raises StoreError."""
    return _write(folder / "pairs" / f"{name}.parquet", pairs, Pair)


def write_fim(folder: Path, name: str, samples: Iterable[FimSample]) -> ProductReport:
    """Write `fim/<name>.parquet`: TRL's `text`, with prefix, middle and suffix beside it. Raises
    StoreError."""
    return _write(folder / "fim" / f"{name}.parquet", samples, FimSample)


def product_files(folder: Path, kind: str) -> list[Path]:
    """The data sets of one kind in a run folder, by name."""
    return sorted((folder / kind).glob("*.parquet"))


def iter_product(folder: Path, kind: str) -> Iterator[dict[str, Any]]:
    """The rows of all data sets of one kind, each id once (the first file that has it), by id."""
    files = [str(path) for path in product_files(folder, kind)]
    sql = """SELECT * EXCLUDE (filename) FROM read_parquet($1, filename = true)
        QUALIFY row_number() OVER (PARTITION BY id ORDER BY filename) = 1 ORDER BY id"""
    return stream_query(sql, [files]) if files else iter(())


def product_schema(model: type[Sample | Pair | FimSample]) -> "pa.Schema":
    """The columns of a product: messages are lists of role and content, shares are doubles, the rest is
    text."""
    import pyarrow as pa

    messages = pa.list_(pa.struct([("role", pa.string()), ("content", pa.string())]))
    types = {"prompt": messages, "completion": messages, "chosen": messages, "rejected": messages}
    types |= {"pass_rate": pa.float64(), "chosen_pass": pa.float64(), "rejected_pass": pa.float64()}
    return pa.schema([(name, types.get(name, pa.string())) for name in model.model_fields])


def without_lone_surrogates(value: JsonValue) -> JsonValue:
    """The same value with U+FFFD for each code point that UTF-8 cannot hold."""
    if isinstance(value, str):
        return (
            value if value.isascii() else value.encode("utf-16", "surrogatepass").decode("utf-16", "replace")
        )
    if isinstance(value, dict):
        return {key: without_lone_surrogates(inner) for key, inner in value.items()}
    if isinstance(value, list):
        return [without_lone_surrogates(inner) for inner in value]
    return value


def _write(
    path: Path, records: Iterable[Sample | Pair | FimSample], model: type[Sample | Pair | FimSample]
) -> ProductReport:
    repaired = 0

    def clean() -> Iterator[dict[str, Any]]:
        nonlocal repaired
        for record in records:
            row = record.model_dump(mode="json")
            mended = {name: without_lone_surrogates(value) for name, value in row.items()}
            repaired += row != mended
            yield mended

    count = write_rows(path, product_schema(model), clean(), group_rows=GROUP_ROWS)
    with path.open("rb") as file:
        return ProductReport(path, count, hashlib.file_digest(file, "sha256").hexdigest(), repaired)
