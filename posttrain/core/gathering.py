"""Metrics over the processes of a training, where these have unequal numbers of rows.

Place in the flow: TRL's trainers gather their metrics through accelerate's `gather`, which wants tensors of
one shape; the trainers here put this in its place. The one rule: a row that counts nothing in the loss counts
nothing in a metric.
"""

from collections.abc import Callable
from typing import Any

import torch

from posttrain.core.steps import StepPart

Gather = Callable[[Any], Any]


def gather_rows(gather: Gather, value: Any, share: StepPart | None) -> Any:  # noqa: ANN401
    """The values of all processes: of a number a sum that each process adds to, of a vector one value for
    each row."""
    if isinstance(value, tuple | list):
        return type(value)(gather_rows(gather, part, share) for part in value)
    if share is None or share.is_even or len(share.sizes) == 1 or not isinstance(value, torch.Tensor):
        return gather(value)
    if value.ndim == 0:
        return gather(value if share.rows else torch.zeros_like(value))
    longest = max(1, *share.sizes)
    padded = value.new_zeros((longest, *value.shape[1:]))
    padded[: len(value)] = value
    parts = gather(padded).split(longest)
    return torch.cat([part[:size] for part, size in zip(parts, share.sizes, strict=True)])
