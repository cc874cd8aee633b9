"""The processes of one training, one per device.

Place in the flow: every step of a training that only one process may do asks here. The one rule: with
`main_process_first`, the first process prepares the folder before the others read it.
"""

from typing import Any


def processes() -> Any:  # noqa: ANN401 - accelerate is untyped
    """Accelerate's state of this process: which of how many it is."""
    from accelerate import PartialState  # type: ignore[import-untyped]
    from torch import cuda

    return PartialState(cpu=not cuda.is_available())
