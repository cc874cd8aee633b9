"""The frame of the console command: the app on which commands register, and how errors are shown.

The one rule: expected errors never show a traceback. A user's mistake exits with 2, other expected failures
with 1, Ctrl-C with 130, SIGTERM, which takes the way of Ctrl-C, with 143. Unexpected errors keep their
traceback, because they are our bugs.
"""

import gc
import json
import signal
import sys
from pathlib import Path
from typing import Annotated

import typer
import typer.core

from synth.errors import CodemillError, Problem

INTERRUPTED = 128 + signal.SIGINT
TERMINATED = 128 + signal.SIGTERM


_COLLECT_EVERY = 10_000


def collect_seldom() -> None:
    """Let the garbage collector look after 10,000 new objects instead of 700. A run has thousands of requests
    and rows at once, and nearly all of them end without its help."""
    gc.set_threshold(_COLLECT_EVERY, 10, 10)


class Frame(typer.core.TyperGroup):
    """The outermost group: every command runs inside `invoke`, so errors are printed here, once."""

    _terminated = False

    # typer types it by the click that it carries inside
    def invoke(self, ctx: typer.Context) -> object:  # type: ignore[override]
        signal.signal(signal.SIGTERM, self._terminate)
        collect_seldom()
        try:
            return super().invoke(ctx)
        except CodemillError as error:
            print(error, file=sys.stderr)
            raise SystemExit(error.exit_code) from None
        except KeyboardInterrupt:
            print("\nStopped. Nothing is lost: rerun the same command to resume.", file=sys.stderr)
            raise SystemExit(TERMINATED if self._terminated else INTERRUPTED) from None
        except BrokenPipeError:
            _silence_stdout()
            raise SystemExit(0) from None

    def _terminate(self, _number: int, _frame: object) -> None:
        """SIGTERM takes the way of Ctrl-C, which every part closes down for. Further ones change nothing."""
        if not self._terminated:
            self._terminated = True
            signal.raise_signal(signal.SIGINT)


def _silence_stdout() -> None:
    """The reader of our output is gone (`codemill ls | head`): keep the flush at exit from failing."""
    sys.stdout = None  # what Python itself does for a closed stdout


app = typer.Typer(
    name="codemill",
    cls=Frame,
    help="The open factory for post-training code models: generate, execute, select, train, repeat.",
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
    context_settings={"help_option_names": ["-h", "--help"]},
)

Overrides = Annotated[
    list[str] | None,
    typer.Option(
        "--set", metavar="KEY=VALUE", help="Override one key of the recipe, for example data.solve.n=4."
    ),
]
AsJson = Annotated[bool, typer.Option("--json", help="Print JSON instead of tables.")]


def print_warnings(warnings: tuple[Problem, ...]) -> None:
    """Print a recipe's warnings on stderr."""
    for warning in warnings:
        print(f"warning: {warning.render()}", file=sys.stderr)


@app.command()
def schema(
    output: Annotated[
        Path | None, typer.Option("--output", "-o", help="Write to this file instead of stdout.")
    ] = None,
) -> None:
    """Print the JSON schema of recipes, for use in editors."""
    from synth.recipe import recipe_schema

    _write(json.dumps(recipe_schema(), indent=2, ensure_ascii=False) + "\n", output)


@app.command("docs-recipes", hidden=True)
def docs_recipes(
    output: Annotated[
        Path | None, typer.Option("--output", "-o", help="Write to this file instead of stdout.")
    ] = None,
) -> None:
    """Print docs/recipes.md, generated from the recipe models."""
    from synth.recipe import recipe_manual

    _write(recipe_manual(), output)


@app.command()
def check(
    recipe: Annotated[str, typer.Argument(help="Path of a recipe, or its name inside recipes/.")],
    set_: Overrides = None,
) -> None:
    """Check a recipe without running it, and print it with all defaults written out."""
    from synth.recipe import load_recipe

    loaded = load_recipe(recipe, set_ or ())
    print_warnings(loaded.warnings)
    if loaded.recipe.evaluation is not None and loaded.recipe.evaluation.benchmarks:
        from synth.protocols.registry import find_protocol

        for benchmark in loaded.recipe.evaluation.benchmarks:
            find_protocol(benchmark.suite)
    print(loaded.resolved, end="")


def _write(text: str, output: Path | None) -> None:
    if output is None:
        print(text, end="")
    else:
        output.write_text(text, encoding="utf-8")
