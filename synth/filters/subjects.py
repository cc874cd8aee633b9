"""Which passages of a benchmark are of one task: a task stands in it once for each language and each edition
that publishes it.

Place in the flow: the indexes of prose and of code leave out what many tasks share, and count the tasks here.
The one rule: two passages are of one task if they share most of their words, weighted by rarity, as a hit has
to; that they share phrases says nothing.
"""

from collections import Counter, defaultdict
from collections.abc import Callable, Iterable, Sequence
from heapq import nsmallest
from typing import Final

_TELLING: Final = 12
"""So many of a passage's rarest words propose passages of the same task."""
_COMPARED: Final = 4
"""Passages that are compared with one, at most."""


def find_first_of_task(
    passages: Sequence[frozenset[str]], weigh: Callable[[Iterable[str]], float], alike: float
) -> list[int]:
    """For each passage, given by its words, the number of the first one of its task. `weigh` adds up the
    rarity of words; passages of which a share of at least `alike` is common to both are of one task."""
    held = Counter(word for words in passages for word in words)
    first: defaultdict[str, list[int]] = defaultdict(list)
    weights: dict[int, float] = {}
    found: list[int] = []
    for number, words in enumerate(passages):
        telling = nsmallest(
            _TELLING, (word for word in words if held[word] > 1), key=lambda word: (held[word], word)
        )
        votes = Counter(one for word in telling for one in first.get(word, ()))
        weight = weigh(words)
        same = next(
            (
                one
                for one, _ in votes.most_common(_COMPARED)
                if weigh(words & passages[one]) >= alike * max(weight, weights[one])
            ),
            number,
        )
        if same == number:
            weights[number] = weight
            for word in telling:
                first[word].append(number)
        found.append(same)
    return found
