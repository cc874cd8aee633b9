"""`python -m benchmarks.pathological [COUNT]`: programs that do their worst, in one go.

Prints the supervisor's memory, descriptors and children on the way, then rows a second, CPU a row, and what
is left. Exit code 1 if memory grows by more than a tenth and one output, if a process, a descriptor or a file
is left, or if a program gets a verdict that its kind cannot have.
"""

import argparse
import resource
import sys
import tempfile
import time
from collections import Counter, defaultdict
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from statistics import median
from typing import NamedTuple

import psutil

from benchmarks.pathological.programs import PATHOLOGIES, rows
from synth.records import Limits
from synth.verify.answers import VerifyResult
from synth.verify.verify import verify

MB = 1 << 20
_GROWTH, _UNDER_WAY = 1.1, 16 * MB
"""What memory may grow by, and what more one look may see: an output that is under way."""
_VERDICTS = {f"{kind.name} {kind.language}": set(kind.verdicts.split()) for kind in PATHOLOGIES}


class Sample(NamedTuple):
    """The supervisor at one moment."""

    memory: int
    descriptors: int
    children: int


class Report(NamedTuple):
    """What a run showed. All of `wrong` is to be empty."""

    verdicts: dict[str, Counter[str]]
    samples: list[Sample]
    rows_per_s: float
    own_cpu_s: float
    """Of the supervisor, a row."""
    program_cpu_s: float
    wrong: list[str]


def run(count: int, every: int, limits: Limits) -> Report:
    """Run so many programs, with a look at this process each `every` rows."""
    verdicts: defaultdict[str, Counter[str]] = defaultdict(Counter)
    samples, programs_s, done = [_sample()], 0.0, 0
    started, cpu = time.perf_counter(), _own_cpu_s()
    with _own_temporary_files() as folder:
        for done, answer in enumerate(verify(rows(count), limits=limits), start=1):
            verdicts[_kind(answer)][answer.verdict.value] += 1
            programs_s += answer.cpu_s
            if done % every == 0:
                samples.append(_sample())
                _say(done, samples[-1], time.perf_counter() - started)
        seconds, own = time.perf_counter() - started, _own_cpu_s() - cpu
        wrong = [*_unlikely(verdicts), *_left(samples, _sample(), folder)]
    if done != count:
        wrong.append(f"{count - done} rows without an answer")
    return Report(dict(verdicts), samples, done / seconds, own / done, programs_s / done, wrong)


def _unlikely(verdicts: dict[str, Counter[str]]) -> list[str]:
    return [
        f"{kind}: {found[verdict]} times {verdict}"
        for kind, found in verdicts.items()
        for verdict in found
        if verdict not in _VERDICTS[kind]
    ]


@contextmanager
def _own_temporary_files() -> Iterator[Path]:
    """A folder for all temporary files of this process, so that what is left there is ours."""
    before = tempfile.gettempdir()
    with tempfile.TemporaryDirectory() as folder:
        Path(folder).chmod(0o755)
        tempfile.tempdir = folder
        try:
            yield Path(folder)
        finally:
            tempfile.tempdir = before


def _left(samples: Sequence[Sample], last: Sample, folder: Path) -> Iterator[str]:
    early, late = (median(sample.memory for sample in part) for part in _halves(samples))
    if late > _GROWTH * early + _UNDER_WAY:
        yield f"memory grew from {early / MB:.0f} to {late / MB:.0f} MB"
    if last.children > samples[0].children:
        yield f"{last.children - samples[0].children} processes left"
    if _leaked(samples, last):
        yield f"{last.descriptors} descriptors, {samples[0].descriptors} at first"
    if files := sorted(path.name for path in folder.iterdir()):
        yield f"files left: {', '.join(files[:5])}"


def _halves(samples: Sequence[Sample]) -> tuple[Sequence[Sample], Sequence[Sample]]:
    """The looks of the first half, without the start, and those of the second. What a single look sees
    depends on the outputs that are under way."""
    middle = len(samples) // 2
    return samples[len(samples) // 10 : middle] or samples, samples[middle:]


def _leaked(samples: Sequence[Sample], last: Sample) -> bool:
    """A few are opened once and stay: modules, the library of the launcher."""
    return last.descriptors > samples[0].descriptors + 4


def _sample() -> Sample:
    process = psutil.Process()
    return Sample(process.memory_info().rss, process.num_fds(), len(process.children(recursive=True)))


def _own_cpu_s() -> float:
    used = resource.getrusage(resource.RUSAGE_SELF)
    return used.ru_utime + used.ru_stime


def _kind(answer: VerifyResult) -> str:
    return answer.id.rpartition(" ")[0]


def _say(done: int, sample: Sample, seconds: float) -> None:
    print(
        f"{done:6} rows  {done / seconds:6.1f} rows/s  {sample.memory / MB:5.0f} MB  "
        f"{sample.descriptors:3} descriptors  {sample.children:3} children",
        flush=True,
    )


def main(arguments: Sequence[str] | None = None) -> int:
    """Run, and print what was found."""
    parser = argparse.ArgumentParser(prog="benchmarks.pathological", description=__doc__.partition("\n")[0])
    parser.add_argument("count", nargs="?", type=int, default=10_000, help="programs")
    parser.add_argument("--every", type=int, default=0, help="rows from one line to the next (a 20th)")
    parser.add_argument("--wall-s", type=float, default=2.0, help="wall time of a program")
    options = parser.parse_args(arguments)
    limits = Limits(cpu_s=1, wall_s=options.wall_s, memory_mb=256, processes=32, output_bytes=8 << 20)
    report = run(options.count, options.every or max(1, options.count // 20), limits)
    for kind, found in sorted(report.verdicts.items()):
        print(f"{kind:32} {', '.join(f'{count} {verdict}' for verdict, count in found.most_common())}")
    print(
        f"{report.rows_per_s:.1f} rows/s; CPU a row: {report.own_cpu_s:.4f} s here, "
        f"{report.program_cpu_s:.4f} s in programs"
    )
    print(*(f"wrong: {line}" for line in report.wrong), sep="\n")
    return 1 if report.wrong else 0


if __name__ == "__main__":
    sys.exit(main())
