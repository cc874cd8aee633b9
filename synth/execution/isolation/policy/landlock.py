"""Landlock: which files a process may reach, and which processes it may signal, without namespaces.

Place in the flow: `landlock_only.py` writes these operations for level C. The one rule: everything that the
kernel's version of Landlock can deny is denied, and allowed again only below a few paths.

Rights and versions are from the kernel's include/uapi/linux/landlock.h and
Documentation/userspace-api/landlock.rst.
"""

import ctypes
import struct
from functools import cache
from pathlib import Path
from typing import Final

from synth.execution.isolation.operations import Code, operation

_CREATE_RULESET, _VERSION = 444, 1
_EXECUTE, _WRITE_FILE, _READ_FILE, _READ_FOLDER = 1, 2, 4, 8
_TRUNCATE, _DEVICE_IOCTL = 1 << 14, 1 << 15
_MAKE_CHARACTER_DEVICE, _MAKE_BLOCK_DEVICE = 1 << 6, 1 << 11
_FILE_RIGHTS: Final = _EXECUTE | _WRITE_FILE | _READ_FILE | _TRUNCATE | _DEVICE_IOCTL
_KNOWN_RIGHTS: Final = {1: (1 << 13) - 1, 2: (1 << 14) - 1, 3: (1 << 15) - 1, 4: (1 << 15) - 1}
"""Rights to files and folders, by version; from 5 on (1 << 16) - 1."""
_ALL_TCP, _ALL_SCOPES = 3, 3
SIGNALS_FROM, TRUNCATION_FROM = 6, 3

READ_FILE: Final = _READ_FILE
LIST: Final = _READ_FOLDER
READ: Final = _READ_FILE | _READ_FOLDER
RUN: Final = READ | _EXECUTE
DEVICE: Final = _READ_FILE | _WRITE_FILE | _TRUNCATE | _DEVICE_IOCTL
OWN: Final = ((1 << 16) - 1) & ~(_MAKE_CHARACTER_DEVICE | _MAKE_BLOCK_DEVICE)


@cache
def version() -> int:
    """The version of Landlock's interface, from a call that changes nothing; 0 if there is none."""
    answer = int(ctypes.CDLL(None).syscall(_CREATE_RULESET, None, ctypes.c_size_t(0), _VERSION))
    return max(0, answer)


def known_rights(abi: int) -> int:
    """The rights to files and folders that this version can deny."""
    return _KNOWN_RIGHTS.get(abi, (1 << 16) - 1)


def ruleset(abi: int, rights: int) -> bytes:
    """Begin a ruleset that denies these rights and, if the version supports it, all TCP and any signals and
    sockets to outside."""
    tcp, scopes = _ALL_TCP if abi >= 4 else 0, _ALL_SCOPES if abi >= SIGNALS_FROM else 0
    size = 24 if abi >= SIGNALS_FROM else 16 if abi >= 4 else 8
    return operation(Code.LANDLOCK, struct.pack("=3Q", rights, tcp, scopes)[:size])


def allow(abi: int, path: str, rights: int) -> bytes:
    """Allow rights below a path, or to one file. A path that does not exist is skipped."""
    kind = known_rights(abi) if Path(path).is_dir() else _FILE_RIGHTS
    return operation(Code.LANDLOCK_ALLOW, path, numbers=(rights & kind & known_rights(abi),))


def enforce() -> bytes:
    """Enter the domain of the ruleset, for good."""
    return operation(Code.LANDLOCK_ENFORCE)
