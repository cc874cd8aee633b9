"""Cards that exist only as files: who has how much of their memory, and what happened, in order.

The stand-ins for vLLM and for a training claim memory here as they would on a GPU. The one rule: a claim ends
with its process, whatever ends it, and more than there is cannot be claimed.
"""

import fcntl
import json
import os
import time
from pathlib import Path

FOLDER = Path(os.environ["SIMULATED_CARDS"])
SIZES: dict[str, int] = json.loads((FOLDER / "sizes.json").read_text())
_held: dict[str, int] = {}


class CardIsFull(Exception):
    """More was claimed of a card than it has."""


def note(who: str, what: str, **more: object) -> None:
    """Append one event."""
    line = json.dumps({"who": who, "what": what, "at": time.time(), **more}) + "\n"
    handle = os.open(FOLDER / "events.jsonl", os.O_WRONLY | os.O_APPEND | os.O_CREAT, 0o600)
    os.write(handle, line.encode())
    os.close(handle)


def visible() -> list[str]:
    return [card for card in os.environ.get("CUDA_VISIBLE_DEVICES", "").split(",") if card]


def claim(who: str, share: float = 0, size: int = 0, place: int | None = None) -> None:
    """Have this much of each visible card, or of the one at that place, instead of what was claimed before.
    Raises CardIsFull."""
    for card in visible() if place is None else [visible()[place]]:
        with (FOLDER / f"{card}.lock").open("w") as lock:
            fcntl.flock(lock, fcntl.LOCK_EX)
            wanted = size or int(share * SIZES[card])
            taken = sum(_claims_of_others(card))
            if taken + wanted > SIZES[card]:
                note(who, "overcommit", card=card, taken=taken, wanted=wanted)
                raise CardIsFull(f"CUDA out of memory on card {card}: {taken} taken, {wanted} wanted")
            if card not in _held:
                _held[card] = os.open(_file(card), os.O_RDWR | os.O_CREAT | os.O_TRUNC, 0o600)
                fcntl.flock(_held[card], fcntl.LOCK_EX)
            os.ftruncate(_held[card], 0)
            os.pwrite(_held[card], str(wanted).encode(), 0)


def _file(card: str) -> Path:
    return FOLDER / f"{card}.{os.getpid()}.claim"


def _claims_of_others(card: str) -> list[int]:
    found = []
    for file in FOLDER.glob(f"{card}.*.claim"):
        if file == _file(card):
            continue
        with file.open() as handle:
            try:
                fcntl.flock(handle, fcntl.LOCK_SH | fcntl.LOCK_NB)
            except BlockingIOError:
                found.append(int(handle.read() or 0))
    return found
