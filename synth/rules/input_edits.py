"""Small edits of inputs: the neighbours of a row that already did something, one or two slips away.

Place in the flow: the search for strong inputs drifts from known rows to new behaviour through them. The one
rule: a row keeps the types of its signature, and numbers stay near those that are known, since large ones
make loops long and mean other things in other languages.
"""

from collections.abc import Sequence
from random import Random
from typing import Final

from synth.rules.code_words import CodeWords
from synth.rules.input_drawing import draw_inputs
from synth.values import Signature, Value, ValueType, decode, encode, matches

Row = tuple[str, ...]
"""Arguments as wire texts."""

_USUAL_INT: Final = 10_000
_EXACT: Final = 1 << 53
_LONGEST_TEXT: Final = 200
_LONGEST_LIST: Final = 24
_LETTERS: Final = "abzAZ019 _-.,:/\n\té"


class InputEditor:
    """Makes rows from rows of one signature."""

    def __init__(self, signature: Signature, words: CodeWords, random: Random) -> None:
        self._signature, self._words, self._random = signature, words, random
        known = (abs(number) for number in words.numbers if isinstance(number, int))
        self._largest = min(_EXACT, max([_USUAL_INT, *(4 * number for number in known)]))
        self._texts = (*words.texts, *words.texts, *words.themes) or ("a",)

    def edit(self, row: Row, other: Row) -> Row:
        """The row after one edit or a few; `other` is one to take parts from."""
        random, kinds = self._random, self._signature.parameters
        if not kinds:
            return row
        values = [decode(text) for text in row]
        spare = [decode(text) for text in other]
        for _ in range(random.choice((1, 1, 1, 2, 2, 4))):
            at = random.randrange(len(kinds))
            chance = random.random()
            if chance < 0.12 and len(spare) == len(values):
                values[at] = spare[at]
            elif chance < 0.25:
                values[at] = self._related(values, at)
            else:
                values[at] = self._edited(values[at], kinds[at], spare[at] if len(spare) > at else None)
        if not all(map(matches, values, kinds)):
            return row
        return tuple(map(encode, values))

    def _related(self, values: Sequence[Value], at: int) -> Value:
        """A value that equals, measures or holds a part of another argument: what comparisons ask about."""
        random, value = self._random, values[at]
        other = random.choice([*_parts(list(values[:at]) + list(values[at + 1 :])), value])
        if type(value) is int and isinstance(other, str | list | dict):
            return len(other) + random.choice((-1, 0, 0, 1))
        if type(value) is int and type(other) is int:
            return other + random.choice((-1, 0, 0, 1))
        if isinstance(value, str) and isinstance(other, str) and other:
            start = random.randrange(len(other))
            return random.choice((other, other[start : start + 3], value + other))[:_LONGEST_TEXT]
        if isinstance(value, list) and value and isinstance(other, int | float | str):
            return [*value, other][:_LONGEST_LIST]
        return other if type(other) is type(value) and not isinstance(value, list | dict | tuple) else value

    def _edited(self, value: Value, kind: ValueType, spare: Value) -> Value:
        if isinstance(value, bool):
            return not value
        if isinstance(value, int):
            return self._edited_int(value)
        if isinstance(value, float):
            return self._edited_float(value)
        if isinstance(value, str):
            return self._edited_text(value, spare)
        if isinstance(value, list):
            return self._edited_list(value, kind, spare)
        if isinstance(value, dict):
            return self._edited_map(value, kind)
        if isinstance(value, tuple) and value:
            at = self._random.randrange(len(value))
            inner = kind.inner[at] if at < len(kind.inner) else kind
            return (*value[:at], self._edited(value[at], inner, None), *value[at + 1 :])
        return self._drawn(kind)

    def _edited_int(self, value: int) -> int:
        random = self._random
        numbers = [number for number in self._words.numbers if isinstance(number, int)]
        near = random.choice(numbers) + random.choice((-1, 0, 0, 1)) if numbers else random.randint(-3, 12)
        drift = value + random.choice((-10, -3, -2, -1, -1, 1, 1, 2, 3, 10))
        new = random.choice((drift, drift, near, near, -value, value * 2, value // 2, 0, value * 10 + 7))
        return new if abs(new) < self._largest else value

    def _edited_float(self, value: float) -> float:
        random = self._random
        near = float(random.choice(self._words.numbers)) if self._words.numbers else 0.0
        steps = (value + 1, value - 1, value + 0.5, value - 0.01, -value, near, near + 0.5, 0.0, value * 10)
        new = random.choice((*steps, float(round(value)) if abs(value) < 1e15 else value, value / 3))
        return round(new, 6)

    def _edited_text(self, text: str, spare: Value) -> str:
        """One of the usual slips in a text: a word of the program put in, a part lost, doubled or moved, the
        case, a number in it."""
        random = self._random
        start = random.randint(0, len(text))
        end = min(len(text), start + random.choice((1, 1, 1, 2, 3, 6)))
        word = random.choice(self._texts)
        letter = random.choice(_LETTERS)
        part = text[start:end]
        choices = (
            text[:start] + word + text[start:],
            text[:start] + word + text[end:],
            word,
            word,
            text[:start] + text[end:],
            text[:start] + letter + text[start:],
            text[:start] + letter + text[end:],
            text[:end] + part + text[end:],
            text[:start] + part.swapcase() + text[end:],
            text[:start],
            text[start:],
            text.upper() if random.random() < 0.5 else text.title(),
            text[::-1],
            f"{text}{word}{text}",
            text + (spare if isinstance(spare, str) else word),
            text[:start] + "\n" + text[start:],
            f" {text} ",
            self._with_other_number(text),
        )
        return random.choice(choices)[:_LONGEST_TEXT]

    def _with_other_number(self, text: str) -> str:
        digits = [at for at, letter in enumerate(text) if letter in "0123456789"]
        if not digits:
            return text + str(self._random.randint(0, 40))
        at = self._random.choice(digits)
        return text[:at] + str(self._random.choice((0, 1, 9, 10, 31, 100))) + text[at + 1 :]

    def _edited_list(self, items: list[Value], kind: ValueType, spare: Value) -> Value:
        random = self._random
        inner = kind.inner[0] if kind.inner else ValueType("any")
        if not items:
            return [self._drawn(inner) for _ in range(random.randint(1, 4))]
        at, to = random.randrange(len(items)), random.randrange(len(items))
        match random.randrange(11):
            case 0:
                return items[:at] + items[at + 1 :]
            case 1:
                return [*items[:at], items[to], *items[at:]][:_LONGEST_LIST]
            case 2:
                return [*items[:at], self._drawn(inner), *items[at:]][:_LONGEST_LIST]
            case 3:
                moved = list(items)
                moved[at], moved[to] = moved[to], moved[at]
                return moved
            case 4:
                return items[::-1]
            case 5:
                return sorted(items, key=lambda item: (str(type(item)), _orderable(item)))
            case 6 if isinstance(spare, list):
                return [*items[:at], *spare[: random.randint(0, len(spare))]][:_LONGEST_LIST]
            case 7:
                return items[:at]
            case 8:
                return [*items, *items][:_LONGEST_LIST]
            case _:
                changed = self._edited(items[at], inner, items[to])
                return [*items[:at], changed, *items[at + 1 :]]

    def _edited_map(self, entries: dict[Value, Value], kind: ValueType) -> Value:
        random = self._random
        keys, values = kind.inner if len(kind.inner) == 2 else (ValueType("str"), ValueType("any"))
        chance = random.random()
        if not entries or chance < 0.35:
            key = random.choice(self._texts) if keys.kind == "str" else self._drawn(keys)
            return {**entries, key: self._drawn(values)}
        at = random.choice(list(entries))
        if chance < 0.55:
            return {key: value for key, value in entries.items() if key != at}
        return {**entries, at: self._edited(entries[at], values, None)}

    def _drawn(self, kind: ValueType) -> Value:
        """A fresh value of the type, often a word of the program."""
        if kind.kind == "str" and self._random.random() < 0.6:
            return self._random.choice(self._texts)
        rows = draw_inputs(Signature((kind,), kind), 6, self._random, self._words.numbers)
        return decode(self._random.choice(rows)[0])


def _parts(values: Sequence[Value]) -> list[Value]:
    """Values and what they hold, one level deep."""
    found: list[Value] = []
    for value in values:
        found.append(value)
        if isinstance(value, list | tuple):
            found.extend(value[:8])
        elif isinstance(value, dict):
            found.extend(list(value)[:8])
    return found


def _orderable(item: Value) -> str | float:
    return item if isinstance(item, int | float) else str(item)
