"""A sandbox whose observations come from a function, for tests and examples of code that runs programs.

Place in the flow: behind the same protocol as every other sandbox; no recipe names it. The one rule: the
function decides every observation, one request at a time; the sandbox keeps their order and runs nothing.

    def observe(request: ExecutionRequest) -> Observation:
        return Observation(request_id=request.id, language=request.language, phase=Phase.PARSE)

    sandbox = ScriptedSandbox(observe)
    observations = await sandbox.execute([request])

The function may be async. A fault of the machine is an observation with `infrastructure` set, as everywhere;
an exception of the function reaches the caller, since it is an error in the script.
"""

import asyncio
import inspect
from collections.abc import Awaitable, Callable, Mapping, Sequence

from synth.records import ExecutionRequest, Observation

ObserveRequest = Callable[[ExecutionRequest], Observation | Awaitable[Observation]]


class ScriptedSandbox:
    """Observes each program by calling `observe`. `requests` holds all requests in order, `priorities` the
    priority of each call of `execute`."""

    def __init__(
        self,
        observe: ObserveRequest,
        *,
        level: str = "scripted",
        toolchains: Mapping[str, str] | None = None,
    ) -> None:
        self._observe, self._level, self._toolchains = observe, level, dict(toolchains or {})
        self.requests: list[ExecutionRequest] = []
        self.priorities: list[int] = []
        self.closed = False

    @property
    def level(self) -> str:
        """The level given at creation."""
        return self._level

    async def toolchain(self, language: str) -> str:
        """The toolchain given for the language; empty if none was given."""
        return self._toolchains.get(language, "")

    async def start(self) -> None:
        """Open the sandbox; reopens it after `close`."""
        self.closed = False

    async def execute(self, requests: Sequence[ExecutionRequest], priority: int = 0) -> list[Observation]:
        """The function's observation of each request, under the request's own id; async
        functions run concurrently."""
        self.requests += requests
        self.priorities.append(priority)
        return list(await asyncio.gather(*(self._find(request) for request in requests)))

    async def close(self) -> None:
        """Mark it as closed. May be called twice."""
        self.closed = True

    async def _find(self, request: ExecutionRequest) -> Observation:
        found = self._observe(request)
        if inspect.isawaitable(found):
            found = await found
        stated = {
            "level": found.level or self._level,
            "toolchain": found.toolchain or self._toolchains.get(request.language, ""),
        }
        return found.model_copy(update={"request_id": request.id, **stated})
