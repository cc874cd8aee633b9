"""A port on the loopback interface in front of a Unix socket, so that the engine for endpoints can ask the
session's vLLM, which listens on no port."""

import socket
import socketserver
import threading
from contextlib import suppress
from functools import cache


@cache
def forward_port(path: str) -> str:
    """The address of a port, open until the tests end, whose connections go to the socket at `path`."""

    class Handler(socketserver.BaseRequestHandler):
        def handle(self) -> None:
            with socket.socket(socket.AF_UNIX) as server:
                server.connect(path)
                back = threading.Thread(target=_copy, args=(server, self.request), daemon=True)
                back.start()
                _copy(self.request, server)
                back.join()

    forwarder = socketserver.ThreadingTCPServer(("127.0.0.1", 0), Handler)
    forwarder.daemon_threads = True
    threading.Thread(target=forwarder.serve_forever, daemon=True).start()
    return f"http://127.0.0.1:{forwarder.server_address[1]}"


def _copy(source: socket.socket, target: socket.socket) -> None:
    with suppress(OSError):
        while data := source.recv(65536):
            target.sendall(data)
    with suppress(OSError):
        target.shutdown(socket.SHUT_WR)
