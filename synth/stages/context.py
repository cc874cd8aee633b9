"""What stages work with: the recipe, and the live sandbox, engines and prompts that its parts ask for.

The one rule: a context is made in the process that runs a stage. It is never stored and never sent anywhere.
"""

from dataclasses import dataclass
from pathlib import Path

from synth.config import DataConfig, Recipe
from synth.execution.protocol import Sandbox
from synth.generation.protocol import Engine
from synth.prompts.library import PromptLibrary


@dataclass(frozen=True, slots=True)
class Context:
    """`engine` and `prompts` are there when a stage of the recipe asks a model; `teacher` when the recipe
    names another model for instructions and test inputs."""

    recipe: Recipe
    data: DataConfig
    recipe_folder: Path
    sandbox: Sandbox
    engine: Engine | None = None
    prompts: PromptLibrary | None = None
    teacher: Engine | None = None
