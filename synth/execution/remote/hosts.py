"""The interface to services that lend machines: a provider makes hosts; a host takes files and runs a
command. E2B is one provider.

Place in the flow: `fleet.py` keeps hosts, `dispatch.py` runs batches on them. The one rule: every error that
crosses this interface is a `HostFault`, which states its remedy.
"""

from collections.abc import Callable
from enum import StrEnum
from typing import Protocol


class Remedy(StrEnum):
    """The remedy for a fault."""

    WAIT = "wait"
    """Too many requests or machines: try again later."""
    REPLACE = "replace"
    """The machine or the connection is lost: use another machine."""
    NOTHING = "nothing"
    """The request is rejected, and would be again."""
    STOP = "stop"
    """The key is rejected: nothing will work."""


class HostFault(Exception):
    """A failure of a host or its provider, as a message with its remedy."""

    def __init__(self, remedy: Remedy, words: str) -> None:
        super().__init__(words)
        self.remedy = remedy


class Host(Protocol):
    """One machine, alive and paid for until it is killed. All methods raise HostFault."""

    @property
    def name(self) -> str:
        """For people, and for the provider's own list."""
        ...

    @property
    def remaining_s(self) -> float:
        """Seconds left of its lifetime, by the provider's clock."""
        ...

    async def prolong(self) -> None:
        """Reset its lifetime to the full length."""
        ...

    async def put(self, path: str, data: bytes) -> None:
        """Write a file, by a path relative to the worker's folder."""
        ...

    async def run(
        self, command: str, hear: Callable[[str], None], *, limit_s: float, silence_s: float
    ) -> None:
        """Run a command line and pass on every line of its stdout as it arrives. Fails on a non-zero exit
        code, after `limit_s` in all, or after `silence_s` without a line."""
        ...

    async def kill(self) -> None:
        """End it for certain: everything started in it is gone."""
        ...


class Provider(Protocol):
    """Makes hosts."""

    async def create(self) -> Host:
        """A new machine. Raises HostFault if none was created, `Unsure` if that is unknown."""
        ...

    async def sweep(self) -> None:
        """Kill every machine of ours that still exists, including unrecorded ones. Raises HostFault."""
        ...


class Unsure(HostFault):
    """Creation failed, but a machine may exist anyway, for at most this many seconds."""

    def __init__(self, words: str, lifetime_s: float) -> None:
        super().__init__(Remedy.REPLACE, words)
        self.lifetime_s = lifetime_s
