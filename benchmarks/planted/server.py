"""An OpenAI-compatible endpoint on loopback that answers about the seeds it is shown, with known truth.

A request for an instruction shows it a seed; the instruction that it answers carries a tag, by which it knows
the seed in the requests that follow. Which kind a request is, is read from `max_tokens`. Runs in a process of
its own, and tells what it has said when it ends.
"""

import multiprocessing
from collections import Counter
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from multiprocessing.connection import Connection
from random import Random
from typing import Any, Final, NamedTuple

from aiohttp import web

from benchmarks.planted.answers import (
    PlantedSeed,
    Truth,
    called_name,
    mutants_of,
    read_seed,
    read_tag,
    write_instruction,
    write_program,
)
from synth.languages.code_tokens import normalize_code
from synth.token_estimate import estimate_tokens

INSTRUCT_TOKENS: Final = 512
SOLVE_TOKENS: Final = 1536
MODEL: Final = "planted"


@dataclass
class Said:
    """What the endpoint has said."""

    programs: dict[str, Truth] = field(default_factory=dict)
    """By tag and program without layout: what it is. A text that is the seed and a mutant is the seed."""
    answers: Counter[Truth] = field(default_factory=Counter)
    leaks: set[str] = field(default_factory=set)
    """Tags whose instruction holds the solution."""
    requests: int = 0
    tokens: int = 0


def program_key(tag: str, code: str, language: str) -> str:
    """The name of a program among those of its seed."""
    return f"{tag} {language} {normalize_code(code, language)}"


class _Endpoint:
    def __init__(self) -> None:
        self.said = Said()
        self._seeds: dict[str, PlantedSeed] = {}
        self._mutants: dict[tuple[str, str], list[str]] = {}

    async def answer(self, request: web.Request) -> web.Response:
        body = await request.json()
        prompt = body["messages"][-1]["content"]
        texts = [self._answer(body, prompt, at) for at in range(body.get("n") or 1)]
        self.said.requests += 1
        used = {
            "prompt_tokens": estimate_tokens(prompt),
            "completion_tokens": sum(map(estimate_tokens, texts)),
        }
        used["total_tokens"] = sum(used.values())
        self.said.tokens += used["total_tokens"]
        choices = [
            {"index": at, "finish_reason": "stop", "message": {"role": "assistant", "content": text}}
            for at, text in enumerate(texts)
        ]
        return web.json_response(
            {"id": "planted", "object": "chat.completion", "model": MODEL, "choices": choices, "usage": used}
        )

    def _answer(self, body: dict[str, Any], prompt: str, at: int) -> str:
        random = Random(f"{prompt} {body.get('seed', 0)} {at}")
        if body["max_tokens"] == INSTRUCT_TOKENS:
            return self._instruct(prompt, random)
        seed = self._seeds.get(read_tag(prompt))
        if seed is None or body["max_tokens"] != SOLVE_TOKENS:
            return "[]"
        return self._solve(seed, called_name(prompt), random)

    def _instruct(self, prompt: str, random: Random) -> str:
        seed = read_seed(prompt)
        if seed is None:
            return "There is no code to read."
        self._seeds[seed.tag] = seed
        text, leaks = write_instruction(seed, random)
        if leaks:
            self.said.leaks.add(seed.tag)
        return text

    def _solve(self, seed: PlantedSeed, name: str, random: Random) -> str:
        key = (seed.tag, name)
        if key not in self._mutants:
            self._mutants[key] = mutants_of(seed, name)
            self._note(seed, self._mutants[key], Truth.MUTANT)
            self._note(seed, [seed.code], Truth.RIGHT)
        text, truth = write_program(seed, name, self._mutants[key], random)
        self.said.answers[truth] += 1
        return text

    def _note(self, seed: PlantedSeed, programs: Sequence[str], truth: Truth) -> None:
        for code in programs:
            self.said.programs[program_key(seed.tag, code, seed.language)] = truth


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
    pipe.send(endpoint.said)


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
