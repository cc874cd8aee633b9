"""Unlabelled snippets of the pocket world, for the loop.

The one rule: a seed is code and nothing else. Only this module knows the chain behind each seed. The audit
after a run may ask for it (`chain_of_seeds`); the loop may not.
"""

from collections.abc import Iterator
from typing import NamedTuple

from posttrain.pocket.chains import Chain, draw_open_chain, draw_open_deep_chain
from posttrain.pocket.corpus import draw_snippet
from synth.config import PocketSeedsConfig
from synth.ids import derive_random
from synth.records import Origin, Seed
from synth.seeds.protocol import make_seed


class DrawnSeed(NamedTuple):
    """A snippet with its chain."""

    seed: Seed
    chain: Chain


def draw_seeds(config: PocketSeedsConfig, random_seed: int, round_: int) -> Iterator[DrawnSeed]:
    """`count` snippets for one round, in alternating languages; never a held-out chain."""
    for number in range(config.count):
        random = derive_random(random_seed, "pocket-seeds", round_, number)
        language = config.languages[number % len(config.languages)]
        is_deep = derive_random(random_seed, "pocket-deep", round_, number).random() < config.deep
        chain = draw_open_deep_chain(random) if is_deep else draw_open_chain(random)
        origin = Origin(source="pocket", path=f"round-{round_}", start_line=number, licence="Apache-2.0")
        yield DrawnSeed(make_seed(draw_snippet(chain, language, random), language, origin), chain)


def pocket_seeds(config: PocketSeedsConfig, random_seed: int, round_: int) -> Iterator[Seed]:
    """The seeds, as the loop sees them."""
    return (drawn.seed for drawn in draw_seeds(config, random_seed, round_))


def chain_of_seeds(config: PocketSeedsConfig, random_seed: int, round_: int) -> dict[str, Chain]:
    """For the audit: the chain behind each seed."""
    return {drawn.seed.id: drawn.chain for drawn in draw_seeds(config, random_seed, round_)}
