"""A job in its slot, from the pipes to the result.

Place in the flow: `process.py` picks a slot and calls `launch`; `ActiveJob.finish` returns the `JobResult`.
The one rule: every descriptor opened here is closed here, or passed to a `Worker` that closes it.
"""

import contextlib
import math
import os
import stat
from dataclasses import dataclass
from typing import BinaryIO

from synth.execution.isolation.capped_stream import CappedStream
from synth.execution.isolation.cgroups import Account, make_account
from synth.execution.isolation.folders import Folders, JobFolders, Room, give
from synth.execution.isolation.job import Job, JobResult, Output
from synth.execution.isolation.launcher.slot import Slot, memory_file
from synth.execution.isolation.policy import landlock_only as host_plan
from synth.execution.isolation.policy.landlock_only import HostPlan
from synth.execution.isolation.policy.namespaces import (
    INODES,
    PROGRAMS,
    SlotPlan,
    View,
    job_operations,
    room,
)
from synth.execution.isolation.reports import is_no_program
from synth.execution.isolation.supervision import Spent, Supervision


@dataclass(eq=False, slots=True)
class SlotHandle:
    """A slot, with its plan and its cgroups."""

    slot: Slot
    plan: SlotPlan | HostPlan
    account: Account | None = None
    programs: Account | None = None
    """Of the programs of a zygote, once one has run in the slot."""
    folders: JobFolders | None = None
    """The sandbox's folders, if each job needs some: the plan is a HostPlan."""
    lock: BinaryIO | None = None
    """The lock on the jobs' user, if that user must not be shared."""

    def close(self) -> None:
        """End the slot and everything that runs in it. May be called twice."""
        self.slot.close()
        for account in (self.account, self.programs):
            if account is not None:
                account.remove()
        if self.lock is not None:
            self.lock.close()


@dataclass(frozen=True, eq=False, slots=True)
class ActiveJob:
    """A started job. `pipes` holds the read ends that its owner reads itself (a worker's
    stdout and channel)."""

    handle: SlotHandle
    supervision: Supervision
    operations: bytes
    sinks: dict[str, CappedStream]
    pipes: dict[str, int]
    private: Folders | None = None

    def finish(self) -> JobResult:
        """Watch the job to its end; afterwards nothing of it is left."""
        try:
            ending = self.supervision.finish(self.operations)
            if self.private is not None:
                self.private.remove()
        except OSError as error:
            return JobResult(infrastructure=f"the sandbox slot broke: {error}")
        if ending.infrastructure is not None and is_no_program(ending.infrastructure):
            return JobResult(unstartable=ending.infrastructure, wall_s=ending.wall_s)
        streams = {name: Output(bytes(sink.data), sink.length) for name, sink in self.sinks.items()}
        return JobResult(
            exit_code=ending.exit_code,
            signal=ending.signal,
            stop=ending.stop,
            stdout=streams.get("stdout", Output()),
            stderr=streams["stderr"],
            channel=streams["channel"].data if "channel" in streams else b"",
            cpu_s=ending.used.cpu_s,
            wall_s=ending.wall_s,
            peak_memory_mb=ending.used.peak_memory_mb,
            infrastructure=ending.infrastructure,
            violation=ending.violation,
        )


def open_stdin(job: Job) -> int:
    """A read-only descriptor of the program's stdin. Raises OSError, and ValueError if it is not
    a regular file."""
    if isinstance(job.stdin, bytes):
        return memory_file("stdin", job.stdin)
    if job.stdin is None:
        return os.open("/dev/null", os.O_RDONLY | os.O_CLOEXEC)
    descriptor = os.open(job.stdin, os.O_RDONLY | os.O_CLOEXEC | os.O_NOFOLLOW | os.O_NONBLOCK)
    if not stat.S_ISREG(os.fstat(descriptor).st_mode):
        os.close(descriptor)
        raise ValueError(f"stdin {job.stdin} is not a regular file")
    return descriptor


def _open_pipes(
    names: list[str], ours: contextlib.ExitStack, sent: contextlib.ExitStack
) -> tuple[dict[str, int], dict[str, int]]:
    """Read ends, closed by `ours`, and write ends, closed by `sent`, by name."""
    reads: dict[str, int] = {}
    writes: dict[str, int] = {}
    for name in names:
        reads[name], writes[name] = os.pipe2(os.O_CLOEXEC)
        ours.callback(os.close, reads[name])
        sent.callback(os.close, writes[name])
    return reads, writes


def _listing(handle: SlotHandle, job: Job, private: Folders | None) -> bytes:
    data_limit = job.data_limit and handle.account is None
    if isinstance(handle.plan, HostPlan):
        assert private is not None, "made by launch"
        seen = private if job.writable is None else private._replace(work=job.writable)
        return host_plan.job_operations(handle.plan, job, seen, data_limit)
    programs = _account_of_programs(handle) if job.zygote else None
    files = programs.files if programs is not None else ()
    view = View(job.readonly, job.writable, job.work_readonly, job.zygote, files)
    return job_operations(handle.plan, view, job.files, job.limits, job.argv, job.env, data_limit)


def _on_disk(job: Job, private: Folders | None) -> Folders | None:
    """What the job can write to that lies on a disk of the host, where only the supervisor limits it."""
    if job.writable is None or job.work_readonly:
        return private
    own = private or Folders(job.writable.parent, job.writable, job.writable)
    return own._replace(work=job.writable)


def _account_of_programs(handle: SlotHandle) -> Account | None:
    """An account apart from the zygote's own, at level A. Raises OSError."""
    if handle.account is not None and handle.programs is None:
        handle.programs = make_account(handle.account.name + PROGRAMS)
        if handle.programs is None:
            raise OSError("cannot create the cgroups of a zygote's programs")
    return handle.programs


def launch(handle: SlotHandle, job: Job, stdin: int, unwatched: frozenset[str] = frozenset()) -> ActiveJob:
    """Start a job; the caller keeps `stdin`. Raises OSError (the slot is broken) or ValueError (the
    job is wrong)."""
    names = ["stdout", "stderr", "status", *(["channel"] if job.private_channel else [])]
    with contextlib.ExitStack() as ours, contextlib.ExitStack() as sent:
        private = handle.folders.make(handle.plan.host_id) if handle.folders is not None else None
        if private is not None:
            ours.callback(private.remove)
        listing = _listing(handle, job, private)
        before = Spent()
        if handle.account is not None:
            handle.account.start(job.limits.memory_mb)
            before = Spent(handle.account.cpu_s(), handle.account.kills())
        if job.writable is not None and handle.plan.host_id is not None:
            give(job.writable, handle.plan.host_id, to_read=job.work_readonly)
        reads, writes = _open_pipes(names, ours, sent)
        init_pid = handle.slot.start(listing, [stdin, *writes.values()])
        ours.pop_all()
    caps = {
        "stdout": job.limits.output_bytes,
        "stderr": job.limits.output_bytes,
        "channel": job.channel_bytes,
    }
    sinks = {name: CappedStream(caps[name]) for name in names if name != "status" and name not in unwatched}
    watched = {reads[name]: sink for name, sink in sinks.items()}
    supervision = Supervision(
        handle.slot, init_pid, reads["status"], watched, job.limits, handle.account, before
    )
    if unwatched:
        supervision.idle_limit_s = math.inf  # a worker waits for what it is asked
    supervision.is_abandoned = job.is_abandoned
    supervision.folders = _on_disk(job, private)
    supervision.room = Room(2 * room(job.limits, job.files), 2 * INODES)
    return ActiveJob(
        handle, supervision, listing, sinks, {name: reads[name] for name in unwatched & reads.keys()}, private
    )
