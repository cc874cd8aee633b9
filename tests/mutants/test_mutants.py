"""The mutants themselves: which edits a source gets, and that a trial tells good tests from weak ones."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

from tests.mutants.__main__ import list_stages
from tests.mutants.edits import make_mutants

ROOT = Path(__file__).resolve().parents[2]

MODULE = '''\
"""Adds up."""

LIMIT = 10


def add(values: list[int], cap: bool = False) -> int:
    """The sum, at most LIMIT where there is a cap."""
    assert values is not None
    total = sum(value for value in values if value > 0)
    if cap and total > LIMIT:
        return LIMIT
    return total
'''
EDITS = [
    (3, "10 -> 11"),
    (6, "False -> True"),
    (9, "if True"),
    (9, "if False"),
    (9, "Gt -> GtE"),
    (9, "Gt -> LtE"),
    (9, "0 -> 1"),
    (10, "if True"),
    (10, "if False"),
    (10, "And -> Or"),
    (10, "Gt -> GtE"),
    (10, "Gt -> LtE"),
    (11, "returns None"),
    (12, "returns None"),
]
GOOD_TESTS = """\
from adding import LIMIT, add

def test_it_adds():
    assert add([1, 2, -5]) == 3
    assert add([9, 9]) == 18
    assert add([9, 9], cap=True) == LIMIT == 10
    assert add([4, 4], cap=True) == 8
"""
WEAK_TESTS = """\
from adding import add

def test_it_adds():
    assert add([1, 2]) == 3
    assert add([20], cap=True)
"""


def test_a_module_gets_these_edits_and_no_others() -> None:
    assert [(mutant.line, mutant.edit) for mutant in make_mutants(MODULE)] == EDITS


def test_docstrings_types_imports_and_assertions_are_left_alone() -> None:
    silent = (
        '"""One."""\nfrom a import b\nT = TypeVar("T", bound="c")\n'
        'def f(x: "int") -> "str":\n    """Two."""\n    assert x == 1, "three"\n'
    )
    assert make_mutants(silent) == []


@pytest.mark.parametrize(
    ("code", "mutants"),
    [
        ("x = a == b", ["x = a != b"]),
        ("x = a <= b", ["x = a < b", "x = a > b"]),
        ("x = not a", ["x = a"]),
        ("x = a or b", ["x = a and b"]),
        ("x = a - b", ["x = a + b"]),
        ("x += y", ["x -= y", "pass"]),
        ("x = 'a'", ["x = 'a~'"]),
        ("x = None", []),
        ("x = a[b:c]", ["x = a[:c]", "x = a[b:]"]),
        ("x = a if b else c", ["x = a if True else c", "x = a if False else c"]),
        ("x = a not in b", ["x = a in b"]),
        ("x = f(a, b)", ["x = f(b, a)"]),
        ("x = f(a, *b)", []),
        ("x = f(a, k=b)", ["x = f(a)"]),
        ("x = min(a)", ["x = max(a)"]),
        ("f()", ["pass"]),
        ("while a:\n    b = c", ["while False:\n    b = c"]),
        ("def f():\n    raise a", ["def f():\n    pass"]),
        ("x = {'a': f'{b} c'}", ["x = {'a~': f'{b} c'}", "x = {'a': f'{b} c~'}"]),
    ],
)
def test_each_edit_is_small_and_leaves_the_rest(code: str, mutants: list[str]) -> None:
    assert [mutant.source for mutant in make_mutants(code)] == mutants


@pytest.mark.parametrize(
    ("tests", "status", "words"),
    [
        (GOOD_TESTS, 0, "adding.py 7/7 2/2 12/14 86% enough"),
        (WEAK_TESTS, 1, "adding.py 7/7 2/2 6/14 43% too few"),
        ("def test_nothing():\n    assert True\n", 1, "no test imports the module"),
        ("def test_wrong():\n    assert False\n", 1, "must run adding.py and pass: F"),
    ],
    ids=["good", "weak", "none", "failing"],
)
def test_a_trial_ends_well_only_where_the_tests_notice_enough(
    tests: str, status: int, words: str, tmp_path: Path
) -> None:
    (tmp_path / "adding.py").write_text(MODULE)
    (tmp_path / "test_adding.py").write_text(tests)
    command = [sys.executable, "-m", "tests.mutants", "adding.py", "test_adding.py"]
    environment = {**os.environ, "PYTHONPATH": str(ROOT)}
    ended = subprocess.run(
        command, cwd=tmp_path, env=environment, capture_output=True, text=True, timeout=300
    )
    assert words in " ".join((ended.stdout + ended.stderr).split())
    assert ended.returncode == status


def test_a_survivor_is_shown_with_its_line_and_its_difference(tmp_path: Path) -> None:
    (tmp_path / "adding.py").write_text("def add(a, b):\n    # both\n    return a + b\n")
    (tmp_path / "test_adding.py").write_text("from adding import add\ndef test_it(): assert add(1, 0) == 1\n")
    command = [sys.executable, "-m", "tests.mutants", "adding.py", "test_adding.py", "--jobs", "1"]
    environment = {**os.environ, "PYTHONPATH": str(ROOT)}
    ended = subprocess.run(
        command, cwd=tmp_path, env=environment, capture_output=True, text=True, timeout=300
    )
    assert "adding.py:3: survived: Add -> Sub\n    -    return a + b\n    +    return a - b\n" in ended.stdout
    assert ended.returncode == 1


def test_every_module_of_the_stages_has_a_test_file_of_its_own(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(ROOT)
    pairs = list_stages()
    assert (Path("synth/stages/execute.py"), Path("tests/stages/test_execute_stage.py")) in pairs
    assert len({tests for _, tests in pairs}) == len(pairs) > 12


def test_a_module_of_the_stages_without_tests_of_its_own_is_an_error(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "synth" / "stages").mkdir(parents=True)
    (tmp_path / "synth" / "stages" / "guess.py").write_text("")
    monkeypatch.chdir(tmp_path)
    with pytest.raises(SystemExit, match=r"guess\.py has no test file of its own"):
        list_stages()
