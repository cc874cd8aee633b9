"""One stream of a program, kept up to a cap.

Place in the flow: `supervision.py` drains a program's pipes into it, and so does the worker on another
machine, to which `remote/bundle.py` ships this file as it is. The one rule: the standard library only, Python
3.9 or later.
"""

from __future__ import annotations

from dataclasses import dataclass, field


@dataclass
class CappedStream:
    """What was kept, how much came, and how much may come."""

    cap: int
    data: bytearray = field(default_factory=bytearray)
    length: int = 0

    def add(self, piece: bytes) -> bool:
        """Keep what fits. False once more came than the cap allows."""
        self.data += piece[: max(0, self.cap - len(self.data))]
        self.length += len(piece)
        return self.length <= self.cap
