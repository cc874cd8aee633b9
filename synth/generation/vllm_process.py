"""The vLLM process behind `vllm_server`: started, reached, watched and ended.

The one rule: the server that answers is the one that we started, or it is refused. It listens on no port but
on a socket in a folder that only our user may enter, under a name drawn for this start; and whoever waits for
it learns of its end at that moment.
"""

import asyncio
import secrets
import signal
import sys
import time
from collections.abc import AsyncIterator, Mapping, Sequence
from contextlib import asynccontextmanager, suppress
from pathlib import Path

from pydantic import BaseModel, JsonValue, ValidationError

from synth.errors import EngineEndedError, EngineError, Problem
from synth.generation.owned_process import OwnedProcess
from synth.generation.socket_folder import SocketFolder

BASE_URL = "http://engine"
"""Only a name: calls go to the socket."""
_END_PATIENCE_S = 3.0
"""A server whose engine process has died usually ends by itself within this."""


class _Model(BaseModel):
    id: str


class _Models(BaseModel):
    data: list[_Model]


class VllmProcess:
    """One server for the weights `model`. Its log is appended to; see OwnedProcess for what it `holds`."""

    def __init__(
        self,
        model: str,
        options: Sequence[str],
        *,
        log: Path,
        environment: Mapping[str, str],
        holds: Sequence[int] = (),
    ) -> None:
        self.served = f"policy-{secrets.token_hex(8)}"
        """The name under which it serves the weights."""
        self._folder = SocketFolder()
        self.socket = str(self._folder.path / "api")
        ours = ("--uds", self.socket, "--served-model-name", self.served, "--model", model)
        self._process = OwnedProcess(
            [sys.executable, "-P", "-m", "vllm.entrypoints.openai.api_server", *ours, *options],
            log=log,
            environment={**environment, "VLLM_RPC_BASE_PATH": str(self._folder.path)},
            holds=holds,
        )
        self._where = f"vLLM server for {model}"
        self._ended: asyncio.Future[int] | None = None
        self._waits: set[asyncio.Timeout] = set()

    # --- life -----------------------------------------------------------------------------------------------

    async def start(self, timeout_s: float) -> None:
        """Start it and wait until it answers under its name. Raises EngineError with the end of its log."""
        await self._process.start()
        ended = self._ended = asyncio.ensure_future(self._process.wait())
        ended.add_done_callback(self._end_waits)
        deadline = time.monotonic() + timeout_s
        while not await self._answers():
            if ended.done():
                raise self._failed_start(f"ended with {_name_code(ended.result())}")
            if time.monotonic() > deadline:
                raise self._failed_start(f"is not ready after {timeout_s:g} s")
            await asyncio.wait([ended], timeout=0.2)
        await self.check_identity()

    async def end(self) -> None:
        """End it and all its child processes. May be called twice."""
        await self._process.end()
        if self._ended is not None:
            await asyncio.wait([self._ended])
        self._folder.close()

    @asynccontextmanager
    async def while_alive(self) -> AsyncIterator[None]:
        """For a body that waits for this server. If the server ends, the body is stopped at that moment and
        an EngineError names the exit code; so it is if the body fails because the server is ending."""
        self._raise_if_ended()
        wait = asyncio.timeout(None)
        try:
            async with wait:
                self._waits.add(wait)
                try:
                    yield
                finally:
                    self._waits.discard(wait)
        except (EngineError, OSError) as error:
            if wait.expired():
                self._raise_if_ended()
            if not isinstance(error, EngineError) or error.retryable:
                await self._raise_if_ending()
            raise

    def _end_waits(self, _ended: "asyncio.Future[int]") -> None:
        for wait in self._waits:
            wait.reschedule(0.0)

    async def _answers(self) -> bool:
        try:
            await self.call("GET", "/health", timeout_s=5)
        except OSError:
            return False
        return True

    # --- identity -------------------------------------------------------------------------------------------

    async def check_identity(self) -> None:
        """Raises EngineError unless our process runs and the server offers the name that was drawn for it."""
        self._raise_if_ended()
        try:
            models = _Models.model_validate_json(await self.call("GET", "/v1/models"))
        except (OSError, ValidationError) as error:
            await self._raise_if_ending()
            raise self._stranger(f"its list of models cannot be read ({error})") from error
        self._raise_if_ended()
        names = [model.id for model in models.data]
        if self.served not in names:
            raise self._stranger(f"it offers {', '.join(names) or 'no model'}, not {self.served}")

    def _raise_if_ended(self) -> None:
        if self._ended is not None and self._ended.done():
            raise self._died(f"ended with {_name_code(self._ended.result())} while it was in use")

    async def _raise_if_ending(self) -> None:
        """Also where its engine process has died: the server then answers 503, and ends soon."""
        with suppress(TimeoutError):  # it is busy, not dead
            try:
                await self.call("GET", "/health", timeout_s=5)
            except OSError as error:
                if isinstance(error, TimeoutError) or self._ended is None:
                    raise
                await asyncio.wait([self._ended], timeout=_END_PATIENCE_S)
                self._raise_if_ended()
                raise self._died(f"is alive but cannot answer ({error})") from error
        self._raise_if_ended()

    # --- calls ----------------------------------------------------------------------------------------------

    async def call(self, method: str, path: str, body: JsonValue = None, *, timeout_s: float = 60) -> bytes:
        """One call to the server's own endpoints. Raises OSError, with the answer's text if it refuses."""
        import aiohttp

        limit, connector = aiohttp.ClientTimeout(total=timeout_s), aiohttp.UnixConnector(self.socket)
        try:
            async with (
                aiohttp.ClientSession(connector=connector, timeout=limit) as session,
                session.request(method, BASE_URL + path, json=body) as answer,
            ):
                found = await answer.read()
                if answer.status >= 400:
                    raise OSError(f"HTTP {answer.status}: {found.decode('utf-8', 'replace')[:500]}")
                return found
        except aiohttp.ClientError as error:
            if isinstance(error, OSError):
                raise
            raise OSError(str(error) or type(error).__name__) from error

    # --- failures -------------------------------------------------------------------------------------------

    def _failed_start(self, what: str) -> EngineError:
        fix = (
            f"read {self._process.log}; then change engine.extra_args, engine.max_model_len or "
            f"engine.start_timeout_s"
        )
        return self._failed(f"did not start: it {what}. {self._log_end()}", fix)

    def _stranger(self, what: str) -> EngineError:
        return self._failed(
            f"is not the one that answers on {self.socket}: {what}",
            "end whatever uses that socket, then rerun the same command",
        )

    def _died(self, what: str) -> EngineEndedError:
        fix = "rerun the same command: answered requests are kept"
        return EngineEndedError(self._problem(f"{what}. {self._log_end()}", fix))

    def _failed(self, message: str, fix: str) -> EngineError:
        return EngineError(self._problem(message, fix), retryable=False)

    def _problem(self, message: str, fix: str) -> Problem:
        return Problem(self._where, message, fix, see="docs/architecture/generation.md")

    def _log_end(self) -> str:
        try:
            tail = self._process.log_tail()
        except OSError as error:
            return f"Its log cannot be read: {error}"
        return "The end of its log:\n    " + tail.replace("\n", "\n    ")


def _name_code(code: int) -> str:
    """An exit code in words; those of signals are 128 and the signal's number."""
    number = code - 128 if code > 128 else -code
    with suppress(ValueError):
        return f"exit code {code} ({signal.Signals(number).name})"
    return f"exit code {code}"
