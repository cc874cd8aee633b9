"""Benchmark of resume: kill -9 at random moments of a quickstart round, each followed by the same command.

`python -m benchmarks.resume [--kills 20] [--engine recorded|vllm] [--random-seed N] [--set KEY=VALUE]` prints
how many requests were sent, answered and sent again after their answer had been kept, whether the products
are those of a run that nothing disturbed, and whether a process was left behind; exit code 1 when any of it
is not as it must be. With `recorded`, a real endpoint answers from tests/recordings/small and counts what
reaches it. With `vllm`, the pocket model answers, an answer that was paid for twice shows in the journal, and
the products are compared with an undisturbed run on the journal that came out. A run that ends before all
kills were dealt is checked and followed by the next.
"""

import argparse
import random
import sys
import tempfile
from collections.abc import Sequence
from contextlib import nullcontext
from dataclasses import dataclass
from pathlib import Path

from benchmarks.resume.command import Ended, hash_products, kill_after, run_to_end
from benchmarks.resume.compare import other_decisions
from synth.generation.responses import ResponseFiles
from synth.store.views import conservation_problems
from tests.loop.recorded_endpoint import MODEL, RecordedEndpoint, recorded_endpoint
from tests.recordings.record import FOLDER, RECIPE, read_recording

NAME = "quickstart"
VLLM = "{kind: vllm_server, max_model_len: 512}"
TIMEOUT_S = 1800.0
DELAY_S = 0.05
"""Seconds that the recorded endpoint takes for an answer."""


@dataclass(slots=True)
class Figures:
    """The figures of all runs together."""

    runs: int = 0
    kills: int = 0
    kept: int = 0
    """Answers in the journals."""
    kept_twice: int = 0
    """Answers found twice in a journal: the request was sent although its answer was already stored."""
    different: int = 0
    unbalanced: int = 0
    survivors: int = 0

    @property
    def is_right(self) -> bool:
        return not (self.kept_twice or self.different or self.unbalanced or self.survivors)


class Bench:
    """The runs of one benchmark."""

    def __init__(self, settings: Sequence[str], engine: str, folder: Path) -> None:
        self.settings, self.engine, self.folder = settings, engine, folder
        self.figures = Figures()
        self.seconds = 0.0
        """From an undisturbed run."""
        self._commands = 0

    def arguments(self, runs_dir: Path, engine: str) -> list[str]:
        settings = [*self.settings, f"engine={engine}"]
        return [
            "run",
            str(FOLDER / RECIPE),
            "--runs-dir",
            str(runs_dir),
            *(part for setting in settings for part in ("--set", setting)),
        ]

    def undisturbed(self, runs_dir: Path, engine: str) -> Ended:
        """One complete run from scratch. Raises RuntimeError if it fails."""
        ended = run_to_end(self.arguments(runs_dir, engine), self._log(), TIMEOUT_S)
        self.figures.survivors += len(ended.survivors)
        if ended.code:
            raise RuntimeError(f"exit code {ended.code}:\n{ended.output[-3000:]}")
        return ended

    def disturbed(self, runs_dir: Path, kills: int) -> Path:
        """One run, killed at most this many times. Returns its folder."""
        arguments = self.arguments(runs_dir, self.engine)
        for _ in range(kills):
            ended = kill_after(arguments, self._log(), random.uniform(0.0, 0.25 * self.seconds))
            if ended is None:
                break
            self.figures.kills += 1
            print(f"kill {self.figures.kills} after {ended.seconds:.1f} s", file=sys.stderr, flush=True)
            self.figures.survivors += len(ended.survivors)
        self.undisturbed(runs_dir, self.engine)
        self.figures.runs += 1
        return runs_dir / NAME

    def check(self, run: Path, straight: Path) -> None:
        """Compare a killed run with an undisturbed one."""
        lines = sum(path.read_bytes().count(b"\n") for path in (run / "journal").glob("responses-*.jsonl"))
        distinct = len(ResponseFiles(run / "journal"))
        self.figures.kept += distinct
        self.figures.kept_twice += lines - distinct
        if hash_products(run) != hash_products(straight):
            self.figures.different += 1
            print(
                f"{run} has other products than {straight}:",
                *other_decisions(straight, run),
                sep="\n  ",
                file=sys.stderr,
                flush=True,
            )
        self.figures.unbalanced += conservation_problems(run) != []

    def _log(self) -> Path:
        self._commands += 1
        return self.folder / f"log-{self._commands}"


def run_bench(bench: Bench, kills: int, endpoint: RecordedEndpoint | None) -> None:
    """Run until all kills have been made."""
    straight = bench.folder / "undisturbed"
    bench.seconds = bench.undisturbed(straight, bench.engine).seconds
    if endpoint is not None:
        endpoint.arrived.clear()
    while bench.figures.kills < kills:
        runs_dir = bench.folder / f"killed-{bench.figures.runs}"
        run = bench.disturbed(runs_dir, kills - bench.figures.kills)
        if endpoint is None:
            replay = bench.folder / f"replay-{bench.figures.runs}"
            bench.undisturbed(replay, f"{{kind: recorded, path: '{run / 'journal'}'}}")
            straight = replay
        bench.check(run, straight / NAME)


def print_figures(bench: Bench, endpoint: RecordedEndpoint | None) -> None:
    """One line for each figure."""
    figures = bench.figures
    rows: list[tuple[str, object]] = [
        ("seconds of a run that nothing disturbed", f"{bench.seconds:.1f}"),
        ("runs that were killed and finished", figures.runs),
        ("kill -9", figures.kills),
        ("requests answered and kept", figures.kept),
        ("answers paid for twice (must be 0)", figures.kept_twice),
        ("runs with other products (must be 0)", figures.different),
        ("runs whose books do not balance (must be 0)", figures.unbalanced),
        ("processes left behind (must be 0)", figures.survivors),
    ]
    if endpoint is not None:
        rows.insert(3, ("requests that reached the endpoint", len(endpoint.arrived)))
        rows.insert(
            5, ("lost with the process that was waiting for them", len(endpoint.arrived) - figures.kept)
        )
    for name, value in rows:
        print(f"{name:50} {value}")


def main() -> int:
    """Run, print, and return 0 if everything is right."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.resume", description=__doc__)
    parser.add_argument("--kills", type=int, default=20)
    parser.add_argument("--engine", choices=("recorded", "vllm"), default="recorded")
    parser.add_argument("--random-seed", type=int, default=None)
    parser.add_argument("--set", action="append", default=[], metavar="KEY=VALUE")
    options = parser.parse_args()
    random.seed(options.random_seed)
    recording = read_recording()
    answers = (
        recorded_endpoint(recording, FOLDER, DELAY_S) if options.engine == "recorded" else nullcontext(None)
    )
    with tempfile.TemporaryDirectory() as folder, answers as endpoint:
        engine = (
            f"{{kind: openai_api, base_url: '{endpoint.url}', model: {MODEL}, api_key_env: ''}}"
            if endpoint is not None
            else VLLM
        )
        bench = Bench(options.set, engine, Path(folder))
        run_bench(bench, options.kills, endpoint)
        print_figures(bench, endpoint)
    return 0 if bench.figures.is_right else 1


if __name__ == "__main__":
    sys.exit(main())
