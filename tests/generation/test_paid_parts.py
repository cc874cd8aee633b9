"""Parts of a request are kept as they arrive: what was paid for survives whatever the other parts do."""

import asyncio
import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from functools import partial
from pathlib import Path

import pytest

from synth.config import OpenaiEngineConfig
from synth.errors import EngineError, RequestRefusedError
from synth.generation.journal import JournalledEngine
from synth.generation.ledger import Usage
from synth.generation.openai_api import OpenaiApiEngine
from synth.generation.protocol import GenerationRequest, GenerationResponse
from synth.generation.responses import ResponseFiles
from synth.generation.retry import Pauses
from tests.builders import build_question
from tests.generation.mock_endpoint import PROMPT_TOKENS, Body, MockEndpoint, Played, mock_endpoint

ask = partial(build_question, seed=5, temperature=1.0)
N = 10


@pytest.fixture
def endpoint() -> Iterator[MockEndpoint]:
    with mock_endpoint() as server:
        server.write = lambda prompt, number: f"answer {number}"
        yield server


def journalled(url: str, folder: Path, **options: object) -> JournalledEngine:
    config = {"base_url": url, "model": "tiny", "api_key_env": "", "max_retries": 1, **options}
    pauses = Pauses(first_s=0.01, longest_s=0.02)
    return JournalledEngine(OpenaiApiEngine(OpenaiEngineConfig.model_validate(config), pauses=pauses), folder)


def answer(engine: JournalledEngine, request: GenerationRequest) -> GenerationResponse:
    async def work() -> GenerationResponse:
        await engine.start()
        try:
            return await engine.generate(request)
        finally:
            await engine.close()

    return asyncio.run(work())


def one_at_a_time(endpoint: MockEndpoint, body: Body) -> Played | None:
    return Played(400, {"error": {"message": "n must be exactly 1"}}) if body.get("n", 1) > 1 else None


def test_one_part_of_ten_fails_and_only_that_one_is_asked_again(
    endpoint: MockEndpoint, tmp_path: Path
) -> None:
    broken: list[int] = []

    def play(endpoint: MockEndpoint, body: Body) -> Played | None:
        refused = one_at_a_time(endpoint, body)
        if refused is None and len(endpoint.requests) > 6:
            broken[:] = broken or [body["seed"]]
        return refused or (Played(500, "no") if body.get("seed") in broken else None)

    endpoint.behaviour = play
    engine = journalled(endpoint.url, tmp_path, concurrency=4)
    with pytest.raises(EngineError) as raised:
        answer(engine, ask(n=N))
    assert raised.value.retryable
    assert len(endpoint.markers) == N - 1
    assert engine.usage == endpoint.paid
    assert len(ResponseFiles(tmp_path)) == 0
    endpoint.behaviour, before = one_at_a_time, len(endpoint.requests)
    again = journalled(endpoint.url, tmp_path, concurrency=4)
    response = answer(again, ask(n=N))
    asked = [body for body in endpoint.requests[before:] if body.get("n", 1) == 1]
    assert [body["seed"] for body in asked] == broken
    texts = [completion.text for completion in response.completions]
    assert sorted(text.split("\n")[1] for text in texts) == sorted(endpoint.markers)
    assert again.usage == endpoint.paid
    assert response.prompt_tokens == N * PROMPT_TOKENS, "each call pays for the prompt"
    assert ResponseFiles(tmp_path).usage == endpoint.paid


def test_parts_that_are_refused_alone_leave_their_places_and_the_others_count(
    endpoint: MockEndpoint, tmp_path: Path
) -> None:
    refused: list[int] = []

    def play(endpoint: MockEndpoint, body: Body) -> Played | None:
        first = one_at_a_time(endpoint, body)
        if first is None and not refused and len(endpoint.markers) == 1:
            refused.append(body["seed"])
        filtered = {"error": {"message": "x", "code": "content_filter"}}
        return first or (Played(400, filtered) if body["seed"] in refused else None)

    endpoint.behaviour = play
    response = answer(journalled(endpoint.url, tmp_path, concurrency=1), ask(n=4))
    assert [completion.finish for completion in response.completions] == ["stop", "refused", "stop", "stop"]
    endpoint.behaviour = lambda endpoint, body: Played(
        400, {"error": {"message": "x", "code": "content_filter"}}
    )
    with pytest.raises(RequestRefusedError):
        answer(journalled(endpoint.url, tmp_path), ask("other", n=4))


ASKER = """
import asyncio, sys
from pathlib import Path
from synth.config import OpenaiEngineConfig
from synth.generation.journal import JournalledEngine
from synth.generation.openai_api import OpenaiApiEngine
from tests.builders import build_question

async def main(url, folder):
    config = OpenaiEngineConfig(base_url=url, model="tiny", concurrency=2, api_key_env="")
    engine = JournalledEngine(OpenaiApiEngine(config), Path(folder))
    await engine.start()
    await engine.generate(build_question(n=10, seed=5, temperature=1.0))

asyncio.run(main(sys.argv[1], sys.argv[2]))
"""


def test_kill_9_between_two_parts_loses_no_part_that_had_arrived(
    endpoint: MockEndpoint, tmp_path: Path
) -> None:
    def play(endpoint: MockEndpoint, body: Body) -> Played | None:
        answered = one_at_a_time(endpoint, body)
        slow = len(endpoint.markers) >= 6
        return answered or Played(body=endpoint.answer(body), delay_s=60.0 if slow else 0.0)

    endpoint.behaviour = play
    process = subprocess.Popen([sys.executable, "-c", ASKER, endpoint.url, str(tmp_path)])
    deadline = time.monotonic() + 60
    while len(endpoint.markers) < 8 and time.monotonic() < deadline:
        time.sleep(0.01)
    os.kill(process.pid, signal.SIGKILL)
    process.wait()
    arrived = set(endpoint.markers[:6])
    endpoint.behaviour, before = one_at_a_time, len(endpoint.requests)
    engine = journalled(endpoint.url, tmp_path)
    response = answer(engine, ask(n=N))
    assert arrived <= {completion.text.split("\n")[1] for completion in response.completions}
    assert sum(body.get("n", 1) == 1 for body in endpoint.requests[before:]) == N - 6


def test_what_was_paid_for_nothing_is_counted_and_kept(endpoint: MockEndpoint, tmp_path: Path) -> None:
    endpoint.behaviour = lambda endpoint, body: (
        Played(body={"choices": [], "usage": endpoint.charge(1)}) if len(endpoint.requests) < 3 else None
    )
    engine = journalled(endpoint.url, tmp_path, max_retries=5)
    answer(engine, ask())
    assert endpoint.paid.prompt_tokens == 3 * PROMPT_TOKENS
    assert engine.usage == endpoint.paid
    assert ResponseFiles(tmp_path).usage == endpoint.paid


def test_a_journal_from_before_parts_were_kept_is_read(endpoint: MockEndpoint, tmp_path: Path) -> None:
    engine = journalled(endpoint.url, tmp_path / "new")
    request = ask()
    fingerprint = engine.fingerprint
    old = {
        "request_id": request.request_id(fingerprint),
        "fingerprint": fingerprint,
        "completions": [{"text": "old", "finish": "stop", "tokens": 3}],
        "prompt_tokens": 7,
        "ms": 1.5,
    }
    (tmp_path / "new").mkdir()
    (tmp_path / "new" / "responses-000001.jsonl").write_text(json.dumps(old) + "\n", encoding="utf-8")
    engine = journalled(endpoint.url, tmp_path / "new")
    assert answer(engine, request).completions[0].text == "old"
    assert engine.usage == Usage(prompt_tokens=7, completion_tokens=3)
    assert endpoint.requests == []


def test_the_endpoints_own_count_is_met_in_a_mixed_run(endpoint: MockEndpoint, tmp_path: Path) -> None:
    """Retries, waste, parts and whole answers together, over two processes: the figure is exact."""

    def play(endpoint: MockEndpoint, body: Body) -> Played | None:
        number = len(endpoint.requests)
        if body.get("n", 1) > 3:
            return Played(422, {"detail": [{"loc": ["body", "n"], "msg": "at most 3", "type": "less_than"}]})
        if number % 7 == 0:
            return Played(500, "no")
        if number % 11 == 0:
            return Played(body={"choices": [], "usage": endpoint.charge(1)})
        return None

    endpoint.behaviour = play
    for seeds in (range(10), range(5, 20)):
        engine = journalled(endpoint.url, tmp_path, max_retries=5)

        async def work(engine: JournalledEngine = engine, seeds: range = seeds) -> None:
            await engine.start()
            await asyncio.gather(*(engine.generate(ask(f"q{seed}", n=1 + seed % 5)) for seed in seeds))
            await engine.close()

        asyncio.run(work())
        assert engine.usage == endpoint.paid
    assert endpoint.paid.prompt_tokens > 20 * PROMPT_TOKENS
