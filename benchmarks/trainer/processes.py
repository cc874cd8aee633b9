"""`python -m benchmarks.trainer.processes [CHECK ...]`: a training with 1, 2 and 4 processes on CPUs.

A random Qwen2 of two layers is trained for three epochs on an odd number of rows, in steps of 8, over gloo.
`losses`: supervised fine-tuning and preference optimization with 1, 2 and 4 processes; the losses of each
step beside those of one process. `resume`: two processes are killed and four go on. `kills`: the parent, the
launcher and a process are killed with -9 while they train; which processes are left 10 s later. `together`:
two trainings at once. `fsdp2`, `fsdp2_dpo`: sharded over two processes, an adapter and all weights, killed
and gone on with; the weights beside those of one process. `accelerate`: with a file of `accelerate config`.
Exit code 1 if losses differ by more than 1e-5, weights by more than 1e-4, or a process is left.
"""

import json
import os
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import psutil

from posttrain.core.jobs import JOBS, DpoJob, SftJob, TrainingJob, TrainingProgress
from posttrain.core.metrics_log import read_metrics
from posttrain.launch import run_trainers
from synth.errors import TrainerError
from synth.launch_config import LaunchConfig
from synth.store.checkpoints import Checkpoint
from synth.training_config import DpoConfig, LoraConfig, SftConfig
from tests.training.tiny import chat_rows, pair_rows, save_tiny_base

LOSS, WEIGHT, LEFT_S = 1e-5, 1e-4, 10.0
_PARENT = (
    "import pathlib, sys\n"
    "from posttrain.core.jobs import JOBS\n"
    "from posttrain.launch import run_trainers\n"
    "from synth.launch_config import LaunchConfig\n"
    "jobs = JOBS.validate_json(pathlib.Path(sys.argv[1]).read_text())\n"
    "launch = LaunchConfig.model_validate_json(sys.argv[2])\n"
    "run_trainers(jobs, pathlib.Path(sys.argv[1]).with_suffix('.log'), launch=launch)\n"
)


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the checks that are named, or all."""
    names = list(sys.argv[1:] if arguments is None else arguments) or list(CHECKS)
    with tempfile.TemporaryDirectory() as folder:
        home = Path(folder)
        base = save_tiny_base(home / "shape")
        good = []
        for name in names:
            began = time.monotonic()
            (home / name).mkdir()
            good.append(CHECKS[name](base, home / name))
            print(f"{name}: {'good' if good[-1] else 'BAD'}, {time.monotonic() - began:.0f} s", flush=True)
    return int(not all(good))


def check_losses(base: Path, home: Path) -> bool:
    good = True
    for kind in ("sft", "dpo"):
        alone = losses(trained(job_of(base, home / f"{kind}-1", kind), 1))
        for processes in (2, 4):
            found = losses(trained(job_of(base, home / f"{kind}-{processes}", kind), processes))
            good &= _close(f"{kind}, {processes} processes beside 1", found, alone)
    return good


def check_resume(base: Path, home: Path) -> bool:
    alone = losses(trained(job_of(base, home / "alone", "sft"), 1))
    job = job_of(base, home / "grown", "sft", save_steps=2)
    _interrupt(job, LaunchConfig(processes=2))
    done = trained(job, 4)
    print(f"  policy.json names {done.manifest.processes} processes")
    return _close("2, then 4 processes, beside 1", losses(done), alone) and done.manifest.processes == 4


def check_kills(base: Path, home: Path) -> bool:
    left = [left_after(victim, base, home / victim) for victim in ("parent", "launcher", "process")]
    return sum(left) == 0


def left_after(victim: str, base: Path, home: Path, launch: LaunchConfig | None = None) -> int:
    """Processes of a training that are left 10 s after this one of them was killed."""
    job = job_of(base, home, "sft", epochs=500.0)
    parent = _start(job, launch or LaunchConfig(processes=2))
    while len(steps := read_metrics(job.folder / "metrics.jsonl")) < 3:
        if parent.poll() is not None:
            raise AssertionError(home.with_suffix(".log").read_text()[-2000:])
        time.sleep(0.1)
    everyone = psutil.Process(parent.pid).children(recursive=True)
    ranks = [one for one in everyone if "posttrain.train_jobs" in one.cmdline() and "RANK" in one.environ()]
    ranks = [one for one in ranks if one.cmdline()[-2] == "posttrain.train_jobs" and not one.children()]
    victims = {"parent": parent.pid, "launcher": ranks[-1].ppid(), "process": ranks[-1].pid}
    os.kill(victims[victim], signal.SIGKILL)
    killed = time.monotonic()
    _, alive = psutil.wait_procs(everyone, timeout=LEFT_S)
    took = time.monotonic() - killed
    print(
        f"  {victim} killed after step {steps[-1].step}: {len(alive)} of {len(everyone)} processes left "
        f"after {took:.1f} s"
    )
    for one in alive:
        one.kill()
    parent.wait(20)
    return len(alive)


def check_together(base: Path, home: Path) -> bool:
    jobs = [job_of(base, home / str(number), "sft", epochs=1.0) for number in range(2)]
    parents = [_start(job, LaunchConfig(processes=2)) for job in jobs]
    return [parent.wait(500) for parent in parents] == [0, 0]


def check_fsdp2(base: Path, home: Path) -> bool:
    return _shards("sft", base, home)


def check_fsdp2_dpo(base: Path, home: Path) -> bool:
    return _shards("dpo", base, home)


def _shards(kind: str, base: Path, home: Path) -> bool:
    good = True
    settings: dict[str, dict[str, Any]] = {
        "adapter": {},
        "all weights": {"lora": None, "learning_rate": 1e-4},
    }
    for name, config in settings.items():
        place = home / name.replace(" ", "-")
        alone = trained(job_of(base, place / "alone", kind, **config), 1)
        job = job_of(base, place / "sharded", kind, save_steps=2, **config)
        job = job.model_copy(update={"sharding": "fsdp2"})
        launch = LaunchConfig(processes=2, sharding="fsdp2")
        _interrupt(job, launch)
        sharded = run_trainers([job], place / "again.log", launch=launch)[0]
        good &= _close(f"{kind}, {name}, sharded beside one process", losses(sharded), losses(alone))
        good &= _same_weights(sharded, alone)
    return good


def check_accelerate(base: Path, home: Path) -> bool:
    """Its own launcher starts each process in a session of its own."""
    file = home / "accelerate.yaml"
    file.write_text(
        "compute_environment: LOCAL_MACHINE\ndistributed_type: MULTI_GPU\nnum_machines: 1\n"
        "num_processes: 2\nmachine_rank: 0\nmixed_precision: 'no'\n"
    )
    launch = LaunchConfig(accelerate_config=str(file))
    alone = trained(job_of(base, home / "alone", "sft"), 1)
    found = run_trainers([job_of(base, home / "file", "sft")], home / "file.log", launch=launch)[0]
    good = _close("as the file says, beside one process", losses(found), losses(alone))
    left = [left_after(victim, base, home / victim, launch) for victim in ("parent", "launcher", "process")]
    return good and sum(left) == 0


CHECKS: dict[str, Callable[[Path, Path], bool]] = {
    "losses": check_losses,
    "resume": check_resume,
    "kills": check_kills,
    "together": check_together,
    "fsdp2": check_fsdp2,
    "fsdp2_dpo": check_fsdp2_dpo,
    "accelerate": check_accelerate,
}


# --- trainings ----------------------------------------------------------------------------------------------


def job_of(base: Path, out: Path, kind: str, **config: Any) -> TrainingJob:  # noqa: ANN401
    """37 rows or 21 pairs in steps of 8, two at a time in each process, for three epochs."""
    out.parent.mkdir(parents=True, exist_ok=True)
    rows = chat_rows(37) if kind == "sft" else pair_rows(21)
    data = out.parent / f"{kind}.jsonl"
    data.write_text("".join(json.dumps(row) + "\n" for row in rows))
    settings: dict[str, Any] = {
        "lora": LoraConfig(rank=4, alpha=8),
        "learning_rate": 1e-3,
        "rows_per_step": 8,
        "batch_size": 2,
        "epochs": 3.0,
        **config,
    }
    common: dict[str, Any] = {"name": out.name, "policy": str(base), "data": (str(data),), "output": str(out)}
    if kind == "sft":
        return SftJob(**common, config=SftConfig(**settings))
    losses_of_dpo = {"loss_type": ("sigmoid", "nll"), "loss_weights": (1.0, 0.2)}
    return DpoJob(**common, config=DpoConfig(**losses_of_dpo, **settings))


def trained(job: TrainingJob, processes: int) -> Checkpoint:
    return run_trainers([job], job.folder.with_suffix(".log"), launch=LaunchConfig(processes=processes))[0]


def losses(done: Checkpoint) -> list[float]:
    return [step.loss for step in read_metrics(done.folder / "metrics.jsonl")]


def _interrupt(job: TrainingJob, launch: LaunchConfig) -> None:
    """Kill a process after the fifth step; two steps of four were saved by then."""

    def kill(progress: TrainingProgress) -> None:
        if progress.step == 5:
            everyone = psutil.Process().children(recursive=True)
            next(one for one in everyone if one.environ().get("RANK") == "1").kill()

    try:
        run_trainers([job], job.folder.with_suffix(".log"), kill, launch=launch)
    except TrainerError as error:
        print(f"  {error.problems[0].message.partition(',')[0]}")


def _start(job: TrainingJob, launch: LaunchConfig) -> "subprocess.Popen[bytes]":
    """A parent in a process of its own."""
    file = job.folder.with_suffix(".json")
    file.write_bytes(JOBS.dump_json((job,)))
    command = [sys.executable, "-c", _PARENT, str(file), launch.model_dump_json()]
    return subprocess.Popen(command)


def _close(what: str, found: Sequence[float], expected: Sequence[float]) -> bool:
    most = max(abs(one - other) for one, other in zip(found, expected, strict=False))
    print(f"  {what}: {len(found)} of {len(expected)} steps, losses differ by at most {most:.1e}", flush=True)
    return len(found) == len(expected) and most <= LOSS


def _same_weights(one: Checkpoint, other: Checkpoint) -> bool:
    from posttrain.core.policy import load_model

    states = [load_model(str(done.merged), "float32").state_dict() for done in (one, other)]
    most = max(float((weights - states[1][name]).abs().max()) for name, weights in states[0].items())
    print(f"  weights differ by at most {most:.1e}", flush=True)
    return states[0].keys() == states[1].keys() and most <= WEIGHT


if __name__ == "__main__":
    sys.exit(main())
