"""Benchmarks from the hub, from a small hub of our own on this machine."""

import hashlib
import json
import os
import subprocess
import sys
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import pytest

from synth.errors import DatasetError
from synth.filters.hub_benchmarks import benchmark_path

COMMIT = "0123456789abcdef0123456789abcdef01234567"
QUESTION = "Count the barges that wait longer than an hour."
FILES = {
    "test.jsonl": json.dumps(
        {"task_id": "t", "prompt": "Count the barges that wait longer than an hour."}
    ).encode(),
    "dataset_infos.json": b'{"features": []}',
    "README.md": b"about",
}
READ = """
import sys
from pathlib import Path
from synth.filters.benchmarks import read_benchmark
from synth.filters.hub_benchmarks import benchmark_path
for entry in read_benchmark(benchmark_path(sys.argv[1], Path())):
    print(entry.id, entry.prompts[0])
"""


def _digest(data: bytes) -> str:
    return hashlib.sha1(data, usedforsecurity=False).hexdigest()


class SmallHub(BaseHTTPRequestHandler):
    """As much of the hub's interface as fetching a data set takes."""

    def do_HEAD(self) -> None:
        self._answer(body=False)

    def do_GET(self) -> None:
        self._answer(body=True)

    def _answer(self, *, body: bool) -> None:
        path, _, name = self.path.partition("?")[0].rpartition("/")
        if self.path.startswith("/api/datasets/own/bench/tree/"):
            tree = [
                {"type": "file", "path": file, "size": len(data), "oid": _digest(data)}
                for file, data in FILES.items()
            ]
            self._send(json.dumps(tree).encode(), body=body)
        elif self.path.startswith("/api/datasets/own/bench"):
            siblings = [{"rfilename": file} for file in FILES]
            known = {"id": "own/bench", "sha": COMMIT, "siblings": siblings, "private": False, "tags": []}
            self._send(json.dumps(known).encode(), body=body)
        elif path == f"/datasets/own/bench/resolve/{COMMIT}" and name in FILES:
            self._send(FILES[name], body=body)
        else:
            self.send_error(404)

    def _send(self, data: bytes, *, body: bool) -> None:
        self.send_response(200)
        self.send_header("Content-Length", str(len(data)))
        self.send_header("ETag", f'"{_digest(data)}"')
        self.send_header("X-Repo-Commit", COMMIT)
        self.end_headers()
        if body:
            self.wfile.write(data)

    def log_message(self, format: str, *args: object) -> None:
        return


@pytest.fixture
def hub() -> Iterator[str]:
    server = ThreadingHTTPServer(("127.0.0.1", 0), SmallHub)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    yield f"http://127.0.0.1:{server.server_address[1]}"
    server.shutdown()
    server.server_close()


def read(name: str, hub: str, folder: Path) -> "subprocess.CompletedProcess[str]":
    environment = {**os.environ, "HF_ENDPOINT": hub, "HF_HOME": str(folder), "HF_HUB_OFFLINE": "0"}
    return subprocess.run(
        [sys.executable, "-c", READ, name],
        env=environment,
        capture_output=True,
        text=True,
        timeout=100,
        check=False,
    )


def test_a_benchmark_is_fetched_and_read_like_a_folder(hub: str, tmp_path: Path) -> None:
    pytest.importorskip("huggingface_hub")
    done = read("hub:own/bench", hub, tmp_path)
    assert done.stdout == f"t {QUESTION}\n", done.stderr
    missing = read("hub:own/none", hub, tmp_path)
    assert missing.returncode != 0
    assert "hub:own/none" in missing.stderr
    assert "cannot be fetched" in missing.stderr


def test_names_that_the_hub_cannot_have_are_refused(tmp_path: Path) -> None:
    with pytest.raises(DatasetError, match="OWNER/NAME"):
        benchmark_path("hub:bench", tmp_path)
    assert benchmark_path("bench.jsonl", tmp_path) == tmp_path / "bench.jsonl"
