"""`codemill plan`: what a recipe will take, before anything starts."""

from pathlib import Path
from typing import Annotated

import typer

from posttrain.cli.options import RUNS, RecipeArgument, load
from synth.cli.app import AsJson, Overrides
from synth.cli.printing import print_json, print_table, print_text, print_title


def plan(
    recipe: RecipeArgument,
    set_: Overrides = None,
    runs_dir: Annotated[
        Path, typer.Option("--runs-dir", help="Folder of runs: earlier ones say how fast this machine is.")
    ] = RUNS,
    as_json: AsJson = False,
) -> None:
    """Say what a recipe will take: steps, calls, tokens, memory, disk, time. Nothing is started."""
    loaded = load(recipe, set_)
    from posttrain.plan import page
    from posttrain.plan.plan import plan_recipe
    from posttrain.pocket.world import POCKET_WORLD

    found = plan_recipe(loaded, runs_dir, POCKET_WORLD.suites)
    if as_json:
        print_json(found.model_dump(mode="json"))
        return
    print_title(f"Plan of {found.recipe}")
    print_table(page.HEADS, page.rows_of(found), page.NUMBERS)
    print_text(page.KEY)
    for words in page.words_of(found):
        print_text(f"- {words}")


def register(app: typer.Typer) -> None:
    """Add the command."""
    app.command()(plan)
