"""The command that starts the processes of a training: one, several of our own, or `accelerate launch` with a
file of the user's.

Place in the flow: a recipe's `launch` -> here -> `launch.run_trainers`. The one rule: what cannot work is
refused before a process starts, and a file of the user's is followed in everything that it says.
"""

import os
import re
import sys
from collections.abc import Sequence
from pathlib import Path

from posttrain import ranks
from posttrain.core.jobs import TrainingJob
from synth.errors import Problem, RecipeError
from synth.launch_config import LaunchConfig, uneven_step

_NODE_VARIABLES = ("NODE_RANK", "SLURM_NODEID")
_SEE = "docs/architecture/training.md"


def trainer_command(launch: LaunchConfig, jobs: Sequence[TrainingJob], cards: int) -> list[str]:
    """What to put before the trainer module and its file of jobs, on so many GPUs. Raises RecipeError where
    a step's rows cannot be shared out."""
    python = [sys.executable, "-P", "-m"]
    if launch.accelerate_config is not None:
        port = [] if _names_port(Path(launch.accelerate_config)) else ["--main_process_port", "0"]
        accelerate = [*python, "accelerate.commands.launch", "--config_file", launch.accelerate_config]
        return [*accelerate, *port, "-m"]
    local = launch.processes or max(1, cards)
    if 0 < cards < local:
        expected = f"is more than the {cards} GPUs of the trainer"
        raise RecipeError(Problem(f"launch.processes = {local}", expected, f"processes: {cards}", _SEE))
    if problems := [problem for job in jobs if (problem := _uneven(job, local * launch.nodes))]:
        raise RecipeError(*problems)
    if local * launch.nodes == 1 and launch.sharding == "none":
        return python
    place = [str(local), str(launch.nodes), str(node_rank(launch)), launch.main_address or ""]
    return [*python, ranks.__name__, *place, *python]


def _uneven(job: TrainingJob, processes: int) -> Problem | None:
    return uneven_step(f"training {job.name}", job.config.step_rows, processes)


def node_rank(launch: LaunchConfig) -> int:
    """This machine's number among the nodes. Raises RecipeError if nothing tells it."""
    if launch.nodes == 1 or launch.node_rank is not None:
        return launch.node_rank or 0
    for name in _NODE_VARIABLES:
        if os.environ.get(name, "").isdecimal():
            return int(os.environ[name])
    expected = f"is not set, and neither is {' nor '.join(_NODE_VARIABLES)}"
    raise RecipeError(Problem("launch.node_rank", expected, "export NODE_RANK on each node", _SEE))


def _names_port(file: Path) -> bool:
    """Whether the user's file says where the processes meet."""
    try:
        return (
            re.search(r"^\s*\"?main_process_port\"?\s*:\s*\d", file.read_text("utf-8"), re.MULTILINE)
            is not None
        )
    except (OSError, UnicodeDecodeError) as error:
        raise RecipeError(
            Problem(f"launch.accelerate_config = {file}", f"cannot be read: {error}", "name a readable file")
        ) from error
