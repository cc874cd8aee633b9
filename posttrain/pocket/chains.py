"""Chains, the programs of the pocket world: one to three operations in a row, with their meaning
and their mistakes. Deep chains, of four, are in no corpus.

The one rule: neither the corpus nor the loop's seeds use a chain whose structure is held out; only
the evaluation does.
"""

import json
import random
from dataclasses import dataclass
from functools import cache
from pathlib import Path

from posttrain.pocket.numbers import NUMBER_OPERATIONS
from posttrain.pocket.operation import Constant, Data, Operation, Type
from posttrain.pocket.text import TEXT_OPERATIONS
from synth.ids import content_hash, derive_random

OPERATIONS: dict[str, Operation] = {
    operation.name: operation for operation in (*NUMBER_OPERATIONS, *TEXT_OPERATIONS)
}
SOURCES: tuple[Type, ...] = ("L", "L", "L", "L", "S", "S", "S", "W", "W", "M", "I")
_WORDS = (
    "ab",
    "cat",
    "dog",
    "sun",
    "red",
    "key",
    "box",
    "top",
    "fin",
    "low",
    "max",
    "one",
    "pen",
    "ice",
    "map",
    "oak",
)
_LETTERS = "abcdeilmnorstu"
_SEPARATORS = ("-", ",", "+", "_", "/", "; ")
_SPENT = {"each_square": "then_square", "then_square": "each_square"}
HELD_OUT_SHARE = 12
"""One in this many structures of two or more operations is held out."""
DEEP = 4
"""Operations of a deep chain."""


@dataclass(frozen=True, slots=True)
class ChainStep:
    """An operation with values for its constants."""

    name: str
    constants: tuple[Constant, ...] = ()

    @property
    def operation(self) -> Operation:
        return OPERATIONS[self.name]


@dataclass(frozen=True, slots=True)
class Chain:
    """Steps in order; each one's target type is the next one's source type."""

    steps: tuple[ChainStep, ...]

    @property
    def source(self) -> Type:
        return self.steps[0].operation.source

    @property
    def target(self) -> Type:
        return self.steps[-1].operation.target

    @property
    def structure(self) -> tuple[str, ...]:
        return tuple(step.name for step in self.steps)

    def run(self, value: Data) -> Data:
        """The program's result for one argument."""
        for step in self.steps:
            value = step.operation.run(value, *step.constants)
        return value

    def is_well_typed(self) -> bool:
        pairs = zip(self.steps, self.steps[1:], strict=False)
        return bool(self.steps) and all(a.operation.target == b.operation.source for a, b in pairs)


def draw_constant(domain: str, rng: random.Random) -> Constant:
    """A constant from one domain (see `Operation.constants`)."""
    if domain == "k":
        return rng.randint(1, 30) if rng.random() < 0.7 else rng.randint(31, 99)
    if domain in "dn":
        return rng.randint(2, 9) if domain == "d" else rng.randint(1, 5)
    return rng.choice({"c": _LETTERS, "w": _WORDS, "p": _SEPARATORS}[domain])


def draw_step(operation: Operation, rng: random.Random) -> ChainStep:
    constants = [draw_constant(domain, rng) for domain in operation.constants]
    if len(constants) == 2 and constants[0] == constants[1]:
        return draw_step(operation, rng)
    return ChainStep(operation.name, tuple(constants))


@cache
def operations_from(source: Type) -> tuple[Operation, ...]:
    return tuple(operation for operation in OPERATIONS.values() if operation.source == source)


def draw_chain(rng: random.Random, length: int | None = None, source: Type | None = None) -> Chain:
    """A chain of 1 to 3 steps without a repeated operation; a test of a number or string ends it."""
    length = length or rng.choices((1, 2, 3), (2, 5, 3))[0]
    at: Type = source if source is not None else rng.choice(SOURCES)
    steps: list[ChainStep] = []
    while len(steps) < length and at != "B":
        used = {step.name for step in steps} | {_SPENT.get(step.name, "") for step in steps}
        options = [
            o
            for o in operations_from(at)
            if o.name not in used and (o.target != "B" or len(steps) == length - 1)
        ]
        by_family: dict[str, list[Operation]] = {}
        for operation in options:
            by_family.setdefault(operation.family or operation.name, []).append(operation)
        operation = rng.choice(by_family[rng.choice(sorted(by_family))])
        steps.append(draw_step(operation, rng))
        at = operation.target
    return Chain(tuple(steps))


def is_held_out(chain: Chain) -> bool:
    """Whether the chain's structure belongs to the evaluation. A hash decides, so it never
    changes between runs."""
    return (
        len(chain.steps) > 1
        and int(content_hash("held-out", chain.structure, length=8), 16) % HELD_OUT_SHARE == 0
    )


def draw_open_chain(rng: random.Random) -> Chain:
    """A chain that the corpus and the loop may use."""
    while touches_held_out(chain := draw_chain(rng)):
        pass
    return chain


def draw_open_deep_chain(rng: random.Random) -> Chain:
    """A deep chain that the loop may use."""
    while len((chain := draw_chain(rng, DEEP)).steps) < DEEP or touches_held_out(chain):
        pass
    return chain


def touches_held_out(chain: Chain) -> bool:
    """Whether the chain has the structure or the behaviour of a held-out task. Mutants must not
    have them either."""
    return is_held_out(chain) or behaviour(chain) in held_out_behaviours()


def mutate(chain: Chain, rng: random.Random) -> Chain:
    """The chain with one plausible mistake: a wrong constant, a sibling operation, or a missing, added
    or swapped step.

    A few chains have no such mutant; they become another chain with the same source and target types.
    """
    for _ in range(30):
        steps = list(chain.steps)
        at = rng.randrange(len(steps))
        kind = rng.choices(("constant", "sibling", "drop", "swap", "insert"), (3, 4, 1.5, 1, 1))[0]
        if kind == "constant" and steps[at].constants:
            steps[at] = draw_step(steps[at].operation, rng)
        elif kind == "sibling":
            steps[at] = _draw_sibling(steps[at], rng)
        elif kind == "drop" and len(steps) > 1:
            del steps[at]
        elif kind == "swap" and at:
            steps[at - 1], steps[at] = steps[at], steps[at - 1]
        elif kind == "insert" and len(steps) < 3:
            source = steps[at].operation.source
            steps.insert(
                at, draw_step(rng.choice([o for o in operations_from(source) if o.target == source]), rng)
            )
        mutant = Chain(tuple(steps))
        same_ends = mutant.is_well_typed() and (mutant.source, mutant.target) == (chain.source, chain.target)
        if same_ends and len(set(mutant.structure)) == len(steps) and _is_open_mistake(mutant, chain):
            return mutant
    while True:
        other = draw_chain(rng, source=chain.source)
        if other.target == chain.target and _is_open_mistake(other, chain):
            return other


def _is_open_mistake(mutant: Chain, chain: Chain) -> bool:
    return behaviour(mutant) != behaviour(chain) and not touches_held_out(mutant)


def _draw_sibling(step: ChainStep, rng: random.Random) -> ChainStep:
    own = step.operation
    siblings = [
        o
        for o in operations_from(own.source)
        if o.target == own.target and o.family == own.family and o.name != own.name
    ]
    if not siblings:
        return draw_step(own, rng)
    sibling = rng.choice(siblings)
    return (
        ChainStep(sibling.name, step.constants)
        if sibling.constants == own.constants
        else draw_step(sibling, rng)
    )


# --- values and behaviour -----------------------------------------------------------------------------------


def draw_value(kind: Type, rng: random.Random) -> Data:
    """A small argument of one type."""
    if kind == "I":
        return rng.randint(-60, 120)
    if kind == "L":
        return [
            rng.randint(-20, 60) if rng.random() < 0.8 else rng.randint(-99, 120)
            for _ in range(rng.randint(0, 7))
        ]
    if kind == "S":
        return " ".join(_draw_word(rng) for _ in range(rng.randint(0, 4)))
    if kind == "W":
        return [_draw_word(rng) for _ in range(rng.randint(0, 5))]
    return {_draw_word(rng): rng.randint(-9, 99) for _ in range(rng.randint(0, 4))}


def _draw_word(rng: random.Random) -> str:
    if rng.random() < 0.5:
        return rng.choice(_WORDS)
    word = "".join(rng.choice(_LETTERS) for _ in range(rng.randint(1, 5)))
    return rng.choice((word, word.capitalize(), word[::-1] + word, word + str(rng.randint(0, 9))))


@cache
def _probes(kind: Type) -> tuple[Data, ...]:
    rng = derive_random(0, "pocket-probes", kind)
    return tuple(draw_value(kind, rng) for _ in range(40))


def behaviour(chain: Chain) -> str:
    """Hash of the answers to 40 fixed arguments: chains with equal behaviour are the same task."""
    return content_hash(chain.source, [chain.run(value) for value in _probes(chain.source)])


_LISTS: tuple[str, ...] = ("heldout", "deep", "development")


@cache
def listed_chains(name: str) -> tuple[Chain, ...]:
    """The chains of `<name>_chains.json`, the same in every run: all of held-out structures, all behaviours
    different, none constant, and no step without effect. No structure is in two of the lists.

    They were chosen once and are stored, because corpus and seeds also avoid their behaviours: `heldout` has
    two or three steps, at most two chains per structure, and none that behaves like a single operation, which
    would be lost; `deep` has four steps; `development` has two or three, and in every third place four. No
    chain of these two behaves like one of 260,000 that the loop may use.
    """
    listed = json.loads(Path(__file__).with_name(f"{name}_chains.json").read_text(encoding="utf-8"))
    return tuple(
        Chain(tuple(ChainStep(name, tuple(constants)) for name, constants in steps)) for steps in listed
    )


@cache
def held_out_behaviours() -> frozenset[str]:
    """Of all lists."""
    return frozenset(behaviour(chain) for name in _LISTS for chain in listed_chains(name))
