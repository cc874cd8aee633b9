"""Functions of Python, JavaScript and TypeScript as real trees have them: what they become, and why others
are refused."""

from pathlib import Path

import pytest

from synth.filters.protocol import Reject
from synth.languages.registry import get_language
from synth.records import FunctionContract, Reference
from tests.languages.conftest import ReferSeed
from tests.languages.toolchains import need
from tests.seeds.trees import cut

PYTHON = {
    "maths/gcd.py": "def gcd(a: int, b: int) -> int:\n    return abs(a) if b == 0 else gcd(b, a % b)\n",
    "shapes.py": """
import sys
from dataclasses import dataclass
from typing import TYPE_CHECKING, TypeVar

from maths.gcd import gcd as divisor

if TYPE_CHECKING:
    from elsewhere import Missing

try:
    from math import prod
except ImportError:
    prod = None

T = TypeVar("T")
Point = tuple[int, int]
SQUARES = []
for number in range(5):
    SQUARES.append(number * number)


@dataclass
class Fraction:
    over: int
    under: int

    def lowest(self) -> str:
        by = divisor(self.over, self.under) or 1
        return f"{self.over // by}/{self.under // by}"

    def __add__(self, other: "Fraction") -> str:
        top = self.over * other.under + other.over * self.under
        return Fraction(top, self.under * other.under).lowest()

    def stored(self, path: str) -> str:
        return open(path).read()


def area(sides: list[int]) -> int:
    return prod(sides) + SQUARES[2]


def moved(point: Point, by: int = 1) -> Point:
    x, y = point
    return x + by, y - by


def swap_ends(items):
    if len(items) > 1:
        items[0], items[-1] = items[-1], items[0]


def countdown(n):
    while n > 0:
        yield n
        n -= 2


def applied(function, values):
    return [function(value) for value in values]


def total(*numbers):
    return sum(numbers) * len(numbers)


def windows(text, size):
    return [text[at : at + size] for at in range(0, len(text), size)]


def lucky(n: int) -> int:
    import random
    return random.randint(0, n)


def deep(n: int, limit: int = sys.maxsize) -> int:
    squared = n * n
    return squared if squared < limit else limit
""",
    "objects.py": """
from __future__ import annotations

from collections.abc import Iterator
from typing import NamedTuple


class Stack:
    def __init__(self):
        self.items = []

    def push(self, item: int) -> None:
        self.items.append(item)

    def pop(self) -> int:
        item = self.items.pop()
        return item * 2

    def __hash__(self) -> int:
        whole = tuple(self.items)
        return hash(whole) + 1

    def __len__(self) -> int:
        count = len(self.items)
        return count


class Item:
    def __init__(self, value: int, next_item: Item | None = None) -> None:
        self.value, self.next_item = value, next_item


class Knot:
    def __init__(self, value: int) -> None:
        self.value = value
        self.left: Knot | None = None
        self.right: Knot | None = None


class Named:
    def __init__(self, name: str, parent: Named | None) -> None:
        self.name, self.parent = name, parent

    def __repr__(self) -> str:
        return f"Named({self.name!r})"

    def shouted(self) -> str:
        return self.name.upper() + "!" * (self.parent is None)

    def child(self, name: str) -> Named:
        return Named(self.name + "." + name, self)


class Point(NamedTuple):
    x: int
    y: int


def largest(head: Item | None) -> int | None:
    found = None
    while head is not None:
        found = head.value if found is None else max(found, head.value)
        head = head.next_item
    return found


def depth(root: Knot | None) -> int:
    return 0 if root is None else 1 + max(depth(root.left), depth(root.right))


def shared(words: set[str], others: set[str]) -> set[str]:
    return words & others


def turned(data: bytes) -> bytes:
    return data[::-1]


def corner(width: int, height: int) -> Point:
    return Point(width - 1, height - 1)


def halves(n: int) -> Iterator[int]:
    return (n // by for by in range(1, 5))


def product_of_digits(text: str) -> int:
    found = 1
    for digit in text:
        found *= int(digit) + 1
    return found


def spread(box):
    return box.width * 2 + box.height


def in_bytes(text: str, codec: str = "utf-8") -> int:
    return len(text.encode(codec)) + 1


def sort_part(items: list[int], start: int | None = None, end: int | None = None) -> None:
    items[start:end] = sorted(items[start:end])
""",
    "__init__.py": "",
    "wire.py": """
LIMIT = 7


class Reader:
    def __init__(self, text: str) -> None:
        self.text = text

    def first(self) -> str:
        return self.text[:LIMIT]
""",
    "users.py": """
from . import wire
import maths.gcd
import maths.gcd as divisors


def cut_first(text: str) -> str:
    return wire.Reader(text).first() + "!" * wire.LIMIT


def common(a: int, b: int) -> int:
    return maths.gcd.gcd(a, b) + divisors.gcd(b, a)


def passed_on(a: int) -> list[str]:
    return dir(wire) + [str(wire.LIMIT)] * a
""",
    "newer.py": """
class Box[T]:
    def __init__(self, content: T) -> None:
        self.content = content

    def shown(self, times: int) -> str:
        return f"[{self.content}]" * times


def number(text: str) -> int:
    try:
        return int(text)
    except TypeError, ValueError:
        return -1
""",
}
JAVASCRIPT = {
    "lib/check.js": "export const isNumber = (value) => typeof value === 'number'\n",
    "shapes.js": """
import { isNumber as numeric } from './lib/check.js'
import fs from 'fs'

const LIMIT = 3

/**
 * The share of each weight.
 * @param {number[]} weights the weights
 * @returns {number[]} their shares
 */
export const shares = (weights) => {
  const all = weights.reduce((a, b) => a + b, 0)
  return weights.map((weight) => (numeric(weight) && all ? weight / all : LIMIT))
}

function reversed (text) {
  return text.split('').reverse().join('')
}

function swapEnds (items) {
  if (items.length < 2) return
  const held = items[0]
  items[0] = items[items.length - 1]
  items[items.length - 1] = held
}

function * countdown (n = 3) {
  while (n > 0) yield n--
}

const letters = (word, start = 0) => new Set(word.slice(start))

class Stack {
  #items = []

  constructor (items) {
    this.items = items
  }

  delete (at) {
    return this.items.filter((one, index) => index !== at % 3)
  }

  save (path) {
    return fs.writeFileSync(path, String(this.items))
  }
}

function total (...numbers) {
  return numbers.reduce((a, b) => a + b, LIMIT)
}

async function later (n) {
  return n + 1
}

export { reversed as default, Stack }
""",
}
TYPESCRIPT = {
    "list.ts": """
export interface Ordered<T> { values (): T[] }
export class Bag<T> implements Ordered<T> {
  constructor (private items: T[], private readonly size: number = 3) {}
  values (): T[] { return this.items.slice(0, this.size) }
  has (item: T): boolean { return this.values().includes(item) }
}
""",
    "shapes.ts": """
import { Bag } from './list'

type Grid = number[][]
enum Mode { Up = 1, Down = -1 }

/** Whether the first half holds a value. */
export default function held(items: string[], item: string): boolean {
  return new Bag<string>(items).has(item)
}

export const turned = (grid: Grid, mode?: number): Grid =>
  grid.map((row) => [...row].reverse().map((cell) => cell * (mode ?? Mode.Down)))

export function counted(words: Set<string>, weights: Map<string, number>): Record<string, number> {
  const found: Record<string, number> = {}
  for (const word of words) found[word] = weights.get(word) ?? word.length / 2
  return found
}

export function shown(element: HTMLElement, name: string): string {
  return element.tagName + name
}
""",
}
CALLED = [
    ("python", "Fraction.lowest", "(int, int) -> str"),
    ("python", "Fraction.__add__", "(int, int, int, int) -> str"),
    ("python", "area", "(list[int]) -> int"),
    ("python", "moved", "(tuple[int, int], int) -> tuple[int, int]"),
    ("python", "swap_ends", "(list[int]) -> list[int]"),
    ("python", "countdown", "(int) -> list[int]"),
    ("python", "applied", "(list[int]) -> list[int]"),
    ("python", "total", "(list[int]) -> int"),
    ("python", "windows", "(str, int) -> list[str]"),
    ("python", "deep", "(int, int) -> int"),
    ("python", "Stack.pop", "(list[int]) -> int"),
    ("python", "Stack.__len__", "(list[int]) -> int"),
    ("python", "Named.shouted", "(str) -> str"),
    ("python", "Named.child", "(str, str) -> str"),
    ("python", "largest", "(list[int]) -> optional[int]"),
    ("python", "depth", "(list[int]) -> int"),
    ("python", "shared", "(list[str], list[str]) -> list[str]"),
    ("python", "turned", "(str) -> list[int]"),
    ("python", "corner", "(int, int) -> tuple[int, int]"),
    ("python", "halves", "(int) -> list[int]"),
    ("python", "sort_part", "(list[int], int, int) -> list[int]"),
    ("python", "product_of_digits", "(str) -> int"),
    ("python", "spread", "(int, int) -> int"),
    ("python", "in_bytes", "(str) -> int"),
    ("python", "Box.shown", "(int, int) -> str"),
    ("python", "number", "(str) -> int"),
    ("python", "cut_first", "(str) -> str"),
    ("python", "common", "(int, int) -> int"),
    ("javascript", "shares", "(list[int]) -> list[float]"),
    ("javascript", "reversed", "(str) -> str"),
    ("javascript", "swapEnds", "(list[int]) -> list[int]"),
    ("javascript", "countdown", "(int) -> list[int]"),
    ("javascript", "letters", "(str, int) -> list[str]"),
    ("javascript", "Stack.delete", "(list[int], int) -> list[int]"),
    ("javascript", "total", "(list[int]) -> int"),
    ("typescript", "held", "(list[str], str) -> bool"),
    ("typescript", "turned", "(list[list[int]], int) -> list[list[int]]"),
    ("typescript", "counted", "(list[str], map[str, int]) -> map[str, float]"),
    ("typescript", "Bag.has", "(list[int], int, int) -> bool"),
]
REFUSED = [
    ("python", "stored", "impure", "open"),
    ("python", "lucky", "impure", "random"),
    ("python", "__hash__", "impure", "hash"),
    ("python", "passed_on", "not_self_contained", "wire"),
    ("javascript", "save", "impure", "fs"),
    ("javascript", "later", "no_signature", "gives its result later"),
    ("typescript", "shown", "not_self_contained", "HTMLElement"),
]
TREES = {"python": PYTHON, "javascript": JAVASCRIPT, "typescript": TYPESCRIPT}


@pytest.mark.parametrize(("language", "name", "signature"), CALLED)
def test_a_real_function_becomes_a_reference_in_shared_types(
    language: str, name: str, signature: str, tmp_path: Path, refer_seed: ReferSeed
) -> None:
    need(language)
    found = refer_seed(cut(tmp_path, TREES[language], language)[name])
    assert isinstance(found, Reference), found
    assert isinstance(found.contract, FunctionContract)
    assert found.contract.signature == signature
    assert len(found.cases) >= 4
    assert len({case.expected for case in found.cases}) > 1


@pytest.mark.parametrize(("language", "name", "reason", "words"), REFUSED)
def test_what_cannot_be_called_is_refused_with_words(
    language: str, name: str, reason: str, words: str, tmp_path: Path, refer_seed: ReferSeed
) -> None:
    need(language)
    found = refer_seed(cut(tmp_path, TREES[language], language)[name])
    assert isinstance(found, Reject), found
    assert found.reason == reason
    assert words in str(found.evidence)


def test_a_set_is_made_a_list_only_where_the_program_knows_sets() -> None:
    adapt = get_language("javascript").adapt
    assert adapt is not None
    box = "class Box {\n  constructor(n) { this.n = n }\n  grow(by) { return this.n * 2 + by }\n}\n"
    (plain,) = adapt(box, "Box.grow")
    assert plain.code.removeprefix(box.rstrip()).strip() == (
        f"function {plain.entry_point}(n, by) {{\n  return new Box(n).grow(by)\n}}"
    )
    (listed,) = adapt("function letters(text) { return new Set(text) }\n", "letters")
    assert "instanceof Set ? [...result] : result" in listed.code
