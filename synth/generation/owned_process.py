"""A child process that codemill owns, for engines that run in one: it is started on a lifeline, writes a log
file, and is ended together with its process group.

The one rule: it never outlives codemill.
"""

import asyncio
import os
from collections.abc import Mapping, Sequence
from pathlib import Path

from synth.generation.lifeline import Lifeline
from synth.store.atomic import open_log

_LINE_LIMIT = 256 << 20


class OwnedProcess:
    """One child. With `piped`, its stdin and stdout are pipes to this process; otherwise stdout goes to the
    log, as stderr always does."""

    def __init__(
        self, command: Sequence[str], *, log: Path, environment: Mapping[str, str], piped: bool = False
    ) -> None:
        self.log = log
        self._command = tuple(command)
        self._environment = {**os.environ, **environment}
        self._piped = piped
        self._process: asyncio.subprocess.Process | None = None
        self._lifeline: Lifeline | None = None

    async def start(self) -> None:
        """Start it, appending to the log. Raises OSError if the log's folder cannot be written."""
        lifeline = self._lifeline = Lifeline()
        try:
            with open_log(self.log) as log:
                self._process = await asyncio.create_subprocess_exec(
                    *lifeline.command(self._command),
                    stdin=asyncio.subprocess.PIPE if self._piped else asyncio.subprocess.DEVNULL,
                    stdout=asyncio.subprocess.PIPE if self._piped else log,
                    stderr=log,
                    cwd=self.log.parent,
                    env=self._environment,
                    pass_fds=(lifeline.watched,),
                    start_new_session=True,
                    limit=_LINE_LIMIT,
                )
        finally:
            lifeline.hand_over()

    @property
    def exit_code(self) -> int | None:
        """None while it runs."""
        return None if self._process is None else self._process.returncode

    async def ask(self, line: bytes) -> bytes:
        """Write one line and read one line. Raises EOFError if the child has ended."""
        process = self._process
        if process is None or process.stdin is None or process.stdout is None:
            raise EOFError("the process was not started with pipes")
        try:
            process.stdin.write(line + b"\n")
            await process.stdin.drain()
            answer = await process.stdout.readline()
        except (BrokenPipeError, ConnectionResetError) as error:
            raise EOFError("the process ended") from error
        if not answer.endswith(b"\n"):
            raise EOFError("the process ended")
        return answer

    def log_tail(self, lines: int = 15) -> str:
        """The last lines of the log, which usually contain the reason."""
        with self.log.open("rb") as handle:
            handle.seek(max(0, self.log.stat().st_size - 8192))
            return "\n".join(handle.read().decode("utf-8", "replace").splitlines()[-lines:])

    async def end(self) -> None:
        """End the whole group and wait for it. May be called twice."""
        lifeline, self._lifeline = self._lifeline, None
        if lifeline is not None:
            lifeline.close()
        process, self._process = self._process, None
        if process is None:
            return
        if process.stdin is not None:
            process.stdin.close()
        await process.wait()
