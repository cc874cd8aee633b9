"""The resources of the stages: the recipe, and the open sandbox, engines and prompts that it asks for.

The one rule: a context is made in the process that runs a stage. It is never stored or sent anywhere.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from synth.config import DataConfig, Recipe
from synth.execution.protocol import Sandbox
from synth.generation.protocol import Engine
from synth.prompts.library import PromptLibrary
from synth.records import Task
from synth.roles import and_stand_ins


@dataclass(frozen=True, slots=True)
class Context:
    """`engine` and `prompts` are set if a stage asks a model; `others` has the engines of the other roles
    that the recipe names."""

    recipe: Recipe
    data: DataConfig
    recipe_folder: Path
    sandbox: Sandbox
    engine: Engine | None = None
    prompts: PromptLibrary | None = None
    others: Mapping[str, Engine] = field(default_factory=dict)
    remembered: Sequence[Task] = ()
    """The tasks of earlier rounds, where the recipe has a memory."""

    def engine_of(self, role: str) -> Engine | None:
        """The engine that answers in a role: its own, or the one that stands in for it."""
        return next((self.others[one] for one in and_stand_ins(role) if one in self.others), self.engine)
