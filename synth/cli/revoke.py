"""`codemill revoke`: everything that derives from a source, a file, a licence or a seed, and the patch that
takes it out.

The one rule: it changes nothing in the run; `codemill export --without PATCH` writes the data without it.
"""

import json
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from synth.cli.app import AsJson
from synth.cli.printing import print_json, print_table, print_text, print_title
from synth.cli.run_options import RunName, RunsDir, find_run, naming

if TYPE_CHECKING:
    from synth.store.revoke import OpenRevocation, Revocation

_RUNS = Path("runs")


def register(app: typer.Typer) -> None:
    """Add the command."""
    app.command()(revoke)


def revoke(
    run: RunName = None,
    source: Annotated[str, typer.Option(help="Name of a source: a folder, a data set, a repository.")] = "",
    file: Annotated[
        str, typer.Option(help="Path of a file inside its source, or a row as part:number.")
    ] = "",
    licence: Annotated[str, typer.Option(help="Licence as the source states it; `unknown` for none.")] = "",
    seed: Annotated[
        str, typer.Option(metavar="ID", help="Id of a seed or of a later unit, or its unique beginning.")
    ] = "",
    output: Annotated[
        Path | None, typer.Option("--output", "-o", help="Write the patch to this new file.")
    ] = None,
    limit: Annotated[int, typer.Option(min=0, help="Units to list.")] = 0,
    runs_dir: RunsDir = _RUNS,
    as_json: AsJson = False,
) -> None:
    """Find all that derives from code that has to go: samples, pairs, exports, checkpoints. Changes nothing.

    Several conditions must all hold.
    """
    from synth.store.revoke import Withdrawn
    from synth.store.revoke import revoke as find

    folder = find_run(runs_dir, run)
    what = Withdrawn(source=source, file=file, licence=licence, unit=seed)
    with naming("--source, --file, --licence, --seed"), find(folder, what) as found:
        units = found.units(limit) if limit else []
        lines = _write_patch(found, output) if output is not None else 0
        if as_json:
            print_json({"run": folder.name, **found.summary.model_dump(), "units": units, "patch": lines})
            return
        _print_summary(found.summary)
        if units:
            print_table(["kind", "unit"], [[unit.kind, unit.unit_id] for unit in units])
    if output is not None:
        print_text(f"{output}: {lines} lines; apply it with `codemill export --without {output} -o FOLDER`")


def _write_patch(found: "OpenRevocation", output: Path) -> int:
    from synth.errors import Problem, UserError
    from synth.store.atomic import atomic_file

    if output.exists():
        raise UserError(Problem(f"file {output}", "must be new, but already exists", "choose another name"))
    count = 0
    with atomic_file(output, shared=True) as file:
        for line in found.patch():
            file.write(json.dumps(line).encode() + b"\n")
            count += 1
    return count


def _print_summary(found: "Revocation") -> None:
    print_title(found.withdrawn.words)
    print_text(
        f"{found.roots} units come from it; {found.decisions} decisions are about what was made of them"
    )
    print_table(["kind", "units"], [[one.kind, one.count] for one in found.kinds], ["units"])
    rows = [[one.data_set, one.rows, one.revoked] for one in found.data_sets if one.revoked]
    print_table(["data set", "rows", "revoked"], rows, ["rows", "revoked"])
    trained = [[one.name, one.rows, one.revoked, one.through, one.solutions] for one in found.checkpoints]
    heads = ["checkpoint", "rows", "revoked", "through", "solutions it wrote"]
    print_table(heads, trained, ["rows", "revoked", "solutions it wrote"])
    for one in found.exports:
        state = f"{one.revoked} of {one.rows} rows" if one.found else "is no longer there; look for copies"
        print_text(f"export {one.folder} of {one.made}: {state}")
    if not found.exports:
        print_text("no export is noted in this run")
