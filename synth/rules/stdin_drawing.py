"""Texts for the stdin of programs that a person wrote: the usual shapes of input, drawn at random.

Place in the flow: a program's own run tells which shape it reads (`program_trials.py`); this module knows no
program. The one rule: the last lines of a shape can be left off if a program does not read them, and the same
random generator gives the same texts.
"""

import re
from collections.abc import Callable, Sequence
from random import Random
from typing import Final, NamedTuple

Line = Callable[[Random, Sequence[str]], str]
"""(random generator, words that matter to the program) -> one line."""

_WORDS: Final = (
    "level", "apple", "Hello", "noon", "code", "abc", "aab", "listen", "silent", "World", "mill", "kayak",
    "banana", "zebra",
)  # fmt: skip
_PHRASES: Final = ("the quick brown fox", "Hello World", "a man a plan", "one two two three", "abc def")
_SMALL, _LARGE = 12, 200
_TAIL = 7
"""Lines of one kind at the end of a shape; a program seldom asks for more."""


class StdinShape(NamedTuple):
    """A usual form of input: fixed lines, or a text that is drawn as a whole."""

    name: str
    lines: tuple[Line, ...] = ()
    whole: Callable[[Random, Sequence[str]], list[str]] | None = None
    """For a form in which one line says how many follow."""
    tail: int = 0
    """Of a form that is drawn as a whole: its last lines that a program need not read."""
    signs: str = ""
    """A pattern that stands in programs which may read this form."""

    @property
    def most_dropped(self) -> int:
        """How many of its last lines can be left off."""
        return self.tail if self.whole is not None else len(self.lines) - 1

    def draw(self, random: Random, words: Sequence[str], dropped: int = 0) -> str:
        """One text without its last `dropped` lines."""
        if self.whole is not None:
            lines = self.whole(random, words)
        else:
            lines = [line(random, words) for line in self.lines]
        return "".join(f"{line}\n" for line in lines[: len(lines) - dropped])


def _natural(random: Random) -> int:
    return random.randint(1, _SMALL) if random.random() < 0.8 else random.randint(_SMALL, _LARGE)


def _integer(random: Random) -> int:
    return random.randint(-20, 40) if random.random() < 0.85 else random.randint(-_LARGE, _LARGE)


def _small(random: Random, words: Sequence[str]) -> str:
    return str(_natural(random))


def _any_integer(random: Random, words: Sequence[str]) -> str:
    return str(_integer(random))


def _float(random: Random, words: Sequence[str]) -> str:
    return str(round(random.uniform(0.5, 30), 2) if random.random() < 0.7 else float(_natural(random)))


def _word(random: Random, words: Sequence[str]) -> str:
    if words and random.random() < 0.25:
        return random.choice(words)
    if random.random() < 0.3:
        return "".join(random.choice("abcde") for _ in range(random.randint(1, 8)))
    return random.choice(_WORDS)


def _phrase(random: Random, words: Sequence[str]) -> str:
    if random.random() < 0.5:
        return random.choice(_PHRASES)
    return " ".join(_word(random, words) for _ in range(random.randint(1, 5)))


def _binary(random: Random, words: Sequence[str]) -> str:
    return "".join(random.choice("01") for _ in range(random.randint(1, 8)))


def _row(between: str, size: tuple[int, int] = (1, 8)) -> Line:
    def line(random: Random, words: Sequence[str]) -> str:
        return between.join(str(_integer(random)) for _ in range(random.randint(*size)))

    return line


def _naturals(size: int) -> Line:
    return lambda random, words: " ".join(str(_natural(random)) for _ in range(size))


def _pair_of_words(random: Random, words: Sequence[str]) -> str:
    return f"{_word(random, words)} {_word(random, words)}"


def _counted(random: Random, words: Sequence[str]) -> list[str]:
    """A count, so many integers on one line, and a few integers more."""
    count = random.randint(1, 7)
    return [str(count), " ".join(str(_integer(random)) for _ in range(count)), *_some(random, words)]


def _counted_lines(random: Random, words: Sequence[str]) -> list[str]:
    """A count, so many integers on lines of their own, and a few integers more."""
    count = random.randint(1, 7)
    return [str(count), *(str(_integer(random)) for _ in range(count)), *_some(random, words)]


def _counted_words(random: Random, words: Sequence[str]) -> list[str]:
    count = random.randint(1, 5)
    return [str(count), *(_word(random, words) for _ in range(count))]


def _counted_pairs(random: Random, words: Sequence[str]) -> list[str]:
    count = random.randint(1, 5)
    return [str(count), *(f"{_natural(random)} {_natural(random)}" for _ in range(count))]


def _some(random: Random, words: Sequence[str]) -> list[str]:
    return [str(random.randint(1, 9)) for _ in range(3)]


def _matrix(head: int, count: int) -> Callable[[Random, Sequence[str]], list[str]]:
    """The size, once or twice, and the rows of so many square matrices."""

    def whole(random: Random, words: Sequence[str]) -> list[str]:
        size = random.randint(1, 3)
        rows = [" ".join(str(_natural(random)) for _ in range(size)) for _ in range(count * size)]
        return [" ".join([str(size)] * head), *rows]

    return whole


def _graph(weight: bool, apart: bool, first: int) -> Callable[[Random, Sequence[str]], list[str]]:
    """Nodes, edges, and each edge on a line; `apart` puts the two numbers on lines of their own."""

    def whole(random: Random, words: Sequence[str]) -> list[str]:
        nodes, edges = random.randint(2, 5), random.randint(1, 6)
        head = [str(nodes), str(edges)] if apart else [f"{nodes} {edges}"]
        last = nodes - 1 + first
        ends = [[random.randint(first, last), random.randint(first, last)] for _ in range(edges)]
        rows = [" ".join(map(str, [*end, random.randint(1, 9)] if weight else end)) for end in ends]
        return [*head, *rows, str(random.randint(first, last)), str(random.randint(first, last))]

    return whole


_NUMBERS: Final = r"\bint\b|\blong\b|\bunsigned\b|Int|Long|Atoi|parse|Number|\bint\("
_REALS: Final = r"\bfloat\b|\bdouble\b|Float|Double|Decimal"
_GRAPHS: Final = r"edge|graph|vert|node"
_MATRICES: Final = r"matri|\brows?\b|\bcols?\b|column|grid"
_COMMAS: Final = r"""[\"'],\s?[\"']"""
_LISTS: Final = r"split|\[|array|vector|list"

SHAPES: Final = (
    StdinShape("integers with commas, then integers", (_row(","), *(_any_integer,) * 3), signs=_COMMAS),
    StdinShape("a graph", whole=_graph(weight=False, apart=False, first=1), tail=2, signs=_GRAPHS),
    StdinShape(
        "a graph with weights", whole=_graph(weight=True, apart=False, first=0), tail=2, signs=_GRAPHS
    ),
    StdinShape("a graph, sizes apart", whole=_graph(weight=True, apart=True, first=0), tail=2, signs=_GRAPHS),
    StdinShape("two sizes and rows", whole=_matrix(2, 1), signs=_MATRICES),
    StdinShape("two sizes and rows twice", whole=_matrix(2, 2), signs=_MATRICES),
    StdinShape("a size and rows", whole=_matrix(1, 1), signs=_MATRICES),
    StdinShape("a size and rows twice", whole=_matrix(1, 2), signs=_MATRICES),
    StdinShape("a count and integers on a line", whole=_counted, tail=3, signs=_LISTS),
    StdinShape("a count and integers on lines", whole=_counted_lines, tail=3, signs=_LISTS),
    StdinShape("a count and pairs", whole=_counted_pairs, signs=_LISTS),
    StdinShape("a count and words", whole=_counted_words, signs=r"str|String|char"),
    StdinShape(
        "two lines of integers", (_row(" ", (3, 3)), _row(" ", (3, 3)), *(_small,) * 2), signs="split"
    ),
    StdinShape("triples of integers", (_naturals(3),) * _TAIL, signs="split"),
    StdinShape("pairs of integers", (_naturals(2),) * _TAIL, signs="split"),
    StdinShape("integers with spaces, then integers", (_row(" "), *(_any_integer,) * 3), signs="split"),
    StdinShape("a word, then integers", (_word, *(_small,) * 4), signs=_NUMBERS),
    StdinShape("an integer, then words", (_small, *(_word,) * 4), signs=_NUMBERS),
    StdinShape("binary numbers on lines", (_binary,) * _TAIL, signs=r"binary|\bbits?\b"),
    StdinShape("integers on lines", (_small,) * _TAIL, signs=_NUMBERS),
    StdinShape("floats on lines", (_float,) * _TAIL, signs=_REALS),
    StdinShape("words with spaces, then words", (_pair_of_words, *(_word,) * 4), signs="split"),
    StdinShape("words on lines", (_word,) * _TAIL),
    StdinShape("texts on lines", (_phrase,) * _TAIL, signs=r"split|sentence|text|getline|nextLine|message"),
)
"""The usual shapes, the narrower first: of two that a program reads as well, the first is taken of which it
reads every value."""


def likely_shapes(code: str) -> tuple[StdinShape, ...]:
    """The shapes whose signs stand in the program, in order."""
    return tuple(shape for shape in SHAPES if re.search(shape.signs, code, re.IGNORECASE))


def write_shape(shape: StdinShape, dropped: int) -> str:
    """A shape without its last lines, as the reference of a program holds it."""
    return f"stdin {dropped} {shape.name}"


def read_shape(text: str) -> tuple[StdinShape, int] | None:
    """A shape, and how many of its last lines are left off; None for another text."""
    found = re.fullmatch(r"stdin (\d+) (.+)", text)
    shape = next((one for one in SHAPES if found and one.name == found[2]), None)
    return (shape, int(found[1])) if found and shape else None
