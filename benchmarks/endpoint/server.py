"""An endpoint that answers every request with the same body after a fixed delay, as cheaply as Python can, in
a process of its own."""

import asyncio
import contextlib
import json
import multiprocessing
from collections.abc import Iterator
from multiprocessing.connection import Connection

_ANSWER = json.dumps(
    {
        "id": "x",
        "object": "chat.completion",
        "model": "mock",
        "choices": [
            {
                "index": 0,
                "finish_reason": "stop",
                "message": {"role": "assistant", "content": "```python\n" + "x = 1\n" * 60 + "```"},
            }
        ],
        "usage": {"prompt_tokens": 200, "completion_tokens": 180, "total_tokens": 380},
    }
).encode()
_MODELS = json.dumps({"object": "list", "data": [{"id": "mock", "object": "model"}]}).encode()


def _reply(data: bytes) -> bytes:
    head = f"HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nContent-Length: {len(data)}\r\n\r\n"
    return head.encode() + data


_GOOD, _LIST = _reply(_ANSWER), _reply(_MODELS)


class _Answerer(asyncio.Protocol):
    """One connection, one request at a time."""

    delay_s = 0.0

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        assert isinstance(transport, asyncio.Transport)
        self._transport, self._buffer = transport, b""

    def data_received(self, data: bytes) -> None:
        self._buffer += data
        end = self._buffer.find(b"\r\n\r\n")
        if end < 0:
            return
        head = self._buffer[:end].lower()
        _, found, rest = head.partition(b"content-length:")
        length = int(rest.split(b"\r\n", 1)[0]) if found else 0
        if len(self._buffer) < end + 4 + length:
            return
        self._buffer = self._buffer[end + 4 + length :]
        answer = _LIST if head.startswith(b"get") else _GOOD
        if self.delay_s:
            asyncio.get_running_loop().call_later(self.delay_s, self._write, answer)
        else:
            self._write(answer)

    def _write(self, answer: bytes) -> None:
        if not self._transport.is_closing():
            self._transport.write(answer)


def _serve(delay_s: float, pipe: Connection) -> None:
    _Answerer.delay_s = delay_s

    async def serve() -> None:
        loop = asyncio.get_running_loop()
        server = await loop.create_server(_Answerer, "127.0.0.1", 0, backlog=1024)
        pipe.send(server.sockets[0].getsockname()[1])
        await server.serve_forever()

    with contextlib.suppress(KeyboardInterrupt):
        asyncio.run(serve())


@contextlib.contextmanager
def fixed_endpoint(delay_s: float) -> Iterator[str]:
    """The base URL of the server, while the block runs."""
    context = multiprocessing.get_context("spawn")
    ours, theirs = context.Pipe()
    process = context.Process(target=_serve, args=(delay_s, theirs), daemon=True)
    process.start()
    try:
        yield f"http://127.0.0.1:{ours.recv()}/v1"
    finally:
        process.terminate()
        process.join()
