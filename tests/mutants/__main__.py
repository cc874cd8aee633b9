"""How good the tests of a module are: `python -m tests.mutants MODULE TESTS`, for example

    python -m tests.mutants synth/stages/execute.py tests/stages/test_execute_stage.py

Prints each mutant that its own tests do not notice, and a table: the lines and branches of the module that
they run, and the mutants that they notice. Ends with 1 below 90% of lines or branches or 80% of the mutants.
Without arguments it tries every module of the stages with its own test file.
"""

import argparse
import difflib
import multiprocessing
import os
import sys
from ast import parse, unparse
from collections.abc import Sequence
from concurrent.futures import ProcessPoolExecutor
from pathlib import Path
from typing import Final

from tests.mutants.edits import Mutant
from tests.mutants.trial import Trial, try_module

LEAST_COVERED, LEAST_KILLED = 0.9, 0.8

_BARE: Final = frozenset({"__init__", "context"})
"""Modules of the stages that decide nothing: there is nothing to test."""
_ROW: Final = "{:36} {:>8} {:>9} {:>8} {:>7}  {}"


def main() -> int:
    parser = argparse.ArgumentParser(prog="python -m tests.mutants", description=__doc__)
    parser.add_argument("module", type=Path, nargs="?")
    parser.add_argument("tests", type=Path, nargs="?")
    parser.add_argument("--jobs", type=int, default=os.cpu_count(), help="mutants at a time")
    options = parser.parse_args()
    if options.module is not None and options.tests is None:
        parser.error("name the test file too")
    pairs = list_stages() if options.module is None else [(options.module, options.tests)]
    # One process for each, since a module can be new only once.
    spawn = multiprocessing.get_context("spawn")
    with ProcessPoolExecutor(1, mp_context=spawn, max_tasks_per_child=1) as pool:
        trials = [(module, pool.submit(try_module, module, tests, options.jobs)) for module, tests in pairs]
        rows = [_describe(module, trial.result()) for module, trial in trials]
    print(_ROW.format("module", "lines", "branches", "mutants", "killed", "").rstrip(), *rows, sep="\n")
    return 1 if any(row.endswith("too few") for row in rows) else 0


def list_stages() -> list[tuple[Path, Path]]:
    """Every module of the stages with its test file, which is named after it: `test_execute_stage.py`."""
    modules = [path for path in sorted(Path("synth/stages").glob("*.py")) if path.stem not in _BARE]
    return [(module, _tests_of(module.stem)) for module in modules]


def _tests_of(stem: str) -> Path:
    """Raises SystemExit for a module without a test file of its own."""
    names = [f"test_{stem}_stage.py", f"test_{stem}_source.py", f"test_{stem}.py"]
    found = [path for name in names if (path := Path("tests/stages", name)).is_file()]
    if not found:
        raise SystemExit(f"synth/stages/{stem}.py has no test file of its own: write tests/stages/{names[0]}")
    return found[0]


def _describe(module: Path, trial: Trial) -> str:
    """Print the survivors; the row of the table."""
    source = unparse(parse(module.read_text(encoding="utf-8"))).splitlines()
    for mutant in trial.survivors:
        print(f"{module}:{mutant.line}: survived: {mutant.edit}")
        print("".join(f"    {line}\n" for line in _difference(source, mutant)), end="", flush=True)
    covered, killed = trial.coverage, trial.mutants - len(trial.survivors)
    enough = covered.share >= LEAST_COVERED and trial.killed_share >= LEAST_KILLED
    return _ROW.format(
        str(module),
        f"{covered.lines_run}/{covered.lines}",
        f"{covered.branches_run}/{covered.branches}",
        f"{killed}/{trial.mutants}",
        f"{trial.killed_share:.0%}",
        "enough" if enough else "too few",
    )


def _difference(source: Sequence[str], mutant: Mutant) -> list[str]:
    lines = difflib.unified_diff(source, mutant.source.splitlines(), n=0, lineterm="")
    return [line for line in lines if not line.startswith(("---", "+++", "@@"))]


if __name__ == "__main__":
    sys.exit(main())
