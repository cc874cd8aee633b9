"""A world of known programs, and its three parts in a run: seeds, evaluation suites, and an audit.

Place in the flow: a module such as `posttrain.pocket.world` defines a world; the command line passes it to
the loop. The one rule: the loop uses only these three parts of a world, and the audit's findings never
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
    """Counts over accepted samples, by references that the loop never saw. `wrong_share` must stay at
    or below 5%."""

    accepted: int
    wrong: int
    unjudged: int
    """Samples that the sandbox could not judge."""
    instructions_read: int
    """Instructions that the world can parse."""
    instructions_wrong: int
    """Parsed instructions that do not describe the seed's behaviour."""
    wrong_ids: tuple[str, ...]

    @property
    def wrong_share(self) -> float:
        return self.wrong / max(1, self.accepted - self.unjudged)


Auditor = Callable[[Path, Recipe, Sandbox], Awaitable[Audit | None]]
"""(run folder, recipe, sandbox) -> the audit, called after the last round; None if the seeds come
from another world."""


class World(NamedTuple):
    """The three parts. Each is used only if the recipe needs it."""

    seeds: PocketProvider
    suites: Suites
    audit: Auditor
