"""Limits of one program, as the recipe's sandbox has them."""

from synth.config import ExecutionConfig, LocalSandbox
from synth.records import Limits


def limits_of(execution: ExecutionConfig) -> Limits:
    """Those of the local sandbox; recorded observations are found under the defaults."""
    return execution.limits if isinstance(execution, LocalSandbox) else Limits()
