"""`python -m benchmarks.outages.served`: a real vLLM that dies or hangs inside a run, at a random moment.

For each way and moment: the run ends as `interrupted`, exit code 1; the same command starts another vLLM and
finishes with 0, without failed units, and asks for no stored answer again. Exit code 1 if one does not.
"""

import argparse
import random
import signal
import sys
import tempfile
import time
from collections.abc import Sequence
from enum import StrEnum
from pathlib import Path

import psutil

from benchmarks.outages.trial import after, stored_lines
from benchmarks.resume.command import Command, Ended, run_to_end
from synth.generation.responses import ResponseFiles
from synth.store.run_folder import RunState, read_info
from synth.store.views import funnel
from tests.recordings.record import FOLDER, RECIPE

NAME = "quickstart"
ENGINE = "{kind: vllm_server, max_model_len: 512, concurrency: 16, request_timeout_s: 20}"
SETTINGS = (
    f"engine={ENGINE}",
    "evaluation=null",
    "outage.first_pause_s=0.2",
    "outage.longest_pause_s=0.5",
    "outage.patience_s=1",
)
MOST_ANSWERS = 60
"""Of a round's answers, so many may stand in the journal at the moment of the fault."""
TIMEOUT_S = 600.0


class Way(StrEnum):
    """What happens to the server."""

    ENGINE_CORE = "kill -9 of its engine process"
    API_SERVER = "kill -9 of the server"
    HUNG = "its engine process stops and stays"


def main(arguments: Sequence[str] | None = None) -> int:
    """Run, print, and return 0 if everything is right."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.outages.served", description=__doc__)
    parser.add_argument("--moments", type=int, default=3, help="faults, each way in turn")
    parser.add_argument("--random-seed", type=int, default=random.randrange(1_000_000))
    options = parser.parse_args(arguments)
    print(f"random seed {options.random_seed}")
    draw, wrong = random.Random(options.random_seed), 0
    for number in range(options.moments):
        way, answers = list(Way)[number % len(Way)], draw.randint(1, MOST_ANSWERS)
        with tempfile.TemporaryDirectory() as folder:
            found = _try(Path(folder), way, answers)
        wrong += bool(found)
        print(f"{number + 1:3} {way}, after {answers} answers: {'; '.join(found) or 'right'}", flush=True)
    print(f"{options.moments} faults of a real vLLM: {wrong} came out wrong (must be 0)")
    return int(wrong > 0)


def _try(folder: Path, way: Way, answers: int) -> list[str]:
    """What is wrong after the fault, and after the same command again."""
    arguments = ["run", str(FOLDER / RECIPE), "--runs-dir", str(folder)]
    arguments += [part for setting in SETTINGS for part in ("--set", setting)]
    command, run = Command(arguments, folder / "log-1"), folder / NAME
    deadline = time.monotonic() + TIMEOUT_S
    while stored_lines(run) < answers:
        if not command.is_running or time.monotonic() > deadline:
            command.kill()
            return [f"the run ended before the fault: {command.output[-500:]}"]
        time.sleep(0.02)
    victims = [process for process in command.children() if _is_victim(process, way)]
    if not victims:
        command.kill()
        return ["there is no such process"]
    for victim in victims:
        victim.send_signal(signal.SIGSTOP if way is Way.HUNG else signal.SIGKILL)
    first = command.wait(TIMEOUT_S)
    wrong = _after(first, run, (1, RunState.INTERRUPTED))
    second = run_to_end(arguments, folder / "log-2", TIMEOUT_S)
    wrong += [f"then {what}" for what in _after(second, run, (0, RunState.FINISHED))]
    if any(row.failed or row.waiting for row in funnel(run)):
        wrong.append("units were not recovered")
    if twice := stored_lines(run) - len(ResponseFiles(run / "journal")):
        wrong.append(f"{twice} stored answers were asked for again")
    return wrong


def _is_victim(process: psutil.Process, way: Way) -> bool:
    try:
        name, words = process.name(), process.cmdline()
    except psutil.Error:
        return False
    if way is Way.API_SERVER:
        return "vllm.entrypoints.openai.api_server" in words and "guard.py" not in " ".join(words)
    return str(name).startswith("VLLM::EngineCor")


def _after(ended: Ended, run: Path, expected: tuple[int, RunState]) -> list[str]:
    wrong, found = after(ended, run), (ended.code, read_info(run).state)
    if found != expected:
        wrong.append(f"exit code {found[0]} and {found[1]}: {ended.output[-800:]}")
    return wrong


if __name__ == "__main__":
    sys.exit(main())
