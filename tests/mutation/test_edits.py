"""Edits of programs in many languages: which slips are made, that each leaves a program that still parses,
and that what is hostile or broken is left alone."""

import pytest

from synth.grammar.trees import parse_error
from synth.mutation.bodies import with_first_statement
from synth.mutation.edits import EditKind, make_mutants
from synth.mutation.rules import RULES

PROGRAMS = {
    "python": "def f(x):\n    if x > 30 and True:\n        out.append(x)\n    return x + 41\n",
    "javascript": "function f(x) { if (x > 30 && true) { out.push(x); } return x + 41; }",
    "typescript": "function f(x: number): number { if (x > 30 && true) { out.push(x); } return x + 41; }",
    "java": "class A { int f(int x) { if (x > 30 && true) { out.add(x); } return x + 41; } }",
    "c": "int f(int x) { if (x > 30 && true) { g(x); } return x + 41; }",
    "cpp": "int f(int x) { if (x > 30 && true) { v.push_back(x); } return x + 41; }",
    "go": "package main\nfunc f(x int) int {\n\tif x > 30 && true {\n\t\tg(x)\n\t}\n\treturn x + 41\n}\n",
    "ruby": "def f(x)\n  if x > 30 && true\n    out.push(x)\n  end\n  return x + 41\nend\n",
    "php": "<?php\nfunction f($x) { if ($x > 30 && true) { g($x); } return $x + 41; }\n",
    "rust": "fn f(x: i32) -> i32 { if x > 30 && true { v.push(x); } return x + 41; }",
    "csharp": "class A { int F(int x) { if (x > 30 && true) { l.Add(x); } return x + 41; } }",
    "kotlin": "fun f(x: Int): Int {\n  if (x > 30 && true) { l.add(x) }\n  return x + 41\n}\n",
    "lua": "function f(x)\n  if x > 30 and true then g(x) end\n  return x + 41\nend\n",
    "perl": "sub f { my ($x) = @_; if ($x > 30) { g($x); } return $x + 41; }\n",
    "scala": "def f(x: Int): Int = { if (x > 30 && true) { l.add(x) }; x + 41 }",
    "swift": "func f(x: Int) -> Int {\n  if x > 30 && true { l.append(x) }\n  return x + 41\n}\n",
}
WORDS_OF_OPERATORS = frozenset(("scala",))
"""Grammars in which operators are names like any other."""


def test_there_is_a_program_for_each_grammar_with_rules() -> None:
    assert set(PROGRAMS) == set(RULES)


@pytest.mark.parametrize("grammar", sorted(PROGRAMS))
def test_each_kind_of_slip_is_made_and_still_parses(grammar: str) -> None:
    code = PROGRAMS[grammar]
    mutants = make_mutants(code, grammar, 20)
    kinds = {mutant.kind for mutant in mutants}
    wanted = {EditKind.CONDITION, EditKind.CONSTANT}
    if grammar not in WORDS_OF_OPERATORS:
        wanted.add(EditKind.OPERATOR)
    if RULES[grammar].nothing:
        wanted.add(EditKind.RETURN)
    if RULES[grammar].calls:
        wanted.add(EditKind.CALL)
    if grammar not in ("perl", "kotlin", "c"):
        wanted.add(EditKind.BOOLEAN)
    assert kinds >= wanted
    assert code not in {mutant.code for mutant in mutants}
    assert len({mutant.code for mutant in mutants}) == len(mutants)
    assert [parse_error(mutant.code, grammar) for mutant in mutants] == [None] * len(mutants)


def test_a_mutant_says_its_line_and_what_became_of_what() -> None:
    mutants = make_mutants("def f(x):\n    return x * 3\n", "python", 9)
    assert {(mutant.line, mutant.words, mutant.code.split("\n")[1]) for mutant in mutants} == {
        (2, "`*` becomes `+`", "    return x + 3"),
        (2, "`x * 3` becomes `None`", "    return None"),
        (2, "`3` becomes `4`", "    return x * 4"),
    }


def test_few_mutants_are_of_different_kinds_and_the_same_each_time() -> None:
    code = "def f(x):\n    if x - 1 < 2 * x:\n        return x + 5\n    return x - 7\n"
    few = make_mutants(code, "python", 4, seed=3)
    assert few == make_mutants(code, "python", 4, seed=3)
    assert {mutant.kind for mutant in few} == {
        EditKind.OPERATOR,
        EditKind.CONDITION,
        EditKind.RETURN,
        EditKind.CONSTANT,
    }


@pytest.mark.parametrize(
    "code",
    [
        "import a\nfrom b import c\n",
        "def f(x: Literal[3]):\n    pass\n",
        "if __name__ == '__main__':\n    main(3 + 4)\n",
        "assert 1 + 2 == 3\n",
        "while x:\n    pass\n",
        "def f(:\n    return 1 + 2\n",
        "x = 'a + b if True'\n",
        "",
    ],
)
def test_what_has_no_slip_that_tests_could_notice_has_no_mutants(code: str) -> None:
    assert make_mutants(code, "python", 9) == []


def test_a_program_that_costs_its_parser_too_much_has_none() -> None:
    bomb = "(" * 300_000
    assert make_mutants(bomb, "javascript", 9) == []
    assert with_first_statement(bomb, "javascript", lambda _: "f();") is None


def test_a_grammar_without_rules_has_mutants_of_operators() -> None:
    assert [mutant.code for mutant in make_mutants("x = $((a)) && b\n", "bash", 9)] == ["x = $((a)) || b\n"]


@pytest.mark.parametrize("grammar", sorted(PROGRAMS))
def test_a_statement_stands_first_in_each_function(grammar: str) -> None:
    code = PROGRAMS[grammar]
    statement = "stop()" if RULES[grammar].layout or grammar in ("ruby", "lua", "swift") else "stop();"
    found = with_first_statement(code, grammar, lambda _: statement)
    assert found is not None
    assert found.count("stop()") == 1
    assert found.index("stop()") < found.index("30")
    assert parse_error(found, grammar) is None


def test_a_statement_sees_the_declared_type_and_may_leave_a_function_alone() -> None:
    code = "class A { void f() { g(); } int h() { return 1; } }"
    found = with_first_statement(code, "java", lambda kind: None if kind == "void" else f"/*{kind}*/")
    assert found == "class A { void f() { g(); } int h() {/*int*/  return 1; } }"
    assert with_first_statement("int x = 3;", "java", lambda _: ";") is None


def test_layout_and_one_line_bodies_stay_whole() -> None:
    code = "class A:\n    def f(self):\n        'words'\n        return 1\n\ndef g(x): return x\n"
    assert with_first_statement(code, "python", lambda _: "stop()") == (
        "class A:\n    def f(self):\n        stop()\n        'words'\n        return 1\n\n"
        "def g(x): stop(); return x\n"
    )
