"""`codemill checklist fit FILES`: weights of the checklist from programs that people labelled good or bad.

The one rule: the weights come out as lines for a recipe; nothing is changed.
"""

from pathlib import Path
from typing import Annotated

import typer

from synth.cli.app import AsJson
from synth.errors import Problem, UserError

Files = Annotated[
    list[Path],
    typer.Argument(metavar="FILES", help="Rows with `code`, `language`, `good` and, if known, `pass_rate`."),
]


def register(app: typer.Typer) -> None:
    """Add the commands."""
    group = typer.Typer(no_args_is_help=True, help="The checklist that scores samples.")
    group.callback()(_group)
    group.command()(fit)
    app.add_typer(group, name="checklist")


def _group() -> None:
    """The checklist that scores samples."""


def fit(files: Files, as_json: AsJson = False) -> None:
    """Fit the weights of `data.checklist` to labelled programs."""
    from synth.cli.printing import print_json
    from synth.curation.labelled_rows import read_labelled
    from synth.rules.checklist_fit import fit_weights

    rows = read_labelled(files)
    try:
        found = fit_weights(rows)
    except ValueError as error:
        names = ", ".join(map(str, files))
        raise UserError(
            Problem(names, f"cannot be fitted: {error}", "label more rows", "docs/architecture/selection.md")
        ) from error
    if as_json:
        print_json(found._asdict())
        return
    weights = ", ".join(f"{name}: {weight:g}" for name, weight in found.weights.items())
    print(
        f"{found.good} good and {found.bad} bad rows. Of rows held out, a good one scores higher than a bad"
    )
    print(f"one in {found.auc:.1%} of the pairs (chance: 50%).")
    print(f"checklist: {{weights: {{{weights}}}}}")
