"""Rules of a recipe's `launch`, and of the rows of a step that its processes share.

Place in the flow: `checks` asks here. The one rule: as there.
"""

from collections.abc import Iterator

from synth.config import Recipe
from synth.launch_config import uneven_step
from synth.recipe.finding import Finding
from synth.recipe.source import KeyPath

_SEE = "docs/architecture/training.md"


def launch_is_whole(recipe: Recipe) -> Iterator[Finding]:
    """What several nodes need, and what a file of `accelerate` says instead."""
    launch = recipe.launch
    if launch.accelerate_config is not None:
        for key in launch.model_fields_set - {"accelerate_config"}:
            expected = "stands in the file of `accelerate_config`, which is followed instead"
            yield Finding((("launch", key), ("launch", "accelerate_config")), expected, "remove one of both")
        return
    if launch.nodes == 1:
        return
    host, _, port = (launch.main_address or "").rpartition(":")
    if not host or not port.isdecimal():
        expected = "must be `host:port` of the first node, where the processes of several nodes meet"
        yield Finding(
            (("launch", "main_address"), ("launch", "nodes")),
            expected,
            "main_address: 10.0.0.1:29500",
            see=_SEE,
        )
    if launch.node_rank is not None and launch.node_rank >= launch.nodes:
        expected = f"must be below `nodes`, which is {launch.nodes}"
        yield Finding((("launch", "node_rank"), ("launch", "nodes")), expected, "node_rank: 0 on the first")
    if recipe.data is not None or recipe.evaluation is not None:
        expected = (
            "cannot be used in a recipe that also generates or evaluates: only trainers run on all nodes"
        )
        yield Finding(
            (("launch", "nodes"),), expected, "a recipe with `sft` or `dpo` alone, or `nodes: 1`", see=_SEE
        )


def steps_are_shared_evenly(recipe: Recipe) -> Iterator[Finding]:
    """Where the recipe itself says how many processes there are."""
    launch = recipe.launch
    for section, config in recipe.trainings.items():
        path: KeyPath = tuple(section.split("."))
        if config.rows_per_step is not None and config.gradient_accumulation != 1:
            expected = "follows from `rows_per_step`, `batch_size` and the number of processes"
            paths = ((*path, "gradient_accumulation"), (*path, "rows_per_step"))
            yield Finding(paths, expected, "remove gradient_accumulation")
        if launch.processes is None or launch.accelerate_config is not None:
            continue
        problem = uneven_step("", config.step_rows, launch.processes * launch.nodes)
        if problem is not None:
            sharing: tuple[KeyPath, ...] = ((*path, "rows_per_step"), (*path, "batch_size"))
            yield Finding((*sharing, ("launch", "processes")), problem.message, problem.fix)


def shards_can_be_made(recipe: Recipe) -> Iterator[Finding]:
    """What FSDP2 does not share out, or not rightly."""
    if recipe.launch.sharding == "none":
        return
    for section, config in recipe.trainings.items():
        if config.lora is not None and config.lora.quantization is not None:
            path: KeyPath = (*section.split("."), "lora", "quantization")
            expected = "cannot be sharded: weights of 4 bits stay whole on each GPU"
            yield Finding(
                (path, ("launch", "sharding")), expected, "remove quantization, or `sharding: none`"
            )
