"""`python -m benchmarks.method.report FOLDER [--sample N] [--random-seeds 0,1,2]`: the recipe of the
method, its data half, on a real source tree and the planted endpoint, beside the plain flow.

The recipe's own sections run; what the endpoint cannot be asked is replaced: seeds, languages, benchmarks of
a hub, and the token limits by which it knows a question. Printed: rows by kind, wrong programs among them,
rows an hour and tokens a row of both, and whether every unit is accounted for. Exit code 1 if one is not.
"""

import argparse
import sys
import tempfile
from collections import Counter
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any, Final

from rich.console import Console
from rich.table import Table

from benchmarks.planted.__main__ import judge_programs
from benchmarks.planted.answerers import Question
from benchmarks.planted.answers import Truth
from benchmarks.planted.runs import CANDIDATES, Planted, Setting, run_planted
from synth.products import PRODUCTS, Sample
from synth.recipe import load_recipe
from synth.store.products import iter_product
from synth.store.shards import StageCommit
from synth.store.views import conservation_problems

RECIPE: Final = "qwen2.5-coder/report"
_QUESTIONS: Final = {
    "instruct": Question.INSTRUCT,
    "solve": Question.SOLVE,
    "repair": Question.REPAIR,
    "repair_tasks": Question.REPAIR_TASK,
    "review": Question.REVIEW,
}


def main(arguments: Sequence[str] | None = None) -> int:
    """Run both flows with each seed, and print the table."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.method.report", description=__doc__)
    parser.add_argument("folder", metavar="FOLDER", help="a checkout, or @stdlib")
    parser.add_argument("--language", default="python", help="language to read and to solve in")
    parser.add_argument("--sample", type=int, default=20, help="read so many files; 0: all")
    parser.add_argument("--random-seeds", default="0,1,2")
    options = parser.parse_args(arguments)
    title = "the method as far as it is built, planted"
    table = Table("flow", "seed", "figure", "found", title=title, title_justify="left")
    whole = True
    for seed in map(int, options.random_seeds.split(",")):
        for flow, data in (("plain", {}), ("report", report_data(options.language))):
            setting = Setting(options.folder, (options.language,), options.sample, seed, data)
            with tempfile.TemporaryDirectory() as home:
                found = run_planted(setting, Path(home))
                for figure, value in figures(found):
                    table.add_row(flow, str(seed), figure, value)
                whole &= not conservation_problems(found.run)
    console = Console()
    if not console.is_terminal:
        console.width = 130
    console.print(table)
    return 0 if whole else 1


def report_data(language: str) -> dict[str, Any]:
    """The sections of the recipe's data half, as the endpoint can be asked them."""
    recipe = load_recipe(RECIPE, machine=False).recipe
    assert recipe.data is not None
    data = recipe.data.model_dump(mode="json", exclude_unset=True, exclude={"seeds", "shard_size"})
    for name, question in _QUESTIONS.items():
        sampling = data[name].get("sampling", {})
        data[name]["sampling"] = {**sampling, "max_tokens": int(question)}
    data["instruct"]["natural_languages"] = ["en"]
    data["solve"] |= {"languages": [language], "n": CANDIDATES}
    data["inputs"] = {"from_model": False}
    data["evidence"] = {"min_reproductions": 1}  # the right program of a seed is one text here
    data["filters"]["decontaminate"] = []
    return dict(data)


def figures(found: Planted) -> Iterator[tuple[str, str]]:
    """What a run made, and what it cost."""
    commits = StageCommit(found.run)
    rows = {one.name: list(iter_product(found.run, one)) for one in PRODUCTS}
    yield "rows", ", ".join(f"{name} {len(found)}" for name, found in rows.items() if found)
    kinds = Counter(row["asks"] for row in rows["sft"])
    shapes = Counter(row["shape"] or "plain" for row in rows["sft"])
    yield "samples by kind", ", ".join(f"{name} {count}" for name, count in kinds.most_common())
    yield "samples by shape", ", ".join(f"{name} {count}" for name, count in shapes.most_common())
    truths = {one.solution.id: one.truth for one in judge_programs(found)}
    samples = [truths.get(sample.solution_id) for sample in commits.iter_bodies(Sample)]
    wrong = sum(truth is Truth.MUTANT for truth in samples)
    yield "mutants among the samples (some do what the seed does)", f"{wrong} of {len(samples)}"
    made = sum(map(len, rows.values()))
    yield (
        "rows an hour; tokens a row",
        f"{3600 * made / found.wall_s:.0f}; {found.said.tokens / max(1, made):.0f}",
    )
    yield "requests", f"{found.said.requests} in {found.wall_s:.0f} s"
    yield "units that are not accounted for", str(len(conservation_problems(found.run)))


if __name__ == "__main__":
    sys.exit(main())
