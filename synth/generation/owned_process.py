"""A child process that codemill owns, for engines that run in one: it is started on a lifeline, writes a log
file, and is ended together with its process group.

The one rule: it never outlives codemill, and gets none of the user's keys.
"""

import asyncio
import re
from collections.abc import Mapping, Sequence
from pathlib import Path

from synth.child_environment import child_environment
from synth.generation.lifeline import Lifeline
from synth.store.atomic import open_log

_LINE_LIMIT = 256 << 20
_END_PATIENCE_S = 2.0
_TAIL_BYTES = 32 << 10
_NOISE = re.compile(r"nanobind|^ - (leaked |\.\.\. skipped)")


class OwnedProcess:
    """One child. With `piped`, its stdin and stdout are pipes to this process; otherwise stdout goes to the
    log, as stderr always does. The descriptors that it `holds` are closed once its group has ended."""

    def __init__(
        self,
        command: Sequence[str],
        *,
        log: Path,
        environment: Mapping[str, str],
        piped: bool = False,
        holds: Sequence[int] = (),
    ) -> None:
        self.log = log
        self._command = tuple(command)
        self._environment = child_environment(environment)
        self._piped, self._holds = piped, tuple(holds)
        self._process: asyncio.subprocess.Process | None = None
        self._lifeline: Lifeline | None = None

    async def start(self) -> None:
        """Start it, appending to the log. Raises OSError if the log's folder cannot be written."""
        lifeline = self._lifeline = Lifeline(self._holds)
        try:
            with open_log(self.log) as log:
                self._process = await asyncio.create_subprocess_exec(
                    *lifeline.command(self._command),
                    stdin=asyncio.subprocess.PIPE if self._piped else asyncio.subprocess.DEVNULL,
                    stdout=asyncio.subprocess.PIPE if self._piped else log,
                    stderr=log,
                    cwd=self.log.parent,
                    env=self._environment,
                    pass_fds=lifeline.inherited,
                    start_new_session=True,
                    limit=_LINE_LIMIT,
                )
        finally:
            lifeline.hand_over()

    @property
    def exit_code(self) -> int | None:
        """None while it runs."""
        return None if self._process is None else self._process.returncode

    async def wait(self) -> int:
        """Its exit code, once it and its whole group have ended; 128 and the number for a signal."""
        assert self._process is not None, "it was started"
        return await self._process.wait()

    async def ask(self, line: bytes) -> bytes:
        """Write one line and read one line. Raises EOFError, with the exit code, if the child has ended."""
        process = self._process
        if process is None or process.stdin is None or process.stdout is None:
            raise EOFError("the process was not started with pipes")
        try:
            process.stdin.write(line + b"\n")
            await process.stdin.drain()
            answer = await process.stdout.readline()
        except (BrokenPipeError, ConnectionResetError):
            answer = b""
        if not answer.endswith(b"\n"):
            raise EOFError(await self._say_end(process))
        return answer

    async def _say_end(self, process: asyncio.subprocess.Process) -> str:
        """Why its pipes are closed: its exit code, for which the guard needs a moment."""
        try:
            async with asyncio.timeout(_END_PATIENCE_S):
                return f"the process ended with exit code {await process.wait()}"
        except TimeoutError:
            return "the process closed its output"

    def log_tail(self, lines: int = 15) -> str:
        """The last lines of the log, which usually contain the reason; what nanobind says at every end of a
        process is left out."""
        with self.log.open("rb") as handle:
            handle.seek(max(0, self.log.stat().st_size - _TAIL_BYTES))
            found = handle.read().decode("utf-8", "replace").splitlines()
        return "\n".join([line for line in found if not _NOISE.search(line)][-lines:])

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
