"""What a training takes of the memory of one device, part by part.

Place in the flow: shape and job -> `predict_training` -> placement, and the plan of a run. The one rule: each
part is what autograd, the optimizer and TRL's trainers keep for a reason that is named here; only
`Overhead` is measured.

The parts follow the code that runs: TRL scores tokens in tiles, so no logits are whole in memory; PEFT casts
the input of each adapter; HF's attention gets a mask of all pairs of tokens wherever rows are padded, unless
it knows the lengths of rows.
"""

from typing import Literal, NamedTuple

from posttrain.memory.shapes import ModelShape
from synth.launch_config import step_shape
from synth.training_config import LoraConfig, SftConfig, TrainConfig

Width = Literal["float32", "bfloat16"]

_BYTES = {"float32": 4, "bfloat16": 2}
_TILE_TOKENS, _TILE_WORDS = 4096, 32768
"""TRL scores so many tokens against so many words at once."""
_NF4 = 0.516
"""Bytes of a weight in 4 bits, with the scales of blocks of 64 in 8 bits."""
_ADAM = 8
"""Two float32 numbers for each trained weight."""


class Overhead(NamedTuple):
    """What is there before the first weight: the libraries, and what they set aside."""

    process: int
    """Libraries, context and workspaces."""
    per_peer: int
    """Buffers of the library that joins several processes, where there are several."""
    fragments: float
    """Share of the activations that is lost between blocks of other sizes."""
    scores_in_place: bool
    """Whether TRL scores tokens by a kernel of Triton; else each operation on a tile has its own result."""


ON_GPU = Overhead(process=1 << 30, per_peer=1 << 29, fragments=0.1, scores_in_place=True)
ON_CPU = Overhead(process=730 << 20, per_peer=0, fragments=0.1, scores_in_place=False)

_RESULTS_OF_A_TILE = 7.25
"""Results in float32 that are there at once when a tile goes backward without Triton: scaled logits twice,
log-probabilities, probabilities, their gradient, a mask of bytes, and a difference with its product."""


class TrainingSettings(NamedTuple):
    """What decides the memory of a training beside the model's shape."""

    kind: Literal["sft", "dpo", "kto"]
    batch_size: int
    """Rows of a micro-batch on this device; in DPO pairs, which are two rows each."""
    length: int
    """Tokens of the longest row of a batch, to which the others are padded."""
    lora: LoraConfig | None
    weights: Width
    """Type of the weights in memory."""
    sums: Width
    """Type of what passes between layers: bfloat16 under autocast or over weights of bfloat16."""
    accumulates: bool = False
    """Whether gradients stay between micro-batches."""
    gradient_checkpointing: bool = False
    packing: bool = False
    """Whether rows fill sequences of `length`; attention then knows where they begin and needs no mask."""
    trains_on: bool = False
    """Whether the adapter of an earlier training is trained on; DPO then keeps a frozen copy of it."""
    processes: int = 1
    shards: int = 1
    """Over so many devices are weights, gradients and the optimizer's state split."""
    overhead: Overhead = ON_GPU

    @property
    def rows(self) -> int:
        return self.batch_size * (1 if self.kind == "sft" else 2)

    @property
    def tokens(self) -> int:
        """Tokens of a micro-batch, padding included."""
        return self.rows * self.length

    @property
    def mask(self) -> int:
        """Numbers in the attention's mask."""
        return 0 if self.packing else self.rows * self.length**2


class TrainingMemory(NamedTuple):
    """Bytes on one device, at the moment of the step at which most is in use."""

    weights: int
    adapter: int
    """The adapter's weights, and DPO's frozen copy of them."""
    gradients: int
    optimizer: int
    casts: int
    """The weights once more in bfloat16, where they are float32 under autocast; and buffers in which several
    processes gather gradients."""
    activations: int
    scores: int
    """Tiles of logits, and the gradients of what goes into the output layer."""
    overhead: int

    @property
    def total(self) -> int:
        return sum(self)


def settings_of(
    kind: Literal["sft", "dpo", "kto"],
    config: TrainConfig,
    dtype: Literal["auto", "float32", "bfloat16"],
    *,
    on_gpu: bool,
    length: int | None = None,
    trains_on: bool = False,
    processes: int = 1,
    shards: int = 1,
) -> TrainingSettings:
    """The settings of a job, as `start` and `trl_arguments` read it. `length` is that of the longest row,
    where it is known."""
    policy: Width = ("bfloat16" if on_gpu else "float32") if dtype == "auto" else dtype
    autocast = policy == "bfloat16" and (on_gpu or config.lora is None)
    weights: Width = policy if config.lora is not None else "float32"
    packing = isinstance(config, SftConfig) and config.packing
    step = step_shape(config.step_rows, processes, config.batch_size)
    return TrainingSettings(
        kind=kind,
        batch_size=max(step.sizes(config.step_rows)),
        length=config.max_length if packing else min(length or config.max_length, config.max_length),
        lora=config.lora,
        weights=weights,
        sums="bfloat16" if autocast else weights,
        accumulates=step.accumulation > 1,
        gradient_checkpointing=config.gradient_checkpointing,
        packing=packing,
        trains_on=trains_on,
        processes=processes,
        shards=shards,
        overhead=ON_GPU if on_gpu else ON_CPU,
    )


def predict_training(shape: ModelShape, settings: TrainingSettings) -> TrainingMemory:
    """The peak of a training on one device."""
    lora, shards = settings.lora, settings.shards
    adapted = shape.adapted(lora.rank, lora.target_modules) if lora is not None else 0
    trained = adapted if lora is not None else shape.weights
    copies = 2 if settings.kind != "sft" and settings.trains_on else 1
    activations = round(_activations(shape, settings) * (1 + settings.overhead.fragments))
    activations += _kept_of_reference(shape, settings)
    scores = _scores(shape, settings)
    gradients = 4 * trained // shards
    if not settings.accumulates:  # gradients grow as activations go: the peak is at one of the two ends
        gradients = max(0, gradients - activations - scores)
    return TrainingMemory(
        weights=_weights(shape, settings) // shards,
        adapter=4 * adapted * copies // shards,
        gradients=gradients,
        optimizer=_ADAM * trained // shards,
        casts=_casts(shape, settings, trained),
        activations=activations,
        scores=scores,
        overhead=settings.overhead.process + (settings.overhead.per_peer if settings.processes > 1 else 0),
    )


def _weights(shape: ModelShape, settings: TrainingSettings) -> int:
    width = _BYTES[settings.weights]
    if settings.lora is None or settings.lora.quantization is None:
        return width * shape.weights
    quantized = shape.layers * sum(one.inputs * one.outputs for one in shape.linears)
    largest = max(one.inputs * one.outputs for one in shape.linears)  # is widened while it is used
    return round(_NF4 * quantized) + width * (shape.weights - quantized + largest)


def _casts(shape: ModelShape, settings: TrainingSettings, trained: int) -> int:
    narrowed = settings.sums == "bfloat16" and settings.weights == "float32"
    # a split model is gathered a layer at a time, two layers and a table at most
    whole = shape.weights if settings.shards == 1 else 2 * shape.layer_weights + shape.embedding_weights
    casts = 2 * whole if narrowed else (0 if settings.shards == 1 else _BYTES[settings.weights] * whole)
    buckets = 4 * trained if settings.processes > 1 and settings.shards == 1 else 0
    return casts + buckets


def _scores(shape: ModelShape, settings: TrainingSettings) -> int:
    """Two tiles of logits, a float32 gradient for each token's last state, and for the table if it is
    trained."""
    tile = min(settings.tokens, _TILE_TOKENS) * _TILE_WORDS * _BYTES[settings.sums]
    tiles = 2 * tile
    if not settings.overhead.scores_in_place:  # and of a tile only the words that there are become resident
        words = min(settings.tokens, _TILE_TOKENS) * min(_TILE_WORDS, shape.vocabulary)
        tiles = round(words * (_BYTES[settings.sums] + 4 * _RESULTS_OF_A_TILE))
    table = 0 if settings.lora is not None else 4 * shape.embedding_weights
    return tiles + 4 * settings.tokens * shape.hidden + table


def _kept_of_reference(shape: ModelShape, settings: TrainingSettings) -> int:
    """Without a GPU: blocks of the reference's pass through a layer, which the C library does not give back.
    With all weights trained, the reference is asked before."""
    if settings.overhead.scores_in_place or settings.kind == "sft" or settings.lora is None:
        return 0
    return settings.tokens * _layer_token_bytes(shape, settings)


def _activations(shape: ModelShape, settings: TrainingSettings) -> int:
    """What the backward pass needs of the forward pass."""
    layer = settings.tokens * _layer_token_bytes(shape, settings)
    layer += settings.mask * _BYTES[settings.sums]  # a layer's attention turns the mask into numbers
    ends = settings.tokens * shape.hidden * 3 * 4 + settings.mask
    if not settings.gradient_checkpointing:
        return shape.layers * layer + ends
    kept = settings.tokens * shape.hidden * _stream_bytes(settings)
    return shape.layers * kept + layer + ends


def _stream_bytes(settings: TrainingSettings) -> int:
    """Of one number of the stream between layers: float32 weights add to it in float32."""
    return _BYTES[settings.weights]


def _layer_token_bytes(shape: ModelShape, settings: TrainingSettings) -> int:
    """Bytes that one decoder layer keeps for each token."""
    sums = _BYTES[settings.sums]
    norms = 2 * 4 * shape.hidden  # each squares its input in float32
    attention = sums * 4 * shape.query_size  # queries, keys and values of all heads, and the result
    gates = sums * 4 * shape.intermediate  # gate, its activation, up, and their product
    if settings.lora is None:
        inputs = sums * (5 * shape.hidden + shape.query_size) if settings.sums != settings.weights else 0
        inputs += 2 * 4 * shape.hidden  # what the norms' weights multiply
        return norms + attention + gates + inputs
    adapted = settings.lora.target_modules
    down = sums * settings.lora.rank * len(shape.targeted(adapted))
    if settings.weights == "float32":  # what several adapters read is kept once
        return norms + 2 * 4 * shape.hidden + attention + 4 * shape.query_size + gates + down
    copies = sum(one.inputs for one in shape.targeted(adapted) if one.name != "down_proj")
    return norms + attention + sums * copies + gates + down
