"""From a recipe's `execution` to a sandbox. The heavy modules are imported only when they are asked for."""

from pathlib import Path

from synth.config import E2bSandboxConfig, ExecutionConfig, LocalSandboxConfig, RecordedSandboxConfig
from synth.execution.protocol import Sandbox


def create_sandbox(config: ExecutionConfig) -> Sandbox:
    """The sandbox that the recipe names, with its result cache; it is not started yet. Raises UserError when
    there can be no cache."""
    if isinstance(config, RecordedSandboxConfig):
        from synth.execution.recorded import RecordedSandbox

        return RecordedSandbox(Path(config.path))
    sandbox = _create(config)
    if config.cache is None:
        return sandbox
    from synth.execution.cache.cached_sandbox import CachedSandbox

    return CachedSandbox(sandbox, Path(config.cache), config.cache_mb)


def _create(config: LocalSandboxConfig | E2bSandboxConfig) -> Sandbox:
    if isinstance(config, LocalSandboxConfig):
        from synth.execution.local.sandbox import LocalSandbox

        return LocalSandbox(workers=config.workers, minimum_level=config.minimum_level)
    from synth.execution.remote.e2b_sandbox import E2bSandbox

    return E2bSandbox(config)
