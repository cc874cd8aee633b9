"""Bodies of requests, within bounds: whole for one program, spooled to disk for many rows.

Place in the flow: an ASGI `receive` -> bytes, or lines. The one rule: what is too large is refused before
it is read where its length is stated, and else at the byte that is too many; nothing is parsed before.
"""

import asyncio
import tempfile
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator, Mapping, MutableMapping
from contextlib import asynccontextmanager
from dataclasses import dataclass
from typing import IO, Any, Final

Message = MutableMapping[str, Any]
Receive = Callable[[], Awaitable[Message]]
Send = Callable[[Message], Awaitable[None]]
Scope = MutableMapping[str, Any]

_IN_MEMORY: Final = 1 << 20
_LONGEST_PAUSE_S: Final = 60


class ClientGone(Exception):
    """The client closed the connection: nobody waits for an answer."""


class TooSlow(Exception):
    """The client stopped sending."""


class TooLarge(Exception):
    """The body is larger than may be."""

    def __init__(self, most: int) -> None:
        super().__init__(f"the body must have at most {most} bytes")


def headers_of(scope: Scope) -> Mapping[str, str]:
    """The headers of a request, by name in lower case."""
    return {name.decode("latin-1").lower(): value.decode("latin-1") for name, value in scope["headers"]}


def stated_length(headers: Mapping[str, str], most: int) -> int | None:
    """The length that the request states, None for none. Raises TooLarge."""
    text = headers.get("content-length", "")
    if not text.isdigit():
        return None
    if int(text) > most:
        raise TooLarge(most)
    return int(text)


async def _chunks(receive: Receive, most: int) -> AsyncIterator[bytes]:
    """The parts of a body. Raises TooLarge, TooSlow, ClientGone."""
    count, more = 0, True
    while more:
        try:
            async with asyncio.timeout(_LONGEST_PAUSE_S):
                message = await receive()
        except TimeoutError:
            raise TooSlow(f"nothing came for {_LONGEST_PAUSE_S} s, and the body has no end") from None
        if message["type"] == "http.disconnect":
            raise ClientGone
        part: bytes = message.get("body", b"")
        count += len(part)
        if count > most:
            raise TooLarge(most)
        more = message.get("more_body", False)
        yield part


async def read_body(receive: Receive, most: int) -> bytes:
    """The whole body. Raises TooLarge, ClientGone."""
    return b"".join([part async for part in _chunks(receive, most)])


@dataclass(frozen=True, slots=True)
class RowLine:
    """One line that is not blank, with its number from 1. `text` is None where it is longer than may be."""

    number: int
    text: bytes | None


class SpooledBody:
    """A body on disk, read line by line: memory holds one of them at a time."""

    def __init__(self, file: IO[bytes], length: int) -> None:
        self._file, self.length = file, length

    def starts_with(self, sign: bytes) -> bool:
        """Whether the first byte that is no white space is this one."""
        self._file.seek(0)
        return self._file.read(4096).lstrip(b"\xef\xbb\xbf \t\r\n").startswith(sign)

    def whole(self) -> bytes:
        """All of it."""
        self._file.seek(0)
        return self._file.read()

    def lines(self, most: int) -> Iterator[RowLine]:
        """The lines, each of at most `most` bytes."""
        self._file.seek(0)
        number = 0
        while line := self._file.readline(most + 1):
            too_long = len(line) > most and not line.endswith(b"\n")
            if too_long:
                self._skip_line()
            if too_long or line.strip():
                number += 1
                yield RowLine(number, None if too_long else line.strip())

    def _skip_line(self) -> None:
        while (part := self._file.readline(_IN_MEMORY)) and not part.endswith(b"\n"):
            pass


@asynccontextmanager
async def spool_body(receive: Receive, most: int) -> AsyncIterator[SpooledBody]:
    """The whole body, read before the first answer: a client that writes all before it reads would otherwise
    wait for us while we wait for it. Raises TooLarge, ClientGone."""
    with tempfile.SpooledTemporaryFile(max_size=_IN_MEMORY) as file:
        length = 0
        async for part in _chunks(receive, most):
            length += file.write(part)
        yield SpooledBody(file, length)
