"""`python -m benchmarks.method.synergy [--tasks N] [--n K]`: what the languages of the pocket model do
for each other.

Development tasks are asked in each language, plain and with the right program of another language below the
instruction (the world's own rendering of the task, so it is right by construction). The diagonal, where the
program of the very language is shown, says what the model makes of a hint that holds the answer. The prompt
with a hint is not one that the pocket model was trained on.
"""

import argparse
import asyncio
import os
import sys
import tempfile
from collections.abc import Sequence
from functools import partial
from pathlib import Path
from random import Random
from typing import Final

from posttrain.evaluate.evaluation import Evaluation
from posttrain.evaluate.synergy import synergy_graph, synergy_table
from posttrain.evaluate.task import EvaluationTask
from posttrain.loop.measuring import measure
from posttrain.loop.session import Parts, RunPlan, open_session
from posttrain.pocket.chains import listed_chains
from posttrain.pocket.heldout import development_tasks
from posttrain.pocket.programs import Style, render_program
from posttrain.pocket.world import POCKET_WORLD
from synth.cli.progress import ProgressDisplay
from synth.config import EvaluationConfig, Recipe
from synth.languages.registry import get_language
from synth.prompts.library import PromptLibrary
from synth.recipe import load_recipe
from synth.store.run_folder import RunFolder, RunIdentity

LANGUAGES: Final = ("python", "javascript", "java", "cpp")
PLAIN: Final = "plain"


def main(arguments: Sequence[str] | None = None) -> int:
    """Measure and print the table."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.method.synergy", description=__doc__)
    parser.add_argument("--tasks", type=int, default=60)
    parser.add_argument("--n", type=int, default=4, help="samples of each question")
    parser.add_argument("--model", default="pocket", help="`pocket`, or the folder of a policy")
    options = parser.parse_args(arguments)
    changes = ["data=null", "sft=null", "dpo=null", "loop={}", "name=synergy"]
    recipe = load_recipe("quickstart", [*changes, f"policy.model={options.model}"], machine=False).recipe
    suites = {suite: EvaluationConfig(**asked(suite, options)) for suite in (PLAIN, *LANGUAGES)}
    with tempfile.TemporaryDirectory() as folder:
        found = asyncio.run(ask(recipe, Path(folder), suites))
    graph = synergy_graph(found[PLAIN].answered, {name: found[name].answered for name in LANGUAGES})
    display = ProgressDisplay()
    display.print_table(*synergy_table(graph))
    for name, one in found.items():
        rates = ", ".join(
            f"{language} {100 * scores.pass_at[1].value:.1f}" for language, scores in one.languages.items()
        )
        print(f"{name}: {rates}")
    return 0


def asked(suite: str, options: argparse.Namespace) -> dict[str, object]:
    """An evaluation of one suite in all languages."""
    return {
        "suite": suite,
        "tasks": options.tasks,
        "languages": LANGUAGES,
        "n": options.n,
        "k": (1,),
        "greedy": False,
        "max_tokens": 160,
    }


def hinted_tasks(shown: str) -> list[EvaluationTask]:
    """The development tasks with the right program of a language below each instruction."""
    title = get_language(shown).title
    tasks = []
    for item, chain in zip(development_tasks(), listed_chains("development"), strict=True):
        code = render_program(chain, shown, Style(nested=Random(item.task.id).random() < 0.4))
        words = f"{item.task.instruction}\nA right program in {title}:\n```{shown}\n{code}\n```"
        tasks.append(item.model_copy(update={"task": item.task.model_copy(update={"instruction": words})}))
    return tasks


async def ask(recipe: Recipe, folder: Path, suites: dict[str, EvaluationConfig]) -> dict[str, Evaluation]:
    """Evaluate the recipe's policy on each suite."""
    made = {PLAIN: development_tasks} | {name: partial(hinted_tasks, name) for name in LANGUAGES}
    world = POCKET_WORLD._replace(suites={**POCKET_WORLD.suites, **made})
    with RunFolder.create_or_resume(folder, recipe.name, RunIdentity.of_recipe(recipe, {})) as run_folder:
        plan = RunPlan(recipe, Path.cwd(), run_folder, PromptLibrary.load(recipe.prompts))
        async with open_session(plan, Parts(ProgressDisplay(), world)) as session:
            return {name: (await measure(session, [session.base], one))[0] for name, one in suites.items()}


if __name__ == "__main__":
    os.environ.setdefault("TOKENIZERS_PARALLELISM", "false")
    sys.exit(main())
