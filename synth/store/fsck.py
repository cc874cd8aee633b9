"""Checks every file of a run that a later step reads.

Place in the flow: `codemill fsck RUN`, by hand or because an error names it; `repair.py` reopens what is
damaged. The one rule: it changes nothing, and needs neither engine nor sandbox.
"""

import json
from collections.abc import Callable, Iterator, Sequence
from enum import StrEnum
from functools import partial
from pathlib import Path
from typing import NamedTuple

from pydantic import ValidationError

from synth.errors import CodemillError
from synth.products import PRODUCTS
from synth.records import Record
from synth.store.checkpoints import MANIFEST, read_checkpoint
from synth.store.parquet import read_sealed
from synth.store.products import product_files
from synth.store.run_folder import RunInfo, RunState
from synth.store.seals import (
    HASHES,
    RUN_COPY,
    RUN_FILE,
    Damage,
    check_folder,
    check_parquet_file,
    is_sealed,
    open_json,
    open_line,
)
from synth.store.shards import ShardKey, check_body, entered_key, index_path, stated_bodies


class FileKind(StrEnum):
    """The kinds of files of a run that a later step reads."""

    RUN = "run.json"
    ENTERED = "entered"
    INDEX = "index"
    BODIES = "bodies"
    PRODUCT = "products"
    JOURNAL = "journal"
    FIGURES = "figures"
    EVALUATION = "eval"
    CHECKPOINT = "checkpoints"


class DamagedFile(Record):
    """A file that is damaged or missing; `path` is relative to the run folder."""

    kind: FileKind
    path: str
    problem: str


class FsckReport(NamedTuple):
    """What was found: files by kind, those without a seal (an older version wrote them), and the damaged."""

    counts: dict[FileKind, int]
    unsealed: int
    damaged: list[DamagedFile]


class Checked(NamedTuple):
    """A file, and whether it has a seal; `problem` is empty where it is whole."""

    kind: FileKind
    path: Path
    sealed: bool
    problem: str = ""


def check_run(run: Path) -> FsckReport:
    """Read every file of the run. Changes nothing."""
    checked = [found for check in _CHECKS for found in check(run)]
    counts = {kind: sum(one.kind is kind and not one.problem for one in checked) for kind in FileKind}
    damaged = [
        DamagedFile(kind=one.kind, path=str(one.path.relative_to(run)), problem=one.problem)
        for one in checked
        if one.problem
    ]
    return FsckReport(counts, sum(not one.sealed and not one.problem for one in checked), damaged)


# --- the kinds ----------------------------------------------------------------------------------------------


def _check_run_file(run: Path) -> Iterator[Checked]:
    for name in (RUN_FILE, RUN_COPY):
        path = run / name
        if path.exists() or (name == RUN_FILE and (run / RUN_COPY).exists()):
            yield _checked(FileKind.RUN, path, _is_sealed_info)


def _is_sealed_info(path: Path) -> bool:
    return read_run_file(path)[1]


def read_run_file(path: Path) -> tuple[RunInfo, bool]:
    """The contents of a `run.json` or its copy, and whether it is sealed. Raises Damage."""
    try:
        data = path.read_bytes()
        return RunInfo.model_validate(json.loads(open_json(data))), is_sealed(data)
    except (OSError, ValueError) as error:
        raise Damage(f"cannot be read: {error}") from error


def _check_shards(run: Path) -> Iterator[Checked]:
    order = read_stages(run)
    for path in sorted(run.glob("entered/*/*.parquet")):
        yield _checked(FileKind.ENTERED, path, _is_sealed_parquet)
        index = index_path(run, entered_key(path))
        if not index.exists() and _is_over(run, entered_key(path), order):
            yield Checked(FileKind.INDEX, index, True, "is missing, although the shard went on")
    for index in sorted(run.glob("index/*/*.parquet")):
        checked = _checked(FileKind.INDEX, index, _is_sealed_parquet)
        yield checked
        entered = run / "entered" / index.parent.name / index.name
        if not entered.exists():
            yield Checked(FileKind.ENTERED, entered, True, "is missing")
        yield from () if checked.problem else _check_bodies(run, index)


def _check_bodies(run: Path, index: Path) -> Iterator[Checked]:
    name, stated = f"{index.stem}@{index.parent.name}.parquet", stated_bodies(index)
    if stated is None:
        for path in sorted(run.glob(f"bodies/*/{name}")):
            yield _checked(FileKind.BODIES, path, _is_sealed_parquet)
        return
    for kind, written in stated.items():
        path = run / "bodies" / kind / name
        yield _checked(FileKind.BODIES, path, partial(check_body, stated=written))


def _check_products(run: Path) -> Iterator[Checked]:
    for path in (path for product in PRODUCTS for path in product_files(run, product)):
        yield _checked(FileKind.PRODUCT, path, _is_sealed_parquet)


def _check_lines(run: Path) -> Iterator[Checked]:
    for path in _line_files(run):
        kind = FileKind.JOURNAL if path.name.startswith("responses-") else FileKind.FIGURES
        yield _checked(kind, path, _sealed_lines)


def _line_files(run: Path) -> list[Path]:
    return [*sorted(run.glob("journal/**/responses-*.jsonl")), *run.glob("logs/figures.jsonl")]


def _sealed_lines(path: Path) -> bool:
    lines = path.read_bytes().splitlines(keepends=True)
    bad = [at for at, line in enumerate(lines, 1) if not is_good(line)]
    if bad:
        shown = ", ".join(map(str, bad[:5])) + (", …" if len(bad) > 5 else "")
        raise Damage(f"has damaged lines: {shown} of {len(lines)}")
    return all(is_sealed(line) for line in lines)


def is_good(line: bytes) -> bool:
    """Whether a line of JSON Lines is what was written, or was never written to its end."""
    try:
        open_line(line)
    except Damage:
        return False
    return True


def _check_evaluations(run: Path) -> Iterator[Checked]:
    for path in sorted([*run.glob("eval/**/*.json"), *run.glob("benchmarks/*/requests.json")]):
        yield _checked(FileKind.EVALUATION, path, _is_sealed_json)


def _check_checkpoints(run: Path) -> Iterator[Checked]:
    folders = {path.parent for path in run.glob(f"checkpoints/**/{HASHES}")}
    for path in sorted(run.glob(f"checkpoints/*/{MANIFEST}")):
        yield _checked(FileKind.CHECKPOINT, path, _is_sealed_json)
        try:
            found = read_checkpoint(path.parent)
        except CodemillError:
            continue
        folders |= {path.parent / name for name in found.manifest.sealed} if found is not None else set()
    for folder in sorted(folders):
        yield _checked(FileKind.CHECKPOINT, folder, check_folder)


_CHECKS: tuple[Callable[[Path], Iterator[Checked]], ...] = (
    _check_run_file,
    _check_shards,
    _check_products,
    _check_lines,
    _check_evaluations,
    _check_checkpoints,
)


def _checked(kind: FileKind, path: Path, check: Callable[[Path], bool | None]) -> Checked:
    """The file with the check's answer, whether it is sealed (None: it is), or with what is wrong."""
    try:
        return Checked(kind, path, check(path) is not False)
    except CodemillError as error:
        [problem, *_] = error.problems
        inner = "" if problem.where == str(path) else f"{problem.where}: "
        return Checked(kind, path, True, f"{inner}{problem.message}")
    except (Damage, OSError) as error:
        return Checked(kind, path, True, str(error))


def _is_sealed_parquet(path: Path) -> bool:
    if check_parquet_file(path):
        return True
    read_sealed(path)  # of an older version: at least its pages can be read
    return False


def _is_sealed_json(path: Path) -> bool:
    data = path.read_bytes()
    try:
        json.loads(open_json(data))
    except ValueError as error:
        raise Damage(f"is not JSON: {error}") from error
    return is_sealed(data)


def read_stages(run: Path) -> list[str]:
    """Stages in the order of the flow, from whichever of the two files can be read."""
    for name in (RUN_FILE, RUN_COPY):
        try:
            return list(read_run_file(run / name)[0].stages)
        except (Damage, ValidationError):
            continue
    return []


def _is_over(run: Path, key: ShardKey, order: Sequence[str]) -> bool:
    """Whether the shard must have passed this stage: a later one has decided, or the run is finished."""
    later = order[order.index(key.stage) + 1 :] if key.stage in order else []
    if any(index_path(run, key._replace(stage=stage)).exists() for stage in later):
        return True
    try:
        return read_run_file(run / RUN_FILE)[0].state is RunState.FINISHED
    except Damage:
        return False
