"""From a recipe's `execution` to a sandbox. The heavy modules are imported only when they are asked for."""

from pathlib import Path

from synth.config import E2bSandbox as E2bConfig
from synth.config import ExecutionConfig
from synth.config import LocalSandbox as LocalConfig
from synth.execution.protocol import Sandbox


def create_sandbox(config: ExecutionConfig) -> Sandbox:
    """The sandbox that the recipe names; it is not started yet."""
    if isinstance(config, LocalConfig):
        from synth.execution.local import LocalSandbox

        return LocalSandbox(workers=config.workers, minimum_level=config.minimum_level)
    if isinstance(config, E2bConfig):
        from synth.execution.e2b_sandbox import E2bSandbox

        return E2bSandbox(config)
    from synth.execution.recorded import RecordedSandbox

    return RecordedSandbox(Path(config.path))
