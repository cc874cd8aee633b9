"""Guesses the shared types of a parameter from clues, for languages that state none: points for each family
of types, the best first.

Place in the flow: a language reads the clues off its own syntax trees (`Clues`); ranking them is the same
for all. The one rule: points only order the candidates; running the function decides which one is right.
Only types that every language shares are ever proposed.
"""

import re
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from itertools import islice, product
from typing import Final

from synth.values import Signature, ValueType, parse_type

MAX_CANDIDATES: Final = 12
"""Signatures that are tried for one function, all in one program."""
MAX_PARAMETERS: Final = 6
MAX_TYPES: Final = 5
"""Types that are tried for one parameter."""
ANY, NULL = parse_type("any"), parse_type("null")
UNKNOWN: Final = tuple(map(parse_type, ("int", "str", "list[int]", "float", "list[str]")))
"""What is tried where nothing is known."""

_NAMES = (
    (r"(is|has|use|allow|should|with|include|strict|reverse|ignore)(_.*)?|flag|verbose", "bool"),
    (
        r"n|k|m|i|j|num|count|size|length|width|height|depth|index|idx|start|stop|end|step"
        r"|limit|base|year|month|day|bits?|low|high|left|right|number|nth"
        r"|.*_(count|size|index|len|number|num)",
        "int",
    ),
    (
        r"x|y|z|a|b|c|value|val|t|r|alpha|beta|eps|tol|rate|ratio|scale|factor|angle|lat|lon|.*_(rate|value)",
        "number",
    ),
    (
        r"s|text|string|word|name|line|msg|message|str\d?|s\d|path|key|prefix|suffix|sep|input_str"
        r"|title|label|pattern|char|ch|c|url|source|code|.*_(name|str|text|string|word|char)",
        "str",
    ),
    (r"(words|names|lines|strings|keys|tokens|texts|paths|labels|.*_(names|lines|words|strings))", "strings"),
    (
        r"l|lst|xs|ys|arr\d?|array|seq|sequence|collection|items|values|nums\d?|numbers|data|vector|weights"
        r"|elements|iterable|shape|dims|sizes|indices|.*_(list|ids|items|arr|array|numbers|nums|values)",
        "list",
    ),
    (r"d|dct|dict\w*|mapping|map|table|counts|kwargs|config|.*_(dict|map)", "map"),
    (r"graph|adj|adjacency\w*|.*_graph", "graph"),
    (r"(matrix\w*|\w*_matrix|grid|board|rows|table|image|maze|mat\d?)", "matrix"),
    (r"(points?|edges|pairs|intervals|coords|coordinates)", "pairs"),
)
_TYPES = {
    "bool": ("bool",),
    "int": ("int",),
    "number": ("int", "float"),
    "float": ("float", "int"),
    "str": ("str",),
    "strings": ("list[str]",),
    "graph": ("map[str, list[str]]", "map[int, list[int]]", "list[list[int]]"),
    "matrix": ("list[list[int]]", "list[list[float]]", "list[list[str]]"),
    "pairs": ("list[tuple[int, int]]", "list[list[int]]"),
    "triples": ("list[tuple[int, int, int]]", "list[list[int]]"),
    "pair": ("tuple[int, int]", "list[int]"),
}


@dataclass(slots=True)
class Clues:
    """What is known of a parameter: points by family, and the same of what is inside it."""

    points: Counter[str] = field(default_factory=Counter)
    inner: "Clues | None" = None

    def ranked(self, most: int = MAX_TYPES) -> list[ValueType]:
        """The types to try, the likeliest first; none without a clue."""
        families = sorted(
            (item for item in self.points.items() if item[1] > 0), key=lambda item: (-item[1], item[0])
        )
        # The second type of a family may be right where the first type of a rival is not.
        by_family = [list(self._types(family)) for family, _ in families]
        texts = [text for types in by_family[:1] for text in types[:2]]
        texts += [text for types in by_family[1:] for text in types[:1]]
        texts += [text for types in by_family for text in types]
        return [parse_type(text) for text in dict.fromkeys(texts)][:most]

    def _types(self, family: str) -> Iterator[str]:
        inner = self.inner.ranked(2) if self.inner is not None else []
        if family == "list":
            yield from (f"list[{kind}]" for kind in [*inner, "int", "str"])
        elif family == "map":
            yield from (f"map[str, {kind}]" for kind in [*inner, "int", "str"])
            yield "map[int, int]"
        else:
            yield from _TYPES[family]


def add_name(name: str, points: Counter[str]) -> None:
    """Points from the parameter's name; `maxSize` counts as `max_size`."""
    plain = re.sub(r"(?<=[a-z0-9])(?=[A-Z])", "_", name).lower().strip("_$")
    for pattern, family in _NAMES:
        if re.fullmatch(pattern, plain):
            points[family] += 3


_WORDS: Final = (
    (
        r"(list|array|sequence|iterable)s? of (list|array|row)s?|matrix"
        r"|(2d|2-d|two.dimensional) (list|array)",
        "matrix",
    ),
    (r"(list|array|sequence|iterable|collection)s? of (str|text|word)\w*", "strings"),
    (r"(list|array|sequence|iterable|collection|tuple|vector|number\[\])\b.*", "list"),
    (r"(positive |non-negative |nonnegative |natural )?(int|integer|natural number|whole number)\b.*", "int"),
    (r"(float|double|real)\b.*", "float"),
    (r"(number|numeric)\b.*", "number"),
    (r"(str|string|text|char|character)\b.*", "str"),
    (r"(bool|boolean)\b.*", "bool"),
    (r"(dict|dictionary|mapping|map|object)\b.*", "map"),
)


def add_words(text: str, points: Counter[str]) -> None:
    """Points from a type in words, as documentation states it: `list of int`, `string`."""
    plain = re.sub(r"^(an?|the|optional)\s+|[`*:]", "", text.strip().lower())[:80]
    for pattern, family in _WORDS:
        if re.match(rf"(?:{pattern})", plain):
            points[family] += 7
            return


def best_first(choices: Sequence[Sequence[ValueType]], limit: int = MAX_CANDIDATES) -> list[Signature]:
    """Signatures of all combinations, ordered by the sum of their choices' ranks; the result is `any`."""
    ranked = sorted(
        product(*(enumerate(options[:4]) for options in choices)),
        key=lambda combination: sum(rank for rank, _ in combination),
    )
    return [Signature(tuple(kind for _, kind in one), ANY) for one in islice(ranked, limit)]
