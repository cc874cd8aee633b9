"""What one isolated process costs beside fork and exec. Both are measured in turns, so that noise of the machine meets both."""

import os
import statistics
import time
from collections.abc import Callable

from benchmarks.executor.row import Row, at_most
from synth.execution.process import Job, ProcessSandbox
from synth.records import Limits

TURNS, CALLS = 15, 20


def launcher_rows() -> list[Row]:
    """`/bin/true` in the sandbox, and bare."""
    sandbox = ProcessSandbox()
    job = Job(argv=("/bin/true",), files={}, stdin=None, limits=Limits(), env={})
    try:
        isolated, bare = _in_turns(lambda: sandbox.run(job), _bare)
        level = sandbox.level
    finally:
        sandbox.close()
    text = f"{1000 * isolated:.2f} ms against {1000 * bare:.2f} ms, level {level}"
    return [at_most("exec'd program against fork and exec, own network namespace", isolated / bare, 2.2, text)]


def _bare() -> None:
    os.waitpid(os.posix_spawn("/bin/true", ["/bin/true"], {}), 0)


def _in_turns(*calls: Callable[[], object]) -> list[float]:
    """Median seconds of one call of each."""
    found: list[list[float]] = [[] for _ in calls]
    for call in calls:
        call()
    for _ in range(TURNS):
        for at, call in enumerate(calls):
            started = time.perf_counter()
            for _ in range(CALLS):
                call()
            found[at].append((time.perf_counter() - started) / CALLS)
    return [statistics.median(times) for times in found]
