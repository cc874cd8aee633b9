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
from synth.training_config import LoraConfig, TrainingConfig


class Training(NamedTuple):
    """A training and the card on which it has least room."""

    section: str
    needs: int
    room: int


class _Section(NamedTuple):
    path: str
    kind: Literal["sft", "dpo", "kto"]
    config: TrainingConfig


def check_trainings(
    recipe: Recipe, shape: ModelShape | None, taken: Mapping[Card, int]
) -> Iterator[Training]:
    """What each training of the recipe needs. `taken` says, by card of the trainer, what sleeping engines
    keep. Nothing is said where the model's shape or a card's size is not known. Raises RecipeError."""
    if shape is None or not all(card.memory for card in taken):
        return
    room, tightest = min((card.free - kept, card) for card, kept in taken.items())
    for section in _sections(recipe):
        memory = _predicted(recipe, shape, section.config, section.kind, len(taken))
        if memory.total > room:
            raise _too_large(recipe, shape, section, memory, tightest, taken)
        yield Training(section.path, memory.total, room)


def _sections(recipe: Recipe) -> Iterator[_Section]:
    if recipe.sft is not None:
        yield _Section("sft.coarse", "sft", recipe.sft.coarse)
        if recipe.sft.fine is not None:
            yield _Section("sft.fine", "sft", recipe.sft.fine)
    if recipe.dpo is not None:
        yield _Section("dpo", "dpo", recipe.dpo)
    if recipe.kto is not None:
        yield _Section("kto", "kto", recipe.kto)


def _predicted(
    recipe: Recipe, shape: ModelShape, config: TrainingConfig, kind: Literal["sft", "dpo", "kto"], cards: int
) -> TrainingMemory:
    settings = settings_of(
        kind, config, recipe.policy.dtype, on_gpu=True, trains_on=kind != "sft", processes=cards
    )
    return predict_training(shape, settings)


def _too_large(
    recipe: Recipe,
    shape: ModelShape,
    section: _Section,
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
            f"{section.path} on GPU {card.number} ({card.memory / 1e9:.1f} GB{beside})",
            f"does not fit: it needs about {memory.total / 1e9:.1f} GB ({parts}), and {room / 1e9:.1f} GB "
            f"are there{used}",
            _fix(recipe, shape, section, room, len(taken)),
            "docs/architecture/training.md",
        )
    )


def _fix(recipe: Recipe, shape: ModelShape, section: _Section, room: int, cards: int) -> str:
    for words, config in _smaller(section.config):
        if _predicted(recipe, shape, config, section.kind, cards).total <= room:
            return words
    return "a smaller model    or cards with more memory"


def _smaller(config: TrainingConfig) -> Iterator[tuple[str, TrainingConfig]]:
    """The same training with less memory, the change that costs least first: in words, and as settings."""
    for lora in dict.fromkeys((config.lora, config.lora or LoraConfig())):
        adapter = "" if config.lora is not None or lora is None else f"lora: {{rank: {lora.rank}}}, "
        for checkpointing in dict.fromkeys((config.gradient_checkpointing, True)):
            recompute = (
                "" if checkpointing is config.gradient_checkpointing else "gradient_checkpointing: true, "
            )
            batch, accumulation = config.batch_size, config.gradient_accumulation
            while batch >= 1:
                rows = f"batch_size: {batch}, gradient_accumulation: {accumulation}, "
                changed = {
                    "lora": lora,
                    "gradient_checkpointing": checkpointing,
                    "batch_size": batch,
                    "gradient_accumulation": accumulation,
                }
                words = adapter + recompute + (rows if batch < config.batch_size else "")
                yield words.removesuffix(", "), config.model_copy(update=changed)
                if batch % 2:
                    break
                batch, accumulation = batch // 2, accumulation * 2
