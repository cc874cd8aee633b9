"""The cost of one isolated process compared with fork and exec. They are measured in turns, so that machine
noise affects all alike."""

import os
import statistics
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager

from benchmarks.executor.row import Row, at_most
from synth.execution.isolation.job import Job
from synth.execution.isolation.policy.namespaces import SlotPlan, View, job_operations
from synth.execution.isolation.process import ProcessSandbox
from synth.records import Limits

TURNS, CALLS = 25, 20
JOB = Job(argv=("/bin/true",), files={}, stdin=None, limits=Limits(), env={})


def launcher_rows() -> list[Row]:
    """`/bin/true` run by the launcher alone, by the whole sandbox, and bare. The network namespace belongs to
    the slot and is kept between jobs."""
    with ProcessSandbox() as sandbox, _launcher_alone(sandbox) as launch:
        alone, whole, bare = _in_turns(launch, lambda: sandbox.run(JOB), _bare)
        level = sandbox.level
    return [
        at_most(
            "launcher: an exec'd program against fork and exec", alone / bare, 1.5, _text(alone, bare, level)
        ),
        at_most(
            "the same with supervision, streams and verdict of limits",
            whole / bare,
            2.2,
            _text(whole, bare, level),
        ),
    ]


def _text(ours: float, bare: float, level: str) -> str:
    return f"{1000 * ours:.2f} ms against {1000 * bare:.2f} ms, level {level}"


@contextmanager
def _launcher_alone(sandbox: ProcessSandbox) -> Iterator[Callable[[], object]]:
    """A slot of the sandbox that starts one prepared job repeatedly, with its streams discarded."""
    place = sandbox._open_slot()
    assert isinstance(place.plan, SlotPlan), "level C has another launcher's list"
    listing = job_operations(place.plan, View((), None, False), {}, JOB.limits, JOB.argv, JOB.env, False)
    with ExitStack() as stack:
        stack.callback(place.close)
        null = os.open("/dev/null", os.O_RDWR | os.O_CLOEXEC)
        stack.callback(os.close, null)

        def launch() -> object:
            place.slot.start(listing, [null, null, null, null])
            return place.slot.wait_reaped()

        yield launch


def _bare() -> None:
    os.waitpid(os.posix_spawn("/bin/true", ["/bin/true"], {}), 0)


def _in_turns(*calls: Callable[[], object]) -> list[float]:
    """Median seconds per call of each."""
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
