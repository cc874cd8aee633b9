"""An OpenAI-compatible endpoint on loopback that answers about the seeds it is shown, with known truth.

A request for an instruction shows it a seed; the instruction that it answers carries a tag, by which it
knows the seed in the requests that follow. Which question a request asks, is read from `max_tokens`
(`answerers`). Runs in a process of its own, and tells what it has said when it ends.
"""

import multiprocessing
from collections.abc import Iterator
from contextlib import contextmanager
from multiprocessing.connection import Connection
from random import Random
from typing import Any, Final, NamedTuple

from aiohttp import web

from benchmarks.planted.answerers import ANSWERERS
from benchmarks.planted.world import Said, World
from synth.token_estimate import estimate_tokens

MODEL: Final = "planted"


class _Endpoint:
    def __init__(self) -> None:
        self.world = World()

    async def answer(self, request: web.Request) -> web.Response:
        body = await request.json()
        prompt = _asked(body["messages"])
        texts = [self._answer(body, prompt, at) for at in range(body.get("n") or 1)]
        self.world.said.requests += 1
        used = {
            "prompt_tokens": estimate_tokens(prompt),
            "completion_tokens": sum(map(estimate_tokens, texts)),
        }
        used["total_tokens"] = sum(used.values())
        self.world.said.tokens += used["total_tokens"]
        choices = [
            {"index": at, "finish_reason": "stop", "message": {"role": "assistant", "content": text}}
            for at, text in enumerate(texts)
        ]
        return web.json_response(
            {"id": "planted", "object": "chat.completion", "model": MODEL, "choices": choices, "usage": used}
        )

    def _answer(self, body: dict[str, Any], prompt: str, at: int) -> str:
        answer = ANSWERERS.get(body["max_tokens"])
        return answer(self.world, prompt, Random(f"{prompt} {body.get('seed', 0)} {at}")) if answer else "[]"


def _asked(messages: list[dict[str, str]]) -> str:
    """The last message; of a dialogue all that was said in it."""
    if all(message["role"] != "assistant" for message in messages):
        return messages[-1]["content"]
    return "\n".join(message["content"] for message in messages if message["role"] != "system")


async def _models(_: web.Request) -> web.Response:
    return web.json_response({"object": "list", "data": [{"id": MODEL, "object": "model"}]})


def _serve(pipe: Connection) -> None:
    import asyncio

    endpoint = _Endpoint()

    async def serve() -> None:
        app = web.Application(client_max_size=1 << 24)
        app.router.add_post("/v1/chat/completions", endpoint.answer)
        app.router.add_get("/v1/models", _models)
        runner = web.AppRunner(app)
        await runner.setup()
        site = web.TCPSite(runner, "127.0.0.1", 0)
        await site.start()
        assert site._server is not None
        pipe.send(site._server.sockets[0].getsockname()[1])  # type: ignore[attr-defined]
        await asyncio.to_thread(pipe.recv)
        await runner.cleanup()

    asyncio.run(serve())
    pipe.send(endpoint.world.said)


class PlantedEndpoint(NamedTuple):
    url: str
    pipe: Connection

    def stop(self) -> Said:
        """End it, and hear what it has said."""
        self.pipe.send("stop")
        said: Said = self.pipe.recv()
        return said


@contextmanager
def planted_endpoint() -> Iterator[PlantedEndpoint]:
    """A running endpoint. Its process ends with the block."""
    ours, theirs = multiprocessing.get_context("spawn").Pipe()
    process = multiprocessing.get_context("spawn").Process(target=_serve, args=(theirs,), daemon=True)
    process.start()
    try:
        yield PlantedEndpoint(f"http://127.0.0.1:{ours.recv()}/v1", ours)
    finally:
        process.terminate()
        process.join()
