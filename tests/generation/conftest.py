"""A real HTTP server that answers as an OpenAI endpoint does, or fails in the way that a test scripts."""

import json
import threading
import time
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

import pytest


@dataclass(frozen=True)
class Reply:
    """What the server does with one request. Defaults: a good answer."""

    status: int = 200
    body: str | None = None
    headers: Mapping[str, str] = field(default_factory=dict)
    delay_s: float = 0.0
    hang_up: bool = False


class ScriptedEndpoint:
    """Plays `script` request by request, then answers well. `max_choices` imitates endpoints that ignore
    `n`."""

    def __init__(self) -> None:
        self.script: list[Reply] = []
        self.requests: list[dict[str, Any]] = []
        self.keys: list[str] = []
        self.times: list[float] = []
        self.models: list[str] | None = ["tiny"]
        self.max_choices: int | None = None
        self.delay_s = 0.0
        self.open = self.most_open = 0
        self._lock = threading.Lock()
        endpoint = self

        class Handler(BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"

            def do_GET(self) -> None:
                self.write(404, "{}") if endpoint.models is None else self.write(200, endpoint.model_list())

            def do_POST(self) -> None:
                body = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
                reply = endpoint.receive(body, self.headers.get("Authorization", ""))
                try:
                    time.sleep(reply.delay_s or endpoint.delay_s)
                    if reply.hang_up:
                        self.close_connection = True
                        return
                    self.write(
                        reply.status, endpoint.good(body) if reply.body is None else reply.body, reply.headers
                    )
                finally:
                    endpoint.leave()

            def write(self, status: int, text: str, headers: Mapping[str, str] | None = None) -> None:
                data = text.encode()
                self.send_response(status)
                for name, value in {"Content-Type": "application/json", **(headers or {})}.items():
                    self.send_header(name, value)
                self.send_header("Content-Length", str(len(data)))
                self.end_headers()
                self.wfile.write(data)

            def log_message(self, format: str, *args: object) -> None:
                """Quiet."""

        self._server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self._server.daemon_threads = True
        self._thread = threading.Thread(target=self._server.serve_forever, args=(0.05,), daemon=True)
        self._thread.start()

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self._server.server_port}/v1"

    def receive(self, body: dict[str, Any], key: str) -> Reply:
        with self._lock:
            self.requests.append(body)
            self.keys.append(key)
            self.times.append(time.monotonic())
            self.open += 1
            self.most_open = max(self.most_open, self.open)
            return self.script.pop(0) if self.script else Reply()

    def leave(self) -> None:
        with self._lock:
            self.open -= 1

    def model_list(self) -> str:
        return json.dumps(
            {"object": "list", "data": [{"id": name, "object": "model"} for name in self.models or []]}
        )

    def good(self, body: dict[str, Any]) -> str:
        """Choices whose text tells question, place and seed, in reverse order of index as the protocol
        allows."""
        count = min(body.get("n", 1), self.max_choices or 1000)
        question = body["messages"][-1]["content"] if "messages" in body else body["prompt"]
        texts = [f"{question} {place} {body.get('seed')}" for place in range(count)]
        choices = [
            {"index": place, "finish_reason": "stop"}
            | ({"message": {"role": "assistant", "content": text}} if "messages" in body else {"text": text})
            for place, text in enumerate(texts)
        ]
        return json.dumps(
            {"choices": choices[::-1], "usage": {"prompt_tokens": 7, "completion_tokens": 10 * count}}
        )

    def close(self) -> None:
        self._server.shutdown()
        self._server.server_close()


@pytest.fixture
def endpoint() -> Iterator[ScriptedEndpoint]:
    """A scripted endpoint on the loopback interface."""
    server = ScriptedEndpoint()
    yield server
    server.close()


@pytest.fixture
def reply() -> type[Reply]:
    """The type of a scripted reply."""
    return Reply
