"""The frame of the one console command: the app that commands register on, and what happens to errors.

The one rule: a person never sees a traceback for something that codemill expected. A user's mistake exits 2,
another expected failure 1, Ctrl-C 130; what nobody expected keeps its traceback, because it is our fault.
"""

import json
import sys
from pathlib import Path
from typing import Annotated

import typer
import typer.core

from synth.errors import CodemillError, Problem

INTERRUPTED = 130


class Frame(typer.core.TyperGroup):
    """The outermost group: every command runs inside `invoke`, so what it raises is said here, once."""

    # typer types it by the click that it carries inside
    def invoke(self, ctx: typer.Context) -> object:  # type: ignore[override]
        try:
            return super().invoke(ctx)
        except CodemillError as error:
            print(error, file=sys.stderr)
            raise SystemExit(error.exit_code) from None
        except KeyboardInterrupt:
            print("\nStopped. Nothing is lost: the same command goes on from here.", file=sys.stderr)
            raise SystemExit(INTERRUPTED) from None
        except BrokenPipeError:
            _silence_stdout()
            raise SystemExit(0) from None


def _silence_stdout() -> None:
    """The reader of our output went away (`codemill ls | head`): keep the interpreter's own flush at exit
    from complaining."""
    sys.stdout = None  # what Python itself does for a closed stdout


app = typer.Typer(
    name="codemill",
    cls=Frame,
    help="The open factory for post-training code models: generate, execute, select, train, again.",
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
    context_settings={"help_option_names": ["-h", "--help"]},
)

Overrides = Annotated[
    list[str] | None,
    typer.Option("--set", metavar="KEY=VALUE", help="Change one key, for example data.solve.n=4."),
]
AsJson = Annotated[bool, typer.Option("--json", help="Print JSON.")]


def print_warnings(warnings: tuple[Problem, ...]) -> None:
    """Warnings of a recipe, on stderr."""
    for warning in warnings:
        print(f"warning: {warning.render()}", file=sys.stderr)


@app.command()
def schema(
    output: Annotated[
        Path | None, typer.Option("--output", "-o", help="Write to this file instead of the terminal.")
    ] = None,
) -> None:
    """Print the JSON schema of recipes, for editors."""
    from synth.recipe import recipe_schema

    _write(json.dumps(recipe_schema(), indent=2, ensure_ascii=False) + "\n", output)


@app.command("docs-recipes", hidden=True)
def docs_recipes(
    output: Annotated[
        Path | None, typer.Option("--output", "-o", help="Write to this file instead of the terminal.")
    ] = None,
) -> None:
    """Print docs/recipes.md as the models say it."""
    from synth.recipe import recipe_manual

    _write(recipe_manual(), output)


@app.command()
def check(
    recipe: Annotated[str, typer.Argument(help="Path, or a name inside recipes/.")], set_: Overrides = None
) -> None:
    """Check a recipe without running it, and print it with every default written out."""
    from synth.recipe import load_recipe

    loaded = load_recipe(recipe, set_ or ())
    print_warnings(loaded.warnings)
    print(loaded.resolved, end="")


def _write(text: str, output: Path | None) -> None:
    if output is None:
        print(text, end="")
    else:
        output.write_text(text, encoding="utf-8")
