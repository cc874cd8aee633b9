"""What a world of known programs brings to a run: its seeds, its evaluation suites, and an audit.

Place in the flow: a module such as `posttrain.pocket.world` defines a world; the command line hands it to
the loop. The one rule: the loop asks a world for nothing but these three, and the audit's findings never
reach the data.
"""

from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import NamedTuple

from posttrain.evaluate.suite import Suites
from synth.config import Recipe
from synth.execution.protocol import Sandbox
from synth.records import Record
from synth.seeds.reader import PocketProvider


class Audit(Record):
    """Counts over accepted samples, by the reference that the loop never saw. `wrong_share` must stay at
    or below 5%."""

    accepted: int
    wrong: int
    unjudged: int
    """The sandbox could not say."""
    instructions_read: int
    """Instructions whose meaning the world knows."""
    instructions_wrong: int
    """Of these, those that mean something else than the seed does."""
    wrong_ids: tuple[str, ...]

    @property
    def wrong_share(self) -> float:
        return self.wrong / max(1, self.accepted - self.unjudged)


Auditor = Callable[[Path, Recipe, Sandbox], Awaitable[Audit | None]]
"""(run folder, recipe, sandbox) after the last round; None where the seeds are not of this world."""


class World(NamedTuple):
    """What is handed in. All three are asked only when the recipe wants them."""

    seeds: PocketProvider
    suites: Suites
    audit: Auditor
