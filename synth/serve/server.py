"""The running server: a socket, a sandbox, and a clean end.

Place in the flow: `codemill serve` calls `serve`. The one rule: Ctrl-C and SIGTERM end it in order: nobody
new is let in, programs that run are ended and said to be faults of ours, and nothing is left behind.
"""

import asyncio
import resource
import signal
import socket
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from typing import TYPE_CHECKING, Final, NamedTuple

from synth.errors import Problem, UserError
from synth.serve.access import is_loopback
from synth.serve.app import create_app
from synth.serve.endpoints import Service

if TYPE_CHECKING:
    import uvicorn

PAGE: Final = "docs/architecture/serving.md"
_BACKLOG: Final = 4096
_GRACE_S: Final = 10
"""For responses that are being sent when the server ends."""
_FILES: Final = 65536


class Address(NamedTuple):
    """Where the server listens, and the token that it asks for."""

    host: str
    port: int
    token: str


def check_address(address: Address) -> None:
    """Raises UserError for a server that others could use without a token."""
    if not address.token and not is_loopback(address.host):
        raise UserError(
            Problem(
                f"--host {address.host}",
                "must be a loopback address, unless a token is asked for: who reaches it runs programs",
                "--host 127.0.0.1, or --token-file FILE",
                PAGE,
            )
        )


def open_socket(address: Address) -> socket.socket:
    """A listening socket. Raises UserError."""
    family = socket.AF_INET6 if ":" in address.host else socket.AF_INET
    try:
        return socket.create_server((address.host, address.port), family=family, backlog=_BACKLOG)
    except OSError as error:
        raise UserError(
            Problem(
                f"--host {address.host} --port {address.port}",
                f"cannot be listened on: {error.strerror or error}",
                "choose another port; 0 takes a free one",
                PAGE,
            )
        ) from None


async def serve(service: Service, address: Address, listening: Callable[[str], None]) -> None:
    """Serve until a signal. `listening` is called with the address once requests are answered. Raises
    UserError, SandboxError."""
    check_address(address)
    _allow_many_files()
    ending = asyncio.Event()
    server = _create_server(service, address.token)
    serving: asyncio.Task[None] | None = None
    with open_socket(address) as listener:
        try:
            await service.sandbox.start()
            for number in (signal.SIGINT, signal.SIGTERM):
                asyncio.get_running_loop().add_signal_handler(number, ending.set)
            serving = asyncio.create_task(server.serve([listener]))
            while not server.started and not serving.done():
                await asyncio.sleep(0.01)
            listening(_url(address.host, listener.getsockname()[1]))
            await asyncio.wait(
                {serving, asyncio.create_task(ending.wait())}, return_when=asyncio.FIRST_COMPLETED
            )
        finally:
            service.gate.close()
            server.should_exit = True
            await service.sandbox.close()
            if serving is not None:
                await serving
                await service.sandbox.close()  # a request may have started it again


def _url(host: str, port: int) -> str:
    return f"http://[{host}]:{port}" if ":" in host else f"http://{host}:{port}"


def _allow_many_files() -> None:
    """One descriptor for each client that waits."""
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    wanted = _FILES if hard == resource.RLIM_INFINITY else min(hard, _FILES)
    with suppress(OSError, ValueError):
        resource.setrlimit(resource.RLIMIT_NOFILE, (max(soft, wanted), hard))


def _create_server(service: Service, token: str) -> "uvicorn.Server":
    try:
        import uvicorn

        app = create_app(service, token)
    except ImportError:
        raise UserError(
            Problem(
                "codemill serve",
                "needs starlette and uvicorn, which are not installed",
                'pip install "codemill[serve]"',
                PAGE,
            )
        ) from None

    class Server(uvicorn.Server):
        """Leaves signals to us."""

        @contextmanager
        def capture_signals(self) -> Iterator[None]:
            yield

    config = uvicorn.Config(
        app,
        log_config=None,
        log_level="warning",
        access_log=False,
        lifespan="off",
        server_header=False,
        timeout_graceful_shutdown=_GRACE_S,
        timeout_keep_alive=75,
    )
    return Server(config)
