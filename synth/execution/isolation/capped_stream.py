"""One stream of a program, kept up to a cap.

Place in the flow: `supervision.py` drains a program's pipes into it, and so does the worker on another
machine, to which `remote/bundle.py` ships this file unchanged. The one rule: it uses only the standard
library of Python 3.9 or later.
"""

from __future__ import annotations

from dataclasses import dataclass, field


@dataclass
class CappedStream:
    """The bytes kept, the number received, and the number allowed."""

    cap: int
    data: bytearray = field(default_factory=bytearray)
    length: int = 0

    def add(self, piece: bytes) -> bool:
        """Keep the bytes that fit. False once the stream exceeds its cap."""
        self.data += piece[: max(0, self.cap - len(self.data))]
        self.length += len(piece)
        return self.length <= self.cap
