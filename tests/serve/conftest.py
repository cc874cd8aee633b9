"""A real server in a process of its own, on a free port of the loopback interface."""

import json
import os
import signal
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import httpx
import pytest

ROOT = Path(__file__).resolve().parents[2]


@dataclass(frozen=True)
class Served:
    """A running server: its address, its process, and a client that is patient."""

    url: str
    process: "subprocess.Popen[str]"
    client: httpx.Client

    def run_code(self, code: str, **more: object) -> Any:  # noqa: ANN401  # JSON
        answer = self.client.post("/run_code", json={"code": code, "language": "python", **more})
        assert answer.status_code == 200, answer.text
        return answer.json()

    def verify(self, *rows: object) -> list[Any]:
        """The answers to rows sent as lines, in the order of the rows."""
        lines = "".join(row if isinstance(row, str) else json.dumps(row) + "\n" for row in rows)
        answer = self.client.post("/verify", content=lines.encode())
        assert answer.status_code == 200, answer.text
        return sorted(map(json.loads, answer.text.splitlines()), key=lambda found: found["row"])

    def metric(self, line: str) -> float:
        """The value of a line of `/metrics`; 0 if it is not there."""
        for found in self.client.get("/metrics").text.splitlines():
            name, _, value = found.rpartition(" ")
            if name == line:
                return float(value)
        return 0.0

    def end(self, number: int = signal.SIGTERM) -> int:
        """Ask it to end; its exit code."""
        self.process.send_signal(number)
        return self.process.wait(timeout=30)


@contextmanager
def serving(*options: str, **environment: str) -> Iterator[Served]:
    """A server with these options. Skips where this machine has no isolation to offer."""
    command = [sys.executable, "-m", "posttrain.cli", "serve", "--port", "0", *options]
    process = subprocess.Popen(
        command,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        cwd=ROOT,
        env={**os.environ, **environment},
    )
    try:
        assert process.stdout is not None
        assert process.stderr is not None
        url = process.stdout.readline().strip()
        if not url:
            said = process.stderr.read()
            if "isolation" in said or "level" in said:
                pytest.skip(f"no isolation here: {said}")
            raise AssertionError(said)
        with httpx.Client(base_url=url, timeout=120, trust_env=False) as client:
            yield Served(url, process, client)
    finally:
        if process.poll() is None:
            process.terminate()
        try:
            process.wait(timeout=30)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()
        for stream in (process.stdout, process.stderr):
            if stream is not None:
                stream.close()


@pytest.fixture(scope="session")
def server() -> Iterator[Served]:
    """One with the usual options."""
    with serving("--cpu-s", "2") as served:
        yield served
