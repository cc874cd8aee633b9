"""How many steps a training takes, and what it saves on its way.

Place in the flow: lengths of the rows -> here -> `trainings`. Importing this module loads torch. The one
rule: the figures are those of the trainers, reached by the trainers' own classes or by the same arithmetic.
"""

import math
from typing import Any, NamedTuple

import numpy

from posttrain.core.packing import PackOrder
from posttrain.watch.measured import steps_between
from synth.training_config import SftConfig, TrainConfig

_BATCH = 10_000
STATES = 2
"""States of the trainer that stay on disk; the best one, where the loss is measured, beside them."""


class StepCount(NamedTuple):
    """The steps of one training."""

    steps: int
    """At most: a guard, patience or a displacement may end it sooner."""
    tokens: int
    """That the model reads in all epochs, padding excluded."""
    measurements: int
    """Of the loss on held-out rows."""
    states: int
    """That `save_steps` and the steps ask for; saves by time come on top."""
    kept_states: int
    """Most of them that are on disk at once."""


def count_steps(lengths: numpy.ndarray, config: TrainConfig, seed: int, held_out: int = 0) -> StepCount:
    """Of a training on rows of these lengths in tokens, with any number of processes."""
    an_epoch = steps_an_epoch(lengths, config, seed)
    steps = config.max_steps if config.max_steps > 0 else math.ceil(config.epochs * an_epoch)
    between = steps_between(config.eval_steps, steps)
    measurements = math.ceil(steps / between) if held_out else 0
    states = math.ceil(steps / config.save_steps) if config.save_steps else 0
    kept = min(states, STATES) + (1 if held_out else 0)
    return StepCount(steps, round(int(lengths.sum()) * steps / an_epoch), measurements, states, kept)


def steps_an_epoch(lengths: numpy.ndarray, config: TrainConfig, seed: int) -> int:
    """Steps in which each row is trained once."""
    packs = isinstance(config, SftConfig) and config.packing
    rows = len(PackOrder(lengths, config.max_length, seed) if packs else lengths)
    return max(1, math.ceil(rows / config.step_rows))


def longest_sequence(dataset: Any) -> int:  # noqa: ANN401 - a Dataset of `datasets`
    """Tokens of the longest sequence that the model sees at once; of a pair, the prompt with the longer
    answer."""
    import pyarrow.compute as compute

    longest = 0
    for batch in dataset.with_format("arrow").iter(_BATCH):
        lengths = {
            name: compute.list_value_length(batch[name]).to_numpy()
            for name in batch.column_names
            if name.endswith("_ids")
        }
        if "prompt_ids" in lengths:
            answers = [found for name, found in lengths.items() if name != "prompt_ids"]
            sequences = lengths["prompt_ids"] + numpy.maximum.reduce(answers)
        else:
            sequences = lengths["input_ids"]
        longest = max(longest, int(sequences.max(initial=0)))
    return longest
