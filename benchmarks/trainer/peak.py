"""The most memory that a process had while a block ran, from Linux' own count."""

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

_SELF = Path("/proc/self")


class Peak:
    """`bytes` is set when the block ends."""

    bytes: int = 0


@contextmanager
def peak_memory() -> Iterator[Peak]:
    """Resident memory at its highest within the block, what was there before it included."""
    (_SELF / "clear_refs").write_text("5")  # the high-water mark begins anew
    peak = Peak()
    yield peak
    status = (_SELF / "status").read_text()
    peak.bytes = 1024 * int(status.split("VmHWM:")[1].split()[0])
