"""Runs the programs of a shard, and keeps of each only what its stage needs.

Place in the flow: stages that run programs ask the sandbox here. The one rule: an observation is read as soon
as it is there, and then forgotten, since a program may print megabytes and a shard has hundreds of programs.
"""

import asyncio
from collections.abc import Awaitable, Callable, Sequence
from typing import Final, TypeVar

from synth.execution.protocol import Sandbox
from synth.filters.protocol import Reject
from synth.records import ExecutionRequest, Observation

T = TypeVar("T")
Run = Callable[[Sequence[ExecutionRequest]], Awaitable[list[Observation]]]
"""Runs programs, in the order given."""
AT_ONCE: Final = 64
"""Requests in one call of a sandbox that does not say how many it wants (`at_once`)."""


class SandboxFault(Exception):
    """The sandbox failed at a program, which says nothing about the program."""

    def __init__(self, reject: Reject) -> None:
        super().__init__(reject.reason)
        self.reject = reject


async def run_each(
    sandbox: Sandbox,
    requests: Sequence[ExecutionRequest],
    read: Callable[[int, Observation], T],
    priority: int = 0,
) -> list[T]:
    """What `read` makes of the number of each request and its observation, in the order of the requests."""
    size: int = getattr(sandbox, "at_once", AT_ONCE)

    async def run(start: int) -> list[T]:
        seen = await sandbox.execute(requests[start : start + size], priority)
        return [read(at, observation) for at, observation in enumerate(seen, start=start)]

    tasks = [asyncio.create_task(run(start)) for start in range(0, len(requests), size)]
    try:
        return [one for group in await asyncio.gather(*tasks) for one in group]
    finally:
        for task in tasks:
            task.cancel()
