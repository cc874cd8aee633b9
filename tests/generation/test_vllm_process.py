"""The server that answers is the one that was started, or it is refused. A small server takes the place of
vLLM, since what is tested is who answers and how its end is noticed, not the answers."""

import asyncio
import os
import signal
import socket
import subprocess
import sys
import textwrap
import time
from collections.abc import Callable
from pathlib import Path

import pytest

from synth.errors import EngineEndedError, EngineError
from synth.generation.socket_folder import SocketFolder
from synth.generation.vllm_process import VllmProcess

SERVER = """
    import argparse, json, os, socketserver, sys, time
    from http.server import BaseHTTPRequestHandler

    parser = argparse.ArgumentParser()
    for name in ("--uds", "--served-model-name", "--model", "--offer"):
        parser.add_argument(name)
    options = parser.parse_args()
    print("stand-in of process", os.getpid(), flush=True)

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self):
            if self.path == "/hang":
                time.sleep(60)
            dead = os.path.exists(options.model + "/engine-core-died")
            models = {"data": [{"id": options.offer or options.served_model_name}]}
            self.answer(503 if dead else 200, models if self.path == "/v1/models" else {})

        def do_POST(self):
            self.rfile.read(int(self.headers["Content-Length"]))
            while not os.path.exists(options.model + "/engine-core-died"):
                time.sleep(0.05)
            self.answer(500, {"error": "EngineCore died"})

        def answer(self, status, body):
            data = json.dumps(body).encode()
            self.send_response(status)
            self.send_header("Content-Length", str(len(data)))
            self.end_headers()
            self.wfile.write(data)

        def address_string(self):
            return "socket"

    class Server(socketserver.ThreadingUnixStreamServer):
        daemon_threads = True
        request_queue_size = 128  # a Unix socket refuses connections beyond it at once

    Server(options.uds, Handler).serve_forever()
"""

Make = Callable[..., VllmProcess]


@pytest.fixture
def make(tmp_path: Path) -> Make:
    """Make a process whose `vllm.entrypoints.openai.api_server` is SERVER. Its model is `tmp_path`."""
    package = tmp_path / "packages" / "vllm" / "entrypoints" / "openai"
    package.mkdir(parents=True)
    for folder in (package, package.parent, package.parent.parent):
        (folder / "__init__.py").touch()
    (package / "api_server.py").write_text(textwrap.dedent(SERVER), encoding="utf-8")

    def make(*options: str) -> VllmProcess:
        environment = {"PYTHONPATH": str(tmp_path / "packages")}
        return VllmProcess(str(tmp_path), options, log=tmp_path / "log", environment=environment)

    return make


def pid_of(tmp_path: Path) -> int:
    return int((tmp_path / "log").read_text(encoding="utf-8").split("process")[1].split()[0])


async def ask(process: VllmProcess) -> None:
    async with process.while_alive():
        await process.call("POST", "/v1/completions", {"model": process.served}, timeout_s=60)


async def failures_after(process: VllmProcess, change: Callable[[], object]) -> tuple[float, list[object]]:
    """The errors of four requests in flight, and the seconds from the change to the last of them."""
    asked = [asyncio.create_task(ask(process)) for _ in range(4)]
    await asyncio.sleep(0.3)
    assert not any(task.done() for task in asked)
    change()
    started = time.monotonic()
    found: list[object] = list(await asyncio.gather(*asked, return_exceptions=True))
    return time.monotonic() - started, found


def test_a_server_that_offers_another_name_is_refused(make: Make) -> None:
    async def work() -> str:
        process = make("--offer", "policy")
        with pytest.raises(EngineError) as raised:
            await process.start(20)
        await process.end()
        assert not raised.value.retryable
        return str(raised.value)

    assert "it offers policy, not policy-" in asyncio.run(work())


def test_every_start_draws_its_own_name_and_socket_and_two_run_side_by_side(
    make: Make, tmp_path: Path
) -> None:
    async def work() -> None:
        first, second = make(), make()
        await first.start(20)
        await second.start(20)
        await asyncio.gather(first.check_identity(), second.check_identity())
        assert (first.served, first.socket) != (second.served, second.socket)
        await first.end()
        await second.check_identity()
        await second.end()
        await second.end()
        assert not Path(first.socket).parent.exists()
        assert not Path(second.socket).parent.exists()

    asyncio.run(work())


def test_requests_in_flight_end_when_the_server_is_killed_and_name_its_exit_code(
    make: Make, tmp_path: Path
) -> None:
    async def work() -> None:
        process = make()
        await process.start(20)
        seconds, found = await failures_after(process, lambda: os.kill(pid_of(tmp_path), signal.SIGKILL))
        assert seconds < 2
        for error in found:
            assert isinstance(error, EngineEndedError)
            assert not error.retryable
            assert "exit code 137 (SIGKILL)" in str(error)
            assert "stand-in of process" in str(error)  # the end of the log
        await process.end()

    asyncio.run(work())


def test_a_server_whose_engine_process_died_is_noticed_while_it_lives(make: Make, tmp_path: Path) -> None:
    async def work() -> None:
        process = make()
        await process.start(20)
        seconds, found = await failures_after(process, (tmp_path / "engine-core-died").touch)
        assert seconds < 5
        for error in found:
            assert isinstance(error, EngineEndedError)
            assert not error.retryable
            assert "is alive but cannot answer (HTTP 503" in str(error)
        await process.end()

    asyncio.run(work())


def test_an_end_in_the_midst_of_failures_reaches_those_who_still_wait(make: Make, tmp_path: Path) -> None:
    async def hang(process: VllmProcess) -> None:
        async with process.while_alive():
            await process.call("GET", "/hang")

    async def work() -> list[object]:
        mishaps: list[object] = []
        asyncio.get_running_loop().set_exception_handler(lambda _loop, context: mishaps.append(context))
        process = make()
        await process.start(20)
        waiting = [asyncio.create_task(hang(process)) for _ in range(4)]

        def die() -> None:
            (tmp_path / "engine-core-died").touch()
            asyncio.get_running_loop().call_later(0.5, os.kill, pid_of(tmp_path), signal.SIGKILL)

        seconds, found = await failures_after(process, die)
        found += await asyncio.gather(*waiting, return_exceptions=True)
        assert seconds < 3
        assert all("exit code 137 (SIGKILL)" in str(error) for error in found)
        await process.end()
        return mishaps

    assert asyncio.run(work()) == []


def test_whoever_answers_on_the_socket_of_a_dead_server_is_not_asked(make: Make, tmp_path: Path) -> None:
    async def work() -> None:
        process = make()
        await process.start(20)
        os.kill(pid_of(tmp_path), signal.SIGKILL)
        Path(process.socket).unlink()
        with socket.socket(socket.AF_UNIX) as stranger:
            stranger.bind(process.socket)
            stranger.listen()
            stranger.setblocking(False)
            await asyncio.sleep(1)
            for attempt in (process.check_identity(), ask(process)):
                with pytest.raises(EngineError, match="exit code 137"):
                    await attempt
            with pytest.raises(BlockingIOError):  # nobody has connected
                stranger.accept()
        await process.end()

    asyncio.run(work())


def test_a_caller_who_gives_up_is_not_told_that_the_server_ended(make: Make) -> None:
    async def work() -> None:
        process = make()
        await process.start(20)
        with pytest.raises(TimeoutError):
            async with asyncio.timeout(0.2):
                await ask(process)
        await process.check_identity()
        await process.end()

    asyncio.run(work())


# --- the folder ---------------------------------------------------------------------------------------------


@pytest.mark.skipif(os.geteuid() != 0, reason="only root can become another user")
def test_another_user_cannot_connect_even_where_the_socket_is_open_to_all(tmp_path: Path) -> None:
    folder = SocketFolder()
    with socket.socket(socket.AF_UNIX) as server:
        server.bind(str(folder.path / "api"))
        (folder.path / "api").chmod(0o777)
        server.listen()
        assert "connected" in _connect_as(0, folder.path / "api")
        assert "PermissionError" in _connect_as(65534, folder.path / "api")
    folder.close()


def _connect_as(user: int, path: Path) -> str:
    code = f"import os, socket; os.setuid({user}); socket.socket(socket.AF_UNIX).connect({str(path)!r})"
    done = subprocess.run(
        [sys.executable, "-I", "-c", f"{code}; print('connected')"], capture_output=True, text=True, cwd="/"
    )
    return done.stdout + done.stderr


OWNER = """
import sys, time
from pathlib import Path
from synth.generation.socket_folder import SocketFolder
folder = SocketFolder(Path(sys.argv[1]))
(folder.path / "api").touch()
print(folder.path, flush=True)
time.sleep(300)
"""


def test_the_folder_of_a_killed_owner_is_removed_at_the_next_start_and_that_of_a_living_one_is_not(
    tmp_path: Path,
) -> None:
    owner = subprocess.Popen([sys.executable, "-c", OWNER, str(tmp_path)], stdout=subprocess.PIPE, text=True)
    assert owner.stdout is not None
    left = Path(owner.stdout.readline().strip())
    assert left.stat().st_mode & 0o777 == 0o700
    SocketFolder(tmp_path).close()
    assert (left / "api").exists()
    owner.kill()
    owner.wait()
    assert left.exists()
    mine = SocketFolder(tmp_path)
    assert not left.exists()
    assert list(tmp_path.iterdir()) == [mine.path]
    mine.close()
    mine.close()
    assert not list(tmp_path.iterdir())


def test_what_only_looks_like_a_folder_of_ours_is_left_alone(tmp_path: Path) -> None:
    elsewhere = tmp_path / "elsewhere"
    elsewhere.mkdir()
    (elsewhere / "file").touch()
    (tmp_path / "codemill-engine-link").symlink_to(elsewhere)
    (tmp_path / "codemill-engine-file").touch()
    SocketFolder(tmp_path).close()
    assert {entry.name for entry in tmp_path.iterdir()} == {
        "elsewhere",
        "codemill-engine-link",
        "codemill-engine-file",
    }
    assert (elsewhere / "file").exists()


def test_a_long_folder_for_temporary_files_leaves_room_for_a_socket(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    long = tmp_path / ("long" * 30)
    long.mkdir()
    monkeypatch.setattr("tempfile.tempdir", str(long))
    folder = SocketFolder()
    with socket.socket(socket.AF_UNIX) as server:
        server.bind(str(folder.path / ("n" * 37)))
    folder.close()
