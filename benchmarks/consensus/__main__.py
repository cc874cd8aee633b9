"""`python -m benchmarks.consensus FOLDER...`: agreement among voters whose truth is known.

The references of a source tree are tasks; their own code is the right voter, its first-order mutants are the
wrong ones. Voters see half of the inputs, the other half says how right each is. For each method: the rank
correlation (Spearman) of a voter's score with its truth, over crowds with 20 to 90% right voters; how often
the right behaviour comes first in them; and of crowds with 30% of wrong voters, how often wrong outputs win,
when the wrong ones differ and when they all make one mistake. Exit code 1 if the default's correlation is
below 0.9, or it flips more than 5%.
"""

import argparse
import asyncio
import statistics
import sys
import tempfile
from collections import Counter
from collections.abc import Sequence
from pathlib import Path
from random import Random
from typing import NamedTuple, get_args

from rich.console import Console
from rich.table import Table

from benchmarks.seeds.__main__ import run_seeds
from synth.config import LocalSandboxConfig
from synth.execution.factory import create_sandbox
from synth.execution.protocol import Sandbox
from synth.filters.protocol import Reject
from synth.ids import derive_random
from synth.languages.registry import get_language
from synth.mutation.first_order import make_first_order
from synth.records import ExecutionRequest, FunctionContract, Limits, Reference
from synth.rules.agreement import Ballot, find_consensus
from synth.rules.behaviour_ranks import RankingMethod, Row, rank_behaviours, shared_answers
from synth.rules.canonical import canonical_outputs, without_long_outputs
from synth.rules.input_drawing import draw_inputs, literal_hints
from synth.stages.running import run_each
from synth.store.shards import StageCommit
from synth.values import parse_signature

INPUTS, MUTANTS, CROWDS = 48, 24, 10
LEAST_CORRELATION, MOST_FLIPS, THRESHOLD = 0.9, 0.05, 0.6
METHODS: tuple[RankingMethod, ...] = get_args(RankingMethod)


class Voters(NamedTuple):
    """One task: the answers of its right program and of wrong ones to all inputs, the visible ones first."""

    right: Row
    wrong: list[Row]

    def visible(self, row: Row) -> Row:
        return row[: len(self.right) // 2]

    def truth(self, row: Row) -> float:
        """Share of the hidden inputs that the row answers as the right program does."""
        half = len(self.right) // 2
        return shared_answers(self.right[half:], row[half:])


def main(arguments: Sequence[str] | None = None) -> int:
    """Print the table."""
    options = _parser().parse_args(arguments)
    with tempfile.TemporaryDirectory() as folder:
        home = Path(folder)
        run_seeds(options.folders, options.languages, options.sample, options.random_seed, home)
        references = [
            one
            for one in StageCommit(home / "runs" / "seeds").iter_bodies(Reference)
            if one.cases and isinstance(one.contract, FunctionContract)
        ]
    Random(options.random_seed).shuffle(references)
    tasks = asyncio.run(gather_voters(references[: options.tasks]))
    table = Table("method", "rank correlation", "right one first", "flipped, wrong differ")
    table.add_column("flipped, one mistake")
    table.add_column("abstained")
    correlations = {method: correlation(tasks, method, options.random_seed) for method in METHODS}
    flips = {method: flip_rates(tasks, method, options.random_seed) for method in METHODS}
    for method in METHODS:
        differ, same, abstained = flips[method]
        rho, first = correlations[method]
        figures = (f"{rho:.3f}", f"{first:.1%}", f"{differ:.1%}", f"{same:.1%}", f"{abstained:.1%}")
        table.add_row(method, *figures)
    console = Console()
    if not console.is_terminal:
        console.width = 110
    console.print(table)
    console.print(f"{len(tasks)} tasks with wrong voters, of {len(references)} references")
    good = correlations["pagerank"][0] >= LEAST_CORRELATION and max(flips["pagerank"][:2]) <= MOST_FLIPS
    return 0 if good else 1


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="python -m benchmarks.consensus", description=__doc__)
    parser.add_argument("folders", nargs="+", metavar="FOLDER", help="checkouts, or @stdlib")
    parser.add_argument("--languages", nargs="*", default=["python"], help="languages to read")
    parser.add_argument("--sample", type=int, default=0, help="read so many files; 0 = all")
    parser.add_argument("--tasks", type=int, default=150, help="references to use")
    parser.add_argument("--random-seed", type=int, default=1)
    return parser


async def gather_voters(references: Sequence[Reference]) -> list[Voters]:
    """The voters of each reference that has a wrong one."""
    sandbox = create_sandbox(LocalSandboxConfig())
    await sandbox.start()
    try:
        found = [await _voters(reference, sandbox) for reference in references]
    finally:
        await sandbox.close()
    return [voters for voters in found if voters is not None]


async def _voters(reference: Reference, sandbox: Sandbox) -> Voters | None:
    contract = reference.contract
    assert isinstance(contract, FunctionContract)
    hints = literal_hints(reference.code, reference.language)
    random = derive_random(0, "consensus", reference.seed_id)
    rows = draw_inputs(parse_signature(contract.signature), INPUTS, random, hints)
    random.shuffle(rows)
    grammar = get_language(reference.language).grammar
    mutants = make_first_order(reference.code, grammar, contract.entry_point, MUTANTS)
    codes = [reference.code, *(mutant.code for mutant in mutants)]
    requests = [
        ExecutionRequest(
            id=f"{reference.seed_id}-{at}",
            language=reference.language,
            code=code,
            call=contract.call(rows),
            limits=Limits(cpu_s=2),
        )
        for at, code in enumerate(codes)
    ]
    seen = await run_each(sandbox, requests, lambda _, one: canonical_outputs(without_long_outputs(one)))
    answers = [tuple(one.get(at) for at in range(len(rows))) for one in seen]
    wrong = [row for row in answers[1:] if row != answers[0] and any(row)]
    return Voters(answers[0], wrong) if wrong else None


def correlation(tasks: Sequence[Voters], method: RankingMethod, seed: int) -> tuple[float, float]:
    """Mean over crowds of the rank correlation of score and truth, and share of crowds in which the right
    behaviour comes first. A crowd whose truth does not vary says nothing to the first."""
    found, first, crowds = [], 0, 0
    for number, task in enumerate(tasks):
        random = Random(f"{seed} {number}")
        for _ in range(CROWDS):
            crowd = _crowd(task, random, right=random.uniform(0.2, 0.9), size=20)
            ranks = rank_behaviours(Counter(map(task.visible, crowd)), method)
            crowds += 1
            first += max(ranks, key=lambda row: ranks[row]) == task.visible(task.right)
            rho = spearman([ranks[task.visible(row)] for row in crowd], list(map(task.truth, crowd)))
            if rho is not None:
                found.append(rho)
    return statistics.mean(found), first / crowds


def flip_rates(tasks: Sequence[Voters], method: RankingMethod, seed: int) -> tuple[float, float, float]:
    """Share of crowds whose agreed outputs are not the right ones, when wrong voters differ and when they
    share one mistake; and the share of all that gave no answer."""
    flips, abstained, crowds = [0, 0], 0, 0
    for number, task in enumerate(tasks):
        random = Random(f"{seed} {number} flips")
        for one_mistake in (False, True):
            for _ in range(CROWDS):
                crowds += 1
                crowd = _crowd(task, random, right=0.7, size=10, one_mistake=one_mistake)
                ballots = [Ballot(str(at), "python", task.visible(row)) for at, row in enumerate(crowd)]
                agreed = find_consensus(ballots, threshold=THRESHOLD, method=method)
                if isinstance(agreed, Reject):
                    abstained += 1
                else:
                    flips[one_mistake] += any(
                        found is not None and found != right
                        for found, right in zip(agreed.outputs, task.right, strict=False)
                    )
    half = crowds / 2
    return flips[0] / half, flips[1] / half, abstained / crowds


def _crowd(task: Voters, random: Random, right: float, size: int, one_mistake: bool = False) -> list[Row]:
    count = round(right * size)
    mistake = [random.choice(task.wrong)]
    wrong = random.choices(mistake if one_mistake else task.wrong, k=size - count)
    return [task.right] * count + wrong


def spearman(left: Sequence[float], right: Sequence[float]) -> float | None:
    """Spearman's rank correlation with mean ranks for ties; None if one side does not vary."""
    if len(set(left)) < 2 or len(set(right)) < 2:
        return None
    return statistics.correlation(_mean_ranks(left), _mean_ranks(right))


def _mean_ranks(values: Sequence[float]) -> list[float]:
    ordered = sorted(values)
    first = {value: ordered.index(value) for value in set(values)}
    counts = Counter(values)
    return [first[value] + (counts[value] - 1) / 2 for value in values]


if __name__ == "__main__":
    sys.exit(main())
