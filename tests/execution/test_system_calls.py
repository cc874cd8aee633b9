"""The numbers of the calls that the filter judges, against the kernel's own headers."""

import re
from pathlib import Path

import pytest

from synth.execution.isolation import system_calls
from synth.execution.isolation.system_calls import Call, call_name, number

GROUPS = (
    "ZYGOTE_CALLS",
    "GRAVE",
    "REFUSED",
    "UNCOUNTED",
    "OUTSIDE",
    "OF_OTHERS",
    "ATTRIBUTES",
    "EXTENDED_ATTRIBUTES",
)
SINGLE = {
    name.lower(): getattr(system_calls, name)
    for name in ("CLONE", "CLONE3", "SOCKET", "SOCKETPAIR", "IOCTL", "FCNTL", "SECCOMP")
}
CALLS: dict[str, Call] = {
    name: call for group in GROUPS for name, call in getattr(system_calls, group).items()
} | SINGLE


def table(*names: str) -> dict[str, int]:
    found = [path for name in names if (path := Path("/usr/include", name)).exists()]
    if not found:
        pytest.skip("no kernel headers")
    return {
        name: int(value)
        for name, value in re.findall(r"#define __NR(?:3264)?_(\w+)\s+(\d+)", found[0].read_text())
    }


@pytest.mark.parametrize(
    ("processor", "headers"),
    [
        ("x86_64", ("x86_64-linux-gnu/asm/unistd_64.h", "asm/unistd_64.h")),
        ("aarch64", ("asm-generic/unistd.h",)),
    ],
)
def test_numbers_are_those_of_the_kernel(processor: str, headers: tuple[str, ...]) -> None:
    known = table(*headers)
    newest = max(known.values())
    wrong = {
        name: (given, known.get(name))
        for name, call in CALLS.items()
        if (given := getattr(call, processor)) != known.get(name) and (given is None or given <= newest)
    }
    assert not wrong


def test_a_call_belongs_to_one_group_only() -> None:
    groups = ("ZYGOTE_CALLS", "GRAVE", "REFUSED")
    names = [name for group in groups for name in getattr(system_calls, group)]
    assert len(names) == len(set(names))


def test_what_was_told_has_a_name() -> None:
    told = number(system_calls.GRAVE["ptrace"])
    assert told is not None and call_name(told) == "ptrace"
    assert call_name(99999) == "system call 99999"
