"""Calls that people state in tests, documents and callers of seven languages, as these are written."""

from collections.abc import Mapping

import pytest

from synth.seeds.examples.reader import read_calls
from synth.values import decode

JEST = """
import { mean, median as middle } from '../Mean'
describe('mean', () => {
  it.each([[[1, 2, 3], 2], [[4], 4]])('of %p', (numbers, expected) => {
    expect(mean(numbers)).toBe(expected)
  })
  it('refuses texts', () => { expect(() => mean('abc')).toThrow(TypeError) })
  it('rounds', () => {
    const found = middle([0.5, 1])
    expect(found).toEqual({ low: 0.5, 'high': 1 })
    expect(mean([2.25]).toFixed(1)).toBe('2.3')
    const list = []
    list.push(4)
    expect(middle(list)).toBe(0)
  })
})
"""
JSDOC = """
/**
 * @example mean([1, 2]) // => 1.5
 * @example mean([]) = 0
 */
export const mean = (numbers) => sum(numbers) / numbers.length
"""
JUNIT = """
package com.tree.maths;
import static org.junit.jupiter.api.Assertions.assertEquals;
class GcdTest {
    @ParameterizedTest
    @CsvSource({"4, 6, 2", "-3, 9, 3"})
    void rows(int a, int b, int expected) { assertEquals(expected, Gcd.gcd(a, b)); }
    @ParameterizedTest
    @MethodSource("cases")
    void tables(int[] numbers, int expected) { assertEquals(expected, Gcd.ofAll(numbers)); }
    static Stream<Arguments> cases() {
        return Stream.of(Arguments.of(new int[] {4, 6}, 2), Arguments.of(new int[] {}, 0));
    }
    @Test
    void more() {
        assertThrows(IllegalArgumentException.class, () -> Gcd.gcd(0, Integer.MAX_VALUE));
        assertTrue(new Gcd().isOne("a", 'b', 1.5f, 7L, List.of(1, 2)));
        Gcd kept = new Gcd();
        kept.add(3);
        assertEquals(3, kept.last(1));
    }
}
"""
GO = """
package maths
import ("testing"; "reflect")
func TestAbs(t *testing.T) {
	tests := []struct {
		name string
		n    int
		want []int
	}{{"one", -1, []int{1}}, {name: "two", n: 2, want: []int{2, 0}}}
	for _, tc := range tests {
		t.Run(tc.name, func(t *testing.T) {
			if got := Digits(tc.n); !reflect.DeepEqual(got, tc.want) {
				t.Errorf("Digits() = %v, want %v", got, tc.want)
			}
		})
	}
	if got, err := Parse("0x1F"); err != nil || got != 31 { t.Fatal(got) }
	if !IsPrime(7) { t.Error("7") }
	if IsPrime(8) { fmt.Println("no statement") }
}
"""
RUST = """
/// The greatest divisor.
/// ```
/// use tree::maths::gcd;
/// assert_eq!(gcd(&[12, 18]), Some(6));
/// ```
pub fn gcd(numbers: &[u64]) -> Option<u64> { None }
#[cfg(test)]
mod tests {
    use super::*;
    #[test]
    fn works() {
        assert_eq!(gcd(&vec![4_u64, 6]), Some(2));
        assert!(is_word("caf\\u{e9}".to_string(), 'x'));
        for (text, size) in [("ab", 2), ("", 0)] { assert_eq!(size, length(text)); }
        assert_eq!(parse("x"), Err(Fault::Empty));
        let mut stack = Stack::new();
        assert_eq!(stack.push(3), 1);
    }
}
"""
CPP = """
namespace maths { int gcd(const std::vector<int>& all) { return 0; } }
static void test() {
    std::array<int, 2> pair = {-4, 0x6};
    std::vector<int> three{1, 2, 3};
    assert(maths::gcd(pair) == 2);
    assert(maths::gcd(three) == 1 && maths::gcd(std::vector<int>({7})) == 7);
    assert(!is_even(3));
    EXPECT_EQ("a b", join({"a", "b"}, ' '));
    Stack stack;
    assert(stack.push(3) == 1);
}
"""


def stated(text: str, language: str, path: str) -> dict[str, object]:
    """Name, arguments and what is stated of each call with a result."""
    found: dict[str, object] = {}
    for call in read_calls(text, language, path):
        row = ", ".join(repr(decode(wire)) for wire in call.example.arguments)
        if call.example.expected is not None or call.example.raises:
            wire = call.example.expected
            found[f"{call.name}({row})"] = call.example.raises if wire is None else decode(wire)
    return found


@pytest.mark.parametrize(
    ("language", "path", "text", "expected"),
    [
        (
            "javascript",
            "Maths/test/Mean.test.js",
            JEST,
            {
                "mean([1, 2, 3])": 2,
                "mean([4])": 4,
                "mean('abc')": "error",
                "median([0.5, 1])": {"low": 0.5, "high": 1},
            },
        ),
        ("typescript", "maths/mean.ts", JSDOC, {"mean([1, 2])": 1.5, "mean([])": 0}),
        (
            "java",
            "src/test/java/com/tree/maths/GcdTest.java",
            JUNIT,
            {
                "gcd(4, 6)": 2,
                "gcd(-3, 9)": 3,
                "ofAll([4, 6])": 2,
                "ofAll([])": 0,
                "gcd(0, 2147483647)": "IllegalArgumentException",
                "isOne('a', 'b', 1.5, 7, [1, 2])": True,
            },
        ),
        (
            "go",
            "maths/abs_test.go",
            GO,
            {"Digits(-1)": [1], "Digits(2)": [2, 0], "Parse('0x1F')": 31, "IsPrime(7)": True},
        ),
        (
            "rust",
            "src/maths/gcd.rs",
            RUST,
            {
                "gcd([12, 18])": 6,
                "gcd([4, 6])": 2,
                "is_word('café', 'x')": True,
                "length('ab')": 2,
                "length('')": 0,
                "parse('x')": "Err",
            },
        ),
        (
            "cpp",
            "maths/gcd.cpp",
            CPP,
            {
                "gcd([-4, 6])": 2,
                "gcd([1, 2, 3])": 1,
                "gcd([7])": 7,
                "is_even(3)": False,
                "join(['a', 'b'], ' ')": "a b",
            },
        ),
        ("c", "gcd.c", "int main() { assert(gcd(4, 6u) == 2L); }", {"gcd(4, 6)": 2}),
    ],
)
def test_tests_documents_and_callers_state_calls(
    language: str, path: str, text: str, expected: Mapping[str, object]
) -> None:
    assert stated(text, language, path) == expected


@pytest.mark.parametrize(
    ("language", "path", "text", "name", "place"),
    [
        ("javascript", "Maths/test/Mean.test.js", JEST, "median", "/Maths/Mean"),
        ("java", "src/test/java/com/tree/maths/GcdTest.java", JUNIT, "gcd", "com/tree/maths/Gcd"),
        ("go", "maths/abs_test.go", GO, "Digits", "/maths/"),
        ("rust", "src/maths/gcd.rs", RUST, "length", "/src/maths/gcd"),
        ("cpp", "maths/gcd.cpp", CPP, "gcd", "/maths/gcd"),
    ],
)
def test_a_call_says_where_its_function_lies(
    language: str, path: str, text: str, name: str, place: str
) -> None:
    assert all(place in call.places for call in read_calls(text, language, path) if call.name == name)


def test_a_class_of_the_package_is_no_other_one() -> None:
    text = (
        "package com.tree.sorts; class BubbleTest { void t() { assertEquals(1, new Bubble().first(3, 4)); } }"
    )
    [call] = read_calls(text, "java", "src/test/java/com/tree/sorts/BubbleTest.java")
    assert call.places == ("com/tree/sorts/Bubble",)
