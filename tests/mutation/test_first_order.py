"""First-order mutants: every operator in eight languages, only in what the function reaches, each one a
program that parses, and the same ones for the same seed."""

import pytest

from synth.grammar.trees import parse_error
from synth.mutation.edits import EditKind
from synth.mutation.first_order import make_first_order

PYTHON = '''"""Words."""
import os

def unused(x):
    return x + 99

def helper(text, most=7):
    return text[1:most]

def f(xs: list[int], n: int, sep: str = ",") -> str:
    """What it does."""
    total = -n
    for i in range(n):
        if xs[i] < 30 and not xs[i] == 5:
            total += xs[i]
        else:
            break
    if total == 0:
        raise ValueError("nothing")
    print("total", total)
    xs.append(True)
    words = [str(x) + ";" for x in xs if x > 41]
    return helper(sep.join(words), n)
'''
_JAVA_BODY = """
    int total = -n;
    for (int i = 0; i < n; i++) {
      if (xs[i] < 30 && !(xs[i] == 5)) { total += xs[i]; } else { break; }
    }
    if (total == 0) { throw new RuntimeException("nothing"); }
    note(total, n, true);
    String word = n ? "a" : "b";
    return total + 41;"""
_SCRIPT_BODY = """
  let total = -n;
  for (let i = 0; i < n; i++) {
    if (xs[i] < 30 && !(xs[i] == 5)) { total += xs[i]; } else { break; }
  }
  if (total === 0) { throw new Error("nothing"); }
  console.log("total", total);
  note(total, n, true);
  const word = n ? "a" : `b${n}c`;
  return total + 41;"""
_C_BODY = """
  int total = -n;
  for (int i = 0; i < n; i++) {
    if (xs[i] < 30 && !(xs[i] == 5)) { total += xs[i]; } else { break; }
  }
  note(total, n, true);
  const char *word = n ? "a" : "b";
  return total + 41;"""
_GO = """package main

func unused(x int) int { return x + 99 }

func f(xs []int, n int) int {
	total := -n
	for i := 0; i < n; i++ {
		if xs[i] < 30 && !(xs[i] == 5) {
			total += xs[i]
		} else {
			break
		}
	}
	note(total, n, true)
	done := true
	word := "a"
	part := xs[1:n]
	return total + 41
}
"""
_RUST = """fn unused(x: i64) -> i64 { x + 99 }

fn f(xs: &[i64], n: usize) -> i64 {
    let mut total = -1;
    for i in 0..n {
        if xs[i] < 30 && !(xs[i] == 5) { total += xs[i]; } else { break; }
    }
    note(total, n, true);
    let done = true;
    let word = "a";
    total + 41
}
"""
_UNUSED = "unused(int x) { return x + 99; }"
PROGRAMS = {
    "python": PYTHON,
    "javascript": f"function unused(x) {{ return x + 99; }}\nconst f = (xs, n) => {{{_SCRIPT_BODY}\n}};\n",
    "typescript": (
        "function unused(x: number) { return x + 99; }\n"
        f"function f(xs: number[], n: number): number {{{_SCRIPT_BODY}\n}}\n"
    ),
    "java": f"class A {{\n  static int {_UNUSED}\n  static int f(int[] xs, int n) {{{_JAVA_BODY}\n  }}\n}}\n",
    "c": f"int {_UNUSED}\nint f(int *xs, int n) {{{_C_BODY}\n}}\n",
    "cpp": f"int {_UNUSED}\nint f(std::vector<int> xs, int n) {{{_C_BODY}\n}}\n",
    "go": _GO,
    "rust": _RUST,
}
ALL = 400


@pytest.mark.parametrize("grammar", sorted(PROGRAMS))
def test_every_operator_is_there_and_every_mutant_parses(grammar: str) -> None:
    code = PROGRAMS[grammar]
    mutants = make_first_order(code, grammar, "f", ALL)
    kinds = {mutant.kind for mutant in mutants}
    assert kinds == set(EditKind) - {EditKind.CALL}
    assert [parse_error(mutant.code, grammar) for mutant in mutants] == [None] * len(mutants)
    assert len({mutant.code for mutant in mutants} | {code}) == len(mutants) + 1
    words = " ".join(mutant.words for mutant in mutants)
    assert "99" not in words, "a function that nobody calls was edited"
    assert "nothing`" not in words, "the words of an exception were edited"
    assert "`<` becomes `<=`" in words
    assert {"`30` becomes `31`", "`30` becomes `29`", "`total += xs[i]"} <= {
        mutant.words if mutant.kind is EditKind.CONSTANT else mutant.words[:15] for mutant in mutants
    }


def test_what_no_result_shows_stays_and_what_a_caller_sees_does_not() -> None:
    found = {mutant.words for mutant in make_first_order(PYTHON, "python", "f", ALL)}
    assert not any("total," in words or "What it does" in words or "import" in words for words in found)
    assert {
        "`;` becomes nothing",
        "nothing becomes `X`",
        "`n` becomes `(n) + 1`",
        "`i` becomes `(i) - 1`",
        "`7` becomes `8`",
        "`most` becomes `(most) - 1`",
        "`sep.join(words), n` becomes `n, sep.join(words)`",
        '`raise ValueError("nothing")` becomes `pass`',
        "`else: break` becomes nothing",
        "`not` becomes nothing",
        "`-` becomes nothing",
        "`helper(sep.join(words), n)` becomes `None`",
        "`x > 41` becomes `not (x > 41)`",
    } <= found


@pytest.mark.parametrize(
    ("grammar", "code"),
    [
        ("python", "def g(x, n=7):\n    return x\n\ndef f(x, n=5):\n    return g(x)\n"),
        ("javascript", "function g(x, n = 7) { return x; }\nfunction f(x, n = 5) { return g(x); }\n"),
        ("typescript", "const g = (x: number, n = 7) => x;\nconst f = (x: number, n = 5) => g(x);\n"),
        ("cpp", "int g(int x, int n = 7) { return x; }\nint f(int x, int n = 5) { return g(x); }\n"),
    ],
)
def test_a_default_is_edited_where_a_call_may_leave_it_out(grammar: str, code: str) -> None:
    words = " ".join(mutant.words for mutant in make_first_order(code, grammar, "f", ALL))
    assert "`7` becomes `8`" in words
    assert "`5`" not in words


@pytest.mark.parametrize(
    ("grammar", "code"),
    [
        (
            "javascript",
            "const check = (n, name = 'Some') => {\n  if (n < 8) { throw new Error('The ' + name) }\n}\n"
            "const f = (n) => {\n  check(n, 'Radius')\n  return n * 2\n}\n",
        ),
        (
            "python",
            "def check(n: int, name: str = 'Some') -> None:\n    if n < 8:\n"
            "        raise ValueError(f'The {name}')\n\n"
            "def f(n):\n    check(n, 'Radius')\n    return n * 2\n",
        ),
        (
            "java",
            "class A {\n  static void check(int n, String name) {\n"
            '    if (n < 8) { throw new Error("The " + name); }\n  }\n'
            '  static int f(int n) {\n    check(n, "Radius");\n    return n * 2;\n  }\n}\n',
        ),
        (
            "go",
            'func check(n int, name string) {\n\tif n < 8 {\n\t\tpanic("The " + name)\n\t}\n}\n'
            'func f(n int) int {\n\tcheck(n, "Radius")\n\treturn n * 2\n}\n',
        ),
    ],
)
def test_words_that_a_helper_says_in_an_error_stay(grammar: str, code: str) -> None:
    words = " ".join(mutant.words for mutant in make_first_order(code, grammar, "f", ALL))
    assert not any(word in words for word in ("Some", "`Radius`", "nothing becomes `X`"))
    assert "`8` becomes `9`" in words and "`2` becomes `3`" in words
    used = code.replace("n * 2", "name").replace("n < 8", "name < 8")
    assert "Radius" in " ".join(mutant.words for mutant in make_first_order(used, grammar, "f", ALL))


@pytest.mark.parametrize(
    ("grammar", "code"),
    [
        (
            "python",
            "def f(n):\n    if n < 8:\n        msg = f'Few: {n}'\n"
            "        raise ValueError(msg)\n    return n\n",
        ),
        (
            "typescript",
            "function f(n: number): number {\n  const msg = 'Few: ' + n\n"
            "  if (n < 8) { throw new Error(msg) }\n  return n\n}\n",
        ),
        (
            "java",
            'class A {\n  static int f(int n) {\n    String msg = "Few: ";\n'
            "    if (n < 8) { throw new Error(msg); }\n    return n;\n  }\n}\n",
        ),
        (
            "go",
            'func f(n int) (int, error) {\n\tmsg := "Few: "\n\tif n < 8 {\n\t\treturn 0, errors.New(msg)\n'
            "\t}\n\treturn n, nil\n}\n",
        ),
        (
            "rust",
            'fn f(n: i64) -> i64 {\n    let msg = "Few: ";\n    if n < 8 { panic!("{}", msg); }\n    n\n}\n',
        ),
    ],
)
def test_words_of_an_error_stay_in_a_variable(grammar: str, code: str) -> None:
    words = " ".join(mutant.words for mutant in make_first_order(code, grammar, "f", ALL))
    assert "Few" not in words and "msg =" not in words
    assert "`8` becomes `9`" in words
    used = code.replace("return n", "return msg").replace("    n\n}", "    msg\n}")
    assert "Few" in " ".join(mutant.words for mutant in make_first_order(used, grammar, "f", ALL))


@pytest.mark.parametrize(
    ("grammar", "code"),
    [
        (
            "go",
            'func f(n int) (int, error) {\n\tif n < 8 {\n\t\treturn 77, errors.New("few")\n'
            "\t}\n\treturn n, nil\n}\n",
        ),
        (
            "go",
            "func f(n int) (int, error) {\n\tif n < 8 {\n\t\treturn 77, pkg.ErrFew\n"
            "\t}\n\treturn n, nil\n}\n",
        ),
        (
            "rust",
            "fn f(n: i64) -> Result<i64, String> {\n"
            '    if n < 8 { return Err(format!("few {}", 77)); }\n    Ok(n)\n}\n',
        ),
        ("rust", 'fn f(n: i64) -> i64 {\n    if n < 8 { panic!("few {}", 77); }\n    n\n}\n'),
    ],
)
def test_what_stands_beside_an_error_stays(grammar: str, code: str) -> None:
    words = " ".join(mutant.words for mutant in make_first_order(code, grammar, "f", ALL))
    assert "`77`" not in words and "`few" not in words
    assert "`8` becomes `9`" in words


def test_arguments_of_max_are_not_swapped_unless_it_is_the_programs_own() -> None:
    code = "const f = (a, b) => Math.max(a, b) + g(a, b)\nconst g = (a, b) => a - b\n"
    swapped = [one.words for one in make_first_order(code, "javascript", "f", ALL) if one.kind == "arguments"]
    assert swapped == ["`a, b` becomes `b, a`"]
    own = "def max(a, b):\n    return a - b\n\ndef f(a, b):\n    return max(a, b)\n"
    assert any(one.kind == "arguments" for one in make_first_order(own, "python", "f", ALL))


def test_few_are_drawn_from_all_by_the_seed() -> None:
    few = make_first_order(PYTHON, "python", "f", 10, seed=4)
    assert len(few) == 10
    assert few == make_first_order(PYTHON, "python", "f", 10, seed=4)
    assert few != make_first_order(PYTHON, "python", "f", 10, seed=5)
    assert set(few) <= set(make_first_order(PYTHON, "python", "f", ALL))


def test_a_class_is_edited_whole_and_a_constructor_with_who_calls_it() -> None:
    code = (
        "class Box:\n    def __init__(self, n=3):\n        self.n = n\n\n    def grow(self):\n"
        "        self.n += 8\n\n\ndef f(x):\n    return Box(x).n\n"
    )
    assert {mutant.line for mutant in make_first_order(code, "python", "Box", ALL)} == {2, 3, 6}
    assert {mutant.line for mutant in make_first_order(code, "python", "f", ALL)} == {2, 3, 10}


@pytest.mark.parametrize("code", ["", "def f(:\n", "x = (" * 3000, "\ud800 = 1\n"])
def test_what_is_no_program_has_no_mutants(code: str) -> None:
    assert make_first_order(code, "python", "f", ALL) == []
