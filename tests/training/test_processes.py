"""Several processes of one training, as they are started: nobody is left after a kill, and it goes on with
another number of them."""

import os
import signal
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import psutil
import pytest

from posttrain import sft
from posttrain.core.jobs import SftJob, TrainingProgress, job_hash
from posttrain.core.metrics_log import read_metrics
from posttrain.core.trl_arguments import _check_devices
from posttrain.launch import run_trainers
from posttrain.launcher import node_rank, trainer_command
from synth.errors import RecipeError, TrainerError
from synth.generation.lifeline import Lifeline
from synth.launch_config import LaunchConfig
from synth.training_config import LoraConfig, SftConfig
from tests.training.conftest import WriteRows
from tests.training.tiny import chat_rows

_ROOT = Path(sft.__file__).parents[1]
_WAITS = (
    "import os, signal, time\n"
    "signal.signal(signal.SIGTERM, lambda *_: None)\n"  # as a trainer that saves
    "os.write(1, f'{os.environ[\"RANK\"]} {os.getpid()}\\n'.encode())\n"
    "time.sleep(300)\n"
)


@contextmanager
def three_processes(script: str) -> "Iterator[tuple[subprocess.Popen[str], Lifeline]]":
    """The guard, the launcher and three processes of this script, as `run_trainers` starts them."""
    lifeline = Lifeline()
    command = [sys.executable, "-P", "-m", "posttrain.ranks", "3", "1", "0", "", sys.executable, "-c", script]
    process = subprocess.Popen(
        lifeline.command(command, 1.0),
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        text=True,
        env={**os.environ, "PYTHONPATH": str(_ROOT)},
        pass_fds=lifeline.inherited,
        start_new_session=True,
    )
    try:
        yield process, lifeline
    finally:
        lifeline.close()
        process.wait(20)


@pytest.mark.parametrize("victim", ["parent", "guard", "launcher", "first", "last"])
def test_no_process_is_left_after_any_is_killed(victim: str) -> None:
    with three_processes(_WAITS) as (guard, lifeline):
        assert guard.stdout is not None
        said = [guard.stdout.readline().split() for _ in range(3)]
        ranks = {int(rank): int(pid) for rank, pid in said}
        everyone = psutil.Process(guard.pid).children(recursive=True)
        launcher = next(one for one in everyone if one.pid not in ranks.values())
        assert len(everyone) == 4 and sorted(ranks) == [0, 1, 2]
        if victim == "parent":
            lifeline.let_go()  # what the kernel does with its end of the pipe
        else:
            pids = {"guard": guard.pid, "launcher": launcher.pid, "first": ranks[0], "last": ranks[2]}
            os.kill(pids[victim], signal.SIGKILL)
        _, alive = psutil.wait_procs(everyone, timeout=10)
        assert alive == []
        if victim in ("first", "last"):
            assert guard.wait(5) == 128 + signal.SIGKILL, "the parent can say that memory ran out"


_OWNS = (
    "import subprocess, sys\n"
    "from synth.generation.lifeline import Lifeline\n"
    "lifeline = Lifeline()\n"
    "command = lifeline.command([sys.executable, '-c', sys.argv[1]], 120.0)\n"
    "child = subprocess.Popen(command, pass_fds=lifeline.inherited, start_new_session=True)\n"
    "child.wait()\n"
)


def test_a_child_that_saves_slowly_is_ended_soon_once_its_owner_is_killed() -> None:
    """Two minutes are for an owner that waits; without one, they would be two minutes of a full GPU."""
    owner = subprocess.Popen(
        [sys.executable, "-c", _OWNS, _WAITS],
        stdout=subprocess.PIPE,
        text=True,
        env={**os.environ, "PYTHONPATH": str(_ROOT), "RANK": "0"},
    )
    assert owner.stdout is not None
    owner.stdout.readline()
    everyone = psutil.Process(owner.pid).children(recursive=True)
    owner.kill()
    owner.wait()
    _, alive = psutil.wait_procs(everyone, timeout=10)
    assert len(everyone) == 2 and alive == []


def test_the_first_error_is_the_exit_code_and_the_others_may_still_say_theirs() -> None:
    script = (
        "import os, sys, time\n"
        "rank = int(os.environ['RANK'])\n"
        "time.sleep(0.5 * (rank == 0))\n"
        "print('said' if rank == 0 else '', flush=True)\n"
        "sys.exit(0 if rank == 1 else 3)\n"
    )
    with three_processes(script) as (guard, _):
        said, _ = guard.communicate(timeout=10)
        assert guard.returncode == 3 and "said" in said


def test_two_trainings_of_one_machine_get_ports_of_their_own() -> None:
    script = (
        "import os\n"
        "words = os.environ['MASTER_PORT'], os.environ.get('CODEMILL_STORE_FD')\n"
        "os.write(1, f'{words[0]} {words[1]}\\n'.encode())\n"
    )
    with three_processes(script) as (one, _), three_processes(script) as (other, _):
        said = [process.communicate(timeout=10)[0].split() for process in (one, other)]
    ports = [set(words[::2]) for words in said]
    assert [len(found) for found in ports] == [1, 1] and ports[0] != ports[1]
    assert [words[1::2].count("None") for words in said] == [2, 2], "one process of each serves the socket"


# --- the command --------------------------------------------------------------------------------------------


def job_of(rows: int, tmp_path: Path) -> SftJob:
    config = SftConfig(rows_per_step=rows)
    return SftJob(name="sft", policy="p", data=("d",), output=str(tmp_path), config=config)


def test_the_command_follows_the_recipe(tmp_path: Path) -> None:
    job = job_of(8, tmp_path)
    alone = [sys.executable, "-P", "-m"]
    assert trainer_command(LaunchConfig(), [job], cards=0) == alone
    assert trainer_command(LaunchConfig(), [job], cards=4)[3:8] == ["posttrain.ranks", "4", "1", "0", ""]
    nodes = LaunchConfig(processes=2, nodes=4, node_rank=3, main_address="10.0.0.1:29500")
    assert trainer_command(nodes, [job], cards=0)[3:8] == ["posttrain.ranks", "2", "4", "3", "10.0.0.1:29500"]


@pytest.mark.parametrize(
    ("text", "port"), [("num_processes: 2\n", True), ("main_process_port: 29777\n", False)]
)
def test_a_file_of_accelerate_is_followed(text: str, port: bool, tmp_path: Path) -> None:
    file = tmp_path / "deepspeed.yaml"
    file.write_text(f"distributed_type: DEEPSPEED\n{text}")
    launch = LaunchConfig(accelerate_config=str(file))
    command = trainer_command(launch, [job_of(7, tmp_path)], cards=2)
    assert command[3:6] == ["accelerate.commands.launch", "--config_file", str(file)]
    assert command[6:] == [*(["--main_process_port", "0"] if port else []), "-m"]


def test_what_cannot_be_shared_evenly_is_refused_before_anything_starts(tmp_path: Path) -> None:
    with pytest.raises(
        RecipeError, match=r"is 30 rows a step, which 4 processes cannot share(.|\n)*rows_per_step: 32"
    ):
        run_trainers([job_of(30, tmp_path)], tmp_path / "log", launch=LaunchConfig(processes=2, nodes=2))
    assert not (tmp_path / "log").exists()


def test_a_process_for_each_gpu_and_no_more(tmp_path: Path) -> None:
    with pytest.raises(RecipeError, match="is more than the 2 GPUs of the trainer"):
        trainer_command(LaunchConfig(processes=4), [job_of(8, tmp_path)], cards=2)
    with pytest.raises(RecipeError, match="torch sees 4 GPUs"):
        _check_devices(4)
    _check_devices(1)


def test_a_node_knows_its_number(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("NODE_RANK", "SLURM_NODEID"):
        monkeypatch.delenv(name, raising=False)
    assert node_rank(LaunchConfig()) == 0
    several = LaunchConfig(nodes=2, main_address="a:1")
    with pytest.raises(RecipeError, match="export NODE_RANK on each node"):
        node_rank(several)
    monkeypatch.setenv("SLURM_NODEID", "1")
    assert node_rank(several) == 1
    assert node_rank(several.model_copy(update={"node_rank": 0})) == 0


def test_how_a_step_is_shared_out_is_not_of_the_result(
    policy: Path, write_rows: WriteRows, tmp_path: Path
) -> None:
    data = (str(write_rows("rows", chat_rows(4))),)

    def digest(**config: int) -> str:
        settings = SftConfig(**config)
        return job_hash(
            SftJob(name="a", policy=str(policy), data=data, output=str(tmp_path), config=settings)
        )

    whole = digest(rows_per_step=32)
    assert whole == digest(rows_per_step=32, batch_size=4) == digest(batch_size=8, gradient_accumulation=4)
    assert whole != digest(rows_per_step=64)


# --- a training ---------------------------------------------------------------------------------------------


def test_a_training_of_two_processes_goes_on_with_one_after_a_kill(
    policy: Path, write_rows: WriteRows, tmp_path: Path
) -> None:
    """21 rows in steps of 8: the last step of each epoch has 5 rows, which two processes share as 3 and 2."""
    config = SftConfig(
        lora=LoraConfig(rank=4, alpha=8),
        rows_per_step=8,
        batch_size=3,
        epochs=2,
        save_steps=2,
        learning_rate=1e-3,
    )
    data = (str(write_rows("rows", chat_rows(21))),)
    job = SftJob(name="sft", policy=str(policy), data=data, output=str(tmp_path / "two"), config=config)

    def kill(progress: TrainingProgress) -> None:
        if progress.step == 4:
            trainers = psutil.Process().children(recursive=True)
            ranks = [one for one in trainers if one.environ().get("RANK") == "1"]
            ranks[0].kill()

    with pytest.raises(TrainerError, match=r"was killed \(SIGKILL\)"):
        run_trainers([job], tmp_path / "train.log", kill, launch=LaunchConfig(processes=2))
    assert [
        one for one in psutil.Process().children(recursive=True) if "train_jobs" in " ".join(one.cmdline())
    ] == []
    done = sft.train(job)
    straight = sft.train(job.model_copy(update={"output": str(tmp_path / "straight")}))
    losses = [[step.loss for step in read_metrics(one.folder / "metrics.jsonl")] for one in (done, straight)]
    assert losses[0] == pytest.approx(losses[1], abs=1e-5) and len(losses[0]) == 6
    assert done.manifest.processes == 1
