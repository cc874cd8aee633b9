"""The measurements of a training on its held-out rows, as they stand in its folder.

Place in the flow: `best` writes them, the manifest and the model card read them. The one rule: light, for the
card is made where torch may be missing.
"""

import json
import math
from pathlib import Path

EVALUATIONS = "evaluations.jsonl"
"""In the checkpoint: one line for each measurement, with TRL's names."""
LOSS = "eval_loss"
MEASUREMENTS = 10
"""In one training, where `eval_steps` is 0."""


def steps_between(eval_steps: int, steps: int) -> int:
    """Steps from one measurement to the next in a training of so many steps."""
    return eval_steps or max(1, steps // MEASUREMENTS)


def best_measurement(folder: Path) -> dict[str, float] | None:
    """The best measurement of a training, from its folder; None where nothing was measured."""
    file = folder / EVALUATIONS
    lines = file.read_text(encoding="utf-8").splitlines() if file.is_file() else []
    found = [{key: float(value) for key, value in json.loads(line).items()} for line in lines]
    finite = [one for one in found if math.isfinite(one[LOSS])]
    return min(finite, key=lambda one: one[LOSS]) if finite else None
