"""Options that the views of a run share, and the way from a store's error to the option that mends it.

The one rule: errors of the store's views speak of records; the names of options are added here.
"""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path
from typing import Annotated

import typer

from synth.errors import UserError

RunName = Annotated[
    str | None, typer.Argument(metavar="[RUN]", help="Name of the run; left out: the newest.")
]
RunOption = Annotated[str | None, typer.Option("--run", help="Name of the run; left out: the newest.")]
RunsDir = Annotated[Path, typer.Option("--runs-dir", help="Folder that holds the run folders.")]
UnitId = Annotated[
    str, typer.Argument(metavar="ID", help="Id of a unit, or a start of it that only one unit has.")
]
Limit = Annotated[int, typer.Option(min=1, max=10_000, help="Rows on a page.")]
After = Annotated[
    str | None, typer.Option("--after", metavar="KEY", help="Go on after this key of an earlier page.")
]
Language = Annotated[str | None, typer.Option(help="Only this language.")]


def find_run(runs_dir: Path, name: str | None) -> Path:
    """The folder of that run, or of the newest. Raises UserError with the nearest names."""
    from synth.store.run_folder import resolve_run

    with naming("--runs-dir FOLDER"):
        return resolve_run(runs_dir, name)


@contextmanager
def naming(options: str) -> Iterator[None]:
    """Add to the fix of a user's mistake the options that the wrong value can have come from."""
    try:
        yield
    except UserError as error:
        raise type(error)(*(replace(one, fix=f"{one.fix} ({options})") for one in error.problems)) from error
