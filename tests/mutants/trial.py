"""Runs a test file against its module: once as it is, for the coverage, and once for each mutant.

Everything that the tests import is loaded once; each run is a fork of that process in which only the module
under test is new. A mutant that no test notices has survived. One that runs ten times as long as the module
itself counts as noticed.
"""

import importlib
import json
import multiprocessing
import os
import sys
import tempfile
import time
from collections.abc import Sequence
from contextlib import suppress
from multiprocessing.connection import wait
from multiprocessing.context import ForkProcess
from pathlib import Path
from types import ModuleType
from typing import Final, NamedTuple

import coverage
import pytest

from tests.mutants.edits import Mutant, make_mutants

_FORK: Final = multiprocessing.get_context("fork")
_QUIET: Final = ("-x", "-q", "-p", "no:cacheprovider", "-p", "no:hypothesispytest", "-W", "ignore")
_LEAST_S: Final = 10.0


class Coverage(NamedTuple):
    """What the module's own tests run of it."""

    lines: int
    lines_run: int
    branches: int
    branches_run: int

    @property
    def share(self) -> float:
        """Of lines or of branches, the smaller share; a module without branches has its lines only."""
        of_branches = self.branches_run / self.branches if self.branches else 1.0
        return min(self.lines_run / self.lines, of_branches)


class _WholeRun(NamedTuple):
    """The tests on the module as it is: its coverage, and the modules that were loaded at the end."""

    coverage: Coverage
    loaded: list[str]


class Trial(NamedTuple):
    """The outcome for one module and its test file."""

    coverage: Coverage
    mutants: int
    survivors: tuple[Mutant, ...]

    @property
    def killed_share(self) -> float:
        return 1 - len(self.survivors) / self.mutants if self.mutants else 1.0


def try_module(module: Path, tests: Path, jobs: int) -> Trial:
    """Run the tests on the module and on all its mutants, `jobs` at a time. Raises SystemExit when the tests
    fail on the module as it is."""
    name = _module_name(module)
    begun = time.monotonic()
    whole = _measure(module, tests)
    limit_s = max(_LEAST_S, 10 * (time.monotonic() - begun))
    _load(whole.loaded, but=name)
    source = module.read_text(encoding="utf-8")
    mutants, unchanged = make_mutants(source), Mutant(0, "nothing", source)
    survivors = _survivors(name, module, tests, [unchanged, *mutants], jobs, limit_s)
    if unchanged not in survivors:
        raise SystemExit(f"{tests} fails on {module} as it is when it runs beside others")
    survivors.remove(unchanged)
    return Trial(whole.coverage, len(mutants), tuple(sorted(survivors, key=lambda mutant: mutant.line)))


def _module_name(path: Path) -> str:
    """The dotted name under the working directory."""
    return ".".join(path.resolve().relative_to(Path.cwd()).with_suffix("").parts)


def _load(modules: Sequence[str], but: str) -> None:
    """Import what the tests had loaded at their end, but for the module itself and what needs it: those are
    new in each run."""
    assert but not in sys.modules, f"{but} is loaded already"
    sys.modules[but] = None  # type: ignore[assignment]  # an import of it fails, as Python documents
    for module in modules:
        with suppress(ImportError):
            importlib.import_module(module)
    del sys.modules[but]


def _measure(module: Path, tests: Path) -> _WholeRun:
    with tempfile.TemporaryDirectory() as folder:
        report, log, loaded = Path(folder) / "coverage.json", Path(folder) / "log", Path(folder) / "loaded"
        process = _FORK.Process(target=_run_covered, args=(module, tests, report, log, loaded))
        process.start()
        process.join()
        if process.exitcode != 0:
            raise SystemExit(f"{tests} must run {module} and pass:\n{log.read_text()}")
        totals, names = json.loads(report.read_text())["totals"], loaded.read_text().split()
    lines, branches = totals["num_statements"], totals["num_branches"]
    covered = Coverage(lines, totals["covered_lines"], branches, totals["covered_branches"])
    return _WholeRun(covered, names)


def _run_covered(module: Path, tests: Path, report: Path, log: Path, loaded: Path) -> None:
    _send_output_to(log)
    measured = coverage.Coverage(branch=True, include=[str(module.resolve())], data_file=None)
    measured.start()
    status = pytest.main([str(tests), *_QUIET])
    measured.stop()
    try:
        measured.json_report(outfile=str(report))
    except coverage.exceptions.NoDataError:
        print("no test imports the module")
        _end(1)
    ours = [name for name in sys.modules if name.split(".")[0] not in ("tests", "__main__")]
    loaded.write_text("\n".join(ours))
    _end(int(status))


def _survivors(
    name: str, module: Path, tests: Path, mutants: Sequence[Mutant], jobs: int, limit_s: float
) -> list[Mutant]:
    waiting, running, survivors = list(mutants), dict[ForkProcess, tuple[Mutant, float]](), list[Mutant]()
    while waiting or running:
        while waiting and len(running) < jobs:
            mutant = waiting.pop(0)
            process = _FORK.Process(target=_run_mutant, args=(name, module, tests, mutant.source))
            process.start()
            running[process] = (mutant, time.monotonic() + limit_s)
        wait([process.sentinel for process in running], timeout=1)
        for process, (mutant, deadline) in list(running.items()):
            if process.is_alive() and time.monotonic() > deadline:
                process.kill()
                process.join()
            if not process.is_alive():
                del running[process]
                survivors += [mutant] if process.exitcode == 0 else []
    return survivors


def _run_mutant(name: str, path: Path, tests: Path, source: str) -> None:
    _send_output_to(Path(os.devnull))
    module = ModuleType(name)
    module.__file__ = str(path)
    sys.modules[name] = module
    exec(compile(source, str(path), "exec"), module.__dict__)
    package, _, last = name.rpartition(".")
    if package:
        setattr(importlib.import_module(package), last, module)
    _end(int(pytest.main([str(tests), *_QUIET])))


def _send_output_to(file: Path) -> None:
    descriptor = os.open(file, os.O_WRONLY | os.O_CREAT)
    os.dup2(descriptor, 1)
    os.dup2(descriptor, 2)


def _end(status: int) -> None:
    """End this fork at once: what its parent loaded is not its own to clean up."""
    sys.stdout.flush()
    os._exit(status)
