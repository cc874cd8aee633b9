"""The server as a process: who may ask, what happens when too many do or leave, and its end."""

import asyncio
import json
import signal
import socket
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from urllib.parse import urlsplit

import httpx
import psutil
import pytest

from tests.serve.conftest import ROOT, Served, serving

HANG = "while True: pass  # {}\n"


def wait_until(holds: Callable[[], bool], most_s: float = 20.0) -> None:
    end = time.monotonic() + most_s
    while not holds():
        assert time.monotonic() < end, "it did not come to hold"
        time.sleep(0.05)


def command(*options: str) -> "subprocess.CompletedProcess[str]":
    return subprocess.run(
        [sys.executable, "-m", "posttrain.cli", "serve", *options],
        capture_output=True,
        text=True,
        cwd=ROOT,
        timeout=60,
        check=False,
    )


def test_health_and_metrics(server: Served) -> None:
    health = server.client.get("/health")
    assert (health.status_code, health.json()["status"], health.json()["level"] in "ABC") == (200, "ok", True)
    before = server.metric('codemill_programs_total{path="/run_code",outcome="Success"}')
    server.run_code("print(1)")
    assert server.metric('codemill_programs_total{path="/run_code",outcome="Success"}') == before + 1
    assert server.metric('codemill_program_seconds_count{path="/run_code"}') >= before + 1
    assert server.client.get("/v1/ping").json() == "pong"
    assert server.client.get("/run_code").status_code == 405
    assert server.client.post("/elsewhere").status_code == 404


@pytest.mark.parametrize(
    "headers", [{"host": "rewards.example"}, {"origin": "http://localhost"}, {"host": ""}]
)
def test_without_a_token_only_this_machine_is_answered(headers: dict[str, str], server: Served) -> None:
    answer = server.client.post("/run_code", json={"code": "", "language": "python"}, headers=headers)
    assert answer.status_code == 403
    assert "token" in answer.json()["detail"]


def test_a_token_is_asked_for(tmp_path: Path) -> None:
    (tmp_path / "token").write_text("secret-42\n")
    with serving("--token-file", str(tmp_path / "token"), "--host", "0.0.0.0") as served:
        body = {"code": "print(1)", "language": "python"}
        far = {"host": "rewards.example"}
        for headers in ({}, {"authorization": "Bearer wrong"}, {"authorization": "Bearer"}):
            assert served.client.post("/run_code", json=body, headers=headers).status_code == 401
        assert served.client.get("/metrics").status_code == 401
        assert served.client.get("/health").status_code == 200
        given = {"authorization": "Bearer secret-42", **far}
        assert served.client.post("/run_code", json=body, headers=given).json()["status"] == "Success"
        assert served.client.post("/run_code?token=secret-42", json=body).json()["status"] == "Success"


def test_a_server_that_others_reach_needs_a_token() -> None:
    done = command("--host", "0.0.0.0", "--port", "0")
    assert done.returncode == 2
    assert "--token-file" in done.stderr


def test_a_port_that_is_taken_is_said(tmp_path: Path) -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        done = command("--port", str(taken.getsockname()[1]))
    assert done.returncode == 2
    assert "cannot be listened on" in done.stderr
    (tmp_path / "empty").write_text("")
    assert command("--token-file", str(tmp_path / "empty")).returncode == 2
    assert command("--token-file", str(tmp_path / "missing")).returncode == 2


async def _ask_at_once(url: str, codes: list[str], **more: object) -> list[httpx.Response]:
    limits = httpx.Limits(max_connections=None)
    async with httpx.AsyncClient(base_url=url, timeout=120, limits=limits, trust_env=False) as client:
        bodies = [{"code": code, "language": "python", **more} for code in codes]
        return await asyncio.gather(*(client.post("/run_code", json=body) for body in bodies))


def test_those_for_whom_there_is_no_room_are_told_when_to_come_back() -> None:
    with serving("--workers", "1", "--waiting", "3") as small:
        codes = [HANG.format(n) for n in range(90)]
        answers = asyncio.run(_ask_at_once(small.url, codes, run_timeout=0.1))
        refused = [answer for answer in answers if answer.status_code == 429]
        assert len(refused) == 90 - 64 - 3
        assert all(1 <= int(answer.headers["retry-after"]) <= 60 for answer in refused)
        served = [answer.json() for answer in answers if answer.status_code == 200]
        assert {one["run_result"]["status"] for one in served} == {"TimeLimitExceeded"}
        assert len(served) == 64 + 3
        assert small.run_code("print(1)")["status"] == "Success"


def test_many_at_once_wait_and_none_is_lost(server: Served) -> None:
    codes = [f"print({n} * 2)" for n in range(256)]
    answers = asyncio.run(_ask_at_once(server.url, codes))
    assert [answer.json()["run_result"]["stdout"] for answer in answers] == [f"{2 * n}\n" for n in range(256)]


def _send_raw(url: str, code: str) -> socket.socket:
    """A request whose answer nobody has read yet."""
    parts = urlsplit(url)
    body = json.dumps({"code": code, "language": "python", "run_timeout": 60}).encode()
    connection = socket.create_connection((parts.hostname or "", parts.port or 0))
    connection.sendall(
        b"POST /run_code HTTP/1.1\r\nHost: localhost\r\nContent-Length: %d\r\n\r\n" % len(body) + body
    )
    return connection


def test_a_client_that_goes_away_costs_nothing_further() -> None:
    with serving("--workers", "1") as small:
        hanging = [_send_raw(small.url, HANG.format(n)) for n in range(40)]
        wait_until(lambda: small.client.get("/health").json()["running"] == 40)
        for connection in hanging:
            connection.close()
        wait_until(lambda: small.client.get("/health").json()["running"] == 0)
        assert small.metric('codemill_requests_total{path="/run_code",status="0"}') == 40
        began = time.monotonic()
        assert small.run_code("print(1)")["status"] == "Success"
        assert time.monotonic() - began < 55  # they would have taken 40 times 60 s
        assert small.metric("codemill_held_bytes") == 0


def test_programs_that_hang_delay_nobody() -> None:
    with serving("--workers", "1") as small:
        hanging = [_send_raw(small.url, HANG.format(n)) for n in range(2)]
        wait_until(lambda: small.client.get("/health").json()["running"] == 2)
        began = time.monotonic()
        assert small.run_code("print(1)")["status"] == "Success"
        assert time.monotonic() - began < 55  # one slot, and 60 s for each of them
        for connection in hanging:
            connection.close()


def test_a_client_that_leaves_in_the_middle_of_its_body_is_forgotten(server: Served) -> None:
    parts = urlsplit(server.url)
    gone = 'codemill_requests_total{path="/verify",status="0"}'
    before = server.metric(gone)
    with socket.create_connection((parts.hostname or "", parts.port or 0)) as connection:
        connection.sendall(b"POST /verify HTTP/1.1\r\nHost: localhost\r\nContent-Length: 1000\r\n\r\nhalf")
    wait_until(lambda: server.metric(gone) == before + 1)


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_a_signal_ends_it_in_order_and_nothing_is_left(number: int) -> None:
    with tempfile.TemporaryDirectory() as folder:
        Path(folder).chmod(0o755)
        with serving("--workers", "1", TMPDIR=folder) as served:
            hanging = [_send_raw(served.url, HANG.format(n)) for n in range(3)]
            wait_until(lambda: served.client.get("/health").json()["running"] == 3)
            children = psutil.Process(served.process.pid).children(recursive=True)
            assert children
            assert list(Path(folder).iterdir())
            assert served.end(number) == 0
            for connection in hanging:
                answer = connection.makefile("rb").read()
                assert b"SandboxError" in answer
                connection.close()
            _, alive = psutil.wait_procs(children, timeout=10)
            assert alive == []
            assert list(Path(folder).iterdir()) == []
            with pytest.raises(httpx.ConnectError):
                httpx.get(f"{served.url}/health", trust_env=False)
