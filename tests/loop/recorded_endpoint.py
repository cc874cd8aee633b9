"""A real HTTP server that answers as an OpenAI endpoint does, from the recording, and notes every request
that reaches it."""

import json
import sys
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any, TypeVar

from synth.generation.protocol import GenerationRequest, GenerationResponse
from synth.generation.responses import ResponseFiles
from synth.ids import derive_seed
from tests.recordings.record import Recording, read_requests

MODEL = "recorded"
Key = tuple[str, float, int, int, int]
E = TypeVar("E", bound="RecordedEndpoint")


def asked_key(request: GenerationRequest) -> Key:
    """What a call shows of its request: the prompt, the sampling, the count, and the random seed that the
    client derives."""
    seed = derive_seed(request.seed, "part", 0, 0) if request.sampling.temperature > 0 else 0
    prompt = json.dumps([message.model_dump() for message in request.messages])
    return (prompt, request.sampling.temperature, request.sampling.max_tokens, request.n, seed)


def called_key(body: dict[str, Any]) -> Key:
    """The same of a call."""
    return (
        json.dumps(body["messages"]),
        body["temperature"],
        body["max_tokens"],
        body.get("n", 1),
        body.get("seed", 0),
    )


class _Server(ThreadingHTTPServer):
    """Takes it calmly that its callers are killed."""

    daemon_threads = True

    # as the base class has it
    def handle_error(self, request: Any, client_address: Any) -> None:  # noqa: ANN401
        if not isinstance(sys.exception(), ConnectionError):
            super().handle_error(request, client_address)


class RecordedEndpoint:
    """Answers each prompt as it was answered when the recording was made."""

    def __init__(self, recording: Recording, folder: Path, delay_s: float) -> None:
        self.arrived: list[Key] = []
        """Every request, in the order of arrival."""
        self.unknown: list[Key] = []
        self.delay_s = delay_s
        self._lock = threading.Lock()
        answers = ResponseFiles(folder)
        self.answers: dict[Key, GenerationResponse] = {}
        for request in read_requests(folder):
            found = answers.read(request.request_id(recording.fingerprint))
            assert found is not None, "the recording's two files disagree"
            self.answers[asked_key(request)] = found
        self._server = _Server(("127.0.0.1", 0), self.handler())
        self._port = self._server.server_port
        self._thread: threading.Thread | None = None

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self._port}/v1"

    def handler(self) -> type[BaseHTTPRequestHandler]:
        """What takes the requests."""
        return _handler(self)

    def start(self) -> None:
        """Answer from now on; on the same port as before `stop`."""
        if self._server.socket.fileno() < 0:
            self._server = _Server(("127.0.0.1", self._port), self.handler())
        self._thread = threading.Thread(target=self._server.serve_forever, args=(0.05,), daemon=True)
        self._thread.start()

    def stop(self) -> None:
        """Refuse connections from now on."""
        if self._thread is not None:
            self._server.shutdown()
            self._thread.join()
        self._server.server_close()

    def reply(self, body: dict[str, Any]) -> tuple[int, str] | None:
        """Status and body; None drops the connection."""
        answer = self.answer(body)
        return (200, answer) if answer is not None else (404, '{"error": {"message": "not recorded"}}')

    def answer(self, body: dict[str, Any]) -> str | None:
        """The body of the answer; None for what was not recorded."""
        key = called_key(body)
        with self._lock:
            self.arrived.append(key)
        time.sleep(self.delay_s)
        found = self.answers.get(key)
        if found is None:
            self.unknown.append(key)
            return None
        choices = [
            {
                "index": index,
                "finish_reason": completion.finish,
                "message": {"role": "assistant", "content": completion.text},
            }
            for index, completion in enumerate(found.completions)
        ]
        tokens = sum(completion.tokens for completion in found.completions)
        return json.dumps(
            {"choices": choices, "usage": {"prompt_tokens": found.prompt_tokens, "completion_tokens": tokens}}
        )


def _handler(endpoint: RecordedEndpoint) -> type[BaseHTTPRequestHandler]:
    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def do_GET(self) -> None:
            self.write(200, json.dumps({"object": "list", "data": [{"id": MODEL, "object": "model"}]}))

        def do_POST(self) -> None:
            reply = endpoint.reply(json.loads(self.rfile.read(int(self.headers["Content-Length"]))))
            if reply is None:
                self.close_connection = True
            else:
                self.write(*reply)

        def write(self, status: int, text: str) -> None:
            data = text.encode()
            try:
                self.send_response(status)
                self.send_header("Content-Type", "application/json")
                self.send_header("Content-Length", str(len(data)))
                self.end_headers()
                self.wfile.write(data)
            except (BrokenPipeError, ConnectionResetError):
                self.close_connection = True  # the asker was killed while it waited

        def log_message(self, format: str, *args: object) -> None:
            """Quiet."""

    return Handler


@contextmanager
def recorded_endpoint(recording: Recording, folder: Path, delay_s: float = 0.0) -> Iterator[RecordedEndpoint]:
    """The server on a free port of the loopback interface, while the block runs."""
    with serving(RecordedEndpoint(recording, folder, delay_s)) as endpoint:
        yield endpoint


@contextmanager
def serving(endpoint: E) -> Iterator[E]:
    """The endpoint answers while the block runs."""
    endpoint.start()
    try:
        yield endpoint
    finally:
        endpoint.stop()
