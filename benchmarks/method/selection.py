"""`python -m benchmarks.method.selection FOLDER`: what further tries, the order of quality, agreement,
reasoning and clusters are worth, on a tree of Python files and the planted endpoint.

For each random seed two runs: one tries unsolved tasks up to ten times, four candidates a time; the other
asks once for as many candidates a task as the first asked in the mean. On the candidates of the second run,
other choices are made again: the best program by each order, acceptance by agreement or by the first test
alone, and the fine set by clusters. Shares are over all seeds, with 95% intervals (Wilson).
"""

import argparse
import asyncio
import sys
import tempfile
from collections import Counter, defaultdict
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any, Final

from rich.console import Console
from rich.table import Table

from benchmarks.planted.answerers import Question
from benchmarks.planted.answers import Truth, read_tag
from benchmarks.planted.runs import Planted, Setting, run_planted
from benchmarks.planted.selecting import CHANCES, chance_of, golf
from benchmarks.planted.world import program_key
from synth.calibration import vote_again
from synth.config import LocalSandboxConfig
from synth.execution.factory import create_sandbox
from synth.languages.code_tokens import normalize_code
from synth.products import Sample
from synth.proportions import wilson_interval
from synth.records import Limits, Reference, Solution, Task, Verdict
from synth.rules.agreement import find_consensus
from synth.rules.clusters import find_clusters, weigh_terms
from synth.stages.select import choose_best
from synth.store.query import Shards
from synth.store.shards import StageCommit
from synth.token_estimate import estimate_tokens

TRIES: Final = 10
AT_A_TIME: Final = 4
ORDERS: Final = ("quality", "shortest", "common")
SIMILARITY: Final = 0.35
Counts = Counter[str]
"""Counted things by name."""


def main(arguments: Sequence[str] | None = None) -> int:
    """Run, count, print the tables."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.method.selection", description=__doc__)
    parser.add_argument("folder", metavar="FOLDER", help="a checkout with Python files, or @stdlib")
    parser.add_argument("--sample", type=int, default=20, help="read so many files")
    parser.add_argument("--random-seeds", default="0,1,2")
    options = parser.parse_args(arguments)
    counts: Counts = Counter()
    for seed in map(int, options.random_seeds.split(",")):
        with tempfile.TemporaryDirectory() as home:
            tried = _run(options.folder, options.sample, seed, AT_A_TIME, TRIES, Path(home) / "tries")
            counts += _of_run(tried, "tries")
            tasks = len(list(StageCommit(tried.run).iter_bodies(Task)))
            once = max(1, round(tried.said.answers.total() / max(1, tasks)))
            plain = _run(options.folder, options.sample, seed, once, 1, Path(home) / "once")
            counts += _of_run(plain, "once")
            counts += _of_orders(plain) + _of_reasoning(plain) + _of_clusters(plain)
            counts += asyncio.run(_of_agreement(plain))
    console = Console(width=None if sys.stdout.isatty() else 130)
    for table in _tables(counts):
        console.print(table)
    return 0


def _run(folder: str, sample: int, seed: int, n: int, tries: int, home: Path) -> Planted:
    data: dict[str, Any] = {
        "instruct": {"sampling": {"max_tokens": int(Question.SELECT_INSTRUCT)}},
        "solve": {
            "languages": ["python"],
            "n": n,
            "tries": tries,
            "sampling": {"max_tokens": int(Question.SELECT_SOLVE)},
        },
        "inputs": {"from_model": False, "mutants": 24, "searched": 64},
        "evidence": {"min_reproductions": 1, "min_share": 0.0},
        "select": {"per_task": n, "reasoning": "train", "unsolved": True},
        "pairs": None,
    }
    return run_planted(Setting(folder, ("python",), sample, seed, data), home)


# --- further tries


def _of_run(found: Planted, name: str) -> Counts:
    commits = StageCommit(found.run)
    tasks = list(commits.iter_bodies(Task))
    solved = _solved(found)
    counts: Counts = Counter(
        {f"{name} candidates": found.said.answers.total(), f"{name} tokens": found.said.tokens}
    )
    for task in tasks:
        chance = chance_of(read_tag(task.instruction))
        counts[f"{name} tasks {chance}"] += 1
        counts[f"{name} solved {chance}"] += task.id in solved
    truth = _truths(found)
    samples = list(commits.iter_bodies(Sample))
    counts[f"{name} rows"] += len(samples)
    counts[f"{name} wrong"] += sum(truth[one.solution_id] is not Truth.RIGHT for one in samples)
    right = {one.task_id for one in samples if truth[one.solution_id] is Truth.RIGHT}
    counts[f"{name} tasks with a right row"] += len(right)
    counts[f"{name} requests"] += found.said.requests
    return counts


def _solved(found: Planted) -> set[str]:
    shards = Shards(found.run)
    sql = "SELECT unit_id FROM read_parquet(?) WHERE stage = 'evidence' AND decision = 'kept'"
    return {row["unit_id"] for row in shards.query(sql, shards.index_files())}


def _truths(found: Planted) -> dict[str, Truth]:
    """What each solution of the run is, by its text."""
    commits = StageCommit(found.run)
    tags = {task.id: read_tag(task.instruction) for task in commits.iter_bodies(Task)}
    return {
        one.id: found.said.programs.get(program_key(tags[one.task_id], one.code, one.language), Truth.NOTHING)
        for one in commits.iter_bodies(Solution)
    }


# --- which program is the best


def _of_orders(found: Planted) -> Counts:
    """Of tasks that both planted qualities of a right program passed, how often each order takes the good
    one."""
    commits = StageCommit(found.run)
    references = {one.seed_id: one.code for one in commits.iter_bodies(Reference)}
    tasks = {one.id: one for one in commits.iter_bodies(Task)}
    passed = {one.solution_id for one in commits.iter_bodies(Verdict) if one.outcome == "pass"}
    groups: defaultdict[str, list[Solution]] = defaultdict(list)
    for one in commits.iter_bodies(Solution):
        if one.id in passed:
            groups[one.task_id].append(one)
    counts: Counts = Counter()
    for task_id, group in groups.items():
        code = references.get(tasks[task_id].seed_id, "")
        good, bad = (normalize_code(text, "python") for text in (code, golf(code)))
        texts = {one.id: normalize_code(one.code, "python") for one in group}
        if not {good, bad} <= set(texts.values()):
            continue
        counts["order tasks"] += 1
        for order in ORDERS:
            best = next(iter(choose_best(group, 1, order)))
            counts[f"order {order}"] += texts[best] == good
    return counts


# --- reasoning


def _of_reasoning(found: Planted) -> Counts:
    samples = list(StageCommit(found.run).iter_bodies(Sample))
    thought = [one for one in samples if one.reasoning]
    return Counter(
        {
            "reasoning rows": len(samples),
            "reasoning kept": len(thought),
            "reasoning in code": sum("First I look" in one.code for one in samples),
            "reasoning tokens of": sum("<|im_end|>" in one.completion[0].content for one in samples),
            "reasoning length": sum(estimate_tokens(one.completion[0].content) for one in thought),
            "reasoning without": sum(estimate_tokens(one.code) for one in thought),
        }
    )


# --- clusters


def _of_clusters(found: Planted) -> Counts:
    """How alike the tasks of a fine set are to the nearest other one, by runs of three letters: one task of
    each cluster, and as many that were drawn."""
    tasks = [one for one in StageCommit(found.run).iter_bodies(Task) if one.id in _solved(found)]
    said = [one.instruction.partition("catalogue: ")[2] for one in tasks]
    clusters = find_clusters(weigh_terms(said), SIMILARITY)
    first = sorted(set(clusters))
    drawn = [round(at * (len(said) - 1) / max(1, len(first) - 1)) for at in range(len(first))]
    return Counter(
        {
            "clusters tasks": len(said),
            "clusters found": len(first),
            "clusters near": _near([said[at] for at in first]),
            "clusters drawn near": _near([said[at] for at in drawn]),
        }
    )


def _near(texts: Sequence[str]) -> int:
    """Texts with another one that shares half of their runs of three letters."""
    runs = [{text[at : at + 3] for at in range(len(text) - 2)} for text in texts]
    return sum(
        any(len(one & other) >= 0.5 * len(one | other) for at, other in enumerate(runs) if at != place)
        for place, one in enumerate(runs)
        if one
    )


# --- agreement


async def _of_agreement(found: Planted) -> Counts:
    """Programs accepted because the winning behaviour is theirs, and because they pass the first test."""
    sandbox = create_sandbox(LocalSandboxConfig())
    counts: Counts = Counter()
    for suite, ballots in await vote_again(found.run, sandbox, Limits()):
        expected = tuple(case.expected for case in suite.cases)
        consensus = find_consensus(ballots, threshold=0.0)
        agreed = getattr(consensus, "outputs", None)
        for ballot in ballots:
            right = all(
                case.raises or answer == case.expected
                for answer, case in zip(ballot.outputs, suite.cases, strict=True)
            )
            counts["agreement right"] += right
            for name, accepted in (
                ("agreement", agreed is not None and ballot.outputs == agreed),
                ("first test", bool(expected[0]) and ballot.outputs[0] == expected[0]),
            ):
                counts[f"{name} accepted"] += accepted
                counts[f"{name} accepted right"] += accepted and right
    return counts


# --- tables


def _tables(counts: Counts) -> Iterator[Table]:
    runs = ("tries", "once")
    tries = Table("further tries", "up to 10 tries, 4 at a time", "once, as many candidates")
    for chance in CHANCES:
        key = f"solved, a right answer in {chance:.0%}"
        tries.add_row(
            key,
            *(_share(counts[f"{name} solved {chance}"], counts[f"{name} tasks {chance}"]) for name in runs),
        )
    for key in ("candidates", "requests", "rows", "tasks with a right row"):
        tries.add_row(key, *(str(counts[f"{name} {key}"]) for name in runs))
    wrong = (_share(counts[f"{name} wrong"], counts[f"{name} rows"]) for name in runs)
    tries.add_row("mutants among the rows", *wrong)
    yield tries
    other = Table("choice", "figure")
    for order in ORDERS:
        text = _share(counts[f"order {order}"], counts["order tasks"])
        other.add_row(f"order {order}: takes the well written program", text)
    for name in ("agreement", "first test"):
        right, accepted = counts[f"{name} accepted right"], counts[f"{name} accepted"]
        other.add_row(f"{name}: right among the accepted", _share(right, accepted))
        other.add_row(f"{name}: accepted of the right", _share(right, counts["agreement right"]))
    other.add_row("reasoning: rows that have it", _share(counts["reasoning kept"], counts["reasoning rows"]))
    left = f"{counts['reasoning in code']}; {counts['reasoning tokens of']}"
    other.add_row("reasoning: in the code; special tokens left", left)
    ratio = counts["reasoning length"] / max(1, counts["reasoning without"])
    other.add_row("reasoning: tokens of an answer, with and without", f"{ratio:.2f}x")
    for words, key in (("one task of each cluster", "near"), ("as many, evenly drawn", "drawn near")):
        text = _share(counts[f"clusters {key}"], counts["clusters found"])
        other.add_row(f"clusters: {words}, near another", text)
    found = f"{counts['clusters found']} of {counts['clusters tasks']}"
    other.add_row("clusters: found among solved tasks", found)
    yield other


def _share(count: int, of: int) -> str:
    if not of:
        return "-"
    low, high = wilson_interval(count / of, of)
    return f"{count / of:.1%} ({low:.1%} to {high:.1%}) of {of}"


if __name__ == "__main__":
    sys.exit(main())
