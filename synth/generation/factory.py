"""Makes an engine from a recipe's engine config. Each engine's module is imported only when it is needed."""

from importlib import import_module
from pathlib import Path
from typing import Protocol, cast

from synth.config import EngineConfig
from synth.generation.protocol import Engine
from synth.policy import Policy, identify


class EngineFactory(Protocol):
    """Makes an engine without starting it: `create_engine`, or a replacement from a test."""

    def __call__(self, config: EngineConfig, *, policy: Policy, log_folder: Path) -> Engine: ...


def create_engine(config: EngineConfig, *, policy: Policy, log_folder: Path) -> Engine:
    """The engine, not yet started. It serves `policy` unless the config names its own model. Raises
    RecipeError for an empty folder."""
    module, _, name = config.implementation.partition(":")
    implementation = cast(EngineFactory, getattr(import_module(module), name))
    return implementation(config, policy=_served(config, policy), log_folder=log_folder)


def _served(config: EngineConfig, policy: Policy) -> Policy:
    model = config.own_model
    if model is None or config.is_remote:
        return policy
    folder = Path(model)
    if folder.is_dir():
        return identify(Policy(name=folder.resolve().name, base=str(folder.resolve())))
    return identify(Policy(name=model, base=model))
