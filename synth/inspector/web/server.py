"""The server of the inspector: one address, until Ctrl-C.

Place in the flow: `codemill inspect` calls `serve`. The one rule: it listens on loopback, or asks for a
token.
"""

from collections.abc import Callable
from importlib.util import find_spec
from typing import TYPE_CHECKING, Final

from synth.errors import Problem, UserError
from synth.inspector.library import Library
from synth.serve.access import is_loopback
from synth.serve.server import Address, open_socket

if TYPE_CHECKING:
    from types import FrameType

    import uvicorn

PAGE: Final = "docs/architecture/inspector.md"
_GRACE_S: Final = 2


def check_address(address: Address) -> None:
    """Raises UserError for an address that others could open without a token."""
    if not address.token and not is_loopback(address.host):
        raise UserError(
            Problem(
                f"--host {address.host}",
                "must be a loopback address, unless a token is asked for: who reaches it reads the runs",
                "--host 127.0.0.1, or --token-file FILE",
                PAGE,
            )
        )


def serve(library: Library, address: Address, listening: Callable[[str], None]) -> None:
    """Serve until Ctrl-C or SIGTERM. `listening` is called with the address once it is open. Raises
    UserError."""
    check_address(address)
    server = create_server(library, address.token)
    with open_socket(address) as listener:
        host = f"[{address.host}]" if ":" in address.host else address.host
        listening(f"http://{host}:{listener.getsockname()[1]}/")
        server.run([listener])


def create_server(library: Library, token: str = "") -> "uvicorn.Server":
    """The server, not started. Raises UserError without its packages."""
    absent = [name for name in ("starlette", "uvicorn", "jinja2") if find_spec(name) is None]
    if absent:
        fix = 'pip install "codemill[inspect]"'
        raise UserError(
            Problem("codemill inspect", f"needs {', '.join(absent)}, not installed here", fix, PAGE)
        )
    import uvicorn

    from synth.inspector.web.app import create_app

    class PagesServer(uvicorn.Server):
        """Its end is not put off by exports that are being written."""

        def handle_exit(self, sig: int, frame: "FrameType | None") -> None:
            library.database.stop()
            super().handle_exit(sig, frame)

    config = uvicorn.Config(
        create_app(library, token),
        log_config=None,
        log_level="warning",
        access_log=False,
        lifespan="off",
        server_header=False,
        timeout_graceful_shutdown=_GRACE_S,
    )
    return PagesServer(config)
