"""What leaves the inspector: all units of a filter as Parquet or JSON Lines, the training rows among them in
TRL's columns or as a `datasets` folder, and people's marks as a patch.

The one rule: an export acts on the whole filter, not on the page, and is streamed: nothing is held but one
group of rows.
"""

import json
import tempfile
import zipfile
from collections import Counter
from collections.abc import Callable, Iterable, Iterator
from enum import StrEnum
from itertools import islice
from pathlib import Path
from typing import Any, Final

from synth.errors import Problem, UserError
from synth.inspector.database import Deadline
from synth.inspector.filter_conditions import condition_of
from synth.inspector.filter_language import UnitFilter
from synth.inspector.library import Library
from synth.inspector.marks import Mark, Marks
from synth.inspector.opened_run import OpenedRun
from synth.inspector.queries.units import RunLookups
from synth.products import PRODUCTS, SIDE_STAGES, Product
from synth.records import IndexRow
from synth.store.parquet import write_rows
from synth.store.patch import swap_sides
from synth.store.products import product_schema, without_lone_surrogates

REMOVING: Final = ("bad", "drop", "tie")
"""Judgements that take a row out of the data."""
_SWAPPING: Final = "flip"
_CHUNK: Final = 1 << 20
_GROUP: Final = 2000
_SEARCH_S: Final = 600.0
"""An export waits for a text search that a page would cut short."""


class UnitsFormat(StrEnum):
    PARQUET = "parquet"
    JSONL = "jsonl"
    DATASETS = "datasets"
    TRL = "trl"


def units_of(library: Library, run: OpenedRun, wanted: UnitFilter) -> Iterator[dict[str, Any]]:
    """Every row under the filter, in the order of keys, with its marks and, as JSON, what is stored of it.
    Raises UserError for a filter that does not fit the run."""
    condition = condition_of(wanted, RunLookups(run, Deadline(_SEARCH_S)))
    names = ", ".join(IndexRow.model_fields)
    sql = f"SELECT {names} FROM {run.table} WHERE {condition.sql} ORDER BY round, stage, shard, unit_id"
    marks = {mark.unit_id: mark for mark in Marks(run.path).all()}
    for group in _groups(library.database.stream(sql, condition.values), _GROUP):
        bodies: dict[str, str] = {}
        kinds = {row["kind"] for row in group} & set(run.body_kinds)
        for kind in kinds:
            keys = [row["unit_id"] for row in group if row["kind"] == kind]
            for key, body in run.read_bodies(kind, keys).items():
                bodies[key] = json.dumps(without_lone_surrogates(body.fields), ensure_ascii=False)
        for row in group:
            mark = marks.get(row["unit_id"])
            record = bodies.get(row["unit_id"], "")
            yield row | {"marks": list(mark.words) if mark else [], "record": record}


def count_reasons(library: Library, run: OpenedRun, wanted: UnitFilter) -> Counter[str]:
    """How many rows under the filter have each reason; kept ones have the empty one. Raises UserError for a
    filter that does not fit the run."""
    condition = condition_of(wanted, RunLookups(run, Deadline(_SEARCH_S)))
    sql = f"SELECT reason, count(*) AS n FROM {run.table} WHERE {condition.sql} GROUP BY reason"
    return Counter({row["reason"]: int(row["n"]) for row in library.query(sql, condition.values)})


def training_rows(
    library: Library, run: OpenedRun, wanted: UnitFilter, product: Product
) -> Iterator[dict[str, Any]]:
    """The rows of a product that are among the filter's units or were made of one, in TRL's columns, with
    people's marks applied: what they removed is left out, and a flipped pair is turned round."""
    condition = condition_of(wanted, RunLookups(run, Deadline(_SEARCH_S)))
    files = run.body_files(product.model.kind)
    if not files:
        return
    columns = ("key", "task_id", *product.model.parents)
    links = " OR ".join(f"{name} IN (SELECT unit_id FROM wanted)" for name in columns if _has(product, name))
    sql = f"""WITH wanted AS (SELECT DISTINCT unit_id FROM {run.table} WHERE {condition.sql}),
        lost AS (SELECT unit_id FROM {run.table} WHERE decision <> 'kept' AND NOT list_contains(?, stage))
        SELECT key, max_by(body, filename) AS body FROM read_parquet(?, filename = true)
        WHERE ({links}) AND key NOT IN (SELECT unit_id FROM lost) GROUP BY key ORDER BY key"""
    removed, swapped = marked_rows(library, run)
    for row in library.database.stream(sql, [*condition.values, sorted(SIDE_STAGES), files]):
        if row["key"] in removed:
            continue
        record = product.model.model_validate(json.loads(row["body"])).model_dump(mode="json")
        clean = {name: without_lone_surrogates(value) for name, value in record.items()}
        yield swap_sides(clean) if row["key"] in swapped else clean


def marked_rows(library: Library, run: OpenedRun) -> tuple[frozenset[str], frozenset[str]]:
    """Ids of the training rows that people's marks remove, and of the pairs that they turn round. Who marks a
    seed, a task or a program as bad removes the rows that were made of it."""
    marks = Marks(run.path).all()
    removed = frozenset(mark.unit_id for mark in marks if mark.judgement in REMOVING)
    return removed | _made_of(library, run, removed), frozenset(
        mark.unit_id for mark in marks if mark.judgement == _SWAPPING
    )


def marks_patch(library: Library, run: OpenedRun) -> Iterator[bytes]:
    """The marks as lines of a patch, which `codemill export --without` reads: a row to remove or to turn
    round a line, with the mark that says so; then every other mark."""
    removed, swapped = marked_rows(library, run)
    marks = {mark.unit_id: mark for mark in Marks(run.path).all()}
    for word, ids in (("remove", removed), ("swap", swapped)):
        for unit_id in sorted(ids):
            yield _line({word: unit_id} | _said(marks.get(unit_id)))
    for unit_id, mark in marks.items():
        if unit_id not in removed | swapped:
            yield _line({"note": unit_id} | _said(mark))


def write_units(library: Library, run: OpenedRun, wanted: UnitFilter, format: UnitsFormat) -> Iterator[bytes]:
    """The bytes of an export. Raises UserError before the first byte where there is nothing to write."""
    match format:
        case UnitsFormat.JSONL:
            yield from _chunks(_begun(map(_line, units_of(library, run, wanted)), run))
        case UnitsFormat.PARQUET:
            yield from _sent(
                lambda path: _write_parquet(path, units_of(library, run, wanted), run), ".parquet"
            )
        case UnitsFormat.TRL | UnitsFormat.DATASETS:
            yield from _sent(lambda path: _write_zip(path, library, run, wanted, format), ".zip")


def file_name(run: OpenedRun, format: UnitsFormat) -> str:
    """What a browser saves it as."""
    endings = {UnitsFormat.TRL: "trl.zip", UnitsFormat.DATASETS: "datasets.zip"}
    return f"{run.key}-{endings[format]}" if format in endings else f"{run.key}-units.{format}"


def _write_parquet(path: Path, rows: Iterable[dict[str, Any]], run: OpenedRun) -> None:
    import pyarrow as pa

    numbers: dict[object, pa.DataType] = {int: pa.int64(), float: pa.float64()}
    lists = ("parents", "marks")
    fields = IndexRow.model_fields.items()
    columns = [(name, numbers.get(field.annotation, pa.string())) for name, field in fields]
    columns += [("marks", pa.string()), ("record", pa.string())]
    schema = pa.schema([(name, pa.list_(kind) if name in lists else kind) for name, kind in columns])
    write_rows(path, schema, _begun(rows, run), group_rows=_GROUP)


def _write_zip(path: Path, library: Library, run: OpenedRun, wanted: UnitFilter, format: UnitsFormat) -> None:
    counts = {}
    with tempfile.TemporaryDirectory(dir=path.parent) as folder, zipfile.ZipFile(path, "w") as packed:
        for product in PRODUCTS:
            rows = training_rows(library, run, wanted, product)
            file = Path(folder) / product.name
            if format is UnitsFormat.DATASETS:
                name = f"{product.name}/train.parquet"
                count = write_rows(file, product_schema(product), rows, group_rows=500).rows
            else:
                name = f"{product.name}.jsonl"
                with file.open("wb") as lines:
                    count = sum(1 for row in rows if lines.write(_line(row)))
            if count:
                packed.write(file, name, zipfile.ZIP_DEFLATED)
                counts[product.name] = count
        if not counts:
            raise _nothing(run, "no training rows are among these units or were made of them")
        packed.writestr("README.md", _card(run, wanted, counts, format))


def _card(run: OpenedRun, wanted: UnitFilter, counts: dict[str, int], format: UnitsFormat) -> str:
    """What is in the folder; with the front matter by which `datasets` finds its files."""
    lines = [f"# Units of {run.name}", "", f"The filter: {wanted.text or 'none'} ({wanted.sentence}).", ""]
    made = [product for product in PRODUCTS if product.name in counts]
    lines += [f"- {product.name}: {counts[product.name]:,} rows, {product.sentence}." for product in made]
    lines += ["", "Marks of people are applied: rows marked bad, drop or tie are left out, flipped pairs are"]
    lines += ["turned round.", ""]
    if format is UnitsFormat.DATASETS:
        configs = [
            f"- config_name: {name}\n  data_files:\n  - split: train\n    path: {name}/train.parquet"
            for name in counts
        ]
        lines = ["---", "configs:", *configs, "---", "", *lines]
    return "\n".join(lines)


def _made_of(library: Library, run: OpenedRun, ids: Iterable[str]) -> frozenset[str]:
    """The training rows that name one of these units or descend from one."""
    found: set[str] = set()
    reached = set(ids)
    while reached:
        sql = f"SELECT DISTINCT unit_id AS id FROM {run.table} WHERE list_has_any(parents, ?)"
        rows = {row["id"] for row in library.query(sql, [sorted(reached)])}
        for product in PRODUCTS:
            files = run.body_files(product.model.kind)
            columns = [name for name in ("task_id", *product.model.parents) if _has(product, name)]
            for column in columns if files else ():
                sql = f"SELECT DISTINCT key AS id FROM read_parquet(?) WHERE list_contains(?, {column})"
                rows |= {row["id"] for row in library.query(sql, [files, sorted(reached)])}
        reached = rows - found
        found |= reached
    kinds = {f"{product.model.kind}-" for product in PRODUCTS}
    return frozenset(one for one in found if any(one.startswith(kind) for kind in kinds))


def _has(product: Product, column: str) -> bool:
    return column == "key" or column in product.model.model_fields


def _said(mark: Mark | None) -> dict[str, str]:
    if mark is None:
        return {}
    said = {"mark": " ".join(mark.words), "comment": mark.comment}
    return {name: value for name, value in said.items() if value}


def _line(row: dict[str, Any]) -> bytes:
    return json.dumps(row, ensure_ascii=False).encode("utf-8", "replace") + b"\n"


def _begun(rows: Iterable[Any], run: OpenedRun) -> Iterator[Any]:
    """The rows; raises UserError where there is none."""
    iterator = iter(rows)
    try:
        first = next(iterator)
    except StopIteration:
        raise _nothing(run, "no unit fits the filter") from None
    yield first
    yield from iterator


def _nothing(run: OpenedRun, words: str) -> UserError:
    return UserError(
        Problem(f"the export of {run.name}", f"would be empty: {words}", "choose another filter")
    )


def _sent(write: Callable[[Path], None], ending: str) -> Iterator[bytes]:
    """A file that is written elsewhere first, in pieces; it is gone when it was sent."""
    with tempfile.TemporaryDirectory(prefix="codemill-export-") as folder:
        path = Path(folder) / f"export{ending}"
        write(path)
        with path.open("rb") as file:
            while piece := file.read(_CHUNK):
                yield piece


def _chunks(lines: Iterator[bytes]) -> Iterator[bytes]:
    """Lines together, because a web server takes as long for a short piece as for a long one."""
    held, size = list[bytes](), 0
    for line in lines:
        held.append(line)
        size += len(line)
        if size >= _CHUNK:
            yield b"".join(held)
            held, size = [], 0
    yield b"".join(held)


def _groups(rows: Iterator[dict[str, Any]], size: int) -> Iterator[list[dict[str, Any]]]:
    while group := list(islice(rows, size)):
        yield group
