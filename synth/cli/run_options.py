"""Options that the views of a run share; adds to a store's error the option that fixes it.

The one rule: errors from the store speak of records; the names of options are added here.
"""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path
from typing import Annotated

import typer

from synth.errors import RunFolderError, UserError

_RUN = "Name of the run, or path of its folder. Default: the newest."
RunName = Annotated[str | None, typer.Argument(metavar="[RUN]", help=_RUN)]
RunOption = Annotated[str | None, typer.Option("--run", help=_RUN)]
RunsDir = Annotated[Path, typer.Option("--runs-dir", help="Folder that contains the run folders.")]
UnitId = Annotated[str, typer.Argument(metavar="ID", help="Id of a unit, or a unique prefix of it.")]
Limit = Annotated[int, typer.Option(min=1, max=10_000, help="Rows per page.")]
After = Annotated[
    str | None,
    typer.Option("--after", metavar="KEY", help="Continue after this key, which the previous page printed."),
]
Language = Annotated[str | None, typer.Option(help="Show only this language.")]


def find_run(runs_dir: Path, name: str | None) -> Path:
    """The folder of that run, or of the newest; a path of a run folder is taken as it is. Raises UserError
    with the nearest names."""
    from synth.store.run_folder import resolve_run

    path = Path(name or "")
    if len(path.parts) > 1 and (path / "run.json").is_file():
        return path
    with naming("--runs-dir FOLDER"):
        return resolve_run(runs_dir, name)


@contextmanager
def naming(options: str) -> Iterator[None]:
    """Add to a UserError's fix the options that may have given the wrong value."""
    try:
        yield
    except RunFolderError:
        raise  # no option is wrong: the folder is
    except UserError as error:
        raise type(error)(*(replace(one, fix=f"{one.fix} ({options})") for one in error.problems)) from error
