"""`python -m benchmarks.planted FOLDER --language L`: the whole flow on a real source tree, with an endpoint
that answers with the seeds themselves, their mutants, messy forms, refusals and leaks.

It says how many seeds become rows, how many wrong programs are accepted and right ones refused, whether a
leak becomes an instruction, how right the pairs are, and what a row costs. A mutant may do what its seed
does: with `--read N`, N accepted ones drawn at random are printed beside the original, to be read. Exit code
1 if a bar is missed.
"""

import argparse
import difflib
import sys
import tempfile
from collections import Counter
from collections.abc import Iterator, Sequence
from pathlib import Path
from random import Random
from typing import NamedTuple

from rich.console import Console
from rich.table import Table

from benchmarks.executor.row import Row, none_of
from benchmarks.planted.answers import Truth, read_tag
from benchmarks.planted.runs import Planted, Setting, run_planted
from benchmarks.planted.world import program_key
from synth.products import Pair, Sample
from synth.records import Decision, Reference, Solution, Task
from synth.rules.checklist_fit import area_under_curve
from synth.store.flips import FlipRate, measure_flips
from synth.store.query import Shards
from synth.store.shards import StageCommit

_DECISIONS = "SELECT stage, unit_id, decision, reason FROM read_parquet(?)"


class Judged(NamedTuple):
    """One program of the run: what it is, and what became of it."""

    solution: Solution
    truth: Truth
    accepted: bool
    reason: str


def main(arguments: Sequence[str] | None = None) -> int:
    """Print the table."""
    options = _parser().parse_args(arguments)
    with tempfile.TemporaryDirectory() as folder:
        setting = Setting(options.folder, (options.language,), options.sample, options.random_seed)
        found = run_planted(setting, options.keep or Path(folder))
        judged = list(judge_programs(found))
        rows = figures(found, judged)
        table = Table(
            "figure", "found", "aim", "", title=f"planted, {options.language}", title_justify="left"
        )
        for row in rows:
            table.add_row(row.name, row.text, row.aim, "" if row.is_right else "missed")
        console = Console()
        if not console.is_terminal:
            console.width = 130
        console.print(table)
        if options.read:
            print_accepted_mutants(found, judged, options.read, options.random_seed)
    return 0 if all(row.is_right for row in rows) else 1


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="python -m benchmarks.planted", description=__doc__)
    parser.add_argument("folder", metavar="FOLDER", help="a checkout, or @stdlib")
    parser.add_argument("--language", default="python", help="language to read and to solve in")
    parser.add_argument("--sample", type=int, default=0, help="read so many files; 0 = all")
    parser.add_argument("--read", type=int, default=0, help="print so many accepted mutants")
    parser.add_argument("--random-seed", type=int, default=1)
    parser.add_argument("--keep", type=Path, help="keep the run in this folder")
    return parser


def judge_programs(found: Planted) -> Iterator[Judged]:
    """Every solution of the run with its truth. One whose text the endpoint did not write is `nothing`."""
    commits, shards = StageCommit(found.run), Shards(found.run)
    tags = {task.id: read_tag(task.instruction) for task in commits.iter_bodies(Task)}
    rejected, passed = dict[str, str](), set[str]()
    for row in shards.query(_DECISIONS, shards.index_files()):
        if row["stage"] in ("syntax", "execute") and row["decision"] != Decision.KEPT:
            rejected[row["unit_id"]] = row["reason"]
        elif row["stage"] == "execute":
            passed.add(row["unit_id"])
    for solution in commits.iter_bodies(Solution):
        key = program_key(tags[solution.task_id], solution.code, solution.language)
        truth = found.said.programs.get(key, Truth.NOTHING)
        yield Judged(solution, truth, solution.id in passed, rejected.get(solution.id, ""))


def figures(found: Planted, judged: Sequence[Judged]) -> list[Row]:
    """The figures, each with its aim."""
    commits = StageCommit(found.run)
    tasks, samples = list(commits.iter_bodies(Task)), list(commits.iter_bodies(Sample))
    references = sum(1 for _ in commits.iter_bodies(Reference))
    accepted = [one for one in judged if one.accepted]
    wrong = sum(one.truth is not Truth.RIGHT for one in accepted)
    right = [one for one in judged if one.truth is Truth.RIGHT]
    refused = Counter(one.reason for one in right if not one.accepted)
    unread = found.said.answers[Truth.RIGHT] - len(right)
    leaked = sum(read_tag(task.instruction) in found.said.leaks for task in tasks)
    truths = {one.solution.id: one.truth for one in judged}
    pairs = list(commits.iter_bodies(Pair))
    good = sum(truths[one.chosen_id] is Truth.RIGHT for one in pairs)
    said = ", ".join(f"{count} {truth}" for truth, count in found.said.answers.items())
    text = f"{found.wall_s:.0f} s, {found.cpu_s:.0f} s of CPU; {found.said.requests} requests"
    share = wrong / max(1, len(accepted))
    lost = (refused.total() + unread) / max(1, found.said.answers[Truth.RIGHT])
    flips, auc = measure_flips(found.run) or FlipRate(0, 0, 0, 0), length_auc(pairs)
    longer = longer_share(pairs)
    doubt = 1 - flips.confirmed / flips.pairs if flips.pairs else 0.0
    confirmed = f"{flips.confirmed} of {flips.pairs} are confirmed"
    reasons = ", ".join(f"{count} {why}" for why, count in refused.items())
    hour, row = 3600 * len(samples) / found.wall_s, found.said.tokens / max(1, len(samples))
    return [
        Row("references that became tasks", f"{len(tasks)} of {references}", "", True),
        _share("mutants among the accepted", share, f"{wrong} of {len(accepted)}; said: {said}", most=0.03),
        _share("right and refused", lost, f"{unread} unread; {reasons}", most=0.001),
        none_of("leaks among the instructions", leaked, f"of {len(found.said.leaks)}"),
        _share("pairs that the hidden half does not confirm", doubt, confirmed, most=0.02),
        Row("pairs whose chosen answer is the seed", f"{good} of {len(pairs)}; other mutants pass", "", True),
        Row("AUC of lengths alone", f"{auc:.3f}", "0.45 to 0.55", abs(auc - 0.5) <= 0.05),
        Row("pairs whose chosen answer is longer", f"{longer:.1%} of {len(pairs)}", "", True),
        Row("rows", f"{len(samples)}; {hour:.0f} an hour; {text}", "", True),
        Row("tokens a row", f"{row:.0f}", "", True),
    ]


def _share(name: str, share: float, text: str, most: float) -> Row:
    return Row(name, f"{share:.2%} ({text})", f"at most {most:.1%}", share <= most)


def length_auc(pairs: Sequence[Pair]) -> float:
    """How well length alone tells chosen from rejected answers: the chance that a chosen one is longer."""
    if not pairs:
        return 0.5
    chosen = [(len(pair.chosen[-1].content), True) for pair in pairs]
    return area_under_curve([*chosen, *((len(pair.rejected[-1].content), False) for pair in pairs)])


def longer_share(pairs: Sequence[Pair]) -> float:
    """How often the chosen answer is the longer one of its pair, half of the equal ones counted: what a
    classifier gets right that sees both lengths. Answers of one task have one length and many tasks have
    many, which hides this from `length_auc`."""
    if not pairs:
        return 0.5
    lengths = [(len(pair.chosen[-1].content), len(pair.rejected[-1].content)) for pair in pairs]
    return sum((chosen > other) + 0.5 * (chosen == other) for chosen, other in lengths) / len(pairs)


def print_accepted_mutants(found: Planted, judged: Sequence[Judged], count: int, seed: int) -> None:
    """Accepted mutants beside their seeds."""
    commits = StageCommit(found.run)
    tasks = {task.id: task for task in commits.iter_bodies(Task)}
    references = {one.seed_id: one for one in commits.iter_bodies(Reference)}
    mutants = [one for one in judged if one.accepted and one.truth is Truth.MUTANT]
    for number, one in enumerate(Random(seed).sample(mutants, min(count, len(mutants))), start=1):
        original = references[tasks[one.solution.task_id].seed_id]
        lines = difflib.unified_diff(
            original.code.splitlines(), one.solution.code.splitlines(), lineterm="", n=4
        )
        print(f"\n--- {number}: {original.contract} ---\n" + "\n".join(list(lines)[2:]))


if __name__ == "__main__":
    sys.exit(main())
