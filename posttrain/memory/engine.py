"""What a vLLM server takes of each of its cards, and how much of a card it may be given.

Place in the flow: shape and engine section -> `predict_engine` -> placement, which passes the share to vLLM.
The one rule: an engine that is given its `minimum` starts, and answers one request of full length.
"""

from typing import NamedTuple

from posttrain.memory.shapes import ModelShape

ASLEEP = 2 << 30
"""What a sleeping server keeps on each card: context, CUDA graphs, buffers of its libraries."""
LARGEST_SHARE = 0.9
"""Of a card, for a server that has it to itself: what vLLM measures at its start is a little less than what
it needs in the end."""

_CONTEXT = 3 << 29
"""Context, CUDA graphs and workspaces of a server at work."""
_BATCHED_TOKENS = 8192
"""Tokens of one step, vLLM's largest default."""


class EngineMemory(NamedTuple):
    """Bytes on each of the server's cards."""

    weights: int
    adapters: int
    """Room for one adapter of the largest rank."""
    cache: int
    """Keys and values of one request of full length."""
    activations: int
    overhead: int

    @property
    def minimum(self) -> int:
        """With less, the server does not start."""
        return sum(self)


class EngineSettings(NamedTuple):
    """What decides the memory of a server beside the model's shape."""

    length: int
    """Maximum tokens of prompt plus answer."""
    sequences: int
    """Maximum sequences per batch."""
    cards: int = 1
    """Over so many cards is the model split."""
    adapter_rank: int = 0
    """The largest rank of an adapter that it takes; 0: none."""


def predict_engine(shape: ModelShape, settings: EngineSettings) -> EngineMemory:
    """What it needs at least. The rest of its share holds more keys and values, which makes it faster."""
    cards = settings.cards
    width = 4 if shape.dtype == "float32" else 2
    per_token = 2 * shape.layers * max(shape.head_size, shape.kv_size // cards) * width
    inner = 2 * shape.intermediate // cards + 4 * shape.hidden
    return EngineMemory(
        weights=width * shape.weights // cards,
        adapters=2 * shape.adapted(settings.adapter_rank) // cards if settings.adapter_rank else 0,
        cache=per_token * settings.length,
        activations=width * _BATCHED_TOKENS * inner + 3 * 4 * settings.sequences * shape.vocabulary,
        overhead=_CONTEXT,
    )
