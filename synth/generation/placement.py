"""Where an engine runs, and its sleep while a trainer has its cards.

Place in the flow: placement decides -> `place` before the start -> `sleep` before a training -> `wake` before
the next answer. The one rule: an engine that may be asleep does not answer.
"""

from pathlib import Path
from typing import NamedTuple, Protocol, runtime_checkable

from synth.cards import Card
from synth.config import EngineConfig
from synth.generation.factory import EngineFactory
from synth.generation.protocol import Engine
from synth.policy import Policy


class EnginePlacement(NamedTuple):
    """What an engine process is started with."""

    cards: tuple[Card, ...] | None = None
    """The only ones that it sees; None: all that this process sees."""
    options: tuple[str, ...] = ()
    """Arguments for the server, beside those of the recipe."""
    sleeps: bool = False
    """Whether it is asked to sleep, for which it has to be prepared."""
    holds: tuple[int, ...] = ()
    """Descriptors that are kept open until the process has ended."""


@runtime_checkable
class PlacedEngine(Protocol):
    """An engine that takes cards of this machine."""

    def place(self, placement: EnginePlacement) -> None:
        """Say where it will run. Called before `start`."""
        ...

    async def sleep(self) -> float:
        """Give back the memory of its cards, once no request is in flight. Returns the seconds that it took.
        Raises EngineError if it cannot be sure that the memory is free."""
        ...

    async def wake(self, policy: Policy | None = None) -> float:
        """Serve this policy, or the one of before, from now on. Returns the seconds that it took. Raises
        EngineError; the engine then still counts as asleep."""
        ...


def placing(create: EngineFactory, placement: EnginePlacement | None) -> EngineFactory:
    """A factory whose engines run where they were placed; those that take no cards run as they always do."""

    def make(config: EngineConfig, *, policy: Policy, log_folder: Path) -> Engine:
        engine = create(config, policy=policy, log_folder=log_folder)
        if placement is not None and isinstance(engine, PlacedEngine):
            engine.place(placement)
        return engine

    return make
