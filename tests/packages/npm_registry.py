"""A small npm registry on this machine: packages of our own, and no others."""

import io
import json
import tarfile
import threading
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer


def _pack(files: Mapping[str, str]) -> bytes:
    made = io.BytesIO()
    with tarfile.open(fileobj=made, mode="w:gz") as archive:
        for path, text in files.items():
            info = tarfile.TarInfo(f"package/{path}")
            info.size = len(text)
            archive.addfile(info, io.BytesIO(text.encode()))
    return made.getvalue()


@contextmanager
def registry(packages: Mapping[str, Mapping[str, str]]) -> Iterator[str]:
    """Serves packages by name, each with its files, `package.json` among them. The address."""

    class PackageAnswers(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            name = self.path.strip("/").removesuffix(".tgz")
            if name not in packages:
                return self._answer(404, b'{"error": "not found"}')
            if self.path.endswith(".tgz"):
                return self._answer(200, _pack(packages[name]))
            stated = json.loads(packages[name]["package.json"])
            stated["dist"] = {"tarball": f"{address}/{name}.tgz"}
            version = stated["version"]
            told = {"name": name, "dist-tags": {"latest": version}, "versions": {version: stated}}
            return self._answer(200, json.dumps(told).encode())

        def _answer(self, status: int, data: bytes) -> None:
            self.send_response(status)
            self.send_header("Content-Length", str(len(data)))
            self.end_headers()
            self.wfile.write(data)

        def log_message(self, *words: object) -> None:
            pass

    server = ThreadingHTTPServer(("127.0.0.1", 0), PackageAnswers)
    address = f"http://127.0.0.1:{server.server_port}"
    thread = threading.Thread(target=server.serve_forever)
    thread.start()
    try:
        yield address
    finally:
        server.shutdown()
        thread.join()
        server.server_close()
