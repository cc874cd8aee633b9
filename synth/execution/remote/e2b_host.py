"""E2B as a provider of machines, through the package e2b-code-interpreter. Only this module imports it, and
only when it is needed.

Place in the flow: behind `hosts.py`. The one rule: the package's many exceptions end here; each becomes a
fault that states its remedy.
"""

import asyncio
import os
import secrets
import time
from collections.abc import Callable
from typing import TYPE_CHECKING, Any, Final

from synth.execution.remote.hosts import HostFault, Remedy, Unsure

if TYPE_CHECKING:
    from e2b_code_interpreter import AsyncSandbox

_USER: Final = "root"
"""The worker switches to a separate user for each program, which requires root inside."""
_REQUEST_S: Final = 60.0
_UPLOAD_BYTES_PER_S: Final = 1 << 19
_LISTEN_S: Final = 0.5
_RUN: Final = "codemill_run"
_MACHINE: Final = "codemill_machine"
_REFUSED: Final = (400, 402, 403, 404, 405, 409, 422)


def fault_of(error: Exception) -> HostFault:
    """The fault for an exception of the package."""
    import e2b

    words = f"{type(error).__name__}: {error}"
    if isinstance(error, HostFault):
        return error
    if isinstance(error, e2b.AuthenticationException):
        return HostFault(Remedy.STOP, words)
    if isinstance(error, e2b.RateLimitException | e2b.ServiceBusyException):
        return HostFault(Remedy.WAIT, words)
    if (
        isinstance(error, e2b.InvalidArgumentException | e2b.TemplateException)
        or getattr(error, "status_code", None) in _REFUSED
    ):
        return HostFault(Remedy.NOTHING, words)
    return HostFault(Remedy.REPLACE, words)


def is_debug() -> bool:
    """Whether the package is set to use a local machine: then it needs no key, and creates
    and kills nothing."""
    return os.environ.get("E2B_DEBUG", "false").lower() == "true"


class LineSplitter:
    """Joins pieces of text into lines. Text after the last line end waits for more."""

    def __init__(self, hear: Callable[[str], None]) -> None:
        self._hear = hear
        self._rest: list[str] = []

    def feed(self, piece: str) -> None:
        """Take a piece, and pass on every line that it completes."""
        *lines, rest = piece.split("\n")
        for line in lines:
            self._hear("".join([*self._rest, line]))
            self._rest = []
        self._rest.append(rest)


class E2bHost:
    """One E2B sandbox, with a separate folder for the worker."""

    def __init__(self, sandbox: "AsyncSandbox", name: str, born: float, lifetime_s: int) -> None:
        self._sandbox, self._lifetime_s = sandbox, lifetime_s
        self._folder = f"codemill-{name}"
        self._ends = born + lifetime_s
        self.name = f"{sandbox.sandbox_id}/{name}"

    @property
    def remaining_s(self) -> float:
        return self._ends - time.monotonic()

    async def prolong(self) -> None:
        """Prolong only after half of the lifetime, since it costs a request."""
        if self.remaining_s < self._lifetime_s / 2:
            before = time.monotonic()
            await self._guard(self._sandbox.set_timeout(self._lifetime_s, request_timeout=_REQUEST_S))
            self._ends = before + self._lifetime_s

    async def put(self, path: str, data: bytes) -> None:
        limit_s = _REQUEST_S + len(data) / _UPLOAD_BYTES_PER_S
        await self._guard(
            self._sandbox.files.write(
                f"{self._folder}/{path}", data, user=_USER, gzip=True, request_timeout=limit_s
            )
        )

    async def run(
        self, command: str, hear: Callable[[str], None], *, limit_s: float, silence_s: float
    ) -> None:
        heard, said = [time.monotonic()], [""]
        splitter = LineSplitter(hear)

        def listen(piece: str) -> None:
            heard[0] = time.monotonic()
            splitter.feed(piece)

        def note(piece: str) -> None:
            said[0] = (said[0] + piece)[-2000:]

        handle = await self._guard(
            self._sandbox.commands.run(
                f"cd {self._folder} && exec {command}",
                background=True,
                user=_USER,
                on_stdout=listen,
                on_stderr=note,
                timeout=limit_s,
                request_timeout=min(_REQUEST_S, silence_s),
                retain_output=False,
            )
        )
        ended = asyncio.ensure_future(handle.wait())
        try:
            while not (await asyncio.wait({ended}, timeout=_LISTEN_S))[0]:
                if time.monotonic() - heard[0] > silence_s:
                    raise HostFault(Remedy.REPLACE, f"{self.name} said nothing for {silence_s:g} s")
            await self._guard(ended)
        except HostFault as fault:
            raise HostFault(_lost(fault.remedy), f"{fault} {said[0]}".strip()) from fault
        finally:
            ended.cancel()
            await handle.disconnect()

    async def kill(self) -> None:
        """A sandbox that is not found also counts as gone."""
        await self._guard(self._sandbox.kill(request_timeout=_REQUEST_S))

    async def _guard(self, work: Any) -> Any:  # noqa: ANN401  # any answer of the package
        """Wait for the package and turn its exceptions into faults. None of them means stop, since the key
        was accepted for this machine."""
        try:
            return await work
        except Exception as error:  # the package passes on any exception of its transports
            fault = fault_of(error)
            raise HostFault(_lost(fault.remedy), str(fault)) from error


def _lost(remedy: Remedy) -> Remedy:
    """On an existing machine, every fault except a rate limit is a reason to take another one."""
    return remedy if remedy is Remedy.WAIT else Remedy.REPLACE


class E2bProvider:
    """Makes E2B sandboxes from one template, without internet access, that end by
    themselves after `lifetime_s`."""

    def __init__(self, template: str | None, lifetime_s: int, api_key: str | None) -> None:
        self._template, self._lifetime_s, self._key = template, lifetime_s, api_key
        self._token = secrets.token_hex(8)

    async def create(self) -> E2bHost:
        import httpx
        from e2b_code_interpreter import AsyncSandbox

        name, born = secrets.token_hex(8), time.monotonic()
        try:
            sandbox = await AsyncSandbox.create(
                self._template,
                timeout=self._lifetime_s,
                metadata={_RUN: self._token, _MACHINE: name},
                allow_internet_access=False,
                api_key=self._key,
                request_timeout=_REQUEST_S,
                retries=0,
            )
        except Exception as error:  # as in `_guard`
            fault = fault_of(error)
            if fault.remedy is Remedy.REPLACE and not isinstance(
                error, httpx.ConnectError | httpx.ConnectTimeout
            ):
                await self._undo(name, fault)
            raise fault from error
        return E2bHost(sandbox, name, born, self._lifetime_s)

    async def sweep(self) -> None:
        await self._kill_all({_RUN: self._token})

    async def _undo(self, name: str, fault: HostFault) -> None:
        """The answer was lost, so the sandbox may exist: find and kill it. Raises Unsure if that fails."""
        try:
            await self._kill_all({_MACHINE: name})
        except HostFault as second:
            raise Unsure(f"{fault}; and then: {second}", self._lifetime_s) from second

    async def _kill_all(self, metadata: dict[str, str]) -> None:
        from e2b_code_interpreter import AsyncSandbox, SandboxQuery

        if is_debug():
            return
        try:
            pages = AsyncSandbox.list(
                query=SandboxQuery(metadata=metadata),
                api_key=self._key,
                request_timeout=_REQUEST_S,
                retries=0,
            )
            while pages.has_next:
                for found in await pages.next_items():
                    await AsyncSandbox.kill(
                        found.sandbox_id, api_key=self._key, request_timeout=_REQUEST_S, retries=0
                    )
        except Exception as error:  # as in `_guard`
            raise fault_of(error) from error
