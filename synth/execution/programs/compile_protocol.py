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
"""Maximum bytes of one name, file or message."""

CRASHES = "the compiler crashes on this program"
KILLED = "the compiler was killed, and no limit did it"
"""The signal that the kernel sends when memory runs out."""


def pack_request(files: Mapping[str, str]) -> bytes:
    """The request for one program, from its files: name to text."""
    texts = [text.encode("utf-8", "surrogatepass") for pair in files.items() for text in pair]
    return struct.pack(">i", len(files)) + b"".join(struct.pack(">i", len(text)) + text for text in texts)


def read_answer(read: Callable[[int], bytes]) -> dict[str, bytes] | str:
    """The files made, or the compiler's messages. `read` must return exactly the requested number of bytes.
    Raises EOFError, and any exception of `read`."""
    count = _number(read)
    if count < 0:
        return _block(read).decode("utf-8", "replace")
    return {_block(read).decode("utf-8", "replace"): _block(read) for _ in range(count)}


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
