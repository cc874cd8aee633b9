"""Functions as real code has them become references that are asked in shared types alone; what cannot be
called is refused with words."""

from collections.abc import Callable, Coroutine
from random import Random
from typing import Any

import pytest

from synth.config import InputsConfig
from synth.execution.local.sandbox import LocalSandbox
from synth.filters.protocol import Reject
from synth.records import Limits, Origin, Reference
from synth.rules.reference_judging import FoundReference
from synth.rules.reference_rules import Trial, begin_trial, continue_trial
from synth.seeds.protocol import make_seed
from synth.values import decode
from tests.builders import called
from tests.languages.toolchains import need

CONFIG = InputsConfig(drawn=12, minimum=4, maximum=12)
Refer = Callable[[str, str], Reference | Reject]

CALLED = [
    (
        "java",
        """
class Text {
    @Override
    public String repeat(char c, int times) { return String.valueOf(c).repeat(Math.abs(times) % 5) + "!"; }
}
""",
        "(str, int) -> str",
    ),
    (
        "java",
        """
import java.util.ArrayList;
import java.util.List;

public class Sorts {
    private static final int STEP = 1;
    private static <T extends Comparable<T>> boolean less(T a, T b) { return a.compareTo(b) < 0; }
    public static <T extends Comparable<T>> void insertion(T[] array) {
        for (int i = STEP; i < array.length; i++)
            for (int j = i; j > 0 && less(array[j], array[j - 1]); j--) {
                T held = array[j]; array[j] = array[j - 1]; array[j - 1] = held;
            }
    }
}
""",
        "(list[int]) -> list[int]",
    ),
    (
        "java",
        """
public final class Tally {
    private final int factor;
    private Tally(int factor) { this.factor = factor; }
    public int scaled(int value, int... more) { return factor * value + more.length; }
}
""",
        "(int, int, list[int]) -> int",
    ),
    (
        "java",
        """
class Letters {
    static java.util.Optional<String> longest(java.util.Set<String> words, char last) {
        words.add("a" + last);
        return words.stream().max(Comparator.comparing((String word) -> word.length() + word));
    }
}
""",
        "(list[str], str) -> str",
    ),
    (
        "java",
        """
class Outer {
    static class Solution {
        static java.util.Set<Integer> both(int[] a, short[] b) {
            java.util.Set<Integer> found = new java.util.HashSet<>();
            for (int x : a) for (short y : b) if (x == y || x > 5) found.add(x - y);
            return found;
        }
    }
}
""",
        "(list[int], list[int]) -> list[int]",
    ),
    (
        "java",
        """
static void swapEnds(java.util.List<String> words, StringBuilder out) {
    if (!words.isEmpty()) { out.append(words.get(0)); words.set(0, words.get(words.size() - 1)); }
}
""",
        "(list[str], str) -> tuple[list[str], str]",
    ),
    (
        "cpp",
        """
#include <cassert>
#include <vector>
namespace sorting {
template <typename T>
void merge_sort(T arr[], int n) {
    assert(n > 0);
    for (int i = 1; i < n; i++)
        for (int j = i; j > 0 && arr[j] < arr[j - 1]; j--) std::swap(arr[j], arr[j - 1]);
}
}
""",
        "(list[int]) -> list[int]",
    ),
    (
        "cpp",
        """
#include <string>
class Tally {
    unsigned step = 2;
    char last;
 public:
    explicit Tally(char c) : last(c) {}
    virtual ~Tally() {}
 private:
    size_t count(const std::string &text, const size_t more);
};
size_t Tally::count(const std::string &text, const size_t more) {
    size_t found = more;
    for (char c : text) found += (c == last) * step + text.at(0) % 2;
    return found + text.size();
}
""",
        "(str, str, int) -> int",
    ),
    (
        "cpp",
        """
void order(int *low, int *high, bool &swapped) {
    swapped = *low > *high;
    if (swapped) { int held = *low; *low = *high; *high = held; }
}
""",
        "(int, int, bool) -> tuple[int, int, bool]",
    ),
    (
        "cpp",
        """
#include <map>
#include <optional>
#include <set>
using word = std::string;
std::set<int> below(const std::set<int>& all, const word& text, uint64_t limit, std::pair<int, char> more) {
    std::set<int> found;
    for (int x : all)
        if (x < (int)limit || text.find(more.second) != word::npos) found.insert(x + more.first);
    return found;
}
""",
        "(list[int], str, int, tuple[int, str]) -> list[int]",
    ),
    (
        "cpp",
        """
#define ll std :: int64_t
#include <cstdlib>
ll slow(ll n) { if (n == 5) std::exit(1); if (n > 12) for (volatile int i = 0;; ++i) {} return 100 / n + n; }
""",
        "(int) -> int",
    ),
    (
        "c",
        """
#include <ctype.h>
static void helper(double *at) { *at += 1.5; }
void scale(const char sign, double values[], const int n, unsigned times) {
    for (int i = 0; i < n; ++i) { helper(values + i); values[i] *= sign == 'a' ? times : -1.0; }
}
""",
        "(str, list[float], int) -> list[float]",
    ),
    (
        "c",
        """
int vowels(const char *text, int *first) {
    int found = 0; *first = -1;
    for (int i = 0; text[i]; i++) if (strchr("aeiou", text[i])) { if (!found++) *first = i; }
    return found * 10 + *first;
}
""",
        "(str, int) -> int",
    ),
]


@pytest.fixture
def refer(local_sandbox: LocalSandbox, run: Callable[[Coroutine[Any, Any, Any]], Any]) -> Refer:
    """What becomes of a seed."""

    def of(language: str, code: str) -> Reference | Reject:
        need(language)
        seed = make_seed(code, language, Origin(source="test"))
        state: Trial | FoundReference | Reject = begin_trial(seed, Random(1), Random(2), Limits(), CONFIG)
        while isinstance(state, Trial):
            state = continue_trial(state, run(local_sandbox.execute(state.to_run)), Random(2), CONFIG)
        return state if isinstance(state, Reject) else state.reference

    return of


@pytest.mark.parametrize(("language", "code", "signature"), CALLED)
def test_real_shapes_become_references(refer: Refer, language: str, code: str, signature: str) -> None:
    found = refer(language, code)
    assert isinstance(found, Reference), found
    assert called(found.contract).signature == signature


def test_a_changed_argument_is_the_result(refer: Refer) -> None:
    found = refer("java", CALLED[1][1])
    assert isinstance(found, Reference)
    for case in found.cases:
        given = [int(token[1:]) for token in case.arguments[0].split(" ")[1:]]
        assert decode(case.expected) == sorted(given)


REFUSED = [
    (
        "java",
        "interface Shape { default int area(int a) { return a * a; } }",
        "of which no object can be made",
    ),
    ("java", "class A { void show(int n) { System.out.println(n); } }", "changes no argument"),
    ("java", "class A { int next(Iterator<int[]> all, Node node) { return 1; } }", "Iterator<int[]>"),
    ("java", "class A { A(Thread t) {} int f(int a) { return a + 1; } }", "an object of A cannot be made"),
    ("java", "enum E { X; int f(int a) { return a + 1; } }", "the values of E"),
    ("java", "class A { class Node { int v; } static int f(Node a) { return a.v; } }", "the code's own"),
    ("cpp", "int Stack::size(int more) { return top + more; }", "Stack"),
    ("cpp", "struct Node { int v; }; int f(Node *a) { return a->v; }", "Node"),
    ("cpp", "int f(int *a, int *b) { return a[0] + b[1]; }", "no certain length"),
    ("cpp", "int *f(int n) { return new int[n]; }", "no certain length"),
    ("cpp", "template <int N> int f(int n) { return n + N; }", "more than types"),
    ("cpp", "void show(int n) { std::cout << n; }", "changes no argument"),
    ("cpp", "int main() { return 0; }", "cannot be called"),
    ("c", "void swap(int *a, int *b) { int c = *a; *a = *b; *b = c; }", "changes 2 arguments"),
    ("c", "int f(char **names) { return names[0][0]; }", "no certain length"),
    ("c", "int f(struct node *a) { return a->v; }", "struct node"),
]


@pytest.mark.parametrize(("language", "code", "words"), REFUSED)
def test_what_cannot_be_called_is_refused_with_words(language: str, code: str, words: str) -> None:
    found = begin_trial(
        make_seed(code, language, Origin(source="test")), Random(1), Random(2), Limits(), CONFIG
    )
    assert isinstance(found, Reject)
    assert words in str(found.evidence["why"])
