"""`codemill packages`: builds the packages that programs may import, and lists what there is.

The one rule: each language is built by itself, and one that fails costs the others nothing. Exit code 1: one
of them could not be built.
"""

import sys
from typing import TYPE_CHECKING, Annotated

import typer

from synth.cli.app import AsJson
from synth.cli.execution_options import Packages, read_packages
from synth.cli.printing import print_json, print_table
from synth.errors import Problem, UserError

if TYPE_CHECKING:
    from synth.packages.build import BuildAnswer
    from synth.packages_config import PackagesConfig

packages = typer.Typer(help="Packages that programs can import in the sandbox.", no_args_is_help=True)


@packages.command()
def build(
    recipe: Annotated[
        str | None,
        typer.Argument(metavar="RECIPE", help="Build what execution.packages of this recipe names."),
    ] = None,
    asked: Packages = None,
    again: Annotated[bool, typer.Option("--again", help="Also build what was built before.")] = False,
) -> None:
    """Build packages with pip, npm and Debian's tools. With neither a recipe nor --packages: the default set,
    which is used without an option from then on."""
    from synth.packages.build import build_all
    from synth.packages_config import DEFAULT, ready_sets

    names = _asked(recipe, asked).names() or dict(ready_sets()[DEFAULT])
    failed = False
    for language in names:
        print(f"{language}: {', '.join(names[language])}", file=sys.stderr)
        for answer in build_all({language: names[language]}, again):
            failed |= answer.error is not None
            _say(answer)
    if failed:
        raise typer.Exit(1)


def _asked(recipe: str | None, asked: list[str] | None) -> "PackagesConfig":
    """Raises UserError."""
    from synth.config import LocalSandboxConfig
    from synth.recipe import load_recipe

    if recipe is None:
        return read_packages(asked)
    if asked:
        raise UserError(Problem("RECIPE and --packages", "exclude each other", "omit one", _see()))
    execution = load_recipe(recipe, machine=False).recipe.execution
    if isinstance(execution, LocalSandboxConfig) and execution.packages.names():
        return execution.packages
    raise UserError(Problem(recipe, "names no packages", "execution: {packages: {python: [numpy]}}", _see()))


def _see() -> str:
    from synth.packages.store import SEE

    return SEE


def _say(answer: "BuildAnswer") -> None:
    if answer.error is not None or answer.built is None:
        print(f"{answer.error}", file=sys.stderr)
        return
    manifest = answer.built.manifest
    state = "was there" if answer.was_there else "built"
    print(f"{answer.language}: {state}, {', '.join(manifest.installed)} ({manifest.digest})")


@packages.command("list")
def list_(as_json: AsJson = False) -> None:
    """List the ready-made sets, and the packages that were built."""
    from synth.packages.store import packages_home, read_built
    from synth.packages_config import about_sets, ready_sets

    home = packages_home()
    built = [found for folder in sorted(home.glob("*-*")) if (found := read_built(folder)) is not None]
    if as_json:
        print_json(
            {
                "sets": ready_sets(),
                "built": [
                    {**one.manifest.model_dump(mode="json"), "folder": str(one.folder)} for one in built
                ],
            }
        )
        return
    sets = [
        (
            name,
            about_sets()[name],
            "; ".join(f"{language}: {', '.join(names)}" for language, names in held.items()),
        )
        for name, held in ready_sets().items()
    ]
    print_table(("set", "for", "packages"), sets)
    rows = [
        (one.manifest.language, ", ".join(one.manifest.installed), one.manifest.digest, str(one.folder))
        for one in built
    ]
    print_table(("built for", "packages", "digest", "folder"), rows)


def register(app: typer.Typer) -> None:
    """Add the commands."""
    app.add_typer(packages, name="packages")
