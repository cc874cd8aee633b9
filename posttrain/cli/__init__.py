"""The console command `codemill`: combines the commands of `synth` with the commands that make models.

The one rule: importing this module imports nothing heavy. Each command imports what it needs when it runs,
after the recipe has been checked.
"""

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from posttrain.cli import data, plan, push
from posttrain.cli.options import RUNS, RecipeArgument, RunsDir, folder, load
from synth.cli import (
    audit,
    calibrate,
    checklist,
    curation,
    doctor,
    exec,
    fsck,
    inspect,
    packages,
    revoke,
    serve,
    verify,
    views,
)
from synth.cli.app import AsJson, Overrides, app, print_warnings

if TYPE_CHECKING:
    from posttrain.core.jobs import TrainingProgress
    from posttrain.loop.session import Parts

Fresh = Annotated[
    bool, typer.Option("--fresh", help="Start over: the old run folder is renamed, not deleted.")
]
Fork = Annotated[
    str | None,
    typer.Option(
        "--fork",
        metavar="NAME",
        help="Run the changed recipe under this new name and reuse the old run's answers.",
    ),
]

AcceptFailures = Annotated[
    bool,
    typer.Option(
        "--accept-failures",
        help="Give up what has failed at three starts while others succeeded. The run then ends as "
        "`finished with failures`, exit code 1.",
    ),
]


@app.command()
def run(
    recipe: RecipeArgument,
    set_: Overrides = None,
    runs_dir: RunsDir = RUNS,
    fresh: Fresh = False,
    fork: Fork = None,
    accept_failures: AcceptFailures = False,
) -> None:
    """Run a recipe: data, training and evaluation, round after round. Rerun the same command to resume."""
    loaded = load(recipe, set_)
    from posttrain.loop.run import RunOptions, run_recipe

    run_recipe(loaded, runs_dir, _parts(), RunOptions(fresh, fork, accept_failures))


@app.command()
def sft(recipe: RecipeArgument, set_: Overrides = None, runs_dir: RunsDir = RUNS) -> None:
    """Only fine-tune, on the data sets named in `sft.coarse.data` and `sft.fine.data`."""
    loaded = load(recipe, set_)
    from posttrain.standalone import run_sft

    print(run_sft(loaded.recipe, loaded.source, folder(loaded, runs_dir), _show).folder)


@app.command()
def dpo(recipe: RecipeArgument, set_: Overrides = None, runs_dir: RunsDir = RUNS) -> None:
    """Only run DPO, on the data set named in `dpo.data`."""
    loaded = load(recipe, set_)
    from posttrain.standalone import run_dpo

    print(run_dpo(loaded.recipe, loaded.source, folder(loaded, runs_dir), _show).folder)


@app.command()
def kto(recipe: RecipeArgument, set_: Overrides = None, runs_dir: RunsDir = RUNS) -> None:
    """Only run KTO, on the data set named in `kto.data`: answers that are each good or bad."""
    loaded = load(recipe, set_)
    from posttrain.standalone import run_kto

    print(run_kto(loaded.recipe, loaded.source, folder(loaded, runs_dir), _show).folder)


@app.command("eval")
def evaluate(
    recipe: Annotated[
        str | None,
        typer.Argument(
            metavar="[RECIPE]", help="A recipe with an evaluation. Left out with --suite and with --table."
        ),
    ] = None,
    suite: Annotated[
        list[str] | None,
        typer.Option("--suite", metavar="NAME", help="A public benchmark: humaneval+, … May be repeated."),
    ] = None,
    problems: Annotated[
        list[Path] | None,
        typer.Option("--problems", metavar="FILE", help="The problems of each --suite, as published."),
    ] = None,
    model: Annotated[
        str | None, typer.Option("--model", help="A folder, a hub id, or a model's name at an endpoint.")
    ] = None,
    engine: Annotated[
        str, typer.Option("--engine", help="Kind of engine, or a section `engine` in braces.")
    ] = "vllm_server",
    style: Annotated[
        str,
        typer.Option("--style", help="auto, complete (base models) or chat (in the model's own template)."),
    ] = "auto",
    n: Annotated[
        int | None, typer.Option("--n", min=1, help="Samples per problem. Unset: the protocol's number.")
    ] = None,
    temperature: Annotated[
        float | None, typer.Option("--temperature", min=0, help="0 is greedy. Unset: the protocol's.")
    ] = None,
    top_p: Annotated[
        float | None, typer.Option("--top-p", max=1, help="Nucleus sampling. Unset: the protocol's.")
    ] = None,
    max_tokens: Annotated[
        int | None, typer.Option("--max-tokens", min=1, help="Length of an answer. Unset: the protocol's.")
    ] = None,
    tasks: Annotated[int | None, typer.Option("--tasks", min=1, help="Ask the first problems only.")] = None,
    table: Annotated[
        bool, typer.Option("--table", help="Show the benchmarks of all runs in one table, and ask nothing.")
    ] = False,
    as_json: AsJson = False,
    set_: Overrides = None,
    runs_dir: RunsDir = RUNS,
    fresh: Fresh = False,
    accept_failures: AcceptFailures = False,
) -> None:
    """Only evaluate: the policy of a recipe, or any model on public benchmarks. Rerun to resume."""
    from posttrain.benchmark_options import BenchmarkOptions, check_ways, recipe_of

    check_ways(recipe, suite or (), table=table)
    if table:
        from posttrain.loop.report import show_table

        show_table(_parts().reporter, runs_dir, as_json=as_json)
        return
    if recipe is not None:
        loaded = load(recipe, set_)
    else:
        sampling = (style, n, temperature, top_p, max_tokens, tasks)
        loaded = recipe_of(
            BenchmarkOptions(suite or (), problems or (), model, engine, *sampling, set_ or ())
        )
        print_warnings(loaded.warnings)
    from posttrain.loop.run import RunOptions, evaluate_recipe

    evaluate_recipe(loaded, runs_dir, _parts(), RunOptions(fresh=fresh, accept_failures=accept_failures))


pocket = typer.Typer(help="The pocket model, which ships with codemill.", no_args_is_help=True)


@pocket.command()
def pretrain(recipe: RecipeArgument, set_: Overrides = None) -> None:
    """Train the pocket model from scratch with its own recipe."""
    from posttrain.pocket.pretrain import pretrain_recipe

    pretrain_recipe(recipe, set_ or ())


def _parts() -> "Parts":
    """The parts of a run: the terminal display, and the one world that ships."""
    from posttrain.loop.session import Parts
    from posttrain.pocket.world import POCKET_WORLD
    from synth.cli.progress import ProgressDisplay

    return Parts(ProgressDisplay(), POCKET_WORLD)


def _show(step: "TrainingProgress") -> None:
    """Print one plain line per twentieth of the steps."""
    if step.step % max(1, step.total // 20) == 0 or step.step == step.total:
        print(f"{step.job}: step {step.step} of {step.total}, loss {step.loss:.4f}", flush=True)


doctor.register(app)
views.register(app)
fsck.register(app)
revoke.register(app)
calibrate.register(app)
checklist.register(app)
exec.register(app)
verify.register(app)
serve.register(app)
inspect.register(app)
audit.register(app)
curation.register(app)
packages.register(app)
data.register(app)
plan.register(app)
push.register(app)
app.add_typer(pocket, name="pocket")


def main() -> None:
    """Entry point of the console command."""
    app()
