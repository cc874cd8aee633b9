"""A finished run with a file of every kind, and what a later step reads of each kind.

Place in the flow: the benchmark and the tests flip single bits here. The one rule: what is read is compared
with what was read before the flip, through the same functions that a run uses; that an error is raised is
never taken for granted.
"""

import asyncio
import contextlib
import hashlib
import io
import os
import random
import re
import shutil
import subprocess
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from enum import StrEnum
from pathlib import Path
from typing import NamedTuple

from posttrain.core.checkpoints import begin_checkpoint, complete_checkpoint, last_trainer_state
from posttrain.core.policy import POCKET_WEIGHTS, find_policy
from posttrain.evaluate.evaluation import Evaluation, Measure, QuestionResult, Scores
from posttrain.tokens.parts import cut, read_part
from synth import products, program_log
from synth.errors import CodemillError
from synth.execution.cache.sqlite_store import ResultStore
from synth.execution.recorded import RecordedSandbox, RecordingSandbox
from synth.execution.scripted import ScriptedSandbox
from synth.generation.protocol import GenerationResponse
from synth.generation.responses import ResponseFiles
from synth.policy import fingerprint_policy, identify
from synth.products import PRODUCTS
from synth.records import ExecutionRequest, Observation, Phase, ScriptCall, Unit
from synth.resources import resource_folder
from synth.store import shards
from synth.store.atomic import write_bytes
from synth.store.checkpoints import PolicyManifest, read_checkpoint
from synth.store.export import ExportFormat, export
from synth.store.figures import read_figures
from synth.store.fsck import read_run_file
from synth.store.products import iter_product
from synth.store.run_folder import read_info
from synth.store.seals import Damage, read_json, seal_folder, seal_json
from synth.store.views import conservation_problems, funnel
from synth.training_config import SftConfig

ROOT = Path(__file__).resolve().parents[2]
RUN = "replay"


class Outcome(StrEnum):
    DETECTED = "detected"
    NO_EFFECT = "no effect"
    DIFFERENT = "silently different"


@dataclass(slots=True)
class Flips:
    """How the flips in the files of one kind ended. `different` names each file, byte and bit."""

    counts: dict[Outcome, int] = field(default_factory=lambda: dict.fromkeys(Outcome, 0))
    different: list[str] = field(default_factory=list)


class Kind(NamedTuple):
    """A kind of file: its files, and what a later step reads of the one that is flipped."""

    files: list[Path]
    read: Callable[[Path], object]


def prepare(folder: Path) -> Path:
    """The recorded run, with a checkpoint, an evaluation, exports, recorded observations and a result
    cache."""
    command = [sys.executable, "-m", "posttrain.cli", "run", RUN, "--runs-dir", str(folder)]
    subprocess.run(command, cwd=ROOT, check=True, capture_output=True, timeout=300)
    run = folder / RUN
    write_bytes(run / "eval" / "base.json", seal_json(_evaluation().model_dump_json(indent=1)))
    _make_checkpoint(run / "checkpoints" / "round-1-coarse")
    state = run / "checkpoints" / "round-2-coarse" / "trainer" / "checkpoint-2"
    begin_checkpoint(state.parents[1], "a job")
    for name in ("optimizer.pt", "trainer_state.json"):
        write_bytes(state / name, random.Random(name).randbytes(5000))
    seal_folder(state)
    for format in (ExportFormat.DATASETS, ExportFormat.JSONL):
        export(run, format, folder / format)
    asyncio.run(_record(folder / "recorded"))
    _fill_cache(folder / "cache")
    return run


def kinds(run: Path) -> dict[str, Kind]:
    """Every kind of file that `prepare` made."""
    beside = run.parent
    return {
        "run.json": Kind([run / "run.json"], lambda _: read_info(run)),
        "run.json.copy": Kind([run / "run.json.copy"], read_run_file),
        "entered": Kind(_files(run, "entered/*/*.parquet"), lambda _: _counts(run)),
        "index": Kind(_files(run, "index/*/*.parquet"), lambda path: _read_shard(run, path)),
        "bodies": Kind(_files(run, "bodies/*/*.parquet"), lambda path: _read_bodies(run, path)),
        "products": Kind(
            [path for product in PRODUCTS for path in _files(run, f"{product.name}/*.parquet")],
            lambda path: (_rows(run), _training_rows(path)),
        ),
        "journal": Kind(_files(run, "journal/*.jsonl"), lambda path: _answers(path.parent)),
        "figures": Kind(_files(run, "logs/figures.jsonl"), lambda _: read_figures(run)),
        "evaluation": Kind(_files(run, "eval/base.json"), _read_evaluation),
        "policy.json": Kind(_files(run, "checkpoints/*/policy.json"), _read_manifest),
        "weights and tokenizer": Kind(
            _files(run, "checkpoints/*/merged/*"),
            lambda path: (identify(find_policy(path.parents[1])), _check(path.parents[1])),
        ),
        "trainer states": Kind(
            _files(run, "checkpoints/*/trainer/checkpoint-*/*"), lambda path: _state(path.parents[2])
        ),
        "export, Parquet": Kind(_files(beside / "datasets", "*/*.parquet"), _training_rows),
        "export, JSON Lines": Kind(_files(beside / "jsonl", "*.jsonl"), _training_rows),
        "recorded observations": Kind(
            _files(beside / "recorded", "*.json"), lambda path: asyncio.run(_replay(path.parent))
        ),
        "result cache": Kind(_files(beside / "cache", "*.sqlite"), lambda path: _cached(path.parent)),
    }


def flip_bits(kind: Kind, count: int, seed: int) -> Flips:
    """Flip so many single bits, one at a time, in files of this kind."""
    draw, found, before = random.Random(seed), Flips(), dict[Path, object]()
    for _ in range(count):
        path = draw.choice(kind.files)
        if path not in before:
            before[path] = kind.read(path)
        place = draw.randrange(path.stat().st_size * 8)
        with flipped(path, place):
            outcome = _outcome(kind, path, before[path])
        found.counts[outcome] += 1
        if outcome is Outcome.DIFFERENT:
            found.different.append(f"{path}: byte {place // 8}, bit {place % 8}")
    return found


@contextmanager
def flipped(path: Path, place: int) -> Iterator[None]:
    """The file with one wrong bit, while the block runs."""
    whole, status = path.read_bytes(), path.stat()
    wrong = bytearray(whole)
    wrong[place // 8] ^= 1 << place % 8
    _write(path, bytes(wrong), status.st_mtime_ns + 1)
    try:
        yield
    finally:
        _write(path, whole, status.st_mtime_ns + 2)


def _write(path: Path, data: bytes, mtime_ns: int) -> None:
    """Another time each time: files whose size and times stay are checked once."""
    path.write_bytes(data)
    os.utime(path, ns=(mtime_ns, mtime_ns))


def _outcome(kind: Kind, path: Path, before: object) -> Outcome:
    try:
        after = kind.read(path)
    except (CodemillError, Damage):
        return Outcome.DETECTED
    if isinstance(before, dict) and isinstance(after, dict):
        after = {**before, **after}  # what a cache no longer has is made again
    return Outcome.NO_EFFECT if after == before else Outcome.DIFFERENT


# --- what is read ------------------------------------------------------------------------------------------


def _files(folder: Path, pattern: str) -> list[Path]:
    return sorted(path for path in folder.glob(pattern) if path.is_file() and path.stat().st_size)


def _read_shard(run: Path, index: Path) -> object:
    key = shards.entered_key(index)
    rows = shards.StageCommit(run).read_index(key.stage, key.round, key.shard)
    return rows, shards.stated_bodies(index), _counts(run)


def _counts(run: Path) -> object:
    return funnel(run), conservation_problems(run)


def _training_rows(path: Path) -> object:
    return [row for part in cut([path]) for row in read_part(part)]


def _read_evaluation(path: Path) -> object:
    return Evaluation.model_validate_json(read_json(path))


def _read_manifest(path: Path) -> object:
    return read_checkpoint(path.parent)


def _read_bodies(run: Path, path: Path) -> object:
    """Units that reach the disk stand in modules of records; others only share a kind with one of them."""
    modules = {module.__name__ for module in (products, program_log)}
    stored = [
        one
        for one in Unit.__subclasses__()
        if one.__module__ in modules or re.fullmatch(r"synth\.(\w+_)?records", one.__module__)
    ]
    models = {model.kind: model for model in stored}
    key = shards.body_key(path)
    return shards.StageCommit(run).read_bodies(key.stage, key.round, key.shard, models[path.parent.name])


def _rows(run: Path) -> object:
    return [list(iter_product(run, product)) for product in PRODUCTS]


def _answers(folder: Path) -> object:
    """The answers to all recorded requests, in their order."""
    recorded = (resource_folder("recipes") / RUN / "responses-000001.jsonl").read_bytes().splitlines()
    files = ResponseFiles(folder)
    return [files.read(GenerationResponse.model_validate_json(line).request_id) for line in recorded]


def _check(folder: Path) -> object:
    found = read_checkpoint(folder)
    assert found is not None
    found.check()
    return found.manifest


def _state(folder: Path) -> object:
    """The state that a training goes on from. A damaged one is not used, which is said on stderr."""
    with contextlib.redirect_stderr(io.StringIO()):
        state = last_trainer_state(folder)
    if state is None:
        raise Damage("is not used")
    return {path.name: path.read_bytes() for path in state.iterdir()}


def _requests() -> list[ExecutionRequest]:
    call = ScriptCall(script="assert True")
    return [
        ExecutionRequest(id=f"r-{at}", language="python", code=f"x = {at}", call=call) for at in range(20)
    ]


def _observe(request: ExecutionRequest) -> Observation:
    return Observation(
        request_id=request.id, language=request.language, phase=Phase.RUN, exit_code=0, finished=True
    )


async def _record(folder: Path) -> None:
    sandbox = RecordingSandbox(ScriptedSandbox(_observe), folder)
    await sandbox.start()
    await sandbox.execute(_requests())


async def _replay(folder: Path) -> object:
    return await RecordedSandbox(folder).execute(_requests())


def _keys() -> list[bytes]:
    return [hashlib.sha256(request.code.encode()).digest()[:16] for request in _requests()]


def _fill_cache(folder: Path) -> None:
    store = ResultStore(folder)
    store.write(dict(zip(_keys(), map(_observe, _requests()), strict=True)))
    store.close()


def _cached(folder: Path) -> object:
    """What a damaged cache still gives. Notes and new files that it makes beside itself are removed."""
    mine = {"results-1.sqlite"}
    store = ResultStore(folder, say=lambda _: None)
    found = store.read(_keys())
    store.close()
    for path in folder.iterdir():
        if path.name not in mine:
            path.unlink()
    return found


def _make_checkpoint(folder: Path) -> None:
    """What a training leaves: the pocket model stands for its weights."""
    shutil.copytree(POCKET_WEIGHTS, folder / "merged")
    seal_folder(folder / "merged")
    manifest = PolicyManifest(
        name=folder.name,
        kind="sft",
        fingerprint=fingerprint_policy(folder / "merged"),
        parent="pocket",
        parent_fingerprint="",
        data=("sft/round-1-coarse.parquet",),
        data_hash="",
        rows=1,
        rejected_rows=0,
        config=SftConfig(),
        seed=0,
        job_hash="a job",
        has_adapter=False,
        steps=1,
        metrics={"loss": 1.0},
        seconds=1.0,
        versions={},
        sealed=("merged",),
    )
    complete_checkpoint(folder, manifest)


def _evaluation() -> Evaluation:
    measure = Measure(value=0.5, low=0.25, high=0.75)
    result = QuestionResult(task_id="t", language="python", n=4, passed=2, greedy=True, outcomes={"pass": 2})
    scores = Scores(questions=1, pass_at={1: measure}, greedy=measure)
    return Evaluation(
        policy="base",
        fingerprint="policy-0",
        suite="pocket",
        total=scores,
        languages={"python": scores},
        answered=(result,),
    )
