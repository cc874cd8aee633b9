"""Revocation at size: `python -m benchmarks.inspector.revocation [--rows 1000000] [--folder DIR]`.

Builds a run folder with so many rows of the index through the store's own functions (seeds of four
licences, ten to a file, with tasks, solutions, samples, pairs and checkpoints), or takes the one that is
there, and times `revoke` by licence, source, file and seed: in a process that has read nothing of the run
yet, where the hash of every file is checked, and at its later calls.
"""

import argparse
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path
from statistics import median

from synth.products import BY_NAME, Pair, Sample
from synth.records import (
    Decision,
    EvidenceRank,
    FunctionContract,
    IndexRow,
    Message,
    Origin,
    Outcome,
    Seed,
    Solution,
    Task,
    Unit,
    Verdict,
)
from synth.store.atomic import write_bytes
from synth.store.checkpoints import MANIFEST, PolicyManifest
from synth.store.products import write_product
from synth.store.revoke import Withdrawn, revoke
from synth.store.run_folder import RunFolder, RunIdentity
from synth.training_config import SftConfig

LICENCES = ("Apache-2.0", "MIT", "BSD-3-Clause", "GPL-3.0")
PER_SEED = 8
"""Solutions of each task."""
ROWS_PER_SEED = 31
SEEDS_PER_SHARD = 500
STAGES = ("snippet", "reference", "instruct", "inputs", "solve", "syntax", "execute", "evidence", "select")
LATER = ("length", "exact_dedup", "near_dedup")
CASES = {
    "a licence": Withdrawn(licence="GPL-3.0"),
    "a source": Withdrawn(source="source-3"),
    "a file": Withdrawn(file="package/file-17.py"),
    "a seed": Withdrawn(unit="seed-0000123"),
}
_CONTRACT = FunctionContract(entry_point="solve", signature="(int) -> int", parameter_names=("x",))


def build(folder: Path, rows: int) -> Path:
    """A finished run with at least so many rows."""
    identity = RunIdentity(recipe={"name": "large"})
    seeds = -(-rows // ROWS_PER_SEED)
    samples: list[Sample] = []
    pairs: list[Pair] = []
    with RunFolder.create_or_resume(folder, "large", identity) as run:
        run.declare_stages((*STAGES, *LATER))
        for at in range(0, seeds, SEEDS_PER_SHARD):
            numbers = range(at, min(seeds, at + SEEDS_PER_SHARD))
            shard = f"{at // SEEDS_PER_SHARD:05d}"
            for stage, made, units in _stages_of(numbers):
                index = [_row(stage, shard, *unit) for unit in units]
                run.commits.record_entered(stage, 1, shard, [one.unit_id for one in index])
                run.commits.commit(stage, 1, shard, index, made)
                samples += [one for one in made if isinstance(one, Sample)]
                pairs += [one for one in made if isinstance(one, Pair)]
        coarse = write_product(run.path, BY_NAME["sft"], "round-1-coarse", samples)
        liked = write_product(run.path, BY_NAME["pairs"], "round-1", pairs)
        _note(run.path, "round-1-coarse", "f1", "f0", coarse.path)
        _note(run.path, "round-1-dpo", "f2", "f1", liked.path)
    return run.path


_Units = list[tuple[str, str, tuple[str, ...]]]
"""Kind, id and parents of each unit that a stage decides about."""


def _stages_of(numbers: range) -> Iterator[tuple[str, list[Unit], _Units]]:
    seeds = [_seed(number) for number in numbers]
    tasks = [_task(number) for number in numbers]
    solutions = [_solution(number, nth) for number in numbers for nth in range(PER_SEED)]
    verdicts = [_verdict(one) for one in solutions]
    passing = [one for one in solutions if one.index % 2 == 0][::2]
    samples = [_sample(one) for one in passing]
    pairs = [_pair(number) for number in numbers]
    of_seeds = [("seed", one.id, ()) for one in seeds]
    of_tasks = [("task", one.id, (one.seed_id,)) for one in tasks]
    of_solutions = [("solution", one.id, (one.task_id,)) for one in solutions]
    of_samples = [("sample", one.id, (one.solution_id,)) for one in samples]
    yield "snippet", list(seeds), list(of_seeds)
    yield "reference", [], list(of_seeds)
    yield "instruct", list(tasks), list(of_seeds)
    yield "inputs", [], list(of_tasks)
    yield "solve", list(solutions), list(of_tasks)
    yield "syntax", [], list(of_solutions)
    yield "execute", list(verdicts), list(of_solutions)
    yield "evidence", list(pairs), list(of_tasks)
    yield "select", list(samples), [unit for unit in of_solutions if unit[1].endswith(("0", "2"))]
    for stage in LATER:
        yield stage, [], list(of_samples)


def _row(stage: str, shard: str, kind: str, unit_id: str, parents: tuple[str, ...]) -> IndexRow:
    return IndexRow(
        round=1,
        stage=stage,
        shard=shard,
        unit_id=unit_id,
        kind=kind,
        parents=parents,
        language="python",
        decision=Decision.KEPT,
        evidence='{"passed": 12, "total": 12}' if stage == "execute" else "{}",
    )


def _code(number: int) -> str:
    return f"def solve(x):\n    y = x * {number}\n    return y + {number % 97} if x > {number % 13} else -y\n"


def _seed(number: int) -> Seed:
    origin = Origin(
        source=f"source-{number % 7}",
        path=f"package/file-{number // 10}.py",
        start_line=number % 10 * 5 + 1,
        end_line=number % 10 * 5 + 4,
        licence=LICENCES[number // 10 % len(LICENCES)],
    )
    return Seed(
        id=f"seed-{number:07d}", language="python", code=_code(number), origin=origin, contract=_CONTRACT
    )


def _task(number: int) -> Task:
    return Task(
        id=f"task-{number:07d}",
        round=1,
        instruction=f"Multiply a number by {number}, then add {number % 97}.",
        natural_language="en",
        contract=_CONTRACT,
        seed_id=f"seed-{number:07d}",
        seed_language="python",
    )


def _solution(number: int, nth: int) -> Solution:
    return Solution(
        id=f"solution-{number:07d}.{nth}",
        task_id=f"task-{number:07d}",
        language="python",
        code=_code(number + nth),
        index=nth,
        policy="f0",
    )


def _verdict(one: Solution) -> Verdict:
    return Verdict(
        solution_id=one.id,
        task_id=one.task_id,
        outcome=Outcome.PASS if one.index % 2 == 0 else Outcome.WRONG_ANSWER,
        passed=12 if one.index % 2 == 0 else 5,
        total=12,
        rank=EvidenceRank.REFERENCE,
    )


def _said(role: str, text: str) -> tuple[Message, ...]:
    return (Message.model_validate({"role": role, "content": text}),)


def _sample(one: Solution) -> Sample:
    return Sample(
        id=one.id.replace("solution", "sample"),
        task_id=one.task_id,
        solution_id=one.id,
        language="python",
        natural_language="en",
        code=one.code,
        prompt=_said("user", f"Solve {one.task_id}."),
        completion=_said("assistant", one.code),
        pass_rate=0.5,
        rank=EvidenceRank.REFERENCE,
    )


def _pair(number: int) -> Pair:
    chosen, rejected = _solution(number, 0), _solution(number, 1)
    return Pair(
        id=f"pair-{number:07d}",
        task_id=chosen.task_id,
        language="python",
        prompt=_said("user", f"Solve {chosen.task_id}."),
        chosen=_said("assistant", chosen.code),
        rejected=_said("assistant", rejected.code),
        chosen_id=chosen.id,
        rejected_id=rejected.id,
        chosen_pass=1.0,
        rejected_pass=0.4,
        rejected_outcome=Outcome.WRONG_ANSWER,
        rank=EvidenceRank.REFERENCE,
    )


def _note(run: Path, name: str, fingerprint: str, parent: str, data: Path) -> None:
    manifest = PolicyManifest(
        name=name,
        kind="dpo" if name.endswith("dpo") else "sft",
        fingerprint=fingerprint,
        parent="policy",
        parent_fingerprint=parent,
        data=(str(data),),
        data_hash="",
        rows=1,
        rejected_rows=0,
        config=SftConfig(),
        seed=0,
        job_hash="",
        has_adapter=False,
        steps=1,
        metrics={},
        seconds=1.0,
        versions={},
    )
    write_bytes(run / "checkpoints" / name / MANIFEST, manifest.model_dump_json().encode())


def measure(run: Path, what: Withdrawn, calls: int) -> tuple[list[float], str]:
    """Seconds of each call, and what it found."""
    seconds, words = [], ""
    for _ in range(calls):
        started = time.perf_counter()
        with revoke(run, what) as found:
            seconds.append(time.perf_counter() - started)
            counts = ", ".join(f"{one.count:,} {one.kind}" for one in found.summary.kinds)
            words = f"{counts}; {found.summary.decisions:,} decisions"
    return seconds, words


def main() -> None:
    """Print a line a case."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--rows", type=int, default=1_000_000)
    parser.add_argument("--folder", type=Path, help="where the run is kept; a temporary folder if unset")
    parser.add_argument("--calls", type=int, default=5)
    parser.add_argument("--case", choices=list(CASES), help="measure one, in this process")
    options = parser.parse_args()
    with tempfile.TemporaryDirectory() as temporary:
        folder = options.folder or Path(temporary)
        run = folder / "large"
        if not (run / "run.json").exists():
            started = time.perf_counter()
            build(folder, options.rows)
            print(f"built in {time.perf_counter() - started:.0f} s", flush=True)
        if options.case:
            seconds, words = measure(run, CASES[options.case], options.calls)
            later = median(seconds[1:]) if len(seconds) > 1 else seconds[0]
            print(f"{options.case:10s} first {seconds[0]:6.2f} s  later {later:6.2f} s  {words}", flush=True)
            return
        for case in CASES:
            command = [sys.executable, "-m", "benchmarks.inspector.revocation", "--folder", str(folder)]
            subprocess.run([*command, "--case", case, "--calls", str(options.calls)], check=True)


if __name__ == "__main__":
    main()
