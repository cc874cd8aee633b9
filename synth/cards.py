"""The GPUs of this machine, called cards, as `nvidia-smi` shows them; found without torch.

Place in the flow: the machine -> here -> placement, which gives each child process its own. The one rule:
only what CUDA_VISIBLE_DEVICES leaves visible is counted, in its order, so that number 0 is the first card
that this process itself could use.
"""

import os
import shutil
import subprocess
from collections.abc import Sequence
from typing import NamedTuple

VISIBLE = "CUDA_VISIBLE_DEVICES"

_QUERY = (
    "nvidia-smi",
    "--query-gpu=index,uuid,name,memory.total,memory.free",
    "--format=csv,noheader,nounits",
)
_TIMEOUT_S = 20.0
_MIB = 1 << 20


class Card(NamedTuple):
    """One GPU."""

    number: int
    """Its place among the visible ones: what a recipe's `devices` names."""
    id: str
    """What CUDA_VISIBLE_DEVICES calls it."""
    name: str = ""
    memory: int = 0
    """Bytes in all; 0 where nothing says it."""
    free: int = 0
    """Bytes that no process has taken."""


class _Listed(NamedTuple):
    """A line of `nvidia-smi`."""

    place: str
    uuid: str
    name: str
    memory: int
    free: int


def find_cards() -> tuple[Card, ...]:
    """The visible cards; none on a machine without. A card that `nvidia-smi` does not list, such as a part of
    one, has no sizes."""
    visible = os.environ.get(VISIBLE)
    listed = _listed() if visible != "" else ()
    ids = [one.place for one in listed] if visible is None else _visible(visible)
    return tuple(_card(number, name, listed) for number, name in enumerate(ids))


def visible_to_child(cards: Sequence[Card]) -> dict[str, str]:
    """The variable that shows a child process these cards and no other."""
    return {VISIBLE: ",".join(card.id for card in cards)}


def _visible(text: str) -> list[str]:
    """Names before the first that is none, at which CUDA stops reading."""
    names: list[str] = []
    for name in map(str.strip, text.split(",")):
        if name in ("", "-1"):
            break
        names.append(name)
    return names


def _card(number: int, name: str, listed: Sequence[_Listed]) -> Card:
    for one in listed:
        if name == one.place or (name.startswith("GPU-") and one.uuid.startswith(name)):
            return Card(number, name, one.name, one.memory, one.free)
    return Card(number, name)


def _listed() -> tuple[_Listed, ...]:
    """What `nvidia-smi` lists; nothing where it is missing, fails or says what cannot be read."""
    if shutil.which(_QUERY[0]) is None:
        return ()
    try:
        done = subprocess.run(
            _QUERY, capture_output=True, text=True, timeout=_TIMEOUT_S, stdin=subprocess.DEVNULL, check=False
        )
    except (OSError, subprocess.TimeoutExpired):
        return ()
    lines = done.stdout.splitlines() if done.returncode == 0 else []
    return tuple(one for line in lines if (one := _read(line)) is not None)


def _read(line: str) -> _Listed | None:
    parts = [part.strip() for part in line.split(",")]
    if len(parts) != len(_Listed._fields):
        return None
    place, uuid, name, memory, free = parts
    return _Listed(place, uuid, name, _bytes(memory), _bytes(free))


def _bytes(mebibytes: str) -> int:
    return int(mebibytes) * _MIB if mebibytes.isdecimal() else 0
