"""From a recipe's engine config to an engine. Each engine's module is imported only when it is asked for."""

from pathlib import Path

from synth.config import (
    EngineConfig,
    OpenaiEngineConfig,
    RecordedEngineConfig,
    TransformersEngineConfig,
    VllmServerEngineConfig,
)
from synth.generation.protocol import Engine, PolicyRef
from synth.ids import content_hash
from synth.policy import fingerprint_policy


def create_engine(config: EngineConfig, *, policy: PolicyRef, log_folder: Path) -> Engine:
    """The engine, not started. `policy` is served unless the config names a model of its own. Raises
    RecipeError for an empty folder."""
    match config:
        case VllmServerEngineConfig():
            from synth.generation.vllm_server import VllmServer

            return VllmServer(config, policy=_served(config.model, policy), log_folder=log_folder)
        case TransformersEngineConfig():
            from synth.generation.transformers_local import TransformersLocal

            return TransformersLocal(config, policy=_served(config.model, policy), log_folder=log_folder)
        case OpenaiEngineConfig():
            from synth.generation.openai_api import OpenaiApiEngine

            return OpenaiApiEngine(config)
        case RecordedEngineConfig():
            from synth.generation import recorded

            return recorded.RecordedEngine(config, policy=policy)


def _served(model: str | None, policy: PolicyRef) -> PolicyRef:
    if model is None:
        return policy
    if Path(model).is_dir():
        folder = Path(model).resolve()
        return PolicyRef(name=folder.name, path=str(folder), fingerprint=fingerprint_policy(folder))
    return PolicyRef(name=model, path=model, fingerprint=content_hash("hub", model))
