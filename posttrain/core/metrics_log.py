"""The metrics of one training, one JSON line per step, in the checkpoint's `metrics.jsonl`.

Place in the flow: the trainers write it, the loop's display and the tests read it. The one rule: each step is
recorded once, even if the training was interrupted and resumed from an earlier step.
"""

from collections.abc import Callable
from pathlib import Path

from posttrain.core.jobs import TrainingProgress
from synth.store.atomic import write_bytes

OnProgress = Callable[[TrainingProgress], None]


class MetricsLog:
    """Appends steps to a file and passes them on."""

    def __init__(self, file: Path, on_progress: OnProgress | None = None) -> None:
        self._file = file
        self._on_progress = on_progress

    def begin(self, after_step: int) -> None:
        """Keep the steps up to this one; steps after the last checkpoint of an interrupted training
        are run again."""
        kept = [step for step in read_metrics(self._file) if step.step <= after_step]
        write_bytes(self._file, "".join(step.model_dump_json() + "\n" for step in kept).encode())

    def add(self, step: TrainingProgress) -> None:
        with self._file.open("a", encoding="utf-8") as stream:
            stream.write(step.model_dump_json() + "\n")
        if self._on_progress is not None:
            self._on_progress(step)


def read_metrics(file: Path) -> list[TrainingProgress]:
    """All steps of a training; a last line cut short by a crash is left out."""
    if not file.is_file():
        return []
    return [
        TrainingProgress.model_validate_json(line)
        for line in file.read_text(encoding="utf-8").splitlines(keepends=True)
        if line.endswith("\n")
    ]
