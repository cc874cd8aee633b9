"""`codemill serve`: the reward server for trainers.

The one rule: every invalid option is reported before the server listens.
"""

import os
import sys
from pathlib import Path
from typing import Annotated

import typer

from synth.cli.execution_options import ExecutionOptions, MayRaiseLimits, Workers, with_execution_options
from synth.errors import Problem, UserError

TOKEN_VARIABLE = "CODEMILL_SERVE_TOKEN"
_PAGE = "docs/architecture/serving.md"
_PLACES = 32
"""Programs with the sandbox for each worker, so that it can group those of one kind."""
_MOST_HELD_BYTES = 1 << 30
_MEMORY_MB = 1024
"""Where a request names none."""


def read_token(file: Path | None, variable: str = TOKEN_VARIABLE) -> str:
    """The token of the file, or of the environment; empty for none. Raises UserError."""
    if file is None:
        return os.environ.get(variable, "").strip()
    try:
        token = file.read_text(encoding="utf-8").strip()
    except (OSError, UnicodeDecodeError) as error:
        raise UserError(
            Problem(f"--token-file {file}", f"cannot be read: {error}", "correct the path", _PAGE)
        ) from None
    if not token:
        raise UserError(Problem(f"--token-file {file}", "is empty", "write a token into it", _PAGE))
    return token


def serve(
    host: Annotated[
        str, typer.Option("--host", help="Address to listen on. Other than loopback needs a token.")
    ] = "127.0.0.1",
    port: Annotated[int, typer.Option("--port", min=0, max=65535, help="Port. 0 = a free one.")] = 8080,
    token_file: Annotated[
        Path | None,
        typer.Option(
            "--token-file",
            metavar="FILE",
            help=f"File with the token that requests must give. Default: from {TOKEN_VARIABLE}.",
        ),
    ] = None,
    workers: Workers = 0,
    waiting: Annotated[
        int,
        typer.Option("--waiting", min=0, help="Programs that may wait. Further ones are told to come back."),
    ] = 4096,
    wait_s: Annotated[
        float, typer.Option("--wait-s", min=0.1, help="Longest wait of a program for its place, in seconds.")
    ] = 300.0,
    row_mb: Annotated[
        int, typer.Option("--row-mb", min=1, max=1024, help="Largest row or program request in MiB.")
    ] = 8,
    body_mb: Annotated[
        int, typer.Option("--body-mb", min=1, max=65536, help="Largest request of many rows in MiB.")
    ] = 256,
    most_s: Annotated[
        float,
        typer.Option("--most-s", min=0.1, max=3600, help="Longest run_timeout of /run_code, in CPU seconds."),
    ] = 600.0,
    most_memory_mb: Annotated[
        int, typer.Option("--most-memory-mb", min=64, help="Largest memory_limit_MB of /run_code.")
    ] = 4096,
    row_limits: MayRaiseLimits = False,
    *,
    execution: ExecutionOptions,
) -> None:
    """Judge programs for trainers, over HTTP: /verify, and /run_code of SandboxFusion's protocol."""
    from synth.interruptible import run_interruptibly
    from synth.serve.endpoints import Bounds, Service
    from synth.serve.gate import Gate
    from synth.serve.run_code import RunCodeLimits
    from synth.serve.server import Address, check_address
    from synth.serve.server import serve as serve_until_signal
    from synth.serve.verify_rows import RowLimits

    address = Address(host, port, read_token(token_file))
    check_address(address)
    limits = execution.limits()
    sandbox = execution.sandbox(workers, serves=True).sandbox
    bounds = Bounds(row_mb << 20, body_mb << 20)
    programs = RunCodeLimits(limits, most_s, max(most_memory_mb, limits.memory_mb))
    rows = RowLimits(limits, row_limits, bounds.row_bytes)
    places = _PLACES * max(2, getattr(sandbox, "workers", 2))

    def announce(url: str) -> None:
        print(url, flush=True)
        print(f"codemill serve: level {sandbox.level}; Ctrl-C ends it", file=sys.stderr, flush=True)

    async def main() -> None:
        gate = Gate(places, waiting, wait_s, _MOST_HELD_BYTES)
        await serve_until_signal(Service(sandbox, gate, programs, rows, bounds), address, announce)

    run_interruptibly(main)


def register(app: typer.Typer) -> None:
    """Add the command."""
    app.command()(with_execution_options(serve, memory_mb=_MEMORY_MB))
