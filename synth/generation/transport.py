"""The HTTP below the endpoint client, on aiohttp: one exchange, bounded in time and size.

The one rule: a request's key goes to the host that the recipe names and nowhere else. A redirect to another
host is an answer and is not followed, and a loopback address or a Unix socket is never reached by a proxy.
"""

import asyncio
import time
import urllib.request
from collections.abc import Mapping
from typing import NamedTuple

import aiohttp
from yarl import URL

from synth.generation.wire import shorten

LOOPBACK = frozenset({"localhost", "127.0.0.1", "::1"})
_MOST_BYTES = 64 << 20
_MOST_REDIRECTS = 2
_REDIRECTS = (307, 308)
"""Those that keep the method and the body."""


class Reply(NamedTuple):
    """A complete answer, of whatever status."""

    status: int
    headers: Mapping[str, str]
    data: bytes


class NoReplyError(Exception):
    """No complete answer came; the text says what happened instead."""

    def __init__(self, found: str, *, is_timeout: bool = False) -> None:
        super().__init__(found)
        self.is_timeout = is_timeout


class Transport:
    """The connections to one address."""

    def __init__(self, base_url: str, headers: Mapping[str, str], timeout_s: float, socket: str = "") -> None:
        self._base, self._headers, self._timeout_s = base_url.rstrip("/"), dict(headers), timeout_s
        self._socket = socket
        self._proxy = None if socket else _find_proxy(URL(self._base))
        self._urls: dict[str, URL] = {}
        self._session: aiohttp.ClientSession | None = None

    async def exchange(self, method: str, path: str, data: bytes | None = None) -> Reply:
        """Send one request and read the whole answer, within the time-out. Raises NoReplyError."""
        url = self._urls.get(path) or self._urls.setdefault(path, URL(self._base + path))
        started = time.monotonic()
        try:
            reply = await self._send(method, url, data)
            if reply.status in _REDIRECTS:
                async with asyncio.timeout(self._timeout_s - (time.monotonic() - started)):
                    return await self._follow(method, url, data, reply)
            return reply
        except TimeoutError:
            raise NoReplyError(f"no answer within {self._timeout_s:g} s", is_timeout=True) from None
        except aiohttp.ClientPayloadError as error:
            raise NoReplyError(f"an answer that was cut ({shorten(str(error))})") from None
        except (aiohttp.ClientError, OSError, ValueError) as error:
            raise NoReplyError(f"no connection ({shorten(str(error) or type(error).__name__)})") from None

    async def _follow(self, method: str, url: URL, data: bytes | None, reply: Reply) -> Reply:
        """Where redirects lead, as long as they stay on the same host."""
        for _ in range(_MOST_REDIRECTS):
            onward = _same_host_redirect(url, reply)
            if onward is None:
                break
            url, reply = onward, await self._send(method, onward, data)
        return reply

    async def _send(self, method: str, url: URL, data: bytes | None) -> Reply:
        if self._session is None:
            self._session = self._open()
        request = self._session.request(method, url, data=data, allow_redirects=False, proxy=self._proxy)
        async with request as response:
            body = await _read_bounded(response)
            return Reply(response.status, response.headers, body)

    def _open(self) -> aiohttp.ClientSession:
        """The throttle bounds the calls, so the connector does not. Cookies are not kept: nothing that one
        answer sets may change another."""
        connector: aiohttp.BaseConnector
        if self._socket:
            connector = aiohttp.UnixConnector(path=self._socket, limit=0)
        else:
            connector = aiohttp.TCPConnector(limit=0, ttl_dns_cache=300)
        return aiohttp.ClientSession(
            connector=connector,
            headers=self._headers,
            timeout=aiohttp.ClientTimeout(total=self._timeout_s, sock_connect=None),
            cookie_jar=aiohttp.DummyCookieJar(),
        )

    async def close(self) -> None:
        """Close the connections. May be called twice."""
        session, self._session = self._session, None
        if session is not None:
            await session.close()


async def _read_bounded(response: aiohttp.ClientResponse) -> bytes:
    if response.content_length is not None and "content-encoding" not in response.headers:
        if response.content_length > _MOST_BYTES:
            raise aiohttp.ClientPayloadError(f"it has {response.content_length >> 20} MiB")
        return await response.read()
    chunks, size = [], 0
    async for chunk in response.content.iter_any():
        size += len(chunk)
        if size > _MOST_BYTES:
            raise aiohttp.ClientPayloadError(f"it has more than {_MOST_BYTES >> 20} MiB")
        chunks.append(chunk)
    return chunks[0] if len(chunks) == 1 else b"".join(chunks)


def _same_host_redirect(url: URL, reply: Reply) -> URL | None:
    """Where the answer sends the request on, if that is the same host over the same or a safer protocol."""
    location = reply.headers.get("location", "") if reply.status in _REDIRECTS else ""
    if not location:
        return None
    onward = url.join(URL(location))
    is_safe = onward.scheme in (url.scheme, "https")
    same_port = onward.port == url.port or (url.is_default_port() and onward.is_default_port())
    return onward if onward.host == url.host and is_safe and same_port else None


def _find_proxy(url: URL) -> str | None:
    """The proxy that the environment names for this address. (aiohttp's own `trust_env` would also send
    the passwords of ~/.netrc.)"""
    if url.host is None or url.host in LOOPBACK or urllib.request.proxy_bypass(url.host):
        return None
    proxies = urllib.request.getproxies()
    return proxies.get(url.scheme) or proxies.get("all")
