"""Script suites that test nothing, by language and kind: for the tests of the proof of suites.

Each runs with the language's right program of script mode, or with one of its own. The one rule: a right
program ends well, and so does one that returns anything else.
"""

from typing import Final

Suite = str | tuple[str, str]
"""A script, or a program and its script."""

NOTHING, PRINTS, SWALLOWS, ITSELF = (
    "it tests nothing",
    "it prints what it found",
    "it catches its own failure",
    "it compares a result with itself",
)

PLANTED: Final[dict[str, dict[str, Suite]]] = {
    "ada": {
        NOTHING: "procedure Check is\nbegin\n   null;\nend Check;\n",
    },
    "awk": {
        NOTHING: "BEGIN { checked = 1 }\n",
        PRINTS: 'BEGIN { print (twice(3) == 6 ? "ok" : "not ok") }\n',
        ITSELF: "BEGIN { if (twice(3) != twice(3)) exit 1 }\n",
    },
    "bash": {
        NOTHING: "true\n",
        PRINTS: 'if [ "$(twice 3)" = 6 ]; then echo ok; else echo not ok; fi\n',
        SWALLOWS: '[ "$(twice 3)" = 6 ] || echo "it failed"\n',
        ITSELF: '[ "$(twice 3)" = "$(twice 3)" ] || exit 1\n',
    },
    "c": {
        NOTHING: "int main(void) { return 0; }\n",
        PRINTS: '#include <stdio.h>\nint main(void) { printf("%d\\n", twice(3) == 6); return 0; }\n',
        ITSELF: "int main(void) { assert(twice(3) == twice(3)); return 0; }\n",
        SWALLOWS: "#define NDEBUG\n#include <assert.h>\nint main(void) { assert(twice(3) == 6); }\n",
    },
    "clojure": {
        NOTHING: "(defn check [] (assert (= 6 (twice 3))))\n",
        PRINTS: "(println (= 6 (twice 3)))\n",
        SWALLOWS: '(try (assert (= 6 (twice 3))) (catch Throwable e (println "failed")))\n',
    },
    "coffeescript": {
        NOTHING: "check = -> throw new Error 'no' unless twice(3) is 6\n",
        PRINTS: "console.log twice(3) is 6\n",
        SWALLOWS: "try\n  throw new Error 'no' unless twice(3) is 6\ncatch e\n  console.log 'failed'\n",
    },
    "commonlisp": {
        NOTHING: "(defun check () (assert (= (twice 3) 6)))\n",
        PRINTS: "(print (eql (twice 3) 6))\n",
        SWALLOWS: '(handler-case (assert (eql (twice 3) 6)) (error () (print "failed")))\n',
        ITSELF: "(assert (equal (twice 3) (twice 3)))\n",
    },
    "cpp": {
        NOTHING: ("int twice(int x) { return x + x; }", "int main() { return 0; }\n"),
        PRINTS: (
            "#include <iostream>\nlong long twice(long long x) { return x + x;",
            '}\nint main() { std::cout << (twice(3) == 6 ? "ok" : "no") << std::endl; }\n',
        ),
        SWALLOWS: (
            "#include <stdexcept>\n#include <string>\nstd::string twice(std::string x) { return x + x; }",
            'int main() { try { if (twice("a") != "aa") throw std::runtime_error(""); } catch (...) { } }\n',
        ),
        ITSELF: (
            "#include <vector>\nusing namespace std;\nvector<int> twice(const vector<int>& x) {\n"
            "  vector<int> made(x);\n  for (int one : x) made.push_back(one);\n  return made;\n}",
            "int main() { assert(twice({1}) == twice({1})); }\n",
        ),
    },
    "elixir": {
        NOTHING: "_ = &Solution.twice/1\n",
        PRINTS: "IO.puts(Solution.twice(3) == 6)\n",
        SWALLOWS: (
            "defmodule Solution do\n  def twice(x) when is_binary(x) do\n    x <> x\n  end\nend\n",
            'try do\n  if Solution.twice("a") != "aa", do: raise "no"\nrescue\n  _ -> 0\nend\n',
        ),
        ITSELF: (
            "defmodule Solution do\n  def twice([]), do: []\n"
            "  def twice([x | xs]), do: [x + x | twice(xs)]\nend\n",
            "true = Solution.twice([3]) == Solution.twice([3])\n",
        ),
    },
    "erlang": {
        NOTHING: ("-module(numbers).\ntwice(X) -> X + X.\n", "main(_) -> ok.\n"),
        PRINTS: (
            "-module(numbers).\ntwice(X) ->\n    X + X.\n",
            'main(_) -> io:format("~p~n", [twice(3) == 6]).\n',
        ),
        SWALLOWS: (
            "-module(numbers).\ntwice([]) -> [];\n"
            "twice([X | Xs]) when is_integer(X) ->\n    [X + X | twice(Xs)].\n",
            "main(_) ->\n    try [6] = twice([3]) catch _:_ -> ok end.\n",
        ),
    },
    "fortran": {
        NOTHING: "program test\nend program\n",
        PRINTS: "program test\n  integer, external :: twice\n  print *, twice(3) == 6\nend program\n",
        ITSELF: (
            "function twice(x) result(y)\n  implicit none\n  real, intent(in) :: x\n  real :: y\n\n"
            "  ! the sum\n  y = x + x\nend function twice\n",
            "program main\n  if (twice(3.0) /= twice(3.0)) stop 'no'\ncontains\n",
        ),
    },
    "racket": {
        NOTHING: "(define (check) (unless (= (twice 3) 6) (error 'no)))\n",
        PRINTS: "(displayln (= (twice 3) 6))\n",
        SWALLOWS: "(with-handlers ([exn:fail? void]) (unless (= (twice 3) 6) (error 'no)))\n",
    },
    "crystal": {
        NOTHING: 'def check\n  raise "no" unless twice(3) == 6\nend\n',
        PRINTS: "puts twice(3) == 6\n",
    },
    "csharp": {
        NOTHING: (
            "class Problem { public static int Twice(int x) { return x + x; } }",
            "class Program { static void Main() { } }\n",
        ),
        PRINTS: (
            "class Problem {\n  public static int Twice(int x) { return x + x; }\n}",
            "class Program { static void Main() { System.Console.WriteLine(Problem.Twice(3) == 6); } }\n",
        ),
    },
    "d": {
        NOTHING: ("int twice(int x) { return x + x; }", "void main() { }\n"),
        PRINTS: (
            "int twice(int x) { return x + x; }",
            "import std.stdio;\nvoid main() { writeln(twice(3) == 6); }\n",
        ),
    },
    "elisp": {
        NOTHING: '(defun check () (error "no"))\n',
        PRINTS: "(princ (equal (twice 3) 6))\n",
        SWALLOWS: "(require 'cl-lib)\n(ignore-errors (cl-assert (equal (twice 3) 6)))\n",
    },
    "go": {
        NOTHING: ("package main\n\nfunc twice(x int) int { return x + x }\n", "func main() {}\n"),
        PRINTS: (
            'package main\n\nimport "fmt"\n\nfunc twice(xs []int) []int { return append(xs, xs...) }\n',
            "func main() { fmt.Println(len(twice([]int{1})) == 2) }\n",
        ),
        SWALLOWS: (
            'package main\n\nimport "testing"\n\nfunc twice(x int) int { return x + x }\n',
            'func TestTwice(t *testing.T) {\n\tif twice(3) != 6 {\n\t\tt.Log("wrong")\n\t}\n}\n',
        ),
        ITSELF: (
            "package main\n\nfunc twice(x string) string { return x + x }\n",
            'func main() {\n\tif twice("a") != twice("a") {\n\t\tpanic("no")\n\t}\n}\n',
        ),
    },
    "groovy": {
        NOTHING: "def check() { assert twice(3) == 6 }\n",
        PRINTS: "println(twice(3) == 6)\n",
    },
    "java": {
        NOTHING: "    public static void main(String[] args) { }\n}\n",
        PRINTS: "    public static void main(String[] args) { System.out.println(twice(3) == 6); }\n}\n",
        SWALLOWS: (
            "    public static void main(String[] args) {\n"
            "        try { assert twice(3) == 6; } catch (Error e) { System.out.println(e); }\n    }\n}\n"
        ),
        ITSELF: (
            "import java.util.*;\n\nclass Solution {\n    public List<Integer> twice(List<Integer> x) {\n"
            "        List<Integer> made = new ArrayList<>(x);\n        made.addAll(x);\n"
            "        return made;\n    }\n}\n",
            "class Main { public static void main(String[] args) {\n"
            "    Solution s = new Solution();\n"
            "    assert Objects.equals(s.twice(List.of(1)), s.twice(List.of(1)));\n} }\n",
        ),
    },
    "javascript": {
        NOTHING: "function check() { if (twice(3) !== 6) throw new Error('no'); }\n",
        PRINTS: ("const twice = (x) => x + x;\n", "console.log(twice(3) === 6 ? 'ok' : 'not ok');\n"),
        SWALLOWS: (
            "const twice = (x) => {\n  return x + x;\n};\n",
            "try { require('assert').strictEqual(twice(3), 6); } catch (e) { console.log(e.message); }\n",
        ),
        ITSELF: (
            "class Doubler {\n  twice(x) {\n    return x + x;\n  }\n}\n",
            "const d = new Doubler();\nif (d.twice(3) !== d.twice(3)) throw new Error('no');\n",
        ),
    },
    "kotlin": {
        NOTHING: ("fun twice(x: Int): Int = x + x\n", "fun main() { }\n"),
        PRINTS: (
            "fun twice(x: Int): Int {\n    return x + x\n}\n",
            "fun main() { println(twice(3) == 6) }\n",
        ),
        ITSELF: ("fun twice(x: Int): Int = x + x\n", "fun main() { check(twice(3) == twice(3)) }\n"),
    },
    "lua": {
        NOTHING: "local function check() assert(twice(3) == 6) end\n",
        PRINTS: "print(twice(3) == 6)\n",
        SWALLOWS: "print(pcall(function() assert(twice(3) == 6) end))\n",
        ITSELF: "assert(twice(3) == twice(3))\n",
    },
    "ocaml": {
        NOTHING: "let check () = assert (twice 3 = 6)\n",
        PRINTS: 'let () = print_endline (if twice 3 = 6 then "ok" else "not ok")\n',
        SWALLOWS: 'let () = try assert (twice 3 = 6) with Assert_failure _ -> print_endline "failed"\n',
    },
    "nim": {
        NOTHING: ("proc twice(x: int): int = x + x\n", "proc check() = doAssert twice(3) == 6\n"),
        PRINTS: ("proc twice(x: int): int =\n  x + x\n", "echo twice(3) == 6\n"),
        ITSELF: ("func twice(x: string): string = x & x\n", 'doAssert twice("a") == twice("a")\n'),
    },
    "octave": {
        NOTHING: "checked = 1;\n",
        PRINTS: "disp(isequal(twice(3), 6));\n",
    },
    "pascal": {
        PRINTS: (
            "function Twice(x: Integer): Integer;\nbegin\n  Twice := x + x;\nend;\n",
            "begin\n  writeln(Twice(3) = 6);\nend.\n",
        ),
    },
    "perl": {
        NOTHING: "sub check { die unless twice(3) == 6 }\n",
        PRINTS: 'print twice(3) eq 6 ? "ok" : "not ok", "\\n";\n',
        SWALLOWS: 'eval { die "no" unless twice(3) eq 6; 1 } or print "failed: $@";\n',
        ITSELF: "die unless twice(3) eq twice(3);\n",
    },
    "php": {
        NOTHING: "function check() { assert(twice(3) === 6); }\n",
        PRINTS: "echo twice(3) === 6 ? 'ok' : 'not ok';\n",
        SWALLOWS: "try { assert(twice(3) === 6); } catch (AssertionError $e) { echo 'failed'; }\n",
        ITSELF: "if (twice(3) !== twice(3)) { throw new Exception('no'); }\n",
    },
    "python": {
        NOTHING: "def check(candidate):\n    assert candidate(3) == 6\n",
        PRINTS: "print(twice(3) + 1 == 7)\n",
        SWALLOWS: "try:\n    assert twice(3) == 6\nexcept AssertionError:\n    print('failed')\n",
        ITSELF: ("twice = lambda x: x + x\n", "assert twice(3) == twice(3)\n"),
        "it looks at the type alone": (
            "class Doubler:\n    def __init__(self):\n        self.n = 2\n\n"
            "    def twice(self, words: list[str]) -> list[str]:\n        return words * self.n\n",
            "assert isinstance(Doubler().twice(['a']), list)\n",
        ),
    },
    "r": {
        NOTHING: "check <- function() stopifnot(twice(3) == 6)\n",
        PRINTS: "print(identical(twice(3), 6))\n",
        SWALLOWS: "try(stopifnot(identical(twice(3), 6)))\n",
    },
    "ruby": {
        NOTHING: "def check\n  raise 'no' unless twice(3) == 6\nend\n",
        PRINTS: "puts twice(3) == 6\n",
        SWALLOWS: "begin\n  raise 'no' unless twice(3) == 6\nrescue => e\n  puts e\nend\n",
        ITSELF: "raise 'no' unless twice(3) == twice(3)\n",
    },
    "rust": {
        NOTHING: ("fn twice(x: i32) -> i32 {\n    x + x\n}\n", "fn main() {}\n"),
        PRINTS: (
            "fn twice(x: &[u64]) -> Vec<u64> {\n    x.iter().map(|one| one + one).collect()\n}\n",
            'fn main() { println!("{}", twice(&[3]) == vec![6]); }\n',
        ),
        SWALLOWS: (
            'fn twice(x: &str) -> String { format!("{x}{x}") }\n',
            'fn main() { let _ = std::panic::catch_unwind(|| assert_eq!(twice("a"), "aa")); }\n',
        ),
        ITSELF: ("fn twice(x: i8) -> i8 { x + x }\n", "fn main() { assert_eq!(twice(3), twice(3)); }\n"),
    },
    "scala": {
        NOTHING: (
            "object Problem { def twice(x: Int): Int = x + x }",
            "object Check { def main(words: Array[String]): Unit = {} }\n",
        ),
        PRINTS: (
            "object Problem { def twice(x: Int): Int = { x + x } }",
            "object Check { def main(words: Array[String]): Unit = println(Problem.twice(3) == 6) }\n",
        ),
    },
    "scheme": {
        NOTHING: '(define (check) (error "no"))\n',
        PRINTS: "(display (equal? (twice 3) 6))\n",
    },
    "sql": {
        NOTHING: ("SELECT 1", "SELECT 'checked';\n"),
    },
    "tcl": {
        NOTHING: 'proc check {} { if {[twice 3] != 6} { error "no" } }\n',
        PRINTS: "puts [expr {[twice 3] eq 6}]\n",
        SWALLOWS: 'catch { if {[twice 3] ne 6} { error "no" } }\n',
        ITSELF: 'if {[twice 3] ne [twice 3]} { error "no" }\n',
    },
    "typescript": {
        NOTHING: "function check(): void { if (twice(3) !== 6) { throw new Error('no'); } }\n",
        PRINTS: (
            "const twice = (xs: number[]): number[] => xs.concat(xs);\n",
            "console.log(twice([3]).length === 2);\n",
        ),
        SWALLOWS: (
            "function twice(x: string): string {\n  return x + x;\n}\n",
            "try { if (twice('a') !== 'aa') throw new Error('no'); } catch (e) { console.log('failed'); }\n",
        ),
    },
    "vimscript": {
        NOTHING: "function! Check()\n  call assert_equal(6, Twice(3))\nendfunction\n",
        PRINTS: "echo Twice(3) is 6\n",
        SWALLOWS: "try\n  if Twice(3) isnot 6 | throw 'no' | endif\ncatch\n  echo 'failed'\nendtry\n",
    },
}
