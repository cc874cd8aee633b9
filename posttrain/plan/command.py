"""`codemill plan`: what a recipe will take, before anything starts."""

from pathlib import Path
from typing import Annotated

import typer

from synth.cli.app import AsJson, Overrides, print_warnings
from synth.cli.printing import print_json, print_table, print_text, print_title

_RUNS = Path("runs")


def plan(
    recipe: Annotated[str, typer.Argument(metavar="RECIPE", help="Path of a recipe, or its name.")],
    set_: Overrides = None,
    runs_dir: Annotated[
        Path, typer.Option("--runs-dir", help="Folder of runs: earlier ones say how fast this machine is.")
    ] = _RUNS,
    as_json: AsJson = False,
) -> None:
    """Say what a recipe will take: steps, calls, tokens, memory, disk, time. Nothing is started."""
    from synth.recipe import load_recipe

    loaded = load_recipe(recipe, set_ or ())
    print_warnings(loaded.warnings)
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
