"""How good the tests of a module are: `python -m tests.mutants MODULE TESTS`, for example

    python -m tests.mutants synth/stages/execute.py tests/stages/test_execute_stage.py

Prints the lines and branches of the module that its own tests run, and each mutant that they do not notice.
Ends with 1 below 90% of the branches or 80% of the mutants. Without arguments it tries every stage that has a
test file of its own.
"""

import argparse
import difflib
import os
import subprocess
import sys
from ast import parse, unparse
from pathlib import Path

from tests.mutants.edits import Mutant
from tests.mutants.trial import Trial, try_module

LEAST_COVERED, LEAST_KILLED = 0.9, 0.8


def main() -> int:
    parser = argparse.ArgumentParser(prog="python -m tests.mutants", description=__doc__)
    parser.add_argument("module", type=Path, nargs="?")
    parser.add_argument("tests", type=Path, nargs="?")
    parser.add_argument("--jobs", type=int, default=os.cpu_count(), help="mutants at a time")
    options = parser.parse_args()
    if options.module is None:
        return _try_all_stages()
    if options.tests is None:
        parser.error("name the test file too")
    trial = try_module(options.module, options.tests, options.jobs)
    _print(options.module, trial)
    enough = trial.coverage.share >= LEAST_COVERED and trial.killed_share >= LEAST_KILLED
    return 0 if enough else 1


def _try_all_stages() -> int:
    """One process for each, since a module can be new only once."""
    pairs = [
        (module, tests)
        for module in sorted(Path("synth/stages").glob("*.py"))
        if (tests := Path(f"tests/stages/test_{module.stem}_stage.py")).is_file()
    ]
    return max(subprocess.run([sys.executable, "-m", "tests.mutants", *pair]).returncode for pair in pairs)


def _print(module: Path, trial: Trial) -> None:
    source = unparse(parse(module.read_text(encoding="utf-8"))).splitlines()
    for mutant in trial.survivors:
        print(f"{module}:{mutant.line}: survived: {mutant.edit}")
        print("".join(f"    {line}\n" for line in _difference(source, mutant)), end="")
    covered, killed = trial.coverage, trial.mutants - len(trial.survivors)
    print(
        f"{module}: {covered.lines_run} of {covered.lines} lines and {covered.branches_run} of "
        f"{covered.branches} branches run, {killed} of {trial.mutants} mutants killed "
        f"({trial.killed_share:.0%})",
        flush=True,
    )


def _difference(source: list[str], mutant: Mutant) -> list[str]:
    lines = difflib.unified_diff(source, mutant.source.splitlines(), n=0, lineterm="")
    return [line for line in lines if not line.startswith(("---", "+++", "@@"))]


if __name__ == "__main__":
    sys.exit(main())
