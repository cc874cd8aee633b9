"""The shape of a dense decoder model: its sizes, and how many weights follow from them.

Place in the flow: a folder or hub id -> `find_shape` -> predictions of memory. The one rule: a shape that
cannot be read, or that is no dense decoder, is None, and what needs it goes without; nothing is guessed.
"""

import json
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import NamedTuple

_KNOWN = Path(__file__).with_name("known_shapes.json")
_EXPERTS = ("num_experts", "num_local_experts", "n_routed_experts")


class Linear(NamedTuple):
    """One linear layer of a decoder layer."""

    name: str
    """As PEFT's `target_modules` name it."""
    inputs: int
    outputs: int


class ModelShape(NamedTuple):
    """Sizes as the keys of `config.json` state them."""

    layers: int
    hidden: int
    intermediate: int
    heads: int
    kv_heads: int
    head_size: int
    vocabulary: int
    tied: bool
    """Whether the embeddings are the output layer too."""
    qkv_bias: bool = True
    dtype: str = "bfloat16"
    """Type of the stored weights."""

    @property
    def query_size(self) -> int:
        """Numbers of a token's queries, and of its attention's output."""
        return self.heads * self.head_size

    @property
    def kv_size(self) -> int:
        """Numbers of a token's keys, and of its values."""
        return self.kv_heads * self.head_size

    @property
    def linears(self) -> tuple[Linear, ...]:
        """The linear layers of one decoder layer."""
        return (
            Linear("q_proj", self.hidden, self.query_size),
            Linear("k_proj", self.hidden, self.kv_size),
            Linear("v_proj", self.hidden, self.kv_size),
            Linear("o_proj", self.query_size, self.hidden),
            Linear("gate_proj", self.hidden, self.intermediate),
            Linear("up_proj", self.hidden, self.intermediate),
            Linear("down_proj", self.intermediate, self.hidden),
        )

    @property
    def layer_weights(self) -> int:
        """Numbers in one decoder layer."""
        matrices = sum(linear.inputs * linear.outputs for linear in self.linears)
        biases = self.query_size + 2 * self.kv_size if self.qkv_bias else 0
        return matrices + biases + 2 * self.hidden

    @property
    def embedding_weights(self) -> int:
        """Numbers in one table of the vocabulary."""
        return self.vocabulary * self.hidden

    @property
    def weights(self) -> int:
        """Numbers in the whole model."""
        tables = 1 if self.tied else 2
        return self.layers * self.layer_weights + tables * self.embedding_weights + self.hidden

    def adapted(self, rank: int, targets: str | tuple[str, ...] = "all-linear") -> int:
        """Numbers in a LoRA adapter of this rank over these modules."""
        return self.layers * sum(rank * (one.inputs + one.outputs) for one in self.targeted(targets))

    def targeted(self, targets: str | tuple[str, ...]) -> tuple[Linear, ...]:
        """The linear layers that an adapter covers. A text other than `all-linear` is a pattern that nothing
        here reads, and counts as all of them."""
        if isinstance(targets, str):
            return self.linears
        return tuple(one for one in self.linears if one.name in targets)


def find_shape(model: str) -> ModelShape | None:
    """The shape of a model in a folder, of a downloaded hub id, or of a hub id whose sizes are known. None
    where it cannot be said."""
    for config in _configs(model):
        if (shape := read_shape(config)) is not None:
            return shape
    return None


def read_shape(config: Mapping[str, object]) -> ModelShape | None:
    """The shape that a `config.json` states; None for a mixture of experts and for sizes that are missing."""
    if any(config.get(key) for key in _EXPERTS):
        return None
    try:
        hidden, heads = _size(config, "hidden_size"), _size(config, "num_attention_heads")
        return ModelShape(
            layers=_size(config, "num_hidden_layers"),
            hidden=hidden,
            intermediate=_size(config, "intermediate_size"),
            heads=heads,
            kv_heads=_size(config, "num_key_value_heads", heads),
            head_size=_size(config, "head_dim", hidden // heads),
            vocabulary=_size(config, "vocab_size"),
            tied=bool(config.get("tie_word_embeddings", False)),
            qkv_bias=bool(config.get("attention_bias", str(config.get("model_type", "qwen2")) == "qwen2")),
            dtype=str(config.get("dtype") or config.get("torch_dtype") or "bfloat16"),
        )
    except (KeyError, TypeError, ValueError, ZeroDivisionError):
        return None


def _size(config: Mapping[str, object], key: str, otherwise: int | None = None) -> int:
    value = config.get(key)
    if value is None and otherwise is not None:
        return otherwise
    if not isinstance(value, int) or value < 1:
        raise ValueError(key)
    return value


def _configs(model: str) -> Iterator[Mapping[str, object]]:
    """What is stated about the model, the surest first."""
    folder = Path(model)
    if not folder.is_dir():
        from huggingface_hub import try_to_load_from_cache
        from huggingface_hub.errors import HFValidationError

        try:
            cached = try_to_load_from_cache(model, "config.json")
        except HFValidationError:
            return
        if isinstance(cached, str):
            folder = Path(cached).parent
    try:
        found = json.loads((folder / "config.json").read_text(encoding="utf-8"))
    except (OSError, ValueError):
        found = None
    if isinstance(found, dict):
        yield found
    name = model.rpartition("/")[2]
    for known, sizes in json.loads(_KNOWN.read_text(encoding="utf-8")).items():
        if name == known or name.startswith(f"{known}-"):
            yield sizes
