"""`codemill push`: a trained policy or an exported data set to the hub."""

from pathlib import Path
from typing import Annotated

import typer

from synth.cli.printing import print_table, print_text


def push(
    folder: Annotated[
        Path, typer.Argument(metavar="FOLDER", help="A checkpoint of a run, or a folder that `export` wrote.")
    ],
    to: Annotated[str, typer.Option("--to", metavar="OWNER/NAME", help="Repository of the hub.")],
    adapter: Annotated[
        bool, typer.Option("--adapter", help="Of a policy, push the adapter instead of the full weights.")
    ] = False,
    public: Annotated[bool, typer.Option("--public", help="Make the repository public.")] = False,
    dry_run: Annotated[bool, typer.Option("--dry-run", help="List what would be pushed, and end.")] = False,
) -> None:
    """Push a policy or a data set to the hub, privately. Rerun the same command to go on."""
    from posttrain.hub.parcel import pack, size_of
    from posttrain.hub.push import push as upload

    parcel = pack(folder, adapter)
    if dry_run:
        rows = [(name, f"{size_of(content):,}") for name, content in parcel.files.items()]
        print_table(("file", "bytes"), rows, ("bytes",))
        state = "public" if public else "private"
        print_text(f"would be pushed to the {state} {parcel.kind} {to}: {parcel.bytes:,} bytes")
        return
    print_text(upload(parcel, to, public, print_text))


def register(app: typer.Typer) -> None:
    """Add the command."""
    app.command()(push)
