"""A hub on this machine: the routes of its protocol that a push uses, over HTTP, with repositories in memory.

Large files go the way of Git LFS: the batch route names an address for each object that is missing, the
object is put there, and a commit names it by its hash.
"""

import base64
import hashlib
import json
import re
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from threading import Thread
from typing import Any

TOKEN = "hf_decoyDecoyDecoyDecoy"


@dataclass
class Repository:
    private: bool
    files: dict[str, bytes] = field(default_factory=dict)


@dataclass
class LocalHub:
    """What the server holds, and what it was asked."""

    repositories: dict[tuple[str, str], Repository] = field(default_factory=dict)
    """By kind and name."""
    objects: dict[str, bytes] = field(default_factory=dict)
    """Large files by their hash."""
    puts: Counter[str] = field(default_factory=Counter)
    """How often each of them was sent."""
    refused_puts: int = 0
    """So many of the next objects are received and not kept."""
    address: str = ""


@contextmanager
def local_hub() -> Iterator[LocalHub]:
    """A server for the time of the block."""
    hub = LocalHub()

    class Handler(_Handler):
        state = hub

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    hub.address = f"http://127.0.0.1:{server.server_address[1]}"
    Thread(target=server.serve_forever, daemon=True).start()
    try:
        yield hub
    finally:
        server.shutdown()
        server.server_close()


class _Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    state: LocalHub

    def log_message(self, *_: object) -> None:
        pass

    def do_GET(self) -> None:
        if not self._may():
            return
        if found := re.fullmatch(r"/api/(model|dataset)s/([^/]+/[^/?]+).*", self.path):
            repository = self.state.repositories.get((found[1], found[2]))
            if repository is not None:
                files = [{"rfilename": name} for name in repository.files]
                about = {"id": found[2], "private": repository.private, "sha": "0" * 40, "siblings": files}
                self._answer(about)
                return
        self._answer({"error": "Repository not found"}, 404, {"X-Error-Code": "RepoNotFound"})

    def do_PUT(self) -> None:
        body = self._body()
        name = self.path.rpartition("/")[2]
        self.state.puts[name] += 1
        if self.state.refused_puts:
            self.state.refused_puts -= 1
            self._answer({"error": "the storage is away"}, 400)
            return
        assert hashlib.sha256(body).hexdigest() == name
        self.state.objects[name] = body
        self._answer({})

    def do_POST(self) -> None:
        body = self._body()
        if not self._may():
            return
        if self.path == "/api/repos/create":
            self._create(json.loads(body))
        elif self.path == "/api/validate-yaml":
            self._answer({"errors": [], "warnings": []})
        elif "/preupload/" in self.path:
            self._answer({"files": [self._mode(one) for one in json.loads(body)["files"]]})
        elif self.path.endswith("/info/lfs/objects/batch"):
            self._answer({"objects": [self._object(one) for one in json.loads(body)["objects"]]})
        elif found := re.fullmatch(r"/api/(model|dataset)s/([^/]+/[^/]+)/commit/main.*", self.path):
            self._commit(self.state.repositories[found[1], found[2]], found[2], body)
        else:
            self._answer({"error": f"no route {self.path}"}, 404)

    def _may(self) -> bool:
        if self.headers.get("authorization") == f"Bearer {TOKEN}":
            return True
        self._answer({"error": "Invalid username or password."}, 401)
        return False

    def _create(self, asked: dict[str, Any]) -> None:
        kind, name = asked.get("type", "model"), f"{asked['organization']}/{asked['name']}"
        url = f"{self.state.address}/{'datasets/' if kind == 'dataset' else ''}{name}"
        there = (kind, name) in self.state.repositories
        private = asked.get("private", asked.get("visibility") == "private")
        self.state.repositories.setdefault((kind, name), Repository(bool(private)))
        self._answer({"url": url, "name": name}, 409 if there else 200)

    def _mode(self, file: dict[str, Any]) -> dict[str, object]:
        large = file["path"].endswith((".safetensors", ".parquet"))
        return {"path": file["path"], "uploadMode": "lfs" if large else "regular", "shouldIgnore": False}

    def _object(self, one: dict[str, Any]) -> dict[str, object]:
        upload = {"upload": {"href": f"{self.state.address}/objects/{one['oid']}", "header": {}}}
        missing = one["oid"] not in self.state.objects
        return {"oid": one["oid"], "size": one["size"], **({"actions": upload} if missing else {})}

    def _commit(self, repository: Repository, name: str, body: bytes) -> None:
        for line in map(json.loads, body.splitlines()):
            value = line["value"]
            if line["key"] == "file":
                repository.files[value["path"]] = base64.b64decode(value["content"])
            elif line["key"] == "lfsFile":
                repository.files[value["path"]] = self.state.objects[value["oid"]]
        url = f"{self.state.address}/{name}/commit/{'1' * 40}"
        self._answer({"success": True, "commitOid": "1" * 40, "commitUrl": url})

    def _body(self) -> bytes:
        if self.headers.get("transfer-encoding", "").lower() == "chunked":
            body = b""
            while size := int(self.rfile.readline(), 16):
                body += self.rfile.read(size)
                self.rfile.readline()
            self.rfile.readline()
            return body
        return self.rfile.read(int(self.headers.get("content-length", 0)))

    def _answer(self, value: object, status: int = 200, headers: dict[str, str] | None = None) -> None:
        body = json.dumps(value).encode()
        self.send_response(status)
        for name, text in {"content-type": "application/json", **(headers or {})}.items():
            self.send_header(name, text)
        self.send_header("content-length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)
