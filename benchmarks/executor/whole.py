"""The programs of the benchmark that run whole: over stdin and stdout, and as a script of tests.

Place in the flow: `speed.py` runs each of them in the sandbox and by the bare toolchain. The one rule: both
sides get the same text, in the shape in which published benchmarks bring it (MultiPL-E's for scripts).
"""

from typing import Final, NamedTuple

from synth.languages.registry import get_language

STDIN: Final = "1 2 3\n"


class Script(NamedTuple):
    """A program that defines a function, and a script that tests it."""

    code: str
    script: str

    @property
    def text(self) -> str:
        """What the bare toolchain gets: one file."""
        return f"{self.code}\n{self.script}\n"


_SCRIPTS: Final = {
    "cpp": Script(
        """#include<assert.h>
#include<bits/stdc++.h>
// The sum of the squares of the even numbers.
long even_squares(std::vector<long> xs) {
    long total = 0;
    for (long x : xs) if (x % 2 == 0) total += x * x;
    return total;""",
        """}
int main() {
    auto candidate = even_squares;
    assert(candidate((std::vector<long>())) == (0));
    assert(candidate((std::vector<long>({(long)1, (long)2, (long)3, (long)4}))) == (20));
}""",
    ),
    "java": Script(
        """import java.util.*;
import java.util.stream.*;
class Problem {
    public static long evenSquares(ArrayList<Long> xs) {
        return xs.stream().filter(x -> x % 2 == 0).mapToLong(x -> x * x).sum();
    }""",
        """    public static void main(String[] args) {
        assert(evenSquares(new ArrayList<Long>(Arrays.asList())) == (0l));
        assert(evenSquares(new ArrayList<Long>(Arrays.asList(1l, 2l, 3l, 4l))) == (20l));
    }
}""",
    ),
    "kotlin": Script(
        """fun evenSquares(xs: List<Int>): Int {
    return xs.filter { it % 2 == 0 }.map { it * it }.sum()""",
        """}
fun main() {
    val arg00: List<Int> = mutableListOf()
    check(evenSquares(arg00) == 0) { "Assertion failed" }
    val arg10: List<Int> = mutableListOf(1, 2, 3, 4)
    check(evenSquares(arg10) == 20) { "Assertion failed" }
}""",
    ),
    "csharp": Script(
        """using System;
using System.Collections.Generic;
using System.Diagnostics;
using System.Linq;
using System.Text;
class Problem {
    public static long EvenSquares(List<long> xs) {
        return xs.Where(x => x % 2 == 0).Select(x => x * x).Sum();
    }""",
        """    public static void Main(string[] args) {
        Debug.Assert(EvenSquares((new List<long>())) == (0L));
        Debug.Assert(EvenSquares((new List<long>(new long[]{1L, 2L, 3L, 4L}))) == (20L));
    }
}""",
    ),
    "typescript": Script(
        """function even_squares(xs: number[]): number {
    return xs.filter(x => x % 2 === 0).reduce((total, x) => total + x * x, 0);
}""",
        """declare var require: any;
const assert = require('node:assert');
function test() {
  let candidate = even_squares;
  assert.deepEqual(candidate([]), 0);
  assert.deepEqual(candidate([1, 2, 3, 4]), 20);
}
test();""",
    ),
    "go": Script(
        """package even_squares_test

import (
    "testing"
    "fmt"
)

func even_squares(xs []int) int {
    total := 0
    for _, x := range xs {
        if x % 2 == 0 {
            total += x * x
        }
    }
    return total
}""",
        """
func TestEven_Squares(t *testing.T) {
  candidate := even_squares
	type test struct {
		actual   interface{}
		expected interface{}
	}
   tests := []test{
     { actual: candidate([]int{}), expected: 0 },
     { actual: candidate([]int{1, 2, 3, 4}), expected: 20 },
   }
	for i, tc := range tests {
		t.Run(fmt.Sprintf("test num % d", i), func(t *testing.T) {
			if tc.actual != tc.expected {
				t.Errorf("expected '%s', got '%s'", tc.expected, tc.actual)
			}
		})
	}
}""",
    ),
    "rust": Script(
        """fn even_squares(xs: Vec<isize>) -> isize {
    xs.iter().filter(|x| *x % 2 == 0).map(|x| x * x).sum()""",
        """}
fn main() {
    let candidate = even_squares;
    assert_eq!(candidate(Vec::<isize>::new()), 0);
    assert_eq!(candidate(vec![1, 2, 3, 4]), 20);
}""",
    ),
    "scala": Script(
        """import scala.math._
import scala.collection.mutable._
object Problem {
    def evenSquares(xs: List[Long]): Long = {
        xs.filter(_ % 2 == 0).map(x => x * x).sum
    }""",
        """    def main(args: Array[String]) = {
        assert(evenSquares((List[Long]())) == (0l))
        assert(evenSquares((List[Long](1l, 2l, 3l, 4l))) == (20l))
    }
}""",
    ),
}


def stdio_program(language: str) -> str:
    """The program that adds the numbers of `STDIN`. C++ begins as most programs of contests do."""
    hello = get_language(language).hello
    return f"#include <bits/stdc++.h>\n{hello}" if language == "cpp" else hello


def script_program(language: str) -> Script:
    """The program and its script: the language's own where none of ours stands above."""
    own = get_language(language).samples.script
    assert own is not None, "every language here has script mode"
    return _SCRIPTS.get(language) or Script(own.right, own.script)
