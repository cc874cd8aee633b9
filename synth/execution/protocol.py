"""The interface between the factory and the sandboxes that run programs.

The one rule: inputs go in, observations come out. Expected values never enter a sandbox; observations
are judged outside.
"""

from collections.abc import Sequence
from typing import Protocol

from synth.records import ExecutionRequest, Observation


class Sandbox(Protocol):
    """Runs programs. Implementations: local, e2b, recorded, scripted, and wrappers around another sandbox.
    All of them pass tests/contract/test_sandboxes.py."""

    @property
    def level(self) -> str:
        """Isolation level, stated in every observation: A, B or C, or the name of a remote sandbox."""
        ...

    async def toolchain(self, language: str) -> str:
        """The toolchain of the language, as stated in its observations: name, version, digest. Empty if there
        is none or it is unknown; call it after `start`."""
        ...

    async def start(self) -> None:
        """Get ready. If this machine cannot provide the requested level, raises a SandboxError that says how
        to fix it."""
        ...

    async def execute(self, requests: Sequence[ExecutionRequest], priority: int = 0) -> list[Observation]:
        """Run the programs, in parallel as configured; observations in the order of the requests.
        Among waiting programs, those with the lowest `priority` number go first; a sandbox where none
        wait ignores it.

        A fault of the sandbox is an observation with `infrastructure` set, after retries, never an exception
        and never a verdict.
        """
        ...

    async def close(self) -> None:
        """Kill and reap everything that still runs. May be called twice."""
        ...
