"""Limits of one program, as set for the recipe's sandbox."""

from synth.config import ExecutionConfig, RecordedSandboxConfig
from synth.records import Limits


def find_limits(execution: ExecutionConfig) -> Limits:
    """The sandbox's limits. Recorded observations are found under the default limits."""
    return Limits() if isinstance(execution, RecordedSandboxConfig) else execution.limits
