"""Starts trainers in a separate process and waits for their policies.

Place in the flow: the loop and the command line -> here -> `train_jobs`. The one rule: a policy is returned
only once its checkpoint is complete. If the trainer ends without one, a TrainerError shows the end of its
log, and the same call resumes later.
"""

import os
import signal
import subprocess
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import IO

from pydantic import ValidationError

from posttrain.core.checkpoints import finished_checkpoint
from posttrain.core.jobs import EVENTS, JOBS, Refused, TrainingJob, TrainingProgress, job_hash
from posttrain.core.metrics_log import OnProgress
from posttrain.launcher import trainer_command
from posttrain.watch.memory_advice import advice, needs
from synth import errors
from synth.cards import Card, find_cards, visible_to_child
from synth.child_environment import child_environment, hub_access
from synth.errors import CodemillError, Problem, TrainerError
from synth.generation.lifeline import Lifeline
from synth.launch_config import LaunchConfig
from synth.store.atomic import open_log, write_bytes
from synth.store.checkpoints import MANIFEST, Checkpoint

_TAIL_LINES = 15
_KILLED = 128 + signal.SIGKILL
_SAVING_S = 120.0
"""For a trainer that is asked to end: it finishes its step and saves."""


def run_trainers(
    jobs: Sequence[TrainingJob],
    log_path: Path,
    on_progress: OnProgress | None = None,
    lifeline: Lifeline | None = None,
    cards: Sequence[Card] | None = None,
    launch: LaunchConfig | None = None,
) -> list[Checkpoint]:
    """Train jobs in turn; a job may start from the policy (`output`/merged) of an earlier one. Finished jobs
    are skipped.

    The trainer sees these cards alone; by default all that are visible. With cards each job has a process of
    its own, so that nothing of an earlier model stays in their memory; without, one process serves all.

    A caller that waits in a thread, which Ctrl-C does not reach, keeps the `lifeline` and lets it go to stop
    the trainer. A lifeline serves one call. `launch`: with how many processes; their number may change
    between calls.
    """
    lifeline, launch = lifeline or Lifeline(), launch or LaunchConfig()
    cards = find_cards() or None if cards is None else cards
    cards = cards[: launch.processes] if cards else cards
    starter = trainer_command(launch, [job for job in jobs if not _has_policy(job)], len(cards or ()))
    parts = [[job] for job in jobs] if cards else [jobs]
    try:
        return [
            one
            for part in parts
            for one in _train_rest(part, log_path, on_progress, lifeline, cards, starter)
        ]
    finally:
        lifeline.close()  # the guard then ends the trainer, for example on Ctrl-C


def _train_rest(
    jobs: Sequence[TrainingJob],
    log_path: Path,
    on_progress: OnProgress | None,
    lifeline: Lifeline,
    cards: Sequence[Card] | None,
    starter: Sequence[str],
) -> list[Checkpoint]:
    finished = [found for job in jobs if (found := _finished(job))]
    if len(finished) == len(jobs):
        return finished
    jobs_file = log_path.with_suffix(".jobs.json")
    write_bytes(jobs_file, JOBS.dump_json(tuple(jobs), indent=2))
    command = [*starter, "posttrain.train_jobs", str(jobs_file.resolve())]
    environment = {**_environment(jobs), **(visible_to_child(cards) if cards is not None else {})}
    refused, code = _run(command, environment, log_path, on_progress, lifeline)
    if refused is not None:
        raise _as_error(refused)
    finished = [found for job in jobs if (found := _finished(job))]
    if code or len(finished) < len(jobs):
        raise _crashed(code, log_path, next(job for job in jobs if _finished(job) is None))
    return finished


def all_finished(jobs: Sequence[TrainingJob]) -> bool:
    """Whether `run_trainers` would train nothing."""
    return all(_finished(job) for job in jobs)


def _finished(job: TrainingJob) -> Checkpoint | None:
    """The job's policy if it is complete. A job without a checkpoint is not hashed: its policy may
    not exist yet."""
    return finished_checkpoint(job.folder, job_hash(job)) if _has_policy(job) else None


def _has_policy(job: TrainingJob) -> bool:
    return (job.folder / MANIFEST).is_file()


# --- the process --------------------------------------------------------------------------------------------


def _run(
    command: Sequence[str],
    environment: Mapping[str, str],
    log_path: Path,
    on_progress: OnProgress | None,
    lifeline: Lifeline,
) -> tuple[Refused | None, int]:
    """Run the trainer under the guard, which ends it when this process dies. Returns its refusal, if any, and
    its exit code."""
    with open_log(log_path) as log:
        process = subprocess.Popen(
            lifeline.command(command, _SAVING_S),
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=log,
            text=True,
            env=environment,
            pass_fds=lifeline.inherited,
            start_new_session=True,
        )
        assert process.stdout is not None
        try:
            refused = _read_events(process.stdout, log, on_progress)
        except BaseException:
            lifeline.let_go()
            process.wait(_SAVING_S + 10)  # it saves; the next command must not meet it
            raise
        return refused, process.wait()


def _environment(jobs: Sequence[TrainingJob]) -> dict[str, str]:
    """The trainer's variables: no keys, but for the hub if a model comes from there, and for a service that
    metrics are reported to."""
    from_hub = hub_access() if any(not Path(job.policy).is_dir() for job in jobs) else {}
    services = {job.config.report_to.upper() for job in jobs} - {"NONE"}
    reporting = {name: value for name, value in os.environ.items() if name.partition("_")[0] in services}
    ours = {"PYTHONPATH": _python_path(), "PYTHONSAFEPATH": "1"}
    return child_environment({**from_hub, **reporting, **ours})


def _python_path() -> str:
    """The folder of these packages comes first, so that the trainer runs the same code. An empty entry, which
    stands for the current folder, is left out."""
    given = os.environ.get("PYTHONPATH", "").split(os.pathsep)
    return os.pathsep.join([str(Path(__file__).parents[1]), *filter(None, given)])


def _read_events(lines: IO[str], log: IO[str], on_progress: OnProgress | None) -> Refused | None:
    refused = None
    for line in lines:
        try:
            event = EVENTS.validate_json(line)
        except ValidationError:
            log.write(line)
            log.flush()
            continue
        if isinstance(event, TrainingProgress) and on_progress is not None:
            on_progress(event)
        elif isinstance(event, Refused):
            refused = event
    return refused


# --- errors -------------------------------------------------------------------------------------------------


def _as_error(refused: Refused) -> CodemillError:
    """The trainer's error, in its original class."""
    kind = getattr(errors, refused.error, TrainerError)
    error: CodemillError = kind(*(Problem(*problem) for problem in refused.problems))
    return error


def _crashed(code: int, log_path: Path, job: TrainingJob) -> TrainerError:
    tail = "\n    ".join(log_path.read_text(encoding="utf-8", errors="replace").splitlines()[-_TAIL_LINES:])
    expected = f"{_how_it_ended(code)} before it saved its policy; the end of its log:\n    {tail}"
    fix = "fix the cause and rerun the same command to resume from the last checkpoint"
    if code == _KILLED or "OutOfMemoryError" in tail:
        on_gpu = bool(find_cards())
        expected = f"{expected}\n    {job.name}: {needs(job, on_gpu)}"
        fix = f"{advice(job, on_gpu)}; then rerun the same command to resume from the last checkpoint"
    return TrainerError(Problem(f"trainer with the log {log_path}", expected, fix))


def _how_it_ended(code: int) -> str:
    if code == _KILLED:
        return "was killed (SIGKILL), most likely because memory ran out,"
    return f"ended with exit code {code}"
