"""`python -m benchmarks.trainer.loop_policy OUT`: what the choices of the loop are worth on the pocket model.

The quickstart, once with each choice, into OUT/<choice>; what was done before is not done again. The table
has pass@1 and greedy answers on the reported tasks and greedy answers on the harder ones, of the policy that
the last round ended with, and their paired differences to the first choice. One run takes about ten minutes
on two quiet cores.
"""

import argparse
import json
import subprocess
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Final, NamedTuple

from rich.console import Console
from rich.table import Table

from posttrain.evaluate.evaluation import Evaluation
from posttrain.evaluate.paired import paired_difference
from posttrain.evaluate.table import show_difference, show_measure
from synth.store.figures import read_figures
from synth.store.seals import read_json
from synth.store.selections import read_selections

AS_IT_IS: Final = "as it is"
CHOICES: Final[Mapping[str, tuple[str, ...]]] = {
    AS_IT_IS: (),
    "the last policy": ("loop.select=last",),
    "from the base, all rows": ("loop.start=base", "loop.replay=1"),
    "from the last, all rows": ("loop.replay=1",),
    "pairs after SFT": ("data.pairs.after_sft=true",),
    "DPO stops": ("dpo.stop_below_reference=0.1",),
    "no deep seeds": ("data.seeds.deep=0",),
}


class Ended(NamedTuple):
    """How one choice ended: the last policy that was chosen, on both suites."""

    usual: Evaluation
    hard: Evaluation | None
    chosen: str
    seconds: float


def main(arguments: Sequence[str] | None = None) -> int:
    """Run what is missing and print the table."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.trainer.loop_policy", description=__doc__)
    parser.add_argument("out", type=Path)
    parser.add_argument("--only", action="append", choices=list(CHOICES), help="these choices, not all")
    parser.add_argument("--set", action="append", default=[], help="a key of the recipe, for all choices")
    options = parser.parse_args(arguments)
    chosen = options.only or list(CHOICES)
    ended = {name: run_choice(options.out, name, options.set) for name in chosen}
    Console(width=180).print(build_table(ended))
    return 0


def run_choice(out: Path, name: str, more: Sequence[str]) -> Ended:
    """Run the quickstart with this choice, or read how it ended."""
    folder = out / name.replace(" ", "-").replace(",", "")
    settings = [word for one in (*CHOICES[name], *more) for word in ("--set", one)]
    command = [sys.executable, "-m", "posttrain.cli", "run", "quickstart", "--runs-dir", str(folder)]
    subprocess.run([*command, *settings], check=True)
    return read_end(folder / "quickstart")


def read_end(run: Path) -> Ended:
    """The evaluations of the policy that the last round ended with; of the last one trained, if none was
    chosen."""
    figures = read_figures(run)[-1]
    measured = [
        Evaluation.model_validate(json.loads(read_json(run / "eval" / one))) for one in figures["evaluations"]
    ]
    selections = list(read_selections(run))
    chosen = selections[-1].chosen if selections else measured[-1].policy
    by_suite: dict[str, list[Evaluation]] = {}
    for one in measured:
        by_suite.setdefault(one.suite, []).append(one)
    found = [next((one for one in suite if one.policy == chosen), suite[-1]) for suite in by_suite.values()]
    return Ended(found[0], found[1] if len(found) > 1 else None, chosen, float(figures["seconds"]))


def build_table(ended: Mapping[str, Ended]) -> Table:
    """A row for each choice, with its difference to the first one below it."""
    table = Table("choice", "ends with", "pass@1", "greedy", "harder: greedy", "seconds")
    first = next(iter(ended.values()))
    for name, one in ended.items():
        hard = one.hard.total.greedy if one.hard is not None else None
        scores = one.usual.total
        figures = (scores.pass_at.get(1), scores.greedy, hard)
        table.add_row(name, one.chosen, *map(show_measure, figures), f"{one.seconds:.0f}")
        if one is not first:
            table.add_row("", "minus the first", *_differences(first, one), "")
    return table


def _differences(first: Ended, other: Ended) -> list[str]:
    found = [paired_difference(first.usual.answered, other.usual.answered, k) for k in (1, None)]
    if first.hard is not None and other.hard is not None:
        found.append(paired_difference(first.hard.answered, other.hard.answered, None))
    return [*map(show_difference, found), *["-"] * (3 - len(found))]


if __name__ == "__main__":
    sys.exit(main())
