"""Classes of real code: cut, called in turn, asked for in other languages, judged."""

from pathlib import Path
from random import Random
from typing import Any

import pytest

from synth.config import InputsConfig, SourceTreeSeedsConfig
from synth.execution.local.sandbox import LocalSandbox
from synth.filters.protocol import Reject
from synth.languages.registry import get_language, normalize_language
from synth.prompts.library import PromptLibrary
from synth.records import ClassContract, Limits, Observation, Seed
from synth.rules.reference_judging import FoundReference
from synth.rules.trials import AnyTrial, begin_trial, continue_trial
from synth.seeds.classes import cut_classes
from synth.seeds.cut import closers
from synth.seeds.protocol import FileRef, SeedRejection, SourceFile
from synth.stages.contract_prompts import render_solve
from synth.values import decode
from tests.builders import Run
from tests.languages.toolchains import need

CONFIG = InputsConfig(drawn=12, minimum=6, maximum=12)
STACK = '''import math


class Stack:
    """A stack with a limit."""

    def __init__(self, limit: int = 4) -> None:
        self.items: list[int] = []
        self.limit = limit

    def push(self, data) -> None:
        if len(self.items) >= self.limit:
            raise OverflowError("the stack is full")
        self.items.append(data)

    def pop(self):
        if not self.items:
            raise IndexError("the stack is empty")
        return self.items.pop()

    def size(self) -> int:
        return len(self.items)

    def itself(self):
        return self

    def show(self) -> None:
        print(self.items)

    def _hidden(self) -> float:
        return math.pi


class Pair:
    def one(self):
        return 1
'''


JAVA_RING = """
package tools;
import java.util.ArrayList;
import java.util.List;

public class Ring<T extends Comparable<T>> {
    private final List<T> held = new ArrayList<>();
    private final int room;

    private Ring() { this(1); }

    public Ring(int room) {
        this.room = room;
    }

    public void add(T item, char mark) {
        if (held.size() >= room) throw new IllegalStateException("the ring is full");
        held.add(item);
    }

    @Override
    public String toString() { return held.toString(); }

    public T largest() { return held.stream().max((a, b) -> a.compareTo(b)).orElse(null); }

    public int[] sizes(List<Integer> more) { return new int[] {held.size(), more.size()}; }

    public int[][] grid(List<List<Integer>> item0) { return new int[][] {{held.size()}, {item0.size()}}; }

    public long turn(int times) {
        long turned = 0;
        for (int i = 0; i != 7 * times; i += 7) turned += i;
        while (times == 9) turned++;
        return turned;
    }

    public Ring<T> itself() { return this; }

    public void show() { System.out.println(held); }

    private int hidden() { return 1; }
}
"""
JAVASCRIPT_BAG = """
const LIMIT = 3
class Bag {
  constructor (name, room = LIMIT) { this.name = name; this.items = []; this.room = room }
  add (item) {
    if (this.items.length >= this.room) throw new RangeError('the bag is full')
    this.items.push(item)
    return this.items.length / 2
  }
  list () { return this.items }
  find (test) { return this.items.find(one => test(one)) }
  show () { console.log(this.items) }
  #secret () { return 1 }
  static of () { return new Bag('x') }
}
module.exports = Bag
"""
TYPESCRIPT_PAIR = """
type Word = string
export class Pairs<K, V> {
  private words: Word[] = []
  constructor(private readonly limit: number) {}
  put(key: K, word: Word): boolean {
    if (this.words.length >= this.limit) return false
    this.words.push(word + String(key))
    return true
  }
  last(): string | undefined { return this.words[this.words.length - 1] }
  private count(): number { return this.words.length }
  get size(): number { return this.words.length }
}
"""


CPP_STACK = """
#include <iostream>
#include <stdexcept>
#include <vector>
namespace tools {
template <class T> class Stack {
    std::vector<T> held;
    int hidden() { return 1; }
 public:
    explicit Stack(int room) { held.reserve(room); }
    ~Stack() {}
    void push(const T &item, char mark) { held.push_back(item); }
    T pop();
    std::vector<std::vector<int>> grid(std::vector<unsigned> sizes) const {
        return {{static_cast<int>(held.size())}, {static_cast<int>(sizes.size())}};
    }
    char first() { return held.size() > 2 ? 'b' : 'a'; }
    void show() { std::cout << held.size(); }
};
template <class T> T Stack<T>::pop() {
    if (held.empty()) throw std::underflow_error("the stack is empty");
    T last = held.back();
    held.pop_back();
    return last;
}
}
"""


def cut(text: str, name: str = "stack.py") -> list[Seed | SeedRejection]:
    language = get_language(normalize_language(Path(name).suffix.removeprefix("."))).name
    file = SourceFile(FileRef("tree", name, name, language), text)
    config = SourceTreeSeedsConfig(kind="source_tree", paths=["."])
    _, close = closers(file, config)
    return list(cut_classes(file, close, max_tokens=512))


def refer(
    seed: Seed, sandbox: LocalSandbox, run: Run[Any], limits: Limits | None = None
) -> FoundReference | Reject:
    random = Random(3)
    found: AnyTrial | FoundReference | Reject = begin_trial(seed, random, random, limits or Limits(), CONFIG)
    while not isinstance(found, FoundReference | Reject):
        seen: list[Observation] = run(sandbox.execute(list(found.to_run)))
        found = continue_trial(found, seen, random, CONFIG)
    return found


def test_a_class_is_cut_with_what_can_be_called_and_a_small_one_is_not() -> None:
    (seed,) = cut(STACK)
    assert isinstance(seed, Seed)
    assert (seed.entry_point, seed.shape) == ("Stack", "class")
    assert "def pop" in seed.code
    assert "def show" not in seed.code


def test_a_class_becomes_a_reference_with_the_methods_that_give_shared_values(
    local_sandbox: LocalSandbox, run: Run[Any]
) -> None:
    (seed,) = cut(STACK)
    assert isinstance(seed, Seed)
    found = refer(seed, local_sandbox, run)
    assert isinstance(found, FoundReference), found
    contract = found.reference.contract
    assert isinstance(contract, ClassContract)
    assert {method.name: method.signature for method in contract.methods} == {
        "push": "(int) -> null",
        "pop": "() -> int",
        "size": "() -> int",
    }
    assert any(case.raises in ("OverflowError", "IndexError") for case in found.reference.cases)
    returning = [case for case in found.reference.cases if not case.raises]
    assert len(returning) >= CONFIG.minimum
    number = {method.name: at for at, method in enumerate(contract.methods)}
    for case in returning:
        calls, results = decode(case.arguments[-1]), decode(case.expected)
        assert isinstance(calls, list)
        assert isinstance(results, list)
        held: list[object] = []
        for call, result in zip(calls, results, strict=True):
            assert isinstance(call, tuple)
            if call[0] == number["push"]:
                held.append(call[1])
                assert result == (0,)
            else:
                assert result == (held.pop() if call[0] == number["pop"] else len(held),)


def test_a_class_that_asks_for_values_that_fit_together_is_tried_on_such(
    local_sandbox: LocalSandbox, run: Run[Any]
) -> None:
    (seed,) = cut(
        "class Table:\n    def __init__(self, keys: list[int], values: list[int]) -> None:\n"
        "        if not keys or len(keys) != len(values):\n            raise ValueError('of two lengths')\n"
        "        self.pairs = dict(zip(keys, values))\n"
        "    def find(self, key: int) -> int | None:\n        return self.pairs.get(key)\n"
        "    def total(self) -> int:\n        return sum(self.pairs.values())\n"
    )
    assert isinstance(seed, Seed)
    found = refer(seed, local_sandbox, run)
    assert isinstance(found, FoundReference), found
    assert found.evidence["methods"] == 2


def test_a_java_class_is_called_with_shared_values_and_an_endless_call_costs_its_sequence(
    local_sandbox: LocalSandbox, run: Run[Any]
) -> None:
    need("java")
    (seed,) = cut(JAVA_RING, "Ring.java")
    assert isinstance(seed, Seed)
    assert "show" not in seed.code
    found = refer(seed, local_sandbox, run, Limits(cpu_s=0.5))
    assert isinstance(found, FoundReference), found
    contract = found.reference.contract
    assert isinstance(contract, ClassContract)
    assert contract.constructor.signature == "(int) -> null"
    assert {method.name: method.signature for method in contract.methods} == {
        "add": "(int, str) -> null",
        "toString": "() -> str",
        "largest": "() -> optional[int]",
        "sizes": "(list[int]) -> list[int]",
        "grid": "(list[list[int]]) -> list[list[int]]",
        "turn": "(int) -> int",
    }
    turn = [method.name for method in contract.methods].index("turn")
    for case in found.reference.cases:
        calls = decode(case.arguments[-1])
        assert isinstance(calls, list)
        assert all(isinstance(call, tuple) and call != (turn, 9) for call in calls)
    assert any(case.raises == "IllegalStateException" for case in found.reference.cases)


@pytest.mark.parametrize(
    ("name", "text", "methods", "made"),
    [
        (
            "Bag.js",
            JAVASCRIPT_BAG,
            {"add": "(int) -> float", "list": "() -> list[int]"},
            "(str) -> null",
        ),
        (
            "pairs.ts",
            TYPESCRIPT_PAIR,
            {"put": "(int, str) -> bool", "last": "() -> optional[str]"},
            "(int) -> null",
        ),
        (
            "stack.cpp",
            CPP_STACK,
            {
                "push": "(int, str) -> null",
                "pop": "() -> int",
                "grid": "(list[int]) -> list[list[int]]",
                "first": "() -> str",
            },
            "(int) -> null",
        ),
    ],
)
def test_classes_of_other_languages_are_called_in_turn(
    name: str, text: str, methods: dict[str, str], made: str, local_sandbox: LocalSandbox, run: Run[Any]
) -> None:
    (seed,) = cut(text, name)
    assert isinstance(seed, Seed)
    need(seed.language)
    found = refer(seed, local_sandbox, run)
    assert isinstance(found, FoundReference), found
    contract = found.reference.contract
    assert isinstance(contract, ClassContract)
    assert {method.name: method.signature for method in contract.methods} == methods
    assert contract.constructor.signature == made


def test_the_question_declares_the_class_in_each_language(local_sandbox: LocalSandbox, run: Run[Any]) -> None:
    (seed,) = cut(STACK)
    assert isinstance(seed, Seed)
    found = refer(seed, local_sandbox, run)
    assert isinstance(found, FoundReference)
    prompts = PromptLibrary.load("default")
    contract = found.reference.contract
    java = render_solve(prompts, contract, "A stack.", "java", "en")[1].content
    assert "class Stack {\n    Stack()\n" in java
    assert "    void push(long data)\n" in java
    assert "Rust" in render_solve(prompts, contract, "一个栈。", "rust", "zh")[1].content


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        (
            "class A:\n    def f(self):\n        return 1\n    def g(self):\n        return 1\n",
            "reference_constant",
        ),
        (
            "class A:\n    def __init__(self, other: 'A'):\n        self.o = other\n"
            "    def f(self):\n        return 1\n    def g(self):\n        return 2\n",
            "no_signature",
        ),
        (
            "import os\nclass A:\n    def f(self):\n        return os.getcwd()\n"
            "    def g(self):\n        return 2\n",
            "impure",
        ),
    ],
)
def test_a_class_that_says_nothing_or_takes_no_shared_types_is_refused(
    text: str, reason: str, local_sandbox: LocalSandbox, run: Run[Any]
) -> None:
    (cut_one,) = cut(text)
    found = cut_one.reject if isinstance(cut_one, SeedRejection) else refer(cut_one, local_sandbox, run)
    assert isinstance(found, Reject)
    assert found.reason == reason
