"""`python -m benchmarks.placement`: six layouts of engine and trainer on simulated cards, undisturbed and
with a kill -9 at each step.

The session, the placement, the launch of trainers and the vLLM engine are codemill's own; cards, vLLM and the
training are stand-ins that claim the cards' memory. Exit code 1 if anybody ever had a card that was not his,
more memory than there was, or answered asleep, or if the second start did not come to the end.
"""

import argparse
import sys
import tempfile
from collections.abc import Sequence
from pathlib import Path

from rich.console import Console
from rich.table import Table

from benchmarks.placement.layouts import LAYOUTS, STEPS
from benchmarks.placement.trial import run_trial


def main(arguments: Sequence[str] | None = None) -> int:
    """Print the table."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.placement", description=__doc__)
    parser.add_argument("--layouts", type=int, nargs="*", help="numbers of the layouts, from 0")
    parser.add_argument("--trains", action="store_true", help="real trainings on the CPU, and no kills")
    options = parser.parse_args(arguments)
    table, failed = Table("layout", "killed at", "events", "wrong"), 0
    for number, layout in enumerate(LAYOUTS):
        if options.layouts is not None and number not in options.layouts:
            continue
        steps = STEPS[layout.level] if layout.engine_cards else ("train", "trained")
        for step in ("",) if options.trains else ("", *steps):
            with tempfile.TemporaryDirectory() as folder:
                trial = run_trial(Path(folder), layout, step, trains=options.trains)
            failed += bool(trial.wrong)
            table.add_row(layout.name, step or "-", str(len(trial.events)), "\n".join(trial.wrong) or "-")
            print(layout.name, step or "-", trial.wrong or "as it should be", flush=True)
            if trial.wrong:
                print(trial.output[-3000:], file=sys.stderr)
    Console(width=110).print(table)
    return min(1, failed)


if __name__ == "__main__":
    sys.exit(main())
