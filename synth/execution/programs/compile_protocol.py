"""The protocol of resident compilers: sources in, products or messages out.

Place in the flow: `compiler_pool.py` speaks it, and so does the worker on another machine, to which
`remote/bundle.py` ships this file unchanged; the compilers themselves are in their languages' folders.
The one rule: it uses only the standard library of Python 3.9 or later, and an answer that breaks the
protocol raises EOFError.

A request is the number of files, then the name and text of each. An answer is the number of files made, then
the name and bytes of each; or -1 and the compiler's messages. Numbers are big-endian int32; names, texts and
bytes are preceded by their length. A compiler exits when its stdin ends.
"""

from __future__ import annotations

import struct
from collections.abc import Callable, Mapping

LARGEST_BLOCK = 64 << 20
"""Maximum bytes of one name, file or message, and of all files of a program."""
MOST_ENTRIES = 4000
"""Maximum number of files and folders of a program; a work folder holds a few more."""
_LONGEST_NAME, _LONGEST_PATH = 255, 2000

CRASHES = "the compiler crashes on this program"
KILLED = "the compiler was killed, and no limit did it"
"""The signal that the kernel sends when memory runs out."""


def pack_request(files: Mapping[str, str]) -> bytes:
    """The request for one program, from its files: name to text."""
    texts = [text.encode("utf-8", "surrogatepass") for pair in files.items() for text in pair]
    return struct.pack(">i", len(files)) + b"".join(struct.pack(">i", len(text)) + text for text in texts)


def why_unfit(files: Mapping[str, str] | Mapping[str, bytes]) -> str | None:
    """Why these files, whose names or number a program decides, cannot stand in a work folder; None if they
    can. What is refused here is the program's fault, and would otherwise look like one of the sandbox."""
    folders = {"/".join(name.split("/")[:depth]) for name in files for depth in range(1, name.count("/") + 1)}
    if len(files) + len(folders) > MOST_ENTRIES:
        return f"the program consists of more than {MOST_ENTRIES} files and folders"
    if sum(map(len, files.values())) > LARGEST_BLOCK:
        return f"the files of the program are larger than {LARGEST_BLOCK >> 20} MiB"
    unfit = next((name for name in files if name in folders or _is_no_path(name)), None)
    return None if unfit is None else f"no file can have the name {unfit[:80]!r}"


def _is_no_path(name: str) -> bool:
    try:
        parts = [part.encode("utf-8") for part in name.split("/")]
    except UnicodeEncodeError:
        return True
    wrong = any(part in (b"", b".", b"..") or b"\0" in part or len(part) > _LONGEST_NAME for part in parts)
    return wrong or sum(map(len, parts)) + len(parts) > _LONGEST_PATH


def read_answer(read: Callable[[int], bytes]) -> dict[str, bytes] | str:
    """The files made, or the reason why there are none. `read` must return exactly the requested number of
    bytes. Raises EOFError, and any exception of `read`."""
    count = _number(read)
    if count < 0:
        return _block(read).decode("utf-8", "replace")
    files: dict[str, bytes] = {}
    size = 0
    for _ in range(count):
        name, content = _block(read).decode("utf-8", "replace"), _block(read)
        if len(files) <= MOST_ENTRIES and size <= LARGEST_BLOCK:
            files[name] = content
            size += len(content)
    return why_unfit(files) or files


def _number(read: Callable[[int], bytes]) -> int:
    return int(struct.unpack(">i", read(4))[0])


def _block(read: Callable[[int], bytes]) -> bytes:
    length = _number(read)
    if not 0 <= length <= LARGEST_BLOCK:
        raise EOFError("the compiler does not keep to the protocol")
    return read(length)


def too_slow(used_s: float) -> str:
    """The rejection of a program on which the compiler used up its CPU time."""
    return f"the compiler takes too long on this program: it was stopped after {used_s:.1f} s of CPU"


def starved(used_s: float, wall_s: float) -> str:
    """The fault of a compiler that had no chance to use its CPU time."""
    few = f"{used_s:.1f} s of CPU in {wall_s:g} s"
    return f"the compiler had only {few}: something stopped it, or the machine is too busy"
