"""The seam to whatever lends machines: a provider makes hosts, a host takes files and runs a command. E2B is
one provider.

Place in the flow: `fleet.py` keeps hosts, `dispatch.py` runs batches on them. The one rule: every error that
crosses this seam is a `HostFault`, which says what helps.
"""

from collections.abc import Callable
from enum import StrEnum
from typing import Protocol


class Remedy(StrEnum):
    """What helps against a fault."""

    WAIT = "wait"
    """Too many requests or machines: the same thing later."""
    REPLACE = "replace"
    """The machine or the way to it is lost: another machine."""
    NOTHING = "nothing"
    """The request is refused, and will be again."""
    STOP = "stop"
    """The key is refused: nothing at all will work."""


class HostFault(Exception):
    """A host or its provider failed, in words, with what helps."""

    def __init__(self, remedy: Remedy, words: str) -> None:
        super().__init__(words)
        self.remedy = remedy


class Host(Protocol):
    """One machine that is alive and paid for until it is killed. All methods raise HostFault."""

    @property
    def name(self) -> str:
        """For people, and for the provider's own list."""
        ...

    @property
    def remaining_s(self) -> float:
        """How long it lives on, by the provider's clock of its life."""
        ...

    async def prolong(self) -> None:
        """Give it its whole lifetime again."""
        ...

    async def put(self, path: str, data: bytes) -> None:
        """Write a file, by a path relative to the home of the worker."""
        ...

    async def run(
        self, command: str, hear: Callable[[str], None], *, limit_s: float, silence_s: float
    ) -> None:
        """Run a command line; every line of its stdout is heard as it comes. Fails on another exit code than
        0, after `limit_s` in all or `silence_s` without a line."""
        ...

    async def kill(self) -> None:
        """End it, and be sure of it: whatever was started in it is gone."""
        ...


class Provider(Protocol):
    """Makes hosts."""

    async def create(self) -> Host:
        """A new machine. Raises HostFault, and then there is none, or it raises `Unsure`."""
        ...

    async def sweep(self) -> None:
        """Kill every machine of ours that is still there, also those that we know nothing of. Raises
        HostFault."""
        ...


class Unsure(HostFault):
    """Creating failed, and a machine may be there all the same, for so many seconds at most."""

    def __init__(self, words: str, lifetime_s: float) -> None:
        super().__init__(Remedy.REPLACE, words)
        self.lifetime_s = lifetime_s
