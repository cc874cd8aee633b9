"""Benchmark of outages: an endpoint that fails at random moments of a quickstart round, in every way.

`python -m benchmarks.outages [--moments 20] [--random-seed N]` prints one line for each moment. In the end:
how many runs sat the outage out with one command, and how many came out wrong; exit code 1 if any did.
"""

import argparse
import random
import sys
import tempfile
from collections.abc import Sequence
from pathlib import Path

from benchmarks.outages.trial import run_trial
from benchmarks.resume.command import hash_products, run_to_end
from tests.loop.conftest import NAME, quickstart
from tests.loop.faulty_endpoint import Fault, FaultyEndpoint
from tests.recordings.record import FOLDER, read_recording

REQUESTS = 40
"""About as many as a round sends."""


def main() -> int:
    """Run, print, and return 0 if everything is right."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.outages", description=__doc__)
    parser.add_argument("--moments", type=int, default=20)
    parser.add_argument("--random-seed", type=int, default=random.randrange(1_000_000))
    options = parser.parse_args()
    print(f"random seed {options.random_seed}")
    random.seed(options.random_seed)
    recording, sat_out, wrong = read_recording(), 0, 0
    with tempfile.TemporaryDirectory() as scratch:
        whole = Path(scratch, "whole")
        whole.mkdir()
        ended = run_to_end(quickstart(whole), whole / "log")
        if ended.code:
            raise RuntimeError(ended.output)
        products = hash_products(whole / NAME)
        for number in range(options.moments):
            fault = list(Fault)[number % len(Fault)]
            first, seconds = random.randint(1, REQUESTS), random.uniform(0.5, 4)
            patience_s = random.choice((0, 0.5, 60))
            endpoint = FaultyEndpoint(recording, FOLDER, fault, first, seconds)
            folder = Path(scratch, f"moment-{number}")
            folder.mkdir()

            def arguments(engine: str, more: Sequence[str], folder: Path = folder) -> list[str]:
                return quickstart(folder, engine, more)

            trial = run_trial(endpoint, arguments, folder, folder / NAME, products, patience_s)
            sat_out += len(trial.commands) == 1
            wrong += bool(trial.wrong)
            print(
                f"{number + 1:3} {fault}, from request {first} for {seconds:.1f} s, patience {patience_s} s: "
                f"{trial.failed_requests} requests failed, exit codes {[one.code for one in trial.commands]}"
                + "".join(f"\n    WRONG: {what}" for what in trial.wrong),
                flush=True,
            )
    print(f"{options.moments} outages: {sat_out} sat out by one command, {wrong} came out wrong (must be 0)")
    return int(wrong > 0)


if __name__ == "__main__":
    sys.exit(main())
