"""The seam between the factory and whatever runs programs.

The one rule: inputs go in, observations come out. Expected values never enter a sandbox; what an observation
means is decided outside.
"""

from collections.abc import Sequence
from typing import Protocol

from synth.records import ExecutionRequest, Observation


class Sandbox(Protocol):
    """Runs programs. Implementations: local, e2b, recorded, scripted, and those around another one. All pass
    tests/contract/test_sandboxes.py."""

    @property
    def level(self) -> str:
        """Isolation level, stated in every observation: A, B or C, or the name of a remote sandbox."""
        ...

    async def toolchain(self, language: str) -> str:
        """What runs programs of the language here, as its observations state it: name, version, digest. Empty
        where nothing does, or where nobody knows; asked after the start."""
        ...

    async def start(self) -> None:
        """Get ready. Raises SandboxError with what to do when this machine cannot give the level that was
        asked for."""
        ...

    async def execute(self, requests: Sequence[ExecutionRequest], priority: int = 0) -> list[Observation]:
        """Run the programs, in parallel as configured; observations in the order of the requests. Where
        programs wait, those with the lowest `priority` number go first; a sandbox that never lets them wait
        has no use for it.

        A fault of the sandbox is an observation with `infrastructure` set, after retries, never an exception
        and never a verdict.
        """
        ...

    async def close(self) -> None:
        """Kill and reap whatever still runs. May be called twice."""
        ...
