"""The operations that a launcher carries out, and their bytes.

Place in the flow: `policy/namespaces.py` and `policy/landlock_only.py` write lists of operations;
`launcher.c` and `python_launcher.py` carry them out, in order, and stop at the first failure. The one rule:
one operation is one system call or one small file, so that a failure can be named.

This module imports only the standard library: the launcher in Python runs it in a bare interpreter.
"""

import struct
from collections.abc import Iterable, Mapping
from enum import IntEnum

HEADER = struct.Struct("=5I4x3Q")
"""code, the lengths of four texts, three numbers; then the texts, each followed by a NUL. As `struct
op` in launcher.c."""

REPORT = struct.Struct("=IIii")
"""kind, index of the failed operation or forbidden call, wait status, errno. As `struct report` in init.c."""

ANSWER = struct.Struct("=cii")
"""A slot's message: its kind and two numbers. See launcher.c."""

LONGEST = 1 << 16
"""Maximum bytes of a message to a slot. A longer list is sent in a file."""

ENDED, FAILED, FORBIDDEN = 1, 2, 3


class Code(IntEnum):
    UNSHARE = 1
    MOUNT = 2
    SETATTR = 3
    MKDIR = 4
    FILE = 5
    SYMLINK = 6
    PIVOT = 7
    OPENPROC = 8
    WRITEPROC = 9
    PRCTL = 10
    RLIMIT = 11
    SETIDS = 12
    DROPCAPS = 13
    HOSTNAME = 14
    CHDIR = 15
    SPAWN = 16
    SECCOMP = 17
    EXEC = 18
    CLONEFLAGS = 19
    WRITE = 20
    RMDIR = 21
    LANDLOCK = 22
    LANDLOCK_ALLOW = 23
    LANDLOCK_ENFORCE = 24
    ATEXIT = 25
    RETURN = 26
    KEEP_USER = 27
    JOIN_USER = 28
    KEEP_MOUNTS = 29
    JOIN_MOUNTS = 30
    SHOW = 31
    OPEN = 32


Text = str | bytes


def operation(code: Code, *texts: Text, numbers: tuple[int, ...] = ()) -> bytes:
    """The bytes of one operation."""
    raw = [text.encode("utf-8", "surrogateescape") if isinstance(text, str) else text for text in texts]
    raw += [b""] * (4 - len(raw))
    padded = (*numbers, 0, 0, 0)[:3]
    return HEADER.pack(code, *map(len, raw), *padded) + b"\0".join(raw) + b"\0"


def vector(items: Iterable[str]) -> bytes:
    """Texts as one block, each followed by a NUL. Raises ValueError for a text that contains a NUL."""
    raw = [item.encode("utf-8", "surrogateescape") for item in items]
    if any(b"\0" in item for item in raw):
        raise ValueError("arguments and environment cannot hold a NUL character")
    return b"".join(item + b"\0" for item in raw)


def execute(argv: Iterable[str], env: Mapping[str, str]) -> bytes:
    """The last operation of a job."""
    return operation(Code.EXEC, vector(argv), vector(f"{name}={value}" for name, value in env.items()))


def mount(source: str, target: str, kind: str = "", flags: int = 0, data: str = "") -> bytes:
    return operation(Code.MOUNT, source, target, kind, data, numbers=(flags,))


def name_at(listing: bytes, index: int) -> str:
    """The operation with this number (from 1) in a list, for messages: its name and first text."""
    at = 0
    for _ in range(index - 1):
        at += HEADER.size + sum(HEADER.unpack_from(listing, at)[1:5]) + 4
    if at >= len(listing):
        return "end of the list"
    code, size = HEADER.unpack_from(listing, at)[:2]
    text = listing[at + HEADER.size : at + HEADER.size + min(size, 80)].split(b"\0")[0]
    return f"{Code(code).name.lower()} {text.decode('utf-8', 'replace')}".strip()
