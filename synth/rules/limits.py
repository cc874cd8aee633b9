"""Limits of one program, as the recipe's sandbox has them."""

from synth.config import ExecutionConfig, RecordedSandboxConfig
from synth.records import Limits


def find_limits(execution: ExecutionConfig) -> Limits:
    """Those of the sandbox; recorded observations are found under the defaults."""
    return Limits() if isinstance(execution, RecordedSandboxConfig) else execution.limits
