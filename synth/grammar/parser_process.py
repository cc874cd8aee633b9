"""Parsers in processes of their own, asked over a socket: no text is parsed in the process that supervises.

Place in the flow: `trees.py` asks here; the other side is the program in `_START`. The one rule: a text that
is too long, takes too much time or memory, or crashes its parser is `Unparsed`, and each caller says what
follows from that; nothing that a parser does or sends can do more harm.

Processes are started when a question finds none idle, at most one a core, and are used again; all grammars
are loaded in each, at 25 MB. They end with the process that started them.
"""

import json
import os
import signal
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Callable
from contextlib import suppress
from functools import cache
from pathlib import Path
from typing import Any, Final, NamedTuple, TypeVar

from synth.errors import CodemillError, Problem

MOST_BYTES: Final = 1 << 20
"""A longer text is not parsed."""
_START_S, _ANSWER_S = 60.0, 30.0
"""Wall time, for a machine under load: the CPU time of a question is bounded by the worker."""
_END_S: Final = 1.0
"""A parser whose socket is closed ends by itself, unless it hangs."""
_MOST_ANSWER_BYTES: Final = 32 << 20
_ATTEMPTS: Final = 2
"""Parsers that one text may end before it is left unparsed."""


class UnparsedError(Exception):
    """The text was not parsed, which says nothing about whether it could be. The message says why."""


T = TypeVar("T")
_NONSENSE: Final = (ValueError, TypeError, KeyError, IndexError, AttributeError, OverflowError)
"""What reading an answer raises that is none."""


class Answer(NamedTuple):
    """What a parser says about a text, and the numbers of its tree."""

    head: dict[str, Any]
    body: bytes


class _LostError(Exception):
    """The process ended, or sent what no parser of ours sends."""


class ParserStartError(CodemillError):
    """No parser can be started here, so nothing can be said about any text."""

    def __init__(self, why: str) -> None:
        super().__init__(
            Problem(
                "parser process",
                f"cannot be started: {why}",
                "run the same command again, or install codemill anew",
                "docs/architecture/execution.md",
            )
        )


class _Parser:
    """One process and its socket."""

    def __init__(self) -> None:
        ours, theirs = socket.socketpair()
        with theirs:
            self._process = subprocess.Popen(
                [sys.executable, "-I", "-S", "-B", "-c", _START, json.dumps(_import_path())],
                stdin=theirs.fileno(),
                stdout=subprocess.DEVNULL,
                stderr=subprocess.PIPE,
                env={name: os.environ[name] for name in ("LD_LIBRARY_PATH",) if name in os.environ},
                start_new_session=True,
            )
        assert self._process.stderr is not None, "it is a pipe"
        self._socket, self._read = ours, bytearray()
        self.pid = self._process.pid
        try:
            self._receive(time.monotonic() + _START_S)
        except (OSError, ValueError, _LostError) as error:
            raise ParserStartError(self._last_words() or str(error)) from None
        self._process.stderr.close()

    def ask(self, question: bytes) -> Answer:
        """Raises _LostError, and then the process is of no more use."""
        until = time.monotonic() + _ANSWER_S
        try:
            self._socket.settimeout(_ANSWER_S)
            self._socket.sendall(question)
            return self._receive(until)
        except (OSError, *_NONSENSE) as error:
            raise _LostError(str(error)) from error

    def _receive(self, until: float) -> Answer:
        while (end := self._read.find(b"\n")) < 0:
            self._read_more(until)
        head = json.loads(self._read[:end])
        size = head["bytes"]
        if not 0 <= size <= _MOST_ANSWER_BYTES:
            raise _LostError("no parser of ours says that")
        while len(self._read) < end + 1 + size:
            self._read_more(until)
        body = bytes(self._read[end + 1 : end + 1 + size])
        self._read.clear()
        return Answer(head, body)

    def _read_more(self, until: float) -> None:
        self._socket.settimeout(max(0.001, until - time.monotonic()))
        part = self._socket.recv(1 << 20)
        if not part or len(self._read) > _MOST_ANSWER_BYTES:
            raise _LostError("the parser ended")
        self._read += part

    def _last_words(self) -> str:
        """The last line that a process wrote which does not start."""
        self._process.kill()
        lines = self._process.communicate()[1].decode("utf-8", "replace").strip().splitlines()
        self.close()
        return lines[-1] if lines else ""

    def close(self) -> int:
        """End the process at once. Returns how it ended: a negative number is a signal."""
        self._socket.close()
        with suppress(subprocess.TimeoutExpired):
            return self._process.wait(timeout=_END_S)
        self._process.kill()
        return self._process.wait()


def _import_path() -> list[str]:
    """Where this process finds modules, but never in its current folder."""
    return [*(path for path in sys.path if Path(path).is_absolute()), str(Path(__file__).parents[2])]


_START = (
    "import json, sys; sys.path[:] = json.loads(sys.argv[1]); "
    "from synth.grammar.parser_worker import main; main()"
)


class ParserPool:
    """The parsers of this process. Thread-safe: a thread that asks has a parser of its own."""

    def __init__(self, most: int = 0) -> None:
        self._places = threading.Semaphore(most or len(os.sched_getaffinity(0)))
        self._lock = threading.Lock()
        self._idle: list[_Parser] = []

    @property
    def idle(self) -> tuple[int, ...]:
        """The process ids of the parsers that wait for a question."""
        with self._lock:
            return tuple(parser.pid for parser in self._idle)

    def ask(
        self, kind: str, by: str, text: bytes, read: Callable[[Answer], T], depth: int | None = None
    ) -> T:
        """What `read` makes of the answer to one question. Raises UnparsedError."""
        if len(text) > MOST_BYTES:
            raise UnparsedError(f"it is longer than {MOST_BYTES} bytes")
        head = {"ask": kind, "by": by, "depth": depth, "bytes": len(text)}
        question = json.dumps(head).encode() + b"\n" + text
        with self._places:
            answer = self._ask_one(question, read)
        if isinstance(answer, UnparsedError):
            raise answer
        return answer

    def _ask_one(self, question: bytes, read: Callable[[Answer], T]) -> "T | UnparsedError":
        for _ in range(_ATTEMPTS):
            parser = self._take()
            try:
                answer = parser.ask(question)
                why = answer.head.get("unparsed")
                found = read(answer) if why is None else UnparsedError(str(why))
            except (_LostError, *_NONSENSE):
                if parser.close() == -signal.SIGPROF:
                    return UnparsedError("it takes too long to parse")
                continue
            except BaseException:
                parser.close()
                raise
            with self._lock:
                self._idle.append(parser)
            return found
        return UnparsedError("its parser ended")

    def _take(self) -> _Parser:
        with self._lock:
            if self._idle:
                return self._idle.pop()
        return _Parser()

    def close(self) -> None:
        """End the idle parsers; later questions start new ones."""
        with self._lock:
            parsers, self._idle = self._idle, []
        for parser in parsers:
            parser.close()


def parsers() -> ParserPool:
    """The parsers of this process; a forked child has its own."""
    return _pool(os.getpid())


@cache
def _pool(_: int) -> ParserPool:
    return ParserPool()
