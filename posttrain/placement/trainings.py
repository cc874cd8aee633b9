"""Whether the trainings of a recipe fit the trainer's cards, and what to change where one does not.

Place in the flow: placement -> here -> `memory`. Pure. The one rule: a fix that is named has been tried: with
it the training fits.
"""

from collections.abc import Iterator, Mapping
from typing import Literal, NamedTuple

from posttrain.memory.shapes import ModelShape
from posttrain.memory.training import TrainingMemory, predict_training, settings_of
from synth.cards import Card
from synth.config import Recipe
from synth.errors import Problem, RecipeError
from synth.training_config import DpoConfig, LoraConfig, SftConfig, TrainConfig


class Training(NamedTuple):
    """A training and the card on which it has least room."""

    section: str
    needs: int
    room: int


def check_trainings(
    recipe: Recipe, shape: ModelShape | None, taken: Mapping[Card, int]
) -> Iterator[Training]:
    """What each training of the recipe needs. `taken` says, by card of the trainer, what sleeping engines
    keep. Nothing is said where the model's shape or a card's size is not known, nor where a file of
    `accelerate config` decides what is on a card. Raises RecipeError."""
    if shape is None or not all(card.memory for card in taken) or recipe.launch.accelerate_config:
        return
    room, tightest = min((card.free - kept, card) for card, kept in taken.items())
    for section, config in recipe.trainings.items():
        memory = _predicted(recipe, shape, config, len(taken))
        if memory.total > room:
            raise _too_large(recipe, shape, section, memory, tightest, taken)
        yield Training(section, memory.total, room)


def check_host(recipe: Recipe, shape: ModelShape, cards: int, waiting: int, memory: int) -> None:
    """Each process of a training reads the whole model into the host's memory before it goes to a card,
    beside what sleeping engines keep there. Raises RecipeError where that is more than the host has."""
    launch = recipe.launch
    processes = launch.processes or cards
    each = max(_whole(recipe, config) for config in recipe.trainings.values()) * shape.weights
    needed = processes * each + waiting
    if not memory or needed <= memory or launch.accelerate_config:
        return
    beside = f", beside {waiting / 1e9:.0f} GB of sleeping engines" if waiting else ""
    fewer = range(int(max(0, memory - waiting) // each), 0, -1)
    even = [one for one in fewer if not any(config.step_rows % one for config in recipe.trainings.values())]
    fix = f"launch: {{processes: {even[0]}}}" if even else "GPUs of their own for engine and trainer"
    raise RecipeError(
        Problem(
            f"the host's memory ({memory / 1e9:.0f} GB)",
            f"is too small to load a training: {processes} processes read {each / 1e9:.0f} GB each{beside}",
            fix,
            "docs/architecture/training.md",
        )
    )


def _whole(recipe: Recipe, config: TrainConfig) -> int:
    """Bytes of a weight as it is read."""
    narrow = config.lora is not None and recipe.policy.dtype != "float32"
    return 2 if narrow else 4


def _predicted(recipe: Recipe, shape: ModelShape, config: TrainConfig, cards: int) -> TrainingMemory:
    launch = recipe.launch
    processes = (launch.processes or cards) * launch.nodes
    settings = settings_of(
        kind_of(config),
        config,
        recipe.policy.dtype,
        on_gpu=True,
        trains_on=not isinstance(config, SftConfig),
        processes=processes,
        shards=processes if launch.sharding != "none" else 1,
    )
    return predict_training(shape, settings)


def kind_of(config: TrainConfig) -> Literal["sft", "dpo", "kto"]:
    """What a training with this config is called."""
    if isinstance(config, SftConfig):
        return "sft"
    return "dpo" if isinstance(config, DpoConfig) else "kto"


def _too_large(
    recipe: Recipe,
    shape: ModelShape,
    section: str,
    memory: TrainingMemory,
    card: Card,
    taken: Mapping[Card, int],
) -> RecipeError:
    room = card.free - taken[card]
    parts = ", ".join(f"{name} {size / 1e9:.1f}" for name, size in memory._asdict().items() if size > 5e7)
    beside = f", {taken[card] / 1e9:.1f} GB of which a sleeping engine keeps" if taken[card] else ""
    others = card.memory - card.free
    used = f"; other processes have taken {others / 1e9:.1f} GB" if others else ""
    return RecipeError(
        Problem(
            f"{section} on GPU {card.number} ({card.memory / 1e9:.1f} GB{beside})",
            f"does not fit: it needs about {memory.total / 1e9:.1f} GB ({parts}), and {room / 1e9:.1f} GB "
            f"are there{used}",
            _fix(recipe, shape, section, room, len(taken)),
            "docs/architecture/training.md",
        )
    )


def _fix(recipe: Recipe, shape: ModelShape, section: str, room: int, cards: int) -> str:
    sharded = recipe.model_copy(update={"launch": recipe.launch.model_copy(update={"sharding": "fsdp2"})})
    ways = [("", recipe), ("launch: {sharding: fsdp2}", sharded)] if cards > 1 else [("", recipe)]
    for launch, way in ways:
        for words, config in smaller(recipe.trainings[section]):
            if _predicted(way, shape, config, cards).total <= room:
                return "    and ".join(filter(None, (launch, words)))
    return "a smaller model    or cards with more memory"


def smaller(config: TrainConfig) -> Iterator[tuple[str, TrainConfig]]:
    """The same training with less memory, the change that costs least first: in words, and as settings."""
    for lora in dict.fromkeys((config.lora, config.lora or LoraConfig())):
        adapter = "" if config.lora is not None or lora is None else f"lora: {{rank: {lora.rank}}}, "
        for checkpointing in dict.fromkeys((config.gradient_checkpointing, True)):
            same = checkpointing is config.gradient_checkpointing
            recompute = "" if same else "gradient_checkpointing: true, "
            for batch in _halves(config.batch_size):
                rows = "" if batch == config.batch_size else f"batch_size: {batch}, {_steps(config, batch)}"
                changed = {
                    "lora": lora,
                    "gradient_checkpointing": checkpointing,
                    "batch_size": batch,
                    "rows_per_step": config.step_rows,
                }
                words = adapter + recompute + rows
                yield words.removesuffix(", "), config.model_copy(update=changed)


def _halves(batch: int) -> Iterator[int]:
    yield batch
    while batch % 2 == 0:
        batch //= 2
        yield batch


def _steps(config: TrainConfig, batch: int) -> str:
    """What keeps the rows of a step with this batch."""
    if config.rows_per_step is not None:
        return ""
    return f"gradient_accumulation: {config.step_rows // batch}"
