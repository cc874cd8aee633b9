"""The processes of one training, one per device.

Place in the flow: every step of a training that only one process may do asks here. The one rule: with
`main_process_first`, the first process prepares the folder before the others read it.
"""

import os
from functools import cache
from typing import Any

from posttrain import ranks


def processes() -> Any:  # noqa: ANN401 - accelerate is untyped
    """Accelerate's state of this process: which of how many it is."""
    from accelerate import PartialState  # type: ignore[import-untyped]
    from torch import cuda

    _open_store()
    return PartialState(cpu=not cuda.is_available())


@cache
def _open_store() -> Any:  # noqa: ANN401
    """Where the processes of one node meet: the first one serves on the socket that `ranks` has bound."""
    descriptor = os.environ.pop(ranks.STORE_FD, None)
    if descriptor is None:
        return None
    from torch.distributed import TCPStore

    return TCPStore(
        os.environ["MASTER_ADDR"],
        int(os.environ["MASTER_PORT"]),
        is_master=True,
        wait_for_workers=False,
        master_listen_fd=int(descriptor),
    )
