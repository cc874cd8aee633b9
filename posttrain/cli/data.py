"""`codemill data`: what a recipe trains on, as tokens, before a model is loaded."""

import sys
from typing import TYPE_CHECKING, Annotated

import typer

from posttrain.cli.options import RUNS, RecipeArgument, RunsDir, folder, load
from synth.cli.app import AsJson, Overrides
from synth.cli.printing import console, print_json, print_table, print_text, print_title

if TYPE_CHECKING:
    from posttrain.core.jobs import TrainingJob
    from posttrain.tokens.build import OnPart
    from posttrain.tokens.figures import DataFigures
    from posttrain.tokens.selection import TokenRows


def data(
    recipe: RecipeArgument,
    set_: Overrides = None,
    runs_dir: RunsDir = RUNS,
    debug: Annotated[
        bool, typer.Option("--debug", help="Also show rows with what is trained, and the rows left out.")
    ] = False,
    rows: Annotated[int, typer.Option("--rows", min=1, help="Rows to show of each kind.")] = 5,
    as_json: AsJson = False,
) -> None:
    """Tokenize what a recipe trains on, and show lengths, the share of trained tokens and what is left out.

    These are the rows of the run's last round, or of the data sets that the recipe names. No model is loaded.
    """
    loaded = load(recipe, set_)
    from posttrain.data_jobs import jobs_with_data, rows_of
    from posttrain.tokens.figures import count

    out = folder(loaded, runs_dir)
    found = []
    for job in jobs_with_data(loaded.recipe, loaded.source.parent, out):
        tokens = rows_of(job, _progress(job.name))
        found.append(count(job.name, job.kind, tokens))
        if not as_json:
            _show_data(job, found[-1], tokens, rows if debug else 0)
    if as_json:
        print_json(found)


def _progress(job: str) -> "OnPart":
    def show(done: int, parts: int) -> None:
        if parts > 1 and done:
            print(f"{job}: {done} of {parts} parts are tokenized", file=sys.stderr)

    return show


def _show_data(job: "TrainingJob", figures: "DataFigures", tokens: "TokenRows", shown: int) -> None:
    """Print the figures of one training, and the first `shown` rows of each kind."""
    from itertools import islice

    from posttrain import data_page
    from posttrain.core.policy import load_tokenizer
    from posttrain.tokens.figures import spans

    print_title(f"{figures.job} ({figures.kind})")
    print_table(data_page.HEADS, data_page.set_rows(figures), data_page.NUMBERS)
    for line in (*data_page.summary(figures), *data_page.bars(figures.histogram)):
        print_text(line)
    if not shown:
        return
    print_text(f"\n{data_page.LEGEND}")
    tokenizer = load_tokenizer(job.policy)
    for place in range(min(shown, len(tokens))):
        index = place * len(tokens) // shown
        print_text(f"\nrow {index + 1}:")
        for text in data_page.shown_row(spans(tokens.dataset[index], tokenizer)):
            console().print(text, soft_wrap=True)
    for row in islice(tokens.rejected(), shown):
        print_text(f"left out: {data_page.rejected_line(row)}")


def register(app: typer.Typer) -> None:
    """Add the command."""
    app.command()(data)
