"""Which cards serve and which train, what share of them each engine gets, and whether everything fits.

Place in the flow: recipe and cards -> `place` -> the run, which starts its children where they belong. Pure:
asks neither the machine nor a card. The one rule: what cannot fit is refused before anything starts, with the
figures; what is not known (a model without a shape, a card without a size) is not checked, and said so.

An engine and a trainer that share a card never use it together: the engine sleeps while the trainer works.
Engines that share a card are awake together, so its memory is divided between them.
"""

from collections.abc import Iterator, Mapping, Sequence
from itertools import pairwise
from types import MappingProxyType
from typing import NamedTuple

from posttrain.core.jobs import highest_rank
from posttrain.memory.engine import ASLEEP, LARGEST_SHARE, EngineMemory, EngineSettings, predict_engine
from posttrain.memory.shapes import ModelShape, find_shape
from posttrain.placement.trainings import Training, check_host, check_trainings
from synth.cards import Card
from synth.config import EngineConfig, Recipe
from synth.errors import Problem, RecipeError
from synth.generation.placement import EnginePlacement
from synth.roles import ENGINE as ENGINE

TRAINER = "trainer"

_USUAL_LENGTH = 32768
"""Tokens of a request where the recipe does not limit them: the positions of most models."""
_USUAL_RANK = 64
_ROOMY = 16
"""An engine gets more cards by default if it could not hold so many requests of full length on fewer."""
_SPARE = 1 << 29
"""Left beside what other processes have taken of a card."""
_SEE = "docs/architecture/training.md"


class Placement(NamedTuple):
    """Where the children of a run work."""

    trainer: tuple[Card, ...] | None = None
    """None: on a machine without cards, and for a recipe that trains nothing."""
    engines: Mapping[str, EnginePlacement] = MappingProxyType({})
    """By role; of those that take cards here."""
    words: tuple[str, ...] = ()
    """What was decided, a sentence a line."""
    children: tuple[int, ...] = ()
    """Descriptors that every child keeps open until it has ended."""

    def holding(self, descriptor: int) -> "Placement":
        """The same, with a descriptor that all children keep open until they have ended."""
        engines = {role: one._replace(holds=(descriptor,)) for role, one in self.engines.items()}
        return self._replace(engines=engines, children=(descriptor,))


NO_CARDS = Placement()


class _Served(NamedTuple):
    """An engine on its cards."""

    role: str
    config: EngineConfig
    cards: tuple[Card, ...]
    shape: ModelShape | None
    sleeps: bool = False

    @property
    def memory(self) -> EngineMemory | None:
        """What it needs of each card; None where that is not known."""
        return _needed(self.config, self.shape, len(self.cards)) if self.shape is not None else None


def place(
    recipe: Recipe,
    model: str,
    cards: Sequence[Card],
    on_cpu: frozenset[str] = frozenset(),
    host_memory: int = 0,
) -> Placement:
    """The placement of a recipe whose policy is `model`, a folder or a hub id. Engines in the roles `on_cpu`
    take no cards. The host has so many bytes of memory; 0 where that is not known. Raises RecipeError where
    something cannot fit, or a GPU is named that is not there."""
    if not cards:
        _refuse_named(recipe)
        return NO_CARDS
    trains = bool(recipe.trainings)
    trainer = _chosen(recipe, TRAINER, cards) or tuple(cards) if trains else ()
    served: list[_Served] = []
    for role, config in _engines(recipe):
        if config.uses_cards and role not in on_cpu:
            shape = find_shape(config.own_model or model)
            before = served[0].cards if served else ()
            own = _chosen(recipe, role, cards) or before or _by_default(config, shape, cards)
            served.append(_Served(role, config, own, shape, bool({*own} & {*trainer})))
    for one in served:
        _check_split(one)
    shares = {one.role: _share(one, served) for one in served}
    asleep = {card: ASLEEP * sum(card in one.cards for one in served if one.sleeps) for card in trainer}
    shape = find_shape(model)
    trainings = list(check_trainings(recipe, shape, asleep)) if trains else []
    if trains and shape is not None:
        waiting = sum(_waits_in_host(one) for one in served)
        check_host(recipe, shape, len(trainer), waiting, host_memory)
    return Placement(
        trainer if trains else None,
        {one.role: _engine_placement(one, shares[one.role]) for one in served},
        tuple(_words(cards, trainer, served, shares, trainings)),
    )


def _engines(recipe: Recipe) -> Iterator[tuple[str, EngineConfig]]:
    if recipe.engine is not None:
        yield ENGINE, recipe.engine.taking_rank(highest_rank(recipe))
    if recipe.data is not None:
        yield from ((role, config) for role, config in recipe.engines.items() if role != ENGINE)


# --- which cards --------------------------------------------------------------------------------------------


def _refuse_named(recipe: Recipe) -> None:
    if recipe.devices is not None:
        raise RecipeError(
            Problem(
                "devices",
                "names GPUs, but this machine shows none (`nvidia-smi`, CUDA_VISIBLE_DEVICES)",
                "remove `devices` to work on the CPU    or run it where the GPUs are",
                _SEE,
            )
        )


def _chosen(recipe: Recipe, role: str, cards: Sequence[Card]) -> tuple[Card, ...]:
    """The cards that the recipe names for this role; none if it names none."""
    numbers: tuple[int, ...] | None = getattr(recipe.devices, role, None)
    if numbers is None:
        return ()
    strange = [number for number in numbers if not 0 <= number < len(cards)]
    if strange or not numbers or len({*numbers}) < len(numbers):
        there = "only GPU 0 is" if len(cards) == 1 else f"GPUs 0 to {len(cards) - 1} are"
        raise RecipeError(
            Problem(
                f"devices.{role} = {list(numbers)}",
                f"must name GPUs of this machine, each once: {there} visible",
                f"{role}: {[card.number for card in cards]}",
                _SEE,
            )
        )
    return tuple(cards[number] for number in numbers)


def _by_default(config: EngineConfig, shape: ModelShape | None, cards: Sequence[Card]) -> tuple[Card, ...]:
    """As few cards as hold the model and some requests of full length; where none do, as many as it can be
    split over."""
    if config.stated_cards is not None:
        return tuple(cards[: config.stated_cards])
    if shape is None or not all(card.memory for card in cards):
        return tuple(cards[:1])
    counts = [count for count in range(1, len(cards) + 1) if shape.heads % count == 0]
    for count in counts:
        memory = _needed(config, shape, count)
        if memory.minimum + (_ROOMY - 1) * memory.cache <= min(map(_usable, cards[:count])):
            return tuple(cards[:count])
    return tuple(cards[: counts[-1]])


def _check_split(one: _Served) -> None:
    """Raises RecipeError where vLLM cannot spread the model over its cards."""
    count, stated = len(one.cards), one.config.stated_cards
    if stated is not None and stated != count:
        raise RecipeError(
            Problem(
                f"devices.{one.role} = {[card.number for card in one.cards]}",
                f"must name {stated} GPUs, for `{one.role}` is spread over {stated} by its own arguments",
                f"{one.role}: {list(range(stated))}",
                _SEE,
            )
        )
    if stated is None and one.shape is not None and one.shape.heads % count:
        heads = one.shape.heads
        fits = max(number for number in range(1, count + 1) if heads % number == 0)
        raise RecipeError(
            Problem(
                f"devices.{one.role} = {[card.number for card in one.cards]}",
                f"cannot split the model: its {heads} attention heads do not divide by {count} GPUs",
                f"{one.role}: {[card.number for card in one.cards[:fits]]}    or serve it as several copies: "
                f'extra_args: ["--data-parallel-size", "{count}"]',
                _SEE,
            )
        )


# --- what share ---------------------------------------------------------------------------------------------


def _needed(config: EngineConfig, shape: ModelShape, cards: int) -> EngineMemory:
    rank = (config.adapter_rank or _USUAL_RANK) if config.may_serve_adapters else 0
    settings = EngineSettings(config.context_length or _USUAL_LENGTH, config.sequences, cards, rank)
    return predict_engine(shape, settings)


def _usable(card: Card) -> int:
    """Bytes of a card that engines may take together."""
    largest = int(LARGEST_SHARE * card.memory)
    return min(largest, card.free - _SPARE) if card.free < card.memory else largest


def _share(one: _Served, served: Sequence[_Served]) -> float | None:
    """The share of each of its cards; None where a size is not known. Raises RecipeError where it is too
    little to start."""
    if not all(card.memory for card in one.cards):
        return None
    stated = one.config.stated_share
    share = stated if stated is not None else min(_part(one, card, served) for card in one.cards)
    share = int(share * 100 + 1e-3) / 100
    for card in one.cards:
        _check_room(one, card, share, served)
    return share


def _part(one: _Served, card: Card, served: Sequence[_Served]) -> float:
    """Its part of a card: what it needs, and as much of the rest as the others there whose arguments do not
    say theirs."""
    there = [other for other in served if card in other.cards]
    needs = {other.role: _claim(other, card) for other in there}
    sharing = sum(other.config.stated_share is None for other in there)
    return (needs[one.role] + (_usable(card) - sum(needs.values())) / sharing) / card.memory


def _claim(one: _Served, card: Card) -> float:
    stated = one.config.stated_share
    return stated * card.memory if stated is not None else one.memory.minimum if one.memory else 0


def _check_room(one: _Served, card: Card, share: float, served: Sequence[_Served]) -> None:
    memory, given = one.memory, share * card.memory
    taken = sum(other.config.stated_share or 0 for other in served if card in other.cards) * card.memory
    if memory is not None and memory.minimum > given:
        parts = ", ".join(f"{name} {gigabytes(size)}" for name, size in memory._asdict().items())
        raise _too_small(one, card, f"needs {gigabytes(memory.minimum)} of it ({parts})", given)
    if given > card.free - _SPARE // 2 and card.free < card.memory:
        raise _too_small(one, card, f"is given {gigabytes(given)} of it by its own arguments", card.free)
    if taken > card.memory:
        raise _too_small(one, card, f"and the others there are given {gigabytes(taken)} of it", card.memory)


def _too_small(one: _Served, card: Card, what: str, room: float) -> RecipeError:
    others = card.memory - card.free
    used = f"; other processes have taken {gigabytes(others)}" if others else ""
    return RecipeError(
        Problem(
            f"{one.role} on GPU {card.number} ({gigabytes(card.memory)})",
            f"does not fit: it {what}, and {gigabytes(max(0, room))} are there{used}",
            f"more GPUs under `devices.{one.role}`    or a smaller `{one.role}.max_model_len`    or end what "
            f"else uses the GPU",
            _SEE,
        )
    )


def _engine_placement(one: _Served, share: float | None) -> EnginePlacement:
    return EnginePlacement(one.cards, one.config.card_options(len(one.cards), share), one.sleeps)


def _waits_in_host(one: _Served) -> int:
    """Bytes of the host's memory in which its weights wait while it sleeps. Merged weights do not: they are
    read again."""
    if not one.sleeps or one.memory is None or not one.config.may_serve_adapters:
        return 0
    return one.memory.weights * len(one.cards)


# --- in words -----------------------------------------------------------------------------------------------


def gigabytes(size: float) -> str:
    """As the sizes of cards are stated: 10^9 bytes."""
    return f"{size / 1e9:.1f} GB"


def numbers(cards: Sequence[Card]) -> str:
    """`GPU 0`, `GPUs 0 to 3`, `GPUs 0, 2`."""
    found = [card.number for card in cards]
    if len(found) == 1:
        return f"GPU {found[0]}"
    if len(found) > 2 and all(after == before + 1 for before, after in pairwise(found)):
        return f"GPUs {found[0]} to {found[-1]}"
    return "GPUs " + ", ".join(map(str, found))


def _words(
    cards: Sequence[Card],
    trainer: Sequence[Card],
    served: Sequence[_Served],
    shares: Mapping[str, float | None],
    trainings: Sequence[Training],
) -> Iterator[str]:
    names = " and ".join(dict.fromkeys(card.name or "unnamed" for card in cards))
    yield f"{numbers(cards)}: {names}, {gigabytes(min(card.memory for card in cards))}"
    for one in served:
        share, memory = shares[one.role], one.memory
        given = f" with {share:.0%} of each" if share is not None else ""
        needs = f"; it needs {gigabytes(memory.minimum)}" if memory is not None else "; its need is not known"
        rest = ", and sleeps while the trainer works" if one.sleeps else ""
        yield f"the {one.role} runs on {numbers(one.cards)}{given}{needs}{rest}"
    if trainer:
        yield f"the trainer works on {numbers(trainer)}"
    for training in trainings:
        yield (
            f"{training.section} needs about {gigabytes(training.needs)} of {gigabytes(training.room)} on "
            f"each of them"
        )
