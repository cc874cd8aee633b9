"""Exports: the data sets of a run in the layout of another tool, with a card. What is exported is what the
products hold, each id once.

The one rule: a folder that exists is never written into, and one that appears is complete.
"""

import json
import os
import shutil
from collections.abc import Callable, Iterable, Mapping
from enum import StrEnum
from pathlib import Path
from typing import Any, NamedTuple

import yaml

from synth.errors import Problem, UserError
from synth.store.atomic import atomic_file, write_bytes
from synth.store.card import data_card
from synth.store.layouts import axolotl_configs, axolotl_row, llama_factory_info, llama_factory_row
from synth.store.parquet import write_rows
from synth.store.products import PRODUCT_MODELS, iter_product, product_files, product_schema
from synth.store.run_folder import read_info


class ExportFormat(StrEnum):
    DATASETS = "datasets"
    JSONL = "jsonl"
    LLAMA_FACTORY = "llama-factory"
    AXOLOTL = "axolotl"


class ExportReport(NamedTuple):
    """Where it lies, and the rows of each data set by kind (`sft`, `pairs`, `fim`)."""

    folder: Path
    counts: dict[str, int]


def export(run: Path, format: ExportFormat, out: Path) -> ExportReport:
    """Write the data sets of a run to the new folder `out`.

    Raises UserError when `out` exists and is not empty or the run has no data yet, StoreError when the disk
    is full.
    """
    kinds = [kind for kind in PRODUCT_MODELS if product_files(run, kind)]
    if not kinds:
        raise UserError(
            Problem(
                f"{run}: no data sets yet",
                "a run whose selection stage is done",
                "codemill funnel shows how far it is",
            )
        )
    if out.exists() and (not out.is_dir() or any(out.iterdir())):
        raise UserError(
            Problem(
                f"{out}: already there",
                "a folder that does not exist or is empty",
                "choose another folder, or remove this one",
            )
        )
    draft = out.with_name(f".{out.name}.{os.getpid()}.tmp")
    try:
        counts, files = _WRITERS[format](run, kinds, draft)
        write_bytes(draft / "README.md", data_card(run, counts, files).encode("utf-8"))
        if out.exists():
            out.rmdir()
        draft.rename(out)
    finally:
        shutil.rmtree(draft, ignore_errors=True)
    return ExportReport(out, counts)


_Written = tuple[dict[str, int], dict[str, str]]


def _write_datasets(run: Path, kinds: list[str], out: Path) -> _Written:
    counts, files = {}, {}
    for kind in kinds:
        # The Arrow features that `datasets` reads are those of the columns, so its own library is not needed
        # to write them.
        files[kind] = f"{kind}/train.parquet"
        counts[kind] = write_rows(
            out / files[kind], product_schema(PRODUCT_MODELS[kind]), iter_product(run, kind)
        )
    return counts, files


def _write_jsonl(run: Path, kinds: list[str], out: Path) -> _Written:
    return {kind: _write_lines(out / f"{kind}.jsonl", iter_product(run, kind)) for kind in kinds}, {
        kind: f"{kind}.jsonl" for kind in kinds
    }


def _write_llama_factory(run: Path, kinds: list[str], out: Path) -> _Written:
    counts = {
        kind: _write_lines(
            out / f"{kind}.jsonl", (llama_factory_row(kind, row) for row in iter_product(run, kind))
        )
        for kind in kinds
    }
    info = llama_factory_info(read_info(run).name, kinds)
    write_bytes(out / "dataset_info.json", json.dumps(info, indent=2).encode())
    return counts, {kind: f"{kind}.jsonl" for kind in kinds}


def _write_axolotl(run: Path, kinds: list[str], out: Path) -> _Written:
    counts = {
        kind: _write_lines(out / f"{kind}.jsonl", (axolotl_row(kind, row) for row in iter_product(run, kind)))
        for kind in kinds
    }
    policy = read_info(run).recipe.get("policy")
    model = str(policy.get("model", "pocket")) if isinstance(policy, dict) else "pocket"
    for name, config in axolotl_configs(model, kinds).items():
        write_bytes(out / name, yaml.safe_dump(config, sort_keys=False).encode())
    return counts, {kind: f"{kind}.jsonl" for kind in kinds}


_WRITERS: dict[ExportFormat, Callable[[Path, list[str], Path], _Written]] = {
    ExportFormat.DATASETS: _write_datasets,
    ExportFormat.JSONL: _write_jsonl,
    ExportFormat.LLAMA_FACTORY: _write_llama_factory,
    ExportFormat.AXOLOTL: _write_axolotl,
}


def _write_lines(path: Path, rows: Iterable[Mapping[str, Any]]) -> int:
    count = 0
    with atomic_file(path) as file:
        for row in rows:
            file.write(json.dumps(row, ensure_ascii=False).encode("utf-8") + b"\n")
            count += 1
    return count
