"""One class in each language, made and called in turn in the real sandbox."""

from typing import Any, Final

import pytest

from synth.execution.local.sandbox import LocalSandbox
from synth.execution.verdict import judge
from synth.languages.classes import ClassShape
from synth.languages.registry import get_language
from synth.languages.spec import UnsupportedType
from synth.records import (
    Case,
    ClassContract,
    EvidenceRank,
    ExecutionRequest,
    Method,
    Outcome,
    TestSuite,
)
from synth.values import Value, encode
from tests.builders import Run
from tests.languages.toolchains import need

CONTRACT: Final = ClassContract(
    class_name="Shelf",
    constructor=Method(name="Shelf", signature="(int) -> null", parameter_names=("room",)),
    methods=(
        Method(name="put", signature="(str, int) -> bool", parameter_names=("name", "count")),
        Method(name="clear", signature="() -> null"),
        Method(name="last", signature="() -> optional[str]"),
        Method(name="counts", signature="() -> list[int]"),
    ),
)
SHAPE: Final = ClassShape.of(CONTRACT)


def row(room: int, *calls: tuple[int, tuple[Value, ...]]) -> tuple[str, ...]:
    return encode(room), encode(SHAPE.lay_out(calls))


def given(*results: tuple[Value, ...]) -> str:
    return encode(list(results))


SUITE: Final = TestSuite(
    task_id="t",
    contract=CONTRACT,
    cases=(
        Case(
            arguments=row(2, (0, ("a", 3)), (0, ("b", 4)), (0, ("c", 5)), (2, ()), (3, ())),
            expected=given(
                (True, None, []), (True, None, []), (False, None, []), (False, "b", []), (False, None, [3, 4])
            ),
        ),
        Case(
            arguments=row(1, (2, ()), (0, ("x", 7)), (1, ()), (3, ())),
            expected=given((False, None, []), (True, None, []), (False, None, []), (False, None, [])),
        ),
    ),
    rank=EvidenceRank.REFERENCE,
)

SHELVES: Final = {
    "python": """
class Shelf:
    def __init__(self, room):
        self.room, self.items = room, []
    def put(self, name, count):
        if len(self.items) >= self.room:
            return False
        self.items.append((name, count))
        return True
    def clear(self):
        self.items = []
    def last(self):
        return self.items[-1][0] if self.items else None
    def counts(self):
        return [count for _, count in self.items]
""",
    "javascript": """
class Shelf {
  constructor(room) { this.room = room; this.items = [] }
  put(name, count) {
    if (this.items.length >= this.room) return false
    this.items.push([name, count])
    return true
  }
  clear() { this.items = [] }
  last() { return this.items.length ? this.items[this.items.length - 1][0] : null }
  counts() { return this.items.map(item => item[1]) }
}
""",
    "typescript": """
class Shelf {
  private items: [string, number][] = []
  constructor(private room: number) {}
  put(name: string, count: number): boolean {
    if (this.items.length >= this.room) return false
    this.items.push([name, count])
    return true
  }
  clear(): void { this.items = [] }
  last(): string | null { return this.items.length ? this.items[this.items.length - 1][0] : null }
  counts(): number[] { return this.items.map(item => item[1]) }
}
""",
    "java": """
import java.util.*;

class Shelf {
    private final long room;
    private final List<String> names = new ArrayList<>();
    private final List<Long> counts = new ArrayList<>();
    Shelf(long room) { this.room = room; }
    boolean put(String name, long count) {
        if (names.size() >= room) return false;
        names.add(name);
        counts.add(count);
        return true;
    }
    void clear() { names.clear(); counts.clear(); }
    String last() { return names.isEmpty() ? null : names.get(names.size() - 1); }
    List<Long> counts() { return new ArrayList<>(counts); }
}
""",
    "cpp": """
#include <optional>
#include <string>
#include <vector>
using namespace std;

class Shelf {
    long long room;
    vector<pair<string, long long>> items;
public:
    Shelf(long long room) : room(room) {}
    bool put(string name, long long count) {
        if ((long long)items.size() >= room) return false;
        items.push_back({name, count});
        return true;
    }
    void clear() { items.clear(); }
    optional<string> last() { if (items.empty()) return nullopt; return items.back().first; }
    vector<long long> counts() {
        vector<long long> found;
        for (auto &item : items) found.push_back(item.second);
        return found;
    }
};
""",
    "go": """
type Shelf struct {
	room   int
	names  []string
	counts_ []int
}

func NewShelf(room int) *Shelf { return &Shelf{room: room} }

func (self *Shelf) put(name string, count int) bool {
	if len(self.names) >= self.room {
		return false
	}
	self.names = append(self.names, name)
	self.counts_ = append(self.counts_, count)
	return true
}

func (self *Shelf) clear() { self.names, self.counts_ = nil, nil }

func (self *Shelf) last() *string {
	if len(self.names) == 0 {
		return nil
	}
	return &self.names[len(self.names)-1]
}

func (self *Shelf) counts() []int { return self.counts_ }
""",
    "rust": """
pub struct Shelf {
    room: i64,
    items: Vec<(String, i64)>,
}

impl Shelf {
    pub fn new(room: i64) -> Self { Shelf { room, items: Vec::new() } }
    pub fn put(&mut self, name: String, count: i64) -> bool {
        if self.items.len() as i64 >= self.room { return false; }
        self.items.push((name, count));
        true
    }
    pub fn clear(&mut self) { self.items.clear() }
    pub fn last(&mut self) -> Option<String> { self.items.last().map(|item| item.0.clone()) }
    pub fn counts(&mut self) -> Vec<i64> { self.items.iter().map(|item| item.1).collect() }
}
""",
}


@pytest.mark.parametrize("language", SHELVES)
def test_objects_are_made_and_called_in_turn(
    language: str, local_sandbox: LocalSandbox, run: Run[Any]
) -> None:
    need(language)
    code = SHELVES[language]
    wrong = code.replace(">= self.room", "> self.room").replace(">= this.room", "> this.room")
    wrong = wrong.replace(">= room", "> room")
    assert wrong != code
    requests = [
        ExecutionRequest(id=name, language=language, code=text, call=SUITE.call())
        for name, text in (("right", code), ("wrong", wrong))
    ]
    right, other = (judge(seen, SUITE, "s") for seen in run(local_sandbox.execute(requests)))
    assert (right.outcome, right.passed) == (Outcome.PASS, 2), right.first_failure
    assert other.outcome is Outcome.WRONG_ANSWER, other.first_failure


def test_each_language_declares_the_class_as_a_person_writes_it() -> None:
    lines = {}
    for language in SHELVES:
        form = get_language(language).classes
        assert form is not None
        lines[language] = form.declare(SHAPE).splitlines()
    assert lines["python"][1:3] == [
        "    def __init__(self, room: int) -> None",
        "    def put(self, name: str, count: int) -> bool",
    ]
    assert lines["java"][1:3] == ["    Shelf(long room)", "    boolean put(String name, long count)"]
    assert lines["go"][1] == "func NewShelf(room int) *Shelf"
    assert lines["rust"][4] == "    pub fn clear(&mut self)"
    assert lines["cpp"][5] == "    optional<string> last();"
    assert lines["typescript"][4] == "  last(): string | null"


@pytest.mark.parametrize("signature", ["(map[str, int]) -> int", "() -> tuple[int, int]", "(any) -> int"])
def test_what_has_no_slot_is_refused(signature: str) -> None:
    method = Method(name="f", signature=signature)
    with pytest.raises(UnsupportedType):
        ClassShape.of(CONTRACT.model_copy(update={"methods": (method,)}))


def test_a_class_that_gives_nothing_is_refused() -> None:
    methods = (Method(name="clear", signature="() -> null"),)
    with pytest.raises(UnsupportedType):
        ClassShape.of(CONTRACT.model_copy(update={"methods": methods}))
