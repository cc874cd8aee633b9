"""The recorded endpoint, which can also hang, drip, send garbage, answer nothing, fail, or be gone.

The one rule: without a fault it answers each prompt as the recording does, so what it is asked decides what
it says, and nothing else.
"""

import json
import threading
import time
from collections.abc import Callable
from http.server import BaseHTTPRequestHandler
from pathlib import Path
from typing import Any, Final

from tests.loop.recorded_endpoint import RecordedEndpoint, _handler
from tests.recordings.record import Recording

Sender = Callable[[BaseHTTPRequestHandler, threading.Event], None]
OnRequest = Callable[[dict[str, Any]], None]


def _hang(_handler: BaseHTTPRequestHandler, over: threading.Event) -> None:
    over.wait(120)


def _drip(handler: BaseHTTPRequestHandler, over: threading.Event) -> None:
    """Headers at once, then a byte a second."""
    _begin(handler, 200, 10_000)
    while not over.wait(1.0):
        handler.wfile.write(b" ")
        handler.wfile.flush()


def _garbage(handler: BaseHTTPRequestHandler, _over: threading.Event) -> None:
    _send(handler, 200, b"\x00\xffgarbage \x1b[2J" * 20)


def _empty(handler: BaseHTTPRequestHandler, _over: threading.Event) -> None:
    _send(handler, 200, b"")


def _failing(handler: BaseHTTPRequestHandler, _over: threading.Event) -> None:
    _send(handler, 500, b'{"error": {"message": "overloaded"}}')


def _cut(handler: BaseHTTPRequestHandler, _over: threading.Event) -> None:
    _begin(handler, 200, 1000)
    handler.wfile.write(b'{"choices": [{"index": 0, "mess')


def _begin(handler: BaseHTTPRequestHandler, status: int, length: int) -> None:
    handler.send_response(status)
    handler.send_header("Content-Type", "application/json")
    handler.send_header("Content-Length", str(length))
    handler.end_headers()


def _send(handler: BaseHTTPRequestHandler, status: int, body: bytes) -> None:
    _begin(handler, status, len(body))
    handler.wfile.write(body)


SENDERS: Final[dict[str, Sender]] = {
    "hung": _hang,
    "drip": _drip,
    "garbage": _garbage,
    "empty": _empty,
    "failing": _failing,
    "cut": _cut,
}

GONE: Final = "gone"


class MisbehavingEndpoint(RecordedEndpoint):
    """`fault` names what it does instead of answering; empty: it answers."""

    def __init__(self, recording: Recording, folder: Path) -> None:
        super().__init__(recording, folder, 0.0)
        self.fault = ""
        self.on_request: OnRequest | None = None
        """Told each request before it is answered."""
        self.over = threading.Event()
        """Set once: what hangs lets go."""

    def handler(self) -> type[BaseHTTPRequestHandler]:
        return _faulty_handler(self)

    def start(self) -> None:
        self.fault = ""
        self.over.clear()
        super().start()

    def stop(self) -> None:
        """Be gone: connections are refused, and open ones end without an answer."""
        self.fault = GONE
        self.over.set()
        super().stop()


def _faulty_handler(endpoint: MisbehavingEndpoint) -> type[BaseHTTPRequestHandler]:
    class FaultyHandler(_handler(endpoint)):  # type: ignore[misc]
        def do_POST(self) -> None:
            body = self.rfile.read(int(self.headers["Content-Length"]))
            if not body:
                return  # the asker was killed while it wrote
            if endpoint.on_request is not None:
                endpoint.on_request(json.loads(body))
            try:
                if endpoint.fault == GONE:
                    self.connection.close()
                    self.close_connection = True
                elif endpoint.fault:
                    self.close_connection = True
                    SENDERS[endpoint.fault](self, endpoint.over)
                elif (answer := endpoint.answer(json.loads(body))) is None:
                    self.write(404, '{"error": {"message": "not recorded"}}')
                else:
                    self.write(200, answer)
            except (BrokenPipeError, ConnectionResetError):
                self.close_connection = True

    return FaultyHandler


def stage_of(body: dict[str, Any], measures: bool) -> str:
    """Which stage asks: the recipe gives each prompt words of its own, but an evaluation asks for solutions
    in the same words. `measures` says whether one is under way."""
    prompt = body["messages"][-1]["content"]
    if "Write an instruction" in prompt:
        return "instruct"
    if "Write test inputs" in prompt:
        return "inputs"
    return "evaluate" if measures else "solve"


def wait_until(condition: Callable[[], bool], timeout_s: float = 60) -> bool:
    """Whether the condition came true in time."""
    deadline = time.monotonic() + timeout_s
    while time.monotonic() < deadline:
        if condition():
            return True
        time.sleep(0.002)
    return False
