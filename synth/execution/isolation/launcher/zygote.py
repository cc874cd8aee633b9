"""Fork zygotes: workers that load their language once and start each program by forking
into fresh namespaces.

Place in the flow: `programs/zygote_pool.py` opens a worker with `Job.zygote` and `zygote_files()` among its
files, and sends it requests. Inside, the language's zygote loads `/work/libzygote.so` and calls
`codemill_serve()` (zygote.c). The one rule: a zygote runs only our own code; a program begins after the fork,
behind its own call filter and without capabilities.

The child is pid 2 below its own init, with fresh /proc, /tmp and /work. The init writes reports to the status
pipe. Zygotes watch CPU, memory, output and wall time themselves, and end a program by killing its init. At
level A the kernel counts each program in an account of its own, which they read; without one they decide only
what is sure.
"""

import struct
from collections.abc import Callable
from typing import Final, NamedTuple

from synth.execution.isolation.job import Job, JobResult, Output
from synth.execution.isolation.launcher.slot import compiled
from synth.execution.isolation.operations import REPORT
from synth.execution.isolation.policy.namespaces import file_operations, program_frame, room
from synth.execution.isolation.reports import read_reports
from synth.records import Stop

Read = Callable[[int], bytes]
"""Reads this many bytes of the zygote's stdout. Raises EOFError."""

_REQUEST: Final = struct.Struct("=4IQ3d")
"""Bytes of the listing and of stdin, caps of output and channel (0 means no channel), memory in KiB, CPU,
wall and idle seconds. As `struct request` in zygote.c."""
_SEEN: Final = struct.Struct("=3d3Q6I")
"""CPU and wall seconds, peak MiB, three lengths, three kept lengths, stop, errno of the fork, number of
reports; then four reports. As `struct seen` in zygote.c."""
_REPORTS: Final = 4
_STOPS: Final = (Stop.NONE, Stop.CPU, Stop.WALL, Stop.MEMORY, Stop.OUTPUT, None)
_SIGKILL, _SIGXCPU = 9, 24


class Request(NamedTuple):
    """The request for one program, and the list that its reports refer to."""

    message: bytes
    listing: bytes


def zygote_files() -> dict[str, bytes] | None:
    """The files that a zygote needs in its work folder; None without a C compiler: then
    programs start cold."""
    library = compiled(library=True)
    return None if library is None else {"libzygote.so": library.read_bytes()}


def make_request(job: Job, listens: bool, counted: bool) -> Request:
    """A job as a request: its files, stdin and limits; the zygote itself decides the command. Raises
    ValueError for a bad file name."""
    assert isinstance(job.stdin, bytes | None), "a zygote's program reads bytes"
    limits, stdin = job.limits, job.stdin or b""
    before, after = program_frame(limits, room(limits, job.files), job.data_limit, listens, counted)
    listing = b"".join([before, *file_operations(job.files), after])
    caps = limits.output_bytes, job.channel_bytes if job.private_channel else 0
    numbers = (
        len(listing),
        len(stdin),
        *caps,
        limits.memory_mb << 10,
        limits.cpu_s,
        limits.wall_s,
        limits.idle_s,
    )
    return Request(b"".join([_REQUEST.pack(*numbers), listing, stdin]), listing)


def read_answer(read: Read, listing: bytes, counted_mb: float = 0.0) -> JobResult | None:
    """The zygote's observations; None if the program could not be set up, was killed by an unknown sender,
    or it was stopped in doubt: it must be run cold. `counted_mb` is the peak that its account shows.

    Raises EOFError if the zygote has ended.
    """
    cpu_s, wall_s, peak_mb, *numbers = _SEEN.unpack(read(_SEEN.size))
    lengths, kept, (stop_number, fault, count) = numbers[:3], numbers[3:6], numbers[6:]
    said = read_reports(read(_REPORTS * REPORT.size)[: count * REPORT.size], listing)
    streams = [Output(read(size), length) for size, length in zip(kept, lengths, strict=True)]
    stop = Stop.VIOLATION if said.violation is not None else _STOPS[stop_number]
    ended = -_SIGKILL if said.code is None else said.code  # no report comes if the init was killed
    if fault or stop is None or said.fault is not None or (ended == -_SIGKILL and stop is Stop.NONE):
        return None
    return JobResult(
        exit_code=ended if ended >= 0 else None,
        signal=-ended if ended < 0 else None,
        stop=Stop.CPU if stop is Stop.NONE and ended == -_SIGXCPU else stop,
        stdout=streams[0],
        stderr=streams[1],
        channel=streams[2].data,
        cpu_s=cpu_s,
        wall_s=wall_s,
        peak_memory_mb=max(peak_mb, counted_mb),
        violation=said.violation,
    )
