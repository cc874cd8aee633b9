"""A sandbox that sits out its own outages: a full disk, a machine without processes or memory to spare.

Place in the flow: around the sandbox of a run. A call in which the sandbox lost at least `failures` programs
and the `share` of all is an outage: after growing pauses one of them is tried, then all that were lost. The
one rule: in an outage no program is answered with a fault; after `patience_s` the call ends with an
OutageError.
"""

import asyncio
import time
from collections.abc import Callable, Sequence

from synth.errors import OutageError, Problem
from synth.execution.protocol import Sandbox
from synth.outage_config import OutageConfig
from synth.records import ExecutionRequest, Observation


class PatientSandbox:
    """The given sandbox. `say` takes one line for people."""

    def __init__(self, inner: Sandbox, config: OutageConfig, say: Callable[[str], None]) -> None:
        self._inner, self._config, self._say = inner, config, say

    @property
    def level(self) -> str:
        """That of the given sandbox."""
        return self._inner.level

    async def toolchain(self, language: str) -> str:
        """That of the given sandbox."""
        return await self._inner.toolchain(language)

    async def start(self) -> None:
        """Start the given sandbox."""
        await self._inner.start()

    async def close(self) -> None:
        """Close the given sandbox. May be called twice."""
        await self._inner.close()

    async def execute(self, requests: Sequence[ExecutionRequest], priority: int = 0) -> list[Observation]:
        """The observations of the given sandbox. Raises OutageError."""
        seen = await self._inner.execute(requests, priority)
        began, pause_s = time.monotonic(), self._config.first_pause_s
        while self._is_outage(lost := _lost(seen), len(seen)):
            fault, lasted = seen[lost[0]].infrastructure, time.monotonic() - began
            if lasted >= self._config.patience_s:
                raise self._error(len(lost), lasted, fault)
            self._say(f"the sandbox fails: {fault}; trying again in {pause_s:.0f} s")
            await asyncio.sleep(pause_s)
            pause_s = min(2 * pause_s, self._config.longest_pause_s)
            [seen[lost[0]]] = await self._inner.execute([requests[lost[0]]], priority)
            if seen[lost[0]].infrastructure is None:
                again = await self._inner.execute([requests[at] for at in lost[1:]], priority)
                for at, observation in zip(lost[1:], again, strict=True):
                    seen[at] = observation
        return seen

    def _is_outage(self, lost: Sequence[int], programs: int) -> bool:
        return len(lost) >= max(self._config.failures, self._config.share * programs)

    def _error(self, programs: int, seconds: float, fault: str | None) -> OutageError:
        return OutageError(
            Problem(
                where="the sandbox",
                message=f"has lost {programs} programs for {seconds:.0f} s, and decided nothing: {fault}",
                fix="look at `codemill doctor` and the disk of TMPDIR, then give the same command again",
                see="docs/architecture/loop.md",
            )
        )


def _lost(seen: Sequence[Observation]) -> list[int]:
    return [at for at, observation in enumerate(seen) if observation.infrastructure is not None]
