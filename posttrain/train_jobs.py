"""The trainer process: `python -m posttrain.train_jobs JOBS.json` trains jobs in turn (imports cost more
than small trainings).

Place in the flow: `launch` starts it and reads its standard output, one JSON event per line; everything that
libraries print goes to standard error, which is the log. The one rule: vLLM is never in this process.
"""

import gc
import os
import signal
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import TextIO

from pydantic import ValidationError

from posttrain.core import stop_request
from posttrain.core.disk_full import as_disk_full
from posttrain.core.jobs import JOBS, DpoJob, Finished, Refused, SftJob, TrainingJob
from posttrain.watch.memory_advice import as_out_of_memory
from synth.errors import CodemillError, Problem, RecipeError
from synth.generation.guard import die_with_parent
from synth.records import Record


def main(arguments: Sequence[str]) -> int:
    """Train all jobs in the file. Returns 0, or the exit code of the CodemillError that stopped it."""
    os.environ.setdefault("HF_HUB_DISABLE_TELEMETRY", "1")
    os.environ.setdefault("TOKENIZERS_PARALLELISM", "false")
    os.umask(0o077)  # checkpoints and states are private
    if "RANK" in os.environ:  # other launchers give each process a session of its own
        die_with_parent(signal.SIGKILL)
    events = _take_standard_output()
    stop_request.listen()
    try:
        for job in read_jobs(arguments):
            stop_request.end_if_asked(job.name, "before it began")
            _train(job, events)
            gc.collect()  # a trainer's cycles would keep its model beside the next one's
            _emit(events, Finished(job=job.name))
    except CodemillError as error:
        problems = tuple(
            (problem.where, problem.message, problem.fix, problem.see) for problem in error.problems
        )
        _emit(events, Refused(error=type(error).__name__, problems=problems))
        sys.stderr.write(f"{error}\n")
        return error.exit_code
    return 0


def read_jobs(arguments: Sequence[str]) -> tuple[TrainingJob, ...]:
    """The jobs in the file, which contains one object or a list. Raises RecipeError."""
    if len(arguments) != 1:
        raise RecipeError(
            Problem(
                "command line",
                "must have one argument, the file with the jobs",
                "python -m posttrain.train_jobs JOBS.json",
            )
        )
    file = Path(arguments[0])
    try:
        text = file.read_text(encoding="utf-8").strip()
        return JOBS.validate_json(text if text.startswith("[") else f"[{text}]")
    except (OSError, ValidationError) as error:
        raise RecipeError(
            Problem(str(file), f"is not a job file: {error}", "start trainers with `launch.run_trainers`")
        ) from error


def _train(job: TrainingJob, events: TextIO | None) -> None:
    from safetensors import SafetensorError

    from posttrain import dpo, kto, sft

    try:
        if isinstance(job, SftJob):
            sft.train(job, lambda step: _emit(events, step))
        elif isinstance(job, DpoJob):
            dpo.train(job, lambda step: _emit(events, step))
        else:
            kto.train(job, lambda step: _emit(events, step))
    except (OSError, RuntimeError, SafetensorError) as error:
        if (full := as_disk_full(error, job.folder)) is not None:
            raise full from error
        if (short := as_out_of_memory(error, job)) is not None:
            raise short from error
        raise


def _take_standard_output() -> TextIO | None:
    """A private handle on standard output for events; of several processes, only the first has one."""
    handle = os.fdopen(os.dup(1), "w", encoding="utf-8")
    os.dup2(2, 1)
    return handle if os.environ.get("RANK", "0") == "0" else None


def _emit(events: TextIO | None, event: Record) -> None:
    if events is not None:
        events.write(event.model_dump_json() + "\n")
        events.flush()


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
