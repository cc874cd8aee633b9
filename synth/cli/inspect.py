"""`codemill inspect`: the pages of runs in a browser. `codemill units`: their list of units in a terminal.

The one rule: both take the same runs and the same filter, and print what the same queries answer.
"""

import sys
import threading
from contextlib import suppress
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from synth.cli.app import AsJson
from synth.cli.printing import one_line, print_json, print_table, print_text
from synth.cli.run_options import After, Limit, RunsDir, naming
from synth.cli.serve import read_token
from synth.errors import CodemillError, Problem, UserError

if TYPE_CHECKING:
    from synth.inspector.library import Library
    from synth.inspector.queries.units import CountedFacets, UnitCount, UnitPage

TOKEN_VARIABLE = "CODEMILL_INSPECT_TOKEN"
_RUNS = Path("runs")
_MOST_RUNS = 50
"""Opened where none is named: the newest."""
_SHOWN_VALUES = 8

Runs = Annotated[
    list[str] | None,
    typer.Argument(
        metavar="[RUNS]...",
        help="Names of runs, or paths of run folders, exports and answers of `codemill verify`. Default: all "
        "runs.",
    ),
]


def inspect(
    runs: Runs = None,
    runs_dir: RunsDir = _RUNS,
    host: Annotated[
        str, typer.Option("--host", help="Address to listen on. Other than loopback needs a token.")
    ] = "127.0.0.1",
    port: Annotated[int, typer.Option("--port", min=0, max=65535, help="Port. 0 = a free one.")] = 8000,
    token_file: Annotated[
        Path | None,
        typer.Option(
            "--token-file",
            metavar="FILE",
            help=f"File with the token that a browser must give. Default: from {TOKEN_VARIABLE}.",
        ),
    ] = None,
) -> None:
    """Show runs in a browser: what was made, what was thrown away, why, and whether the rule was right."""
    from synth.inspector.library import Library
    from synth.inspector.web.server import check_address, serve
    from synth.serve.server import Address

    address = Address(host, port, read_token(token_file, TOKEN_VARIABLE))
    check_address(address)
    library = Library(find_paths(runs_dir, runs))

    def announce(url: str) -> None:
        print(url, flush=True)
        print("codemill inspect: Ctrl-C ends it", file=sys.stderr, flush=True)
        threading.Thread(target=_read_all, args=[library], daemon=True).start()

    with suppress(KeyboardInterrupt):  # the way to end it
        serve(library, address, announce)


def units(
    words: Annotated[
        list[str] | None,
        typer.Argument(
            metavar="[FILTER]...",
            help="Words such as lang:rust reason:timeout 'ms>2000'. Before one that begins with -, write --.",
        ),
    ] = None,
    run: Annotated[
        str | None,
        typer.Option(
            "--run", help="Name of a run, or path of a run, an export or answers. Default: the newest run."
        ),
    ] = None,
    sort: Annotated[
        str, typer.Option(help="Order: ms, tokens or score; with - the largest first. Default: by key.")
    ] = "",
    limit: Limit = 50,
    after: After = None,
    facets: Annotated[
        bool, typer.Option("--facets", help="Count the values of each field, and list no units.")
    ] = False,
    count_s: Annotated[
        float, typer.Option("--count-s", min=0.0, help="Longest time for counts, in seconds.")
    ] = 10.0,
    runs_dir: RunsDir = _RUNS,
    as_json: AsJson = False,
) -> None:
    """List the units of a run under a filter, or count them by each field."""
    from synth.inspector.filter_language import parse_filter
    from synth.inspector.library import read_library
    from synth.inspector.queries.units import check_names, count_facets, count_units, list_units

    wanted = parse_filter(" ".join(map(_quoted, words or ())))
    library = read_library(find_paths(runs_dir, [run] if run else None)[:1])
    opened = library.runs[0]
    for file in opened.damaged:
        print(f"left out: {file.path} {file.problem}; fix: {file.fix}", file=sys.stderr)
    check_names(library, opened, wanted)
    if facets:
        counted = count_facets(library, opened, wanted, count_s)
        print_json(counted) if as_json else _print_facets(wanted.sentence, counted)
        return
    with naming("--sort, --after KEY"):
        page = list_units(library, opened, wanted, sort, limit, after)
    count = count_units(library, opened, wanted, count_s)
    print_json({"page": page, "count": count}) if as_json else _print_page(page, count)


def find_paths(runs_dir: Path, named: list[str] | None) -> list[Path]:
    """The paths of runs: a name in the folder of runs, or else a path; the newest runs where none is named.
    Raises UserError."""
    from synth.store.run_folder import list_runs, resolve_run

    if not named:
        resolve_run(runs_dir, None)
        return list_runs(runs_dir)[:_MOST_RUNS]
    return [_path_of(runs_dir, one) for one in named]


def _path_of(runs_dir: Path, named: str) -> Path:
    from synth.cli.run_options import find_run

    path = Path(named)
    is_name = len(path.parts) == 1 and (runs_dir / named / "run.json").exists()
    if path.exists() and not is_name:
        return path
    if len(path.parts) > 1:
        fix = "name a run folder, an export or a file of answers"
        raise UserError(Problem(f"path {named}", "does not exist", fix))
    return find_run(runs_dir, named)


def _quoted(word: str) -> str:
    """A text with spaces whose quotes the shell has taken."""
    name, colon, text = word.partition(":")
    is_text = name in ("text", "-text") and colon and '"' not in text and len(text.split()) > 1
    return f'{name}:"{text}"' if is_text else word


def _read_all(library: "Library") -> None:
    """Read what is there, so that the first page need not wait for it."""
    from synth.inspector.database import OutOfTime

    with suppress(OutOfTime, CodemillError):  # the pages say what cannot be read
        for run in library.runs:
            run.refresh()


def _print_page(page: "UnitPage", count: "UnitCount") -> None:
    heads = ["unit", "round", "stage", "decision", "reason", "language", "ms", "tokens", "evidence"]
    rows = [
        [
            *(row.unit_id, row.round, row.stage, row.decision, row.reason, row.language),
            *(f"{row.ms:.0f}", row.tokens, one_line(row.evidence)),
        ]
        for row in page.rows
    ]
    print_table(heads, rows, ["round", "ms", "tokens"])
    print_text(f"{_counted(count)}: {page.sentence}")
    for text in page.texts:
        if not text.is_whole:
            print_text(
                f"“{text.text}” was looked for in {text.searched / max(text.size, 1):.0%} of the texts"
            )
    if page.next_key is not None:
        print_text(f"next page: --after '{page.next_key}'")


def _print_facets(sentence: str, counted: "CountedFacets") -> None:
    print_text(f"{_counted(counted.count)}: {sentence}")
    rows = []
    for facet in counted.facets:
        for at, value in enumerate(facet.values[:_SHOWN_VALUES]):
            rows.append([facet.field if at == 0 else "", value.value, value.count, value.term])
        if more := len(facet.values) - _SHOWN_VALUES:
            rows += [["", f"and {more} more", "", ""]] if more > 0 else []
    print_table(["field", "value", "rows", "word"], rows, ["rows"])


def _counted(count: "UnitCount") -> str:
    if count.is_whole:
        return f"{count.found:,} of {count.of:,} rows"
    return f"at least {count.found:,} rows; counting stopped at {count.counted:,} of {count.of:,}"


def register(app: typer.Typer) -> None:
    """Add the commands."""
    app.command()(inspect)
    app.command()(units)
