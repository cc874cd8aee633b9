"""A real HTTP endpoint on the loopback interface, in a thread: it answers well, or as a behaviour says, and
counts what a caller would pay.

The one rule: a choice that is sent in a sound answer holds a marker of its own, so that a test can look for
it in the journal afterwards.
"""

import asyncio
import json
import threading
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any

from aiohttp import web

from synth.generation.ledger import Usage

Body = dict[str, Any]
PROMPT_TOKENS, ANSWER_TOKENS = 40, 12


@dataclass(frozen=True)
class Played:
    """What the server does with one request."""

    status: int = 200
    body: object = None
    headers: Mapping[str, str] = field(default_factory=dict)
    delay_s: float = 0.0
    drip_s: float = 0.0
    """Seconds between the bytes of a body that never ends."""
    cut: bool = False
    """Whether the connection ends in the middle of the body."""


class MockEndpoint:
    """Plays `behaviour` for each request; where it returns None, answers well."""

    def __init__(self) -> None:
        self.url = ""
        self.behaviour: Callable[[MockEndpoint, Body], Played | None] = lambda endpoint, body: None
        self.write: Callable[[str, int], str] = lambda prompt, number: f"answer {number}"
        """Text of an answer, from the prompt and the number of answers before it."""
        self.requests: list[Body] = []
        self.headers: list[Mapping[str, str]] = []
        self.paid = Usage()
        self.markers: list[str] = []
        """A text for each choice that was paid for and is sound."""
        self.open = self.most_open = 0
        self._written: dict[str, int] = {}

    def answer(self, body: Body, changes: Mapping[str, object] = {}, n: int | None = None) -> Body:
        """A sound answer of n choices; `changes` go into each choice, `message` into its message."""
        prompt = json.dumps(body.get("messages", body.get("prompt")))
        choices = []
        for index in range(body.get("n", 1) if n is None else n):
            number = self._written[prompt] = self._written.get(prompt, -1) + 1
            marker = f"marker-{len(self.markers)}-"
            self.markers.append(marker)
            text = f"{self.write(prompt, number)}\n{marker}"
            own: Body = {"index": index, "finish_reason": "stop", **changes}
            if "messages" in body:
                extra = changes.get("message")
                message = {"role": "assistant", "content": text}
                own["message"] = extra(text) if callable(extra) else message
            else:
                own["text"] = text
            choices.append(own)
        return {"choices": choices, "usage": self.charge(len(choices))}

    def charge(self, n: int) -> Body:
        """The usage of an answer with n choices, which is paid from now on."""
        used = Usage(
            prompt_tokens=PROMPT_TOKENS,
            completion_tokens=ANSWER_TOKENS * n,
            cached_tokens=PROMPT_TOKENS // 4,
            reasoning_tokens=2 * n,
        )
        self.paid += used
        return {
            "prompt_tokens": used.prompt_tokens,
            "completion_tokens": used.completion_tokens,
            "prompt_tokens_details": {"cached_tokens": used.cached_tokens},
            "completion_tokens_details": {"reasoning_tokens": used.reasoning_tokens},
        }

    async def handle(self, request: web.Request) -> web.StreamResponse:
        body = await request.json()
        self.requests.append(body)
        self.headers.append(dict(request.headers))
        self.open += 1
        self.most_open = max(self.most_open, self.open)
        try:
            played = self.behaviour(self, body) or Played(body=self.answer(body))
            await asyncio.sleep(played.delay_s)
            return await self._play(request, played)
        finally:
            self.open -= 1

    async def _play(self, request: web.Request, played: Played) -> web.StreamResponse:
        text = played.body if isinstance(played.body, str) else json.dumps(played.body)
        data = text.encode("utf-8", "surrogatepass")
        headers = {"Content-Type": "application/json", **played.headers}
        if not played.drip_s and not played.cut:
            return web.Response(status=played.status, body=data, headers=headers)
        response = web.StreamResponse(status=played.status, headers={**headers, "Content-Length": "100000"})
        await response.prepare(request)
        await response.write(data[: len(data) // 2])
        while played.drip_s:
            await asyncio.sleep(played.drip_s)
            await response.write(b" ")
        assert request.transport is not None
        request.transport.close()
        return response

    async def list_models(self, request: web.Request) -> web.Response:
        return web.json_response({"object": "list", "data": [{"id": "tiny", "object": "model"}]})


@contextmanager
def mock_endpoint() -> Iterator[MockEndpoint]:
    """The endpoint on a free port, while the block runs."""
    endpoint, loop = MockEndpoint(), asyncio.new_event_loop()

    async def open_() -> web.AppRunner:
        app = web.Application()
        app.router.add_post("/v1/chat/completions", endpoint.handle)
        app.router.add_post("/v1/completions", endpoint.handle)
        app.router.add_get("/v1/models", endpoint.list_models)
        runner = web.AppRunner(app, access_log=None, shutdown_timeout=0, handler_cancellation=True)
        await runner.setup()
        site = web.TCPSite(runner, "127.0.0.1", 0)
        await site.start()
        endpoint.url = f"http://127.0.0.1:{runner.addresses[0][1]}/v1"
        return runner

    runner = loop.run_until_complete(open_())
    thread = threading.Thread(target=loop.run_forever, daemon=True)
    thread.start()
    try:
        yield endpoint
    finally:
        asyncio.run_coroutine_threadsafe(runner.cleanup(), loop).result(10)
        loop.call_soon_threadsafe(loop.stop)
        thread.join(10)
        loop.close()
