"""`python -m benchmarks.method.memory RUN [--threshold T]`: near-duplicates among tasks of a run by round,
with and without memory.

The tasks that a run without memory made are put before the memory in their order, round by round. A task
counts as a near-duplicate if an earlier one of its language has as much in common with it as the threshold
says: Jaccard similarity of five-word shingles, by counting, not by hashing. Exit code 1 if more than 1% of
what memory keeps are.
"""

import argparse
import sys
from collections import Counter, defaultdict
from collections.abc import Sequence
from pathlib import Path
from typing import Final

from rich.console import Console
from rich.table import Table

from synth.filters.near_dedup import SHINGLE, NearDedup
from synth.filters.protocol import FilterInput, Keep
from synth.filters.words import ngrams, split_words
from synth.memory_config import MemoryConfig
from synth.proportions import wilson_interval
from synth.records import Task
from synth.store.shards import StageCommit

MOST: Final = 0.01


def main(arguments: Sequence[str] | None = None) -> int:
    """Print the table."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.method.memory", description=__doc__)
    parser.add_argument("run", type=Path)
    parser.add_argument("--threshold", type=float, default=MemoryConfig().threshold)
    options = parser.parse_args(arguments)
    tasks = sorted(StageCommit(options.run).iter_bodies(Task), key=lambda task: task.round)
    memories: defaultdict[str, NearDedup] = defaultdict(lambda: NearDedup(options.threshold))
    kept = [
        task
        for task in tasks
        if isinstance(memories[task.seed_language].check(FilterInput(task.id, prompt=task.instruction)), Keep)
    ]
    table = Table("tasks", "round", "made", "near-duplicates", "share")
    last = 0.0
    for name, made in (("without memory", tasks), ("with memory", kept)):
        twins = twins_among(made, options.threshold)
        for round_ in sorted({task.round for task in made}):
            here = [task for task in made if task.round == round_]
            count = sum(task.id in twins for task in here)
            last = count / len(here)
            low, high = wilson_interval(last, len(here))
            share = f"{last:.1%} ({low:.1%} to {high:.1%})"
            table.add_row(name, str(round_), str(len(here)), str(count), share)
    Console().print(table)
    return 0 if last <= MOST else 1


def twins_among(tasks: Sequence[Task], threshold: float) -> set[str]:
    """Ids of the tasks that an earlier one of their language nearly says."""
    found: set[str] = set()
    sizes: list[int] = []
    places: defaultdict[tuple[str, ...], list[int]] = defaultdict(list)
    for at, task in enumerate(tasks):
        words = split_words(task.instruction)
        texts = set(ngrams(words, SHINGLE) or ["\x1f".join(words)])
        shared = Counter(one for text in texts for one in places[task.seed_language, text])
        if any(count / (len(texts) + sizes[one] - count) >= threshold for one, count in shared.items()):
            found.add(task.id)
        sizes.append(len(texts))
        for text in texts:
            places[task.seed_language, text].append(at)
    return found


if __name__ == "__main__":
    sys.exit(main())
