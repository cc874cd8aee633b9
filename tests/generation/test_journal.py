"""The response journal: what was answered is never asked again, whatever kills the process."""

import asyncio
import contextlib
import os
import random
import resource
import subprocess
import sys
import time
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from synth.config import OpenaiEngineConfig, RecordedEngineConfig, SamplingConfig
from synth.errors import EngineError, StoreError
from synth.generation.journal import SYNC_EVERY_S, JournalledEngine
from synth.generation.openai_api import OpenaiApiEngine
from synth.generation.protocol import GenerationRequest, GenerationResponse
from synth.generation.recorded import RecordedEngine
from synth.generation.responses import ResponseFiles
from synth.generation.retry import Pauses
from synth.policy import Policy

if TYPE_CHECKING:
    from tests.generation.conftest import Reply, ScriptedEndpoint

FAST = Pauses(first_s=0.01, longest_s=0.05)

ASKER = """
import asyncio, os, sys
from pathlib import Path
from synth.config import OpenaiEngineConfig, SamplingConfig
from synth.generation.journal import JournalledEngine
from synth.generation.openai_api import OpenaiApiEngine
from synth.generation.protocol import GenerationRequest

async def main(url, folder, count, seen):
    config = OpenaiEngineConfig(base_url=url, model="tiny", concurrency=4)
    engine = JournalledEngine(OpenaiApiEngine(config), Path(folder))
    await engine.start()
    async def ask(seed):
        sampling = SamplingConfig(max_tokens=4)
        await engine.generate(GenerationRequest(prompt=str(seed), seed=seed, sampling=sampling))
        os.write(seen, f"{seed}\\n".encode())
    await asyncio.gather(*(ask(seed) for seed in range(count)))
    await engine.close()

seen = os.open(sys.argv[4], os.O_WRONLY | os.O_CREAT | os.O_APPEND)
asyncio.run(main(sys.argv[1], sys.argv[2], int(sys.argv[3]), seen))
"""


def request(seed: int) -> GenerationRequest:
    return GenerationRequest(prompt=str(seed), seed=seed, sampling=SamplingConfig(max_tokens=4))


def journalled(url: str, folder: Path, **options: object) -> JournalledEngine:
    return JournalledEngine(
        OpenaiApiEngine(
            OpenaiEngineConfig.model_validate({"base_url": url, "model": "tiny", **options}), pauses=FAST
        ),
        folder,
    )


def ask_all(engine: JournalledEngine, *seeds: int) -> list[str]:
    async def work() -> list[str]:
        await engine.start()
        try:
            responses = await asyncio.gather(*(engine.generate(request(seed)) for seed in seeds))
        finally:
            await engine.close()
        return [response.completions[0].text for response in responses]

    return asyncio.run(work())


def test_an_answered_request_is_answered_from_disk_in_the_next_process(
    endpoint: "ScriptedEndpoint", tmp_path: Path
) -> None:
    first, second = journalled(endpoint.url, tmp_path), journalled(endpoint.url, tmp_path)
    texts = ask_all(first, 1, 2, 3)
    second = journalled(endpoint.url, tmp_path)
    assert ask_all(second, 3, 1, 2) == [texts[2], texts[0], texts[1]]
    assert ask_all(second, 4)[0].startswith("4 0")
    assert [int(body["prompt"]) for body in endpoint.requests[3:]] == [4]
    counts = second.counts
    assert (counts.asked, counts.answered_from_journal, counts.sent, counts.answered) == (4, 3, 1, 1)
    assert (counts.prompt_tokens, counts.completion_tokens) == (7, 10)


def test_kill_9_at_random_moments_never_sends_an_answered_request_again(
    endpoint: "ScriptedEndpoint", tmp_path: Path
) -> None:
    endpoint.delay_s = 0.02
    rng, journal, seen = random.Random(7), tmp_path / "journal", tmp_path / "seen"
    seen.touch()
    command = [sys.executable, "-c", ASKER, endpoint.url, str(journal), "60", str(seen)]
    finished = False
    for _ in range(40):
        answered = {int(line) for line in seen.read_text().split()}
        kept, before = len(ResponseFiles(journal)), len(endpoint.requests)
        process = subprocess.Popen(command)
        deadline = time.monotonic() + 60
        while len(endpoint.requests) == before and process.poll() is None and time.monotonic() < deadline:
            time.sleep(0.005)
        with contextlib.suppress(subprocess.TimeoutExpired):
            process.wait(rng.uniform(0.01, 0.2))
        finished = process.poll() == 0
        process.kill()
        process.wait()
        sent = {int(body["prompt"]) for body in endpoint.requests[before:]}
        assert not sent & answered
        assert len(sent) == len(endpoint.requests) - before
        assert len(ResponseFiles(journal)) >= kept
        if finished:
            break
    assert finished or subprocess.run(command, timeout=120).returncode == 0
    assert {int(line) for line in seen.read_text().split()} == set(range(60))
    assert len(list(journal.glob("responses-*.jsonl"))) > 1, (
        "the process was never killed between two answers"
    )


def test_a_cut_last_line_costs_that_one_answer_only(endpoint: "ScriptedEndpoint", tmp_path: Path) -> None:
    ask_all(journalled(endpoint.url, tmp_path, concurrency=1), 1, 2, 3)
    (file,) = tmp_path.glob("*.jsonl")
    whole = file.read_bytes()
    for cut in range(whole.rindex(b"\n", 0, -1) + 1, len(whole)):
        file.write_bytes(whole[:cut])
        assert len(ResponseFiles(tmp_path)) == 2
    engine = journalled(endpoint.url, tmp_path)
    ask_all(engine, 1, 2, 3)
    assert (engine.counts.answered_from_journal, engine.counts.sent) == (2, 1)
    assert len(ResponseFiles(tmp_path)) == 3


def test_a_damaged_line_stops_the_run_and_is_named(endpoint: "ScriptedEndpoint", tmp_path: Path) -> None:
    """It would be paid for again: that is for a person to say, with `codemill fsck --repair`."""
    ask_all(journalled(endpoint.url, tmp_path, concurrency=1), 1, 2, 3)
    (file,) = tmp_path.glob("*.jsonl")
    whole = bytearray(file.read_bytes())
    whole[whole.index(b"\n") + 30] ^= 1
    file.write_bytes(whole)
    with pytest.raises(StoreError, match=r"responses-000001\.jsonl\n.*line 2"):
        ResponseFiles(tmp_path)


def test_one_sync_serves_all_answers_of_a_second(
    endpoint: "ScriptedEndpoint", tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    synced: list[int] = []

    def sync(descriptor: int) -> None:
        synced.append(Path(f"/proc/self/fd/{descriptor}").stat().st_size)
        fsync(descriptor)

    fsync = os.fsync
    monkeypatch.setattr("os.fsync", sync)

    async def work() -> int:
        engine = journalled(endpoint.url, tmp_path, concurrency=4)
        await engine.start()
        await asyncio.gather(*(engine.generate(request(seed)) for seed in range(40)))
        await asyncio.sleep(1.5 * SYNC_EVERY_S)
        before = len(synced)
        await engine.close()
        return before

    before = asyncio.run(work())
    (file,) = tmp_path.glob("*.jsonl")
    assert 2 <= before <= 8  # the folder once, and the file once a second
    assert max(synced) >= file.stat().st_size


def test_the_same_request_asked_twice_at_once_is_sent_once(
    endpoint: "ScriptedEndpoint", tmp_path: Path
) -> None:
    endpoint.delay_s = 0.1
    engine = journalled(endpoint.url, tmp_path)
    assert len(set(ask_all(engine, 1, 1, 1, 1))) == 1
    assert len(endpoint.requests) == 1
    assert (engine.counts.asked, engine.counts.joined, engine.counts.sent) == (4, 3, 1)


def test_a_failed_request_is_not_kept_and_can_be_asked_again(
    endpoint: "ScriptedEndpoint", reply: "type[Reply]", tmp_path: Path
) -> None:
    endpoint.script = [reply(status=500, body="{}")]
    engine = journalled(endpoint.url, tmp_path, max_retries=0)
    with pytest.raises(EngineError):
        ask_all(engine, 1)
    assert engine.counts.failed == 1
    assert ask_all(engine, 1)[0].startswith("1 0")


def test_the_next_request_is_sent_only_when_the_answer_before_it_is_stored(
    endpoint: "ScriptedEndpoint", tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """So a killed run pays again for at most as many requests as may be open."""
    append, sent = ResponseFiles.append, []

    def append_slowly(files: ResponseFiles, response: GenerationResponse) -> None:
        time.sleep(0.1)  # long enough for a request to arrive that was sent too early
        sent.append(len(endpoint.requests))
        append(files, response)

    monkeypatch.setattr(ResponseFiles, "append", append_slowly)
    ask_all(journalled(endpoint.url, tmp_path, concurrency=1), 1, 2, 3, 4)
    assert sent == [1, 2, 3, 4]


def test_a_cancelled_caller_does_not_lose_the_answer(endpoint: "ScriptedEndpoint", tmp_path: Path) -> None:
    endpoint.delay_s = 0.3
    engine = journalled(endpoint.url, tmp_path)

    async def work() -> None:
        await engine.start()
        with contextlib.suppress(TimeoutError):
            await asyncio.wait_for(engine.generate(request(1)), 0.1)
        await engine.generate(request(1))
        await engine.close()

    asyncio.run(work())
    assert len(endpoint.requests) == 1


def test_a_full_disk_is_reported_and_leaves_no_half_line(
    endpoint: "ScriptedEndpoint", tmp_path: Path
) -> None:
    files = ResponseFiles(tmp_path)
    response = asyncio.run(_one_response(endpoint.url))
    files.append(response)
    (file,) = tmp_path.glob("*.jsonl")
    size, limits = file.stat().st_size, resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(
        resource.RLIMIT_FSIZE, (size + 20, limits[1])
    )  # the next write stops after 20 bytes, as on a full disk
    try:
        with pytest.raises(StoreError, match="free some space"):
            files.append(response.model_copy(update={"request_id": "request-lost"}))
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, limits)
    assert file.stat().st_size == size
    files.append(response.model_copy(update={"request_id": "request-kept"}))
    files.close()
    again = ResponseFiles(tmp_path)
    assert ("request-lost" in again, "request-kept" in again, len(again)) == (False, True, 2)


async def _one_response(url: str) -> GenerationResponse:
    engine = OpenaiApiEngine(OpenaiEngineConfig(base_url=url, model="tiny"))
    await engine.start()
    response = await engine.generate(request(1))
    await engine.close()
    return response


def test_memory_holds_places_and_not_bodies(tmp_path: Path, endpoint: "ScriptedEndpoint") -> None:
    import tracemalloc

    response = asyncio.run(_one_response(endpoint.url))
    long = response.model_copy(
        update={"completions": (response.completions[0].model_copy(update={"text": "x" * 100_000}),)}
    )
    files = ResponseFiles(tmp_path)
    for number in range(200):
        files.append(long.model_copy(update={"request_id": f"request-{number}"}))
    files.close()
    tracemalloc.start()
    again = ResponseFiles(tmp_path)
    held, _ = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert len(again) == 200
    assert held < 400_000
    found = again.read("request-150")
    assert found is not None
    assert len(found.completions[0].text) == 100_000


def test_a_recorded_engine_replays_answers_and_names_requests_without_one(
    endpoint: "ScriptedEndpoint", tmp_path: Path
) -> None:
    engine = journalled(endpoint.url, tmp_path)
    texts = ask_all(engine, 1, 2)
    recorded = RecordedEngine(
        RecordedEngineConfig(path=str(tmp_path)),
        policy=Policy(name="p", base="", fingerprint=engine.fingerprint),
    )

    async def work() -> list[str]:
        await recorded.start()
        return [(await recorded.generate(request(seed))).completions[0].text for seed in (1, 2)]

    assert asyncio.run(work()) == texts
    with pytest.raises(EngineError) as raised:
        asyncio.run(recorded.generate(request(3)))
    assert request(3).request_id(engine.fingerprint) in str(raised.value)
    assert not raised.value.retryable


def test_recorded_answers_from_an_empty_folder_are_refused_at_the_start(tmp_path: Path) -> None:
    recorded = RecordedEngine(
        RecordedEngineConfig(path=str(tmp_path)), policy=Policy(name="p", base="", fingerprint="f")
    )
    with pytest.raises(EngineError, match=r"must contain responses-\*.jsonl"):
        asyncio.run(recorded.start())
