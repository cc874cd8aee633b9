"""Parses the reports that a job's init wrote on its status pipe.

Place in the flow: `supervision.py` reads it for jobs, `zygote.py` for a zygote's programs. The one rule: a
failure during set-up comes first, because then no other report says anything about the program.
"""

import os
from typing import NamedTuple

from synth.execution.isolation.operations import ENDED, FAILED, FORBIDDEN, REPORT, name_at
from synth.execution.isolation.system_calls import call_name


class Reported(NamedTuple):
    """How the program ended (exit code, or minus the signal), the failed set-up step, and the forbidden call
    that it made."""

    code: int | None = None
    fault: str | None = None
    violation: str | None = None


def is_no_program(fault: str) -> bool:
    """Whether the failed step is the start of a program that the job brought with it: its path is relative,
    and the kernel cannot start what is there."""
    return fault.startswith("exec ./")


def read_reports(data: bytes, listing: bytes) -> Reported:
    """All None if the init was killed before it could write. `listing` is the job's list, to name
    the failed step."""
    code = fault = violation = None
    for kind, at, status, error in REPORT.iter_unpack(data[: len(data) // REPORT.size * REPORT.size]):
        if kind == ENDED:
            code = os.waitstatus_to_exitcode(status)
        elif kind == FAILED and fault is None:
            fault = f"{name_at(listing, at)}: {os.strerror(error)}"
        elif kind == FORBIDDEN and violation is None:
            violation = call_name(at)
    return Reported(code, fault, violation)
