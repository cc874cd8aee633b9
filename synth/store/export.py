"""Exports: the data sets of a run in the layout of another tool, with a card. Each id of a product
is exported once.

The one rule: an existing folder is never written into, and a new one is complete when it appears.
"""

import json
import os
import shutil
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from enum import StrEnum
from pathlib import Path
from typing import Any, NamedTuple

import yaml

from synth.errors import Problem, UserError
from synth.products import Form, Product
from synth.store.atomic import atomic_file, write_bytes
from synth.store.card import data_card
from synth.store.card_making import RECIPE, public_recipe
from synth.store.exports_made import note_export
from synth.store.layouts import Row, axolotl_configs, axolotl_row, llama_factory_info, llama_factory_row
from synth.store.parquet import write_rows
from synth.store.patch import NO_PATCH, Patch
from synth.store.products import filled_products, iter_product, product_schema
from synth.store.run_folder import read_info
from synth.store.seals import SUMS, hash_file
from synth.store.shards import check_bodies


class ExportFormat(StrEnum):
    DATASETS = "datasets"
    JSONL = "jsonl"
    LLAMA_FACTORY = "llama-factory"
    AXOLOTL = "axolotl"


class ExportReport(NamedTuple):
    """Where it lies, and the rows of each product by name (`sft`, `pairs`, `fim`)."""

    folder: Path
    counts: dict[str, int]


def export(run: Path, format: ExportFormat, out: Path, patch: Patch = NO_PATCH) -> ExportReport:
    """Write the data sets of a run to the new folder `out`, with a patch applied.

    Raises UserError when `out` exists and is not empty or the run has no data yet, StoreError when the
    disk is full.
    """
    check_bodies(run)
    products = filled_products(run)
    if not products:
        raise UserError(
            Problem(
                f"run {run}",
                "has no data sets yet: it has kept no samples",
                "see with `codemill funnel` how far it is",
            )
        )
    if out.exists() and (not out.is_dir() or any(out.iterdir())):
        raise UserError(
            Problem(
                f"folder {out}",
                "must be new or empty, but already exists",
                "choose another folder, or remove this one",
            )
        )
    draft = out.with_name(f".{out.name}.{os.getpid()}.tmp")
    try:
        counts, files = _WRITERS[format](run, products, draft, patch)
        write_bytes(
            draft / "README.md", data_card(run, counts, files, format.value).encode("utf-8"), shared=True
        )
        recipe = yaml.safe_dump(public_recipe(read_info(run).recipe), sort_keys=False, allow_unicode=True)
        write_bytes(draft / RECIPE, recipe.encode("utf-8"), shared=True)
        write_bytes(draft / SUMS, _sums(draft), shared=True)
        if out.exists():
            out.rmdir()
        draft.rename(out)
        note_export(run, out, format, counts)
    finally:
        shutil.rmtree(draft, ignore_errors=True)
    return ExportReport(out, counts)


def _sums(folder: Path) -> bytes:
    """The hashes of all files, as `sha256sum --check` reads them."""
    files = sorted(path for path in folder.rglob("*") if path.is_file())
    return "".join(f"{hash_file(path)}  {path.relative_to(folder)}\n" for path in files).encode()


_Written = tuple[dict[str, int], dict[str, str]]
"""Rows and file of each product, by name."""


def _write_datasets(run: Path, products: Sequence[Product], out: Path, patch: Patch) -> _Written:
    # The Arrow features that `datasets` reads are those of the columns, so its own library is not needed.
    files = {product.name: f"{product.name}/train.parquet" for product in products}
    counts = {
        product.name: write_rows(
            out / files[product.name], product_schema(product), _rows(run, product, patch), shared=True
        ).rows
        for product in products
    }
    return counts, files


def _write_jsonl(run: Path, products: Sequence[Product], out: Path, patch: Patch) -> _Written:
    return _write_line_files(run, products, out, patch, lambda _, row: row)


def _write_llama_factory(run: Path, products: Sequence[Product], out: Path, patch: Patch) -> _Written:
    written = _write_line_files(run, products, out, patch, llama_factory_row)
    info = llama_factory_info(read_info(run).name, products)
    write_bytes(out / "dataset_info.json", json.dumps(info, indent=2).encode(), shared=True)
    return written


def _write_axolotl(run: Path, products: Sequence[Product], out: Path, patch: Patch) -> _Written:
    written = _write_line_files(run, products, out, patch, axolotl_row)
    policy = read_info(run).recipe.get("policy")
    model = str(policy.get("model", "pocket")) if isinstance(policy, dict) else "pocket"
    for name, config in axolotl_configs(model, products).items():
        write_bytes(out / name, yaml.safe_dump(config, sort_keys=False).encode(), shared=True)
    return written


def _write_line_files(
    run: Path,
    products: Sequence[Product],
    out: Path,
    patch: Patch,
    layout: Callable[[Form, Row], Row],
) -> _Written:
    """One JSON Lines file a product, each row in the layout."""
    files = {product.name: f"{product.name}.jsonl" for product in products}
    counts = {
        product.name: _write_lines(
            out / files[product.name], (layout(product.form, row) for row in _rows(run, product, patch))
        )
        for product in products
    }
    return counts, files


_WRITERS: dict[ExportFormat, Callable[[Path, Sequence[Product], Path, Patch], _Written]] = {
    ExportFormat.DATASETS: _write_datasets,
    ExportFormat.JSONL: _write_jsonl,
    ExportFormat.LLAMA_FACTORY: _write_llama_factory,
    ExportFormat.AXOLOTL: _write_axolotl,
}


def _rows(run: Path, product: Product, patch: Patch) -> Iterator[dict[str, Any]]:
    patched = map(patch.apply, iter_product(run, product))
    return (row for row in patched if row is not None)


def _write_lines(path: Path, rows: Iterable[Mapping[str, Any]]) -> int:
    count = 0
    with atomic_file(path, shared=True) as file:
        for row in rows:
            file.write(json.dumps(row, ensure_ascii=False).encode("utf-8") + b"\n")
            count += 1
    return count
