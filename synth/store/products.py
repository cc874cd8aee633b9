"""The products: data sets in TRL's columns, written from the kept records. `sft/`, `pairs/`, `fim/` in
the run folder.

The one rule: the same records in the same order give the same bytes, since the writer's settings are fixed.
Records are streamed, so a data set may be larger than memory.

Training text is UTF-8, which has no lone surrogates: each is written as U+FFFD, and the report counts the
rows in which that happened.
"""

import hashlib
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple

from pydantic import JsonValue

from synth.products import PRODUCTS, Product
from synth.records import Message, Unit
from synth.store.parquet import count_rows, write_rows
from synth.store.query import checked_names, stream_query

if TYPE_CHECKING:
    import pyarrow as pa

GROUP_ROWS = 500
"""Rows that are in memory at once: training texts are long."""


class ProductReport(NamedTuple):
    """What was written: the file, its rows, the hash of its bytes, and the rows in which lone
    surrogates became U+FFFD."""

    path: Path
    rows: int
    sha256: str
    repaired: int


def write_product(folder: Path, product: Product, name: str, records: Iterable[Unit]) -> ProductReport:
    """Write one data set of a product, `<product>/<name>.parquet`, in TRL's columns with ids, languages and
    evidence beside them. Raises StoreError."""
    repaired = 0

    def clean() -> Iterator[dict[str, Any]]:
        nonlocal repaired
        for record in records:
            row = record.model_dump(mode="json")
            fixed = {name: without_lone_surrogates(value) for name, value in row.items()}
            repaired += row != fixed
            yield fixed

    path = folder / product.name / f"{name}.parquet"
    written = write_rows(path, product_schema(product), clean(), group_rows=GROUP_ROWS)
    with path.open("rb") as file:
        return ProductReport(path, written.rows, hashlib.file_digest(file, "sha256").hexdigest(), repaired)


def product_files(folder: Path, product: Product) -> list[Path]:
    """The data sets of a product in a run folder, by name."""
    return sorted((folder / product.name).glob("*.parquet"))


def filled_products(folder: Path) -> list[Product]:
    """The products of which the run has rows."""
    return [product for product in PRODUCTS if any(map(count_rows, product_files(folder, product)))]


def iter_product(folder: Path, product: Product) -> Iterator[dict[str, Any]]:
    """The rows of all data sets of a product, each id once (the first file that has it), by id."""
    files = checked_names(product_files(folder, product))
    sql = """SELECT * EXCLUDE (filename) FROM read_parquet($1, filename = true)
        QUALIFY row_number() OVER (PARTITION BY id ORDER BY filename) = 1 ORDER BY id"""
    return stream_query(sql, [files]) if files else iter(())


def product_schema(product: Product) -> "pa.Schema":
    """The columns of a product: messages are lists of role and content, numbers are numbers, the
    rest is text."""
    import pyarrow as pa

    messages = pa.list_(pa.struct([("role", pa.string()), ("content", pa.string())]))
    types: dict[object, pa.DataType] = {
        tuple[Message, ...]: messages,
        float: pa.float64(),
        int: pa.int64(),
        bool: pa.bool_(),
    }
    fields = product.model.model_fields.items()
    return pa.schema([(name, types.get(field.annotation, pa.string())) for name, field in fields])


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
