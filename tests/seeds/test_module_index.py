"""Closing a function over its own file: what comes along, and what is refused."""

import pytest

from synth.filters.protocol import Reject
from synth.seeds.python.closure import ClosedProgram
from synth.seeds.python.closure import close as close_over
from synth.seeds.python.module_index import ModuleIndex
from synth.seeds.python.self_contained import check_self_contained

FILE = '''"""A module."""
from __future__ import annotations
import os, math, builtins, threading
from collections import Counter as C, OrderedDict
from .sibling import thing
import re

LIMIT, OTHER = 3, 4
WORDS: list[str] = ["a"]
PATTERN = re.compile("a+")

class Odd(ValueError):
    """Ours."""

def helper(xs):
    return [x for x in xs if x > LIMIT]

def uses_helper(xs: Missing) -> C:
    if not xs:
        raise Odd("none")
    return C(helper(xs))

def uses_pattern(s):
    return [m.group() for m in PATTERN.finditer(s)]

def uses_os(p):
    return os.path.join(os.getcwd(), p)

def uses_builtins(xs):
    with threading.Lock():
        return builtins.sorted(xs)

def uses_builtins_that_read(a):
    return builtins.open(a)

def uses_sibling(a):
    return thing(a)

def uses_input(a):
    return a + input()

def changes_global(a):
    global LIMIT
    LIMIT = a
    return a

def mutual_a(n):
    return n < 1 or mutual_b(n - 1)

def mutual_b(n):
    return n > 5 or mutual_a(n - 2)

def shadows(open):
    id = open + 1
    return [hash for hash in range(id)]

def imports_inside(a):
    import random
    return random.random() + a

def imports_pure_inside(a):
    from itertools import chain
    return list(chain(a, a))

try:
    text = unicode
except NameError:
    text = str

def uses_conditional(a):
    return text(a)

def twice(a):
    return a

def twice(a):
    return a + 1

async def later(a):
    return a
'''


def close(name: str) -> ClosedProgram | Reject:
    index = ModuleIndex.read(FILE)
    assert index is not None
    return close_over(index, name)


def closed(name: str) -> ClosedProgram:
    found = close(name)
    assert isinstance(found, ClosedProgram), found
    return found


def run(program: ClosedProgram, *arguments: object) -> object:
    space: dict[str, object] = {"__name__": "seed"}
    exec(program.code, space)
    function = space[program.entry_point]
    assert callable(function)
    return function(*arguments)


def test_helpers_constants_classes_and_imports_come_along_and_the_program_runs_alone() -> None:
    program = closed("uses_helper")
    assert run(program, [1, 5, 5, 9]) == {5: 2, 9: 1}
    assert set(program.pulled) == {"Odd", "helper", "LIMIT", "OTHER"}
    assert "import os" not in program.code
    assert "PATTERN" not in program.code
    assert program.code.rstrip().endswith("return C(helper(xs))")


def test_a_constant_that_needs_a_pure_module_comes_with_it() -> None:
    assert run(closed("uses_pattern"), "aabaa") == ["aa", "aa"]


def test_members_of_builtins_and_locks_are_judged_one_by_one() -> None:
    assert run(closed("uses_builtins"), [3, 1]) == [1, 3]


def test_functions_that_call_each_other_come_together() -> None:
    assert run(closed("mutual_a"), 3) is True


def test_local_names_hide_impure_builtins() -> None:
    assert run(closed("shadows"), 2) == [0, 1, 2]


def test_a_pure_import_inside_a_function_is_fine() -> None:
    assert run(closed("imports_pure_inside"), [1]) == [1, 1]


@pytest.mark.parametrize(
    ("name", "reason", "needs"),
    [
        ("uses_os", "impure", "os.getcwd"),
        ("uses_sibling", "not_self_contained", ".sibling"),
        ("uses_input", "impure", "input"),
        ("uses_builtins_that_read", "impure", "builtins.open"),
        ("changes_global", "impure", "LIMIT"),
        ("imports_inside", "impure", "random"),
        ("uses_conditional", "not_self_contained", "unicode"),
        ("twice", "not_self_contained", "twice"),
        ("later", "not_self_contained", "later"),
        ("nowhere", "not_self_contained", "nowhere"),
        ("LIMIT", "not_self_contained", "LIMIT"),
    ],
)
def test_functions_that_cannot_stand_alone_are_refused_with_their_needs(
    name: str, reason: str, needs: str
) -> None:
    found = close(name)
    assert isinstance(found, Reject)
    assert (found.reason, found.evidence["needs"]) == (reason, needs)


@pytest.mark.parametrize("name", ["uses_helper", "uses_pattern", "mutual_a"])
def test_closing_a_closed_program_changes_nothing(name: str) -> None:
    program = closed(name)
    again = check_self_contained(program.code, "python")
    assert isinstance(again, ClosedProgram)
    assert again.entry_point == name
    assert again.code == program.code


@pytest.mark.parametrize(
    ("code", "reason"),
    [
        ("def f(self):\n    return self.x\n", "not_self_contained"),
        ("@staticmethod\ndef f(x):\n    return x\n", "not_self_contained"),
        ("def f(x):\n    return g(x)\n", "not_self_contained"),
        ("x = 1\n", "not_self_contained"),
        ("def f(:\n", "parse_error"),
        ("import numpy as np\ndef f(x):\n    return np.sum(x)\n", "not_self_contained"),
        ("import time\ndef f(x):\n    return time.time() + x\n", "impure"),
        ("import urllib.request\ndef f(x):\n    return urllib.request.urlopen(x)\n", "impure"),
        ("def f(x):\n    return eval(x)\n", "impure"),
        ("def f(x):\n    return __file__ + x\n", "not_self_contained"),
    ],
)
def test_a_snippet_that_is_no_program_is_refused(code: str, reason: str) -> None:
    found = check_self_contained(code, "python")
    assert isinstance(found, Reject)
    assert found.reason == reason


def test_a_statement_that_shares_its_line_is_taken_alone() -> None:
    index = ModuleIndex.read("A = 1; B = '世'; C = 3\ndef f(x):\n    return x + B\n")
    assert index is not None
    program = close_over(index, "f")
    assert isinstance(program, ClosedProgram)
    assert "A = 1" not in program.code
    assert run(program, "a") == "a世"


def test_windows_line_ends_and_form_feeds_do_not_shift_lines() -> None:
    index = ModuleIndex.read("K = 'a\\x0cb'\r\n\x0c\r\ndef f(x):\r\n    return x + K\r\n")
    assert index is not None
    program = close_over(index, "f")
    assert isinstance(program, ClosedProgram)
    assert run(program, "") == "a\x0cb"


def test_other_languages_are_not_closed() -> None:
    assert isinstance(check_self_contained("function f() { return 1; }", "javascript"), Reject)
