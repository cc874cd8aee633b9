"""The resources of the stages: the recipe, and the open sandbox, engines and prompts that it asks for.

The one rule: a context is made in the process that runs a stage. It is never stored or sent anywhere.
"""

from dataclasses import dataclass
from pathlib import Path

from synth.config import DataConfig, Recipe
from synth.execution.protocol import Sandbox
from synth.generation.protocol import Engine
from synth.prompts.library import PromptLibrary


@dataclass(frozen=True, slots=True)
class Context:
    """`engine` and `prompts` are set if a stage asks a model; `teacher` if the recipe names another model for
    instructions and test inputs."""

    recipe: Recipe
    data: DataConfig
    recipe_folder: Path
    sandbox: Sandbox
    engine: Engine | None = None
    prompts: PromptLibrary | None = None
    teacher: Engine | None = None
