"""Who may ask, and what a page may do: checks of Host, Origin and token around the whole application.

Place in the flow: `app.py` wraps every route in `Guard`. The one rule: without a token, only this machine's
own browser is answered, under its own name; a page of somebody else can neither read nor change anything
here.
"""

import hmac
from collections.abc import Mapping
from contextlib import suppress
from http.cookies import CookieError, SimpleCookie
from typing import TYPE_CHECKING, Final, NamedTuple
from urllib.parse import parse_qsl, urlsplit

from synth.inspector.database import StoppedError
from synth.inspector.web.page import linked
from synth.serve.access import is_loopback

if TYPE_CHECKING:
    from starlette.types import ASGIApp, Message, Receive, Scope, Send

HEADERS: Final[Mapping[str, str]] = {
    "content-security-policy": "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self'; "
    "connect-src 'self'; form-action 'self'; base-uri 'none'; frame-ancestors 'none'",
    "cross-origin-opener-policy": "same-origin",
    "cross-origin-resource-policy": "same-origin",
    "referrer-policy": "same-origin",
    "x-content-type-options": "nosniff",
    "x-frame-options": "DENY",
    "cache-control": "no-store",
}
"""Of every response. Pages show private runs, so no cache keeps them."""

_COOKIE: Final = "codemill-token"
_SAFE_METHODS: Final = ("GET", "HEAD")


class NotAnswered(NamedTuple):
    """The status and the words for a request that is not answered."""

    status: int
    words: str


class Guard:
    """The application behind the checks. An empty token answers this machine only."""

    def __init__(self, app: "ASGIApp", token: str = "") -> None:
        self._app, self._token = app, token

    async def __call__(self, scope: "Scope", receive: "Receive", send: "Send") -> None:
        from starlette.responses import PlainTextResponse, RedirectResponse, Response

        if scope["type"] != "http":
            return
        answer: Response | None = None
        headers = {name.decode("latin-1"): value.decode("latin-1") for name, value in scope["headers"]}
        query = tuple(parse_qsl(scope["query_string"].decode("latin-1"), keep_blank_values=True))
        if refused := refusal(scope["method"], headers, query, self._token):
            answer = PlainTextResponse(f"{refused.words}\n", refused.status)
        elif self._token and "token" in dict(query) and scope["method"] in _SAFE_METHODS:
            rest = [(name, value) for name, value in query if name != "token"]
            answer = RedirectResponse(linked(_same_origin_path(scope["path"]), *rest), 303)
            answer.set_cookie(_COOKIE, self._token, httponly=True, samesite="strict")

        async def send_with_headers(message: "Message") -> None:
            if message["type"] == "http.response.start":
                given = {name for name, _ in message["headers"]}
                added = [(name.encode(), value.encode()) for name, value in HEADERS.items()]
                message["headers"] = [*message["headers"], *(one for one in added if one[0] not in given)]
            await send(message)

        with suppress(StoppedError):  # an answer that had begun is left unfinished
            await (answer or self._app)(scope, receive, send_with_headers)


def refusal(
    method: str, headers: Mapping[str, str], query: tuple[tuple[str, str], ...], token: str
) -> NotAnswered | None:
    """Why a request may not be answered; None for one that may."""
    host = headers.get("host", "")
    if not token and not is_loopback(_name_of(host)):
        return NotAnswered(
            403, f"the host {host[:60]!r} is not this machine's own; --token-file lets others in"
        )
    if method not in (*_SAFE_METHODS, "POST"):
        return NotAnswered(405, "only GET, HEAD and POST are answered")
    origin = headers.get("origin")
    if origin is not None and urlsplit_netloc(origin) != host.lower():
        return NotAnswered(403, "requests of other sites' pages are not answered")
    site = headers.get("sec-fetch-site", "same-origin")
    if site not in ("same-origin", "none") and not (
        method in _SAFE_METHODS and headers.get("sec-fetch-mode") == "navigate"
    ):
        return NotAnswered(403, "requests of other sites' pages are not answered")
    if method == "POST" and origin is None:
        return NotAnswered(403, "a change must come from a form of these pages: it has no Origin")
    if token and not _has_token(headers, query, token):
        return NotAnswered(
            401, "open the address with ?token=TOKEN once, or send `Authorization: Bearer TOKEN`"
        )
    return None


def urlsplit_netloc(origin: str) -> str:
    """Host and port of an origin over HTTP; empty for any other, `null` among them."""
    try:
        found = urlsplit(origin)
    except ValueError:
        return ""
    return found.netloc.lower() if found.scheme in ("http", "https") else ""


def _name_of(host: str) -> str:
    try:
        return urlsplit(f"//{host}").hostname or ""
    except ValueError:
        return ""


def _has_token(headers: Mapping[str, str], query: tuple[tuple[str, str], ...], token: str) -> bool:
    try:
        cookies = SimpleCookie(headers.get("cookie", ""))
    except CookieError:
        cookies = SimpleCookie()
    given = [
        headers.get("authorization", "").removeprefix("Bearer ").strip(),
        cookies[_COOKIE].value if _COOKIE in cookies else "",
        dict(query).get("token", ""),
    ]
    return any(hmac.compare_digest(one.encode(), token.encode()) for one in given)


def _same_origin_path(path: str) -> str:
    """The path with one slash before it: `//host` would lead away."""
    return "/" + path.lstrip("/\\")
