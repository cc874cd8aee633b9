"""Where the search for inputs looks: what can be drawn for a contract, and what lies near a known input.

Place in the flow: the search (`stages/strengthen.py`) gets its rows here, whatever the kind of the contract.
The one rule: a row has the form that the reference is known to read: typed arguments of its domains, calls in
turn with values like those known, lines of the shape that was found for the program.
"""

import re
from collections import defaultdict
from collections.abc import Sequence
from random import Random
from typing import Final, Protocol

from synth.languages.classes import ClassShape
from synth.languages.registry import normalize_language
from synth.records import ClassContract, Contract, FunctionContract, Reference, StdioContract
from synth.rules.agreement import means_the_same
from synth.rules.code_words import CodeWords, read_code_words
from synth.rules.domains import draw_gently, draw_in_domains, in_domains, read_domains
from synth.rules.input_edits import InputEditor, Row
from synth.rules.preconditions import Preconditions
from synth.rules.stdin_drawing import read_shape
from synth.values import Value, ValueType, decode, encode, parse_signature

MOST_CALLS: Final = 14
_WHOLE: Final = re.compile(r"-?\d+")


class InputSpace(Protocol):
    """Rows of one reference. Deterministic by its random generator."""

    runs_alone: bool
    """Whether each row costs a process of its own."""

    def draw(self, count: int) -> list[Row]:
        """Up to so many rows, each once."""
        ...

    def edit(self, row: Row, other: Row) -> Row | None:
        """A row near the first one, with parts of the other; None if there is none."""
        ...

    def is_portable(self, wires: Sequence[str]) -> bool:
        """Whether arguments or results mean the same in every language."""
        ...


def find_space(
    reference: Reference, demands: Preconditions, known: Sequence[Row], random: Random
) -> InputSpace:
    """The space of a reference; `known` are rows that it has answered."""
    contract, name = reference.contract, normalize_language(reference.language)
    words = read_code_words(reference.code, name, _names(contract))
    if isinstance(contract, FunctionContract):
        return _FunctionSpace(reference, contract, demands, words, random)
    if isinstance(contract, ClassContract):
        return _ClassSpace(contract, known, words, random)
    return _TextSpace(reference, known, words, random)


def _names(contract: Contract) -> tuple[str, ...]:
    return contract.parameter_names if isinstance(contract, FunctionContract) else ()


class _FunctionSpace:
    runs_alone = False

    def __init__(
        self,
        reference: Reference,
        contract: FunctionContract,
        demands: Preconditions,
        words: CodeWords,
        random: Random,
    ) -> None:
        self._signature, self._domains = parse_signature(contract.signature), read_domains(reference.domains)
        self._is_gentle, self._demands = reference.gentle, demands
        self._words, self._random = words, random
        self._editor = InputEditor(self._signature, words, random)

    def draw(self, count: int) -> list[Row]:
        words = self._words
        themes = self._random.sample(words.themes, min(20, len(words.themes)))
        draw = draw_gently if self._is_gentle else draw_in_domains
        hints = (*words.numbers, *words.texts, *themes)
        drawn = draw(self._signature, self._domains, count, self._random, hints)
        return list(dict.fromkeys([*drawn, *self._demands.keep(drawn)]))

    def edit(self, row: Row, other: Row) -> Row | None:
        child = self._editor.edit(row, other)
        return child if in_domains(child, self._domains) else None

    def is_portable(self, wires: Sequence[str]) -> bool:
        return all(means_the_same(decode(wire)) for wire in wires)


class _ClassSpace:
    """Calls in turn. Values are those of known calls, small numbers and words of the code, so that they stay
    in the domains of the methods, and equal ones meet."""

    runs_alone = False

    def __init__(
        self, contract: ClassContract, known: Sequence[Row], words: CodeWords, random: Random
    ) -> None:
        self._shape, self._random = ClassShape.of(contract), random
        self._made = list(dict.fromkeys(row[:-1] for row in known)) or [()]
        self._values: defaultdict[ValueType, list[Value]] = defaultdict(list)
        for row in known:
            for number, *slots in _calls(row):
                method = self._shape.methods[number]
                for kind, slot in zip(method.signature.parameters, method.slots, strict=True):
                    self._values[kind].append(slots[slot - 1])
        self._values[ValueType("int")] += [
            *range(13),
            *(one for one in words.numbers if isinstance(one, int) and 0 <= one < 10_000),
        ]
        self._values[ValueType("str")] += words.texts
        self._callable = [
            number
            for number, method in enumerate(self._shape.methods)
            if all(self._values[kind] for kind in method.signature.parameters)
        ]

    def draw(self, count: int) -> list[Row]:
        rows: dict[Row, None] = {}
        for _ in range(count if self._callable else 0):
            calls = [self._call() for _ in range(self._random.randint(1, MOST_CALLS))]
            rows.setdefault((*self._random.choice(self._made), encode(list(calls))))
        return list(rows)

    def edit(self, row: Row, other: Row) -> Row | None:
        random, calls = self._random, _calls(row)
        if not self._callable:
            return None
        at = random.randrange(len(calls) + 1)
        chance = random.random()
        if chance < 0.3 or not calls:
            calls[at:at] = [self._call()]
        elif chance < 0.45:
            calls[at : at + 1] = []
        elif chance < 0.6:
            calls[at:at] = calls[:at][-2:]
        elif chance < 0.8:
            calls[at:] = _calls(other)[-random.randint(1, 4) :]
        else:
            calls[at : at + 1] = [self._call(calls[at][0])] if at < len(calls) else [self._call()]
        made = row[:-1] if random.random() < 0.9 else random.choice(self._made)
        wire: list[Value] = list(calls[:MOST_CALLS])
        return (*made, encode(wire)) if wire else None

    def _call(self, number: int | None = None) -> tuple[int, *tuple[Value, ...]]:
        number = self._random.choice(self._callable) if number is None else number
        kinds = self._shape.methods[number].signature.parameters
        values = [self._random.choice(self._values[kind]) for kind in kinds]
        (laid,) = self._shape.lay_out([(number, values)])
        assert isinstance(laid, tuple)
        return (number, *laid[1:])

    def is_portable(self, wires: Sequence[str]) -> bool:
        return all(means_the_same(decode(wire)) for wire in wires)


def _calls(row: Row) -> list[tuple[int, *tuple[Value, ...]]]:
    """The calls of a row: the number of the method, and its slots."""
    found: list[tuple[int, *tuple[Value, ...]]] = []
    calls = decode(row[-1])
    assert isinstance(calls, list), "the last argument of a row holds the calls"
    for call in calls:
        assert isinstance(call, tuple) and isinstance(call[0], int), "a call is a number and slots"
        found.append((call[0], *call[1:]))
    return found


class _TextSpace:
    """Texts for stdin. Where each line of the shape is drawn for itself, lines change places between texts
    and their numbers become those of the code; where a line counts others, texts are only drawn."""

    runs_alone = True

    def __init__(self, reference: Reference, known: Sequence[Row], words: CodeWords, random: Random) -> None:
        found = read_shape(reference.domains)
        self._shape = found[0] if found else None
        self._dropped = found[1] if found else 0
        self._random = random
        self._words = tuple(text for text in words.texts if text.isascii() and text.isalnum())
        self._numbers = [one for one in words.numbers if isinstance(one, int) and one < 1_000_000]
        tokens = [token for (text,) in known for token in text.split()]
        self._least = 1 if all(int(one) > 0 for one in tokens if _WHOLE.fullmatch(one)) else -1_000_000

    def draw(self, count: int) -> list[Row]:
        if self._shape is None:
            return []
        drawn = (self._shape.draw(self._random, self._words, self._dropped) for _ in range(count))
        return list(dict.fromkeys((text,) for text in drawn))

    def edit(self, row: Row, other: Row) -> Row | None:
        if self._shape is None or self._shape.whole is not None:
            return None
        lines, others = row[0].splitlines(), other[0].splitlines()
        if not lines:
            return None
        at = self._random.randrange(len(lines))
        if len(others) == len(lines) and self._random.random() < 0.4:
            lines[at] = others[at]
        else:
            lines[at] = self._changed(lines[at])
        return ("".join(f"{line}\n" for line in lines),)

    def _changed(self, line: str) -> str:
        """The line with another number in it: one beside it, one of the code, or one that stands there."""
        spots = list(re.finditer(r"(?<![\w.-])-?\d+(?![\w.])", line))
        if not spots:
            return line
        random, spot = self._random, self._random.choice(spots)
        near = [int(spot[0]) + step for step in (-1, 1)]
        known = [number + step for number in self._numbers for step in (-1, 0, 1)]
        same = [int(one[0]) for one in spots]
        number = random.choice(random.choice([some for some in (near, known, same) if some]))
        return f"{line[: spot.start()]}{max(self._least, number)}{line[spot.end() :]}"

    def is_portable(self, wires: Sequence[str]) -> bool:
        return all(text.isascii() for text in wires)


def is_text(contract: Contract) -> bool:
    """Whether its rows are texts for stdin, not values."""
    return isinstance(contract, StdioContract)
