"""Shapes in which people hand in programs: methods of a class `Solution` for typed calls, and whole programs
whose class, package or module has any name."""

import pytest

from synth.languages.java import whole_program
from synth.records import Outcome
from synth.verify.verify import verify
from tests.languages.toolchains import need

Contract = tuple[str, list[tuple[list[object], object]]]
"""A signature, and the cases."""

SORT: Contract = ("(list[int]) -> list[int]", [([[5, 4, 9]], [4, 5, 9]), ([[]], [])])
GRID: Contract = ("(list[list[str]], int) -> str", [([[["x", "y"], ["z", "w"]], 1], "z")])
COUNT: Contract = ("(int) -> int", [([4], 5), ([7], 8)])
"""For programs that keep a count in a field: each call has an object of its own."""

METHODS: dict[str, tuple[Contract, str]] = {
    "cpp-reference": (SORT, "class Solution {\npublic:\n  vector<int> f(vector<int>& v) "
        "{ sort(v.begin(), v.end()); return v; }\n};"),
    "cpp-grid-of-char": (GRID, "class Solution { public: char f(const vector<vector<char>>& g, int k) const "
        "{ return g[k][0]; } };"),
    "cpp-float": (("(list[float], float) -> list[float]", [([[1.5, 2.0], 2.0], [3.0, 4.0])]),
        "struct Solution { vector<float> f(vector<float> v, float k) { for (float& x : v) x *= k; "
        "return v; } };"),
    "cpp-map": (("(map[str, int]) -> map[str, int]", [([{"a": 1}], {"a": 2})]),
        "class Solution { public: unordered_map<string, int> f(unordered_map<string, int>& m) "
        "{ for (auto& [k, v] : m) ++v; return m; } };"),
    "cpp-overloads": (SORT, "class Solution { void f(vector<int>& v, int at) { sort(v.begin() + at, "
        "v.end()); }\n"
        "public: vector<int> f(vector<int>& v) { f(v, 0); return v; } };"),
    "cpp-static": (COUNT, "class Solution { public: static int f(int n) { return n + 1; } };"),
    "cpp-field": (COUNT, "class Solution { int seen = 1; public: int f(int n) { return seen += n; } };"),
    "cpp-function-beside-class": (COUNT, "class Solution { public: int g(int n) { return n; } };\n"
        "int f(int n) { return Solution().g(n) + 1; }"),
    "javascript-method": (SORT, "class Solution {\n  f(v) { return v.sort((a, b) => a - b) }\n}"),
    "javascript-static": (SORT, "class Solution {\n  static f(v) { return v.sort((a, b) => a - b) }\n}"),
    "javascript-exported": (SORT, "module.exports = class {\n  f = v => v.sort((a, b) => a - b)\n}"),
    "javascript-field": (COUNT, "class Solution {\n  seen = 1\n  f(n) { return this.seen += n }\n}"),
    "typescript-method": (SORT, "export class Solution {\n  f(v: number[]): number[] "
        "{ return v.sort((a, b) => a - b); }\n}"),
    "coffeescript-method": (SORT, "class Solution\n  f: (v) -> v.sort (a, b) -> a - b"),
    "python-method": (SORT, "class Solution:\n    def f(self, v):\n        return sorted(v)\n"),
    "ruby-method": (SORT, "class Solution\n  def f(v)\n    v.sort\n  end\nend"),
    "ruby-class-method": (SORT, "class Solution\n  def self.f(v)\n    v.sort\n  end\nend"),
    "ruby-field": (COUNT, "class Solution\n  def f(n)\n    @seen = (@seen || 1) + n\n  end\nend"),
    "php-method": (SORT, "class Solution {\n  function f($v) { sort($v); return $v; }\n}"),
    "php-field": (COUNT, "class Solution {\n  public $seen = 1;\n  function f($n) { return "
        "$this->seen += $n; }\n}"),
    "perl-method": (SORT, "package Solution;\nsub new { return bless {}, shift }\n"
        "sub f { my ($self, $v) = @_; return [sort { $a <=> $b } @$v]; }\n1;"),
    "java-method": (SORT, "class Solution {\n  public int[] f(int[] v) { Arrays.sort(v); return v; }\n}"),
    "java-grid-of-char": (GRID, "public class Solution { public char f(char[][] g, int k) { return "
        "g[k][0]; } }"),
    "java-field": (COUNT, "class Solution { int seen = 1; public int f(int n) { return seen += n; } }"),
    "kotlin-method": (SORT, "class Solution {\n  fun f(v: IntArray): IntArray { v.sort(); return v }\n}"),
    "kotlin-field": (COUNT, "class Solution {\n  var seen = 1\n  fun f(n: Int): Int { seen += n; "
        "return seen }\n}"),
    "scala-method": (SORT, "object Solution {\n    def f(v: Array[Int]): Array[Int] = {\n        "
        "v.sorted\n    }\n}"),
    "csharp-method": (SORT, "public class Solution { public IList<int> f(int[] v) { Array.Sort(v); "
        "return v; } }"),
    "csharp-field": (COUNT, "public class Solution { int seen = 1; public int f(int n) { return "
        "seen += n; } }"),
    "groovy-method": (SORT, "class Solution {\n  def f(v) { v.sort() }\n}"),
    "d-method": (SORT, "import std.algorithm;\nclass Solution { int[] f(int[] v) { v.sort(); return v; } }"),
    "crystal-method": (SORT, "class Solution\n  def f(v : Array(Int32)) : Array(Int32)\n    "
        "v.sort\n  end\nend"),
    "rust-method": (SORT, "impl Solution {\n  pub fn f(v: Vec<i32>) -> Vec<i32> "
        "{ let mut v = v; v.sort(); v }\n}"),
    "rust-self": (SORT, "struct Solution;\nimpl Solution {\n  fn f(&self, mut v: Vec<i32>) -> Vec<i32> "
        "{ v.sort(); v }\n}"),
    "go-grid-of-byte": (GRID, "func f(g [][]byte, k int) byte { return g[k][0] }"),
}  # fmt: skip


@pytest.mark.parametrize("name", METHODS)
def test_a_method_of_a_class_solution_is_called(name: str) -> None:
    language = name.partition("-")[0]
    need(language)
    (signature, cases), code = METHODS[name]
    tests = {
        "kind": "function",
        "entry_point": "f",
        "signature": signature,
        "cases": [{"input": given, "output": wanted} for given, wanted in cases],
    }
    other = {"str": "other", "int": 0}.get(signature.rpartition("> ")[2])
    refuted = {
        **tests,
        "cases": [{"input": cases[0][0], "output": other if other is not None else WRONG[name]}],
    }
    rows = [{"id": "right", "tests": tests}, {"id": "wrong", "tests": refuted}]
    found = {a.id: a for a in verify([{**row, "language": language, "code": code} for row in rows])}
    assert (found["right"].verdict, found["right"].reason) == (Outcome.PASS, "")
    assert found["wrong"].verdict is Outcome.WRONG_ANSWER


WRONG = {name: {"a": 3} if name == "cpp-map" else [0.5] if name == "cpp-float" else [0] for name in METHODS}

JAVA_MAIN = (
    "public static void main(String[] words) {\n"
    "  System.out.println(new java.util.Scanner(System.in).nextInt() * 2); }"
)
SILENT = "public static void main(String[] words) { }"
KOTLIN_MAIN = "fun main(words: Array<String>) { println(readLine()!!.trim().toInt() * 2) }"

NAMES = {
    "java-public": f"package own.place;\n\nimport java.util.*;\npublic class Abc12_x {{ {JAVA_MAIN} }}\n",
    "java-helper-first": f"class Helper {{ {SILENT} }}\nclass Main {{ {JAVA_MAIN} }}\n",
    "java-public-beside-main": f"class Main {{ {SILENT} }}\npublic class Real {{ {JAVA_MAIN} }}\n",
    "java-in-literals": '/* class A { static void main() {} } */\nclass B { String s = "class C {"; '
    f"static {{ int x = '{{'; }} {JAVA_MAIN} }}\n",
    "java-annotated": f'@SuppressWarnings({{"unchecked"}})\npublic class Z {{ {JAVA_MAIN} }}\n',
    "java-inherited": f"class Base {{ {JAVA_MAIN} }}\npublic class Start extends Base {{ }}\n",
    "java-enum": f"enum Only {{ ONE; {JAVA_MAIN} }}\n",
    "kotlin-package": f"package own.place\n\n{KOTLIN_MAIN}\n",
    "kotlin-object": f"object Start {{\n  @JvmStatic {KOTLIN_MAIN}\n}}\n",
    "kotlin-companion": f"class Start {{\n  companion object {{\n    @JvmStatic {KOTLIN_MAIN}\n  }}\n}}\n",
    "kotlin-file-name": f'@file:JvmName("Start")\n{KOTLIN_MAIN}\n',
    "scala-app": "package own.place\nobject Start extends App {\n  "
    "println(io.StdIn.readLine().trim.toInt * 2)\n}\n",
    "scala-main": "object Start {\n  def main(words: Array[String]): Unit = {\n"
    "    println(io.StdIn.readLine().trim.toInt * 2)\n  }\n}\n",
    "scala-bare": "println(io.StdIn.readLine().trim.toInt * 2)\n",
    "csharp-namespace": "using System;\nnamespace Own { public class Start { public static void Main() "
    "{ Console.WriteLine(int.Parse(Console.ReadLine()) * 2); } } }\n",
    "go-package": '// Package own is a program.\npackage own\n\nimport "fmt"\n\n'
    "func main() { var n int; fmt.Scan(&n); fmt.Println(2 * n) }\n",
    "haskell-module": "module Own (double) where\ndouble :: Int -> Int\ndouble = (* 2)\n"
    "main :: IO ()\nmain = getLine >>= print . double . read\n",
    "ada-procedure": "with Ada.Integer_Text_IO; use Ada.Integer_Text_IO;\nprocedure Own is\n   N : Integer;\n"
    "begin\n   Get (N);\n   Put (2 * N, Width => 1);\nend Own;\n",
    "d-module": 'module own.thing;\nimport std.stdio;\nvoid main() { int n; readf("%d", &n); '
    "writeln(2 * n); }\n",
    "erlang-module": '-module(own).\n-export([main/1]).\nmain(_) -> {ok, [N]} = io:fread("", "~d"), '
    'io:format("~w~n", [2 * N]).\n',
}


@pytest.mark.parametrize("name", NAMES)
def test_a_whole_program_may_have_any_name(name: str) -> None:
    language = name.partition("-")[0]
    need(language)
    tests = {"kind": "stdio", "cases": [{"stdin": "21\n", "stdout": "42\n"}]}
    (answer,) = verify([{"id": name, "language": language, "code": NAMES[name], "tests": tests}])
    assert (answer.verdict, answer.reason) == (Outcome.PASS, "")


def test_line_numbers_stay_where_a_package_is_taken_off() -> None:
    made = whole_program("package own;\n\nclass A { }\n")
    assert made.files == {"Main.java": "\n\nclass A { }\n"}
    assert made.main == "A"


def test_a_program_without_classes_is_started_as_main_and_fails_by_itself() -> None:
    assert whole_program("int x;").main == "Main"
