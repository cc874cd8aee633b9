"""The order in which a source is read: shuffled within a bounded buffer, in turn from several streams, and up
to the limits of the recipe.

The one rule: an order depends only on the recipe's seed, the round and the source, so a run that is resumed
reads what it read before; memory does not grow with the source.
"""

from collections import Counter
from collections.abc import Callable, Collection, Iterable, Iterator, Mapping
from random import Random
from typing import Final, TypeVar

Item = TypeVar("Item")

BUFFER_ITEMS: Final = 8192
BUFFER_CHARACTERS: Final = 64 << 20
"""What is held to shuffle; a source that fits is shuffled as a whole."""


def shuffled(
    items: Iterable[Item],
    random: Random,
    size_of: Callable[[Item], int] = lambda _: 1,
    *,
    most: int = BUFFER_ITEMS,
    most_size: int = BUFFER_CHARACTERS,
) -> Iterator[Item]:
    """Each item once, drawn at random from those that are held."""
    held: list[Item] = []
    size = 0
    for item in items:
        held.append(item)
        size += size_of(item)
        while len(held) > most or size > most_size:
            given = _draw(held, random)
            size -= size_of(given)
            yield given
    while held:
        yield _draw(held, random)


def _draw(held: list[Item], random: Random) -> Item:
    at = random.randrange(len(held))
    held[at], held[-1] = held[-1], held[at]
    return held.pop()


def in_turn(streams: Iterable[Iterator[Item]], most: int) -> Iterator[Item]:
    """The items of several streams, one of each in turn; at most so many streams are open at once."""
    waiting, open_ = iter(streams), list[Iterator[Item]]()
    while True:
        while len(open_) < most and (stream := next(waiting, None)) is not None:
            open_.append(stream)
        if not open_:
            return
        for stream in list(open_):
            for item in stream:
                yield item
                break
            else:
                open_.remove(stream)


def take_within(
    items: Iterable[Item],
    language_of: Callable[[Item], str],
    limits: Mapping[str, int],
    *,
    limit: int | None = None,
    languages: Collection[str] = (),
) -> Iterator[Item]:
    """The items up to the limits; those without a language count only towards the limit of all. Reading ends
    when nothing more can be taken, as far as the languages are known beforehand."""
    taken = Counter[str]()
    for item in items:
        language = language_of(item)
        if taken[language] >= limits.get(language, taken[language] + 1):
            continue
        taken[language] += 1
        yield item
        if limit is not None and taken.total() >= limit:
            return
        if languages and all(one in limits and taken[one] >= limits[one] for one in languages):
            return
