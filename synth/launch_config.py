"""The section of a recipe that says with how many processes a training runs, and how a step's rows are shared
out among them."""

from typing import Literal, NamedTuple

from pydantic import Field

from synth.config_base import Config
from synth.errors import Problem

Sharding = Literal["none", "fsdp2"]


class LaunchConfig(Config):
    """How trainers are started: how many processes, on how many nodes. It does not change their result."""

    processes: int | None = Field(
        None, ge=1, description="Processes on each node. Unset: one for each GPU; one without a GPU."
    )
    nodes: int = Field(
        1,
        ge=1,
        description="Machines that train together. Each runs the same command, on a common file system.",
    )
    node_rank: int | None = Field(
        None, ge=0, description="This machine's number, from 0. Unset: NODE_RANK or SLURM_NODEID."
    )
    main_address: str | None = Field(
        None, description="`host:port` of the first of several nodes, where the processes meet."
    )
    sharding: Sharding = Field(
        "none",
        description="`fsdp2`: weights, gradients and optimizer are shared out over the processes.",
    )
    accelerate_config: str | None = Field(
        None,
        description=(
            "A file of `accelerate config` (DeepSpeed, FSDP, several nodes), which `accelerate launch` "
            "follows instead."
        ),
    )


class StepShape(NamedTuple):
    """How the rows of one step are shared out. Every process runs `accumulation` micro-batches."""

    processes: int
    accumulation: int

    def sizes(self, rows: int) -> list[int]:
        """Rows in each micro-batch of a step, those that run at the same time beside each other."""
        least, more = divmod(rows, self.processes * self.accumulation)
        return [least + (slot < more) for slot in range(self.processes * self.accumulation)]


def step_shape(rows: int, processes: int, largest: int) -> StepShape:
    """The fewest micro-batches of at most `largest` rows that hold so many rows."""
    share = -(-rows // processes)
    return StepShape(processes, max(1, -(-share // largest)))


def uneven_step(where: str, rows: int, processes: int) -> Problem | None:
    """The problem with so many rows a step on so many processes, if they cannot be shared out evenly."""
    if rows % processes == 0:
        return None
    nearest = max(1, round(rows / processes)) * processes
    expected = f"is {rows} rows a step, which {processes} processes cannot share evenly"
    return Problem(where, expected, f"rows_per_step: {nearest}, or another number of processes")
