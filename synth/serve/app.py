"""The application: routes, access, and the errors of endpoints as responses.

Place in the flow: `server.py` hands it to uvicorn. The one rule: every request is counted once, with the
status that its client saw.
"""

import asyncio
import json
from collections.abc import Awaitable, Callable
from contextlib import suppress
from typing import TYPE_CHECKING, Final

from synth.serve.access import refusal
from synth.serve.bodies import ClientGone, Receive, Scope, Send, TooLarge, TooSlow, headers_of
from synth.serve.endpoints import BadRequest, Service, send_body, start_of
from synth.serve.gate import Busy

if TYPE_CHECKING:
    from starlette.applications import Starlette

Handler = Callable[[Scope, Receive, Send], Awaitable[int]]

_LINGER_S: Final = 5
GONE: Final = 0
"""The status of a request whose client went away."""


class ServedPath:
    """One path, as an ASGI application."""

    def __init__(self, service: Service, path: str, handler: Handler, token: str, is_open: bool) -> None:
        self._service, self._path, self._handler = service, path, handler
        self._token, self._is_open = token, is_open

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        try:
            status = await self._answer(scope, receive, send)
        except ClientGone:
            status = GONE
        except Busy as busy:
            retry = {"retry-after": str(busy.retry_s)}
            status = await _say(send, busy.status, busy.words, retry)
        except TooLarge as error:
            status = await _refuse_unread(receive, send, str(error))
        except TooSlow as error:
            status = await _say(send, 408, str(error), {"connection": "close"})
        except BadRequest as error:
            status = await _say(send, error.status, error.detail)
        except asyncio.CancelledError:
            self._service.metrics.requests[self._path, GONE] += 1
            raise
        self._service.metrics.requests[self._path, status] += 1

    async def _answer(self, scope: Scope, receive: Receive, send: Send) -> int:
        if not self._is_open:
            refused = refusal(self._token, headers_of(scope), scope["query_string"])
            if refused is not None:
                raise BadRequest(*refused)
        return await self._handler(scope, receive, send)


async def _say(send: Send, status: int, detail: object, headers: dict[str, str] | None = None) -> int:
    return await send_body(send, status, json.dumps({"detail": detail}).encode(), headers or {})


async def _refuse_unread(receive: Receive, send: Send, words: str) -> int:
    """413, at once. What the client still sends is read and dropped for a while: were the connection closed
    under it, the client would see that and not the answer."""
    body = json.dumps({"detail": words}).encode()
    headers = {"connection": "close", "content-length": str(len(body))}
    await send(start_of(413, "application/json", headers))
    await send({"type": "http.response.body", "body": body, "more_body": True})
    with suppress(TimeoutError):
        async with asyncio.timeout(_LINGER_S):
            more = True
            while more:
                message = await receive()
                more = message["type"] == "http.request" and message.get("more_body", False)
    await send({"type": "http.response.body", "body": b""})
    return 413


def create_app(service: Service, token: str) -> "Starlette":
    """The application. An empty token answers this machine only."""
    from starlette.applications import Starlette
    from starlette.routing import Route

    def route(path: str, handler: Handler, method: str, is_open: bool = False) -> Route:
        return Route(path, ServedPath(service, path, handler, token, is_open), methods=[method])

    return Starlette(
        routes=[
            route("/run_code", service.run_code, "POST"),
            route("/verify", service.verify, "POST"),
            route("/health", service.health, "GET", is_open=True),
            route("/v1/ping", service.ping, "GET", is_open=True),
            route("/metrics", service.show_metrics, "GET"),
        ]
    )
