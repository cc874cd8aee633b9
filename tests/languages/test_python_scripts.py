"""Script mode of Python: test frameworks find their tests, program and script are the main module, and
nothing that a program does makes a script pass that it does not solve."""

from typing import Any, Final

import pytest

from synth.execution.local.sandbox import LocalSandbox
from synth.languages.support.sources import read_source
from synth.records import Limits, Outcome
from synth.verify.answers import VerifyResult, make_answer
from synth.verify.rows import prepare, read_row
from tests.builders import Run
from tests.languages.cheat_files import read_cheats

RIGHT: Final = "def add(a, b):\n    return a + b\n"
WRONG: Final = "def add(a, b):\n    return a - b\n"
CASE: Final = "import unittest\nclass TestAdd(unittest.TestCase):\n    def test_two(self):\n"
EQUAL: Final = "        self.assertEqual(add(2, 3), 5)\n"
STYLES: Final = {
    "unittest, called": f"{CASE}{EQUAL}if __name__ == '__main__':\n    unittest.main()\n",
    "unittest, called without an exit": f"{CASE}{EQUAL}unittest.main(exit=False)\n",
    "unittest, called by name": f"from unittest import main\n{CASE}{EQUAL}main(verbosity=2)\n",
    "unittest, nobody calls it": CASE + EQUAL,
    "unittest, run by a runner": f"{CASE}{EQUAL}"
    "unittest.TextTestRunner().run(unittest.defaultTestLoader.loadTestsFromTestCase(TestAdd))\n",
    "unittest, its result is the exit code": f"{CASE}{EQUAL}import sys\n"
    "found = unittest.TextTestRunner().run(unittest.makeSuite(TestAdd) if False else "
    "unittest.defaultTestLoader.loadTestsFromTestCase(TestAdd))\n"
    "sys.exit(0 if found.wasSuccessful() else 1)\n",
    "subtests": f"{CASE}        for a, b in ((0, 0), (2, 3)):\n            with self.subTest(a=a):\n"
    "                self.assertEqual(add(a, b), b + a)\n",
    "setUpClass and setUp": "import unittest\nclass TestAdd(unittest.TestCase):\n    @classmethod\n"
    "    def setUpClass(cls):\n        cls.two = 2\n    def setUp(self):\n        self.three = 3\n"
    "    def test_it(self):\n        self.assertEqual(add(self.two, self.three), 5)\n",
    "setUpClass calls the program": "import unittest\nclass TestAdd(unittest.TestCase):\n    @classmethod\n"
    "    def setUpClass(cls):\n        assert add(2, 3) == 5\n    def test_it(self):\n        pass\n",
    "asynchronous": "import unittest\nclass TestAdd(unittest.IsolatedAsyncioTestCase):\n"
    "    async def test_it(self):\n        self.assertEqual(add(2, 3), 5)\n",
    "a test that is skipped beside one that is not": f"{CASE}{EQUAL}    @unittest.skip('later')\n"
    "    def test_later(self):\n        self.fail()\n",
    "a base class": "import unittest\nclass Base(unittest.TestCase):\n    def test_it(self):\n"
    "        self.assertEqual(add(2, self.b), 5)\nclass TestThree(Base):\n    b = 3\n",
    "test functions": "def test_two():\n    assert add(2, 3) == 5\n",
    "test functions that are asynchronous": "async def test_two():\n    assert add(2, 3) == 5\n",
    "test functions that it calls itself": "def test_two(f):\n    assert f(2, 3) == 5\ntest_two(add)\n",
    "a class of tests": "class TestAdd:\n    def test_two(self):\n        assert add(2, 3) == 5\n",
    "a loop over the tests": "def test_two():\n    assert add(2, 3) == 5\n"
    "for name, test in list(globals().items()):\n    if name.startswith('test_'):\n        test()\n",
    "doctest, asserted": "def tested():\n    '''\n    >>> add(2, 3)\n    5\n    '''\nimport doctest\n"
    "assert doctest.testmod().failed == 0\n",
    "doctest, its result is dropped": "def tested():\n    '''\n    >>> add(2, 3)\n    5\n    '''\n"
    "import doctest\ndoctest.testmod()\n",
    "doctest, nobody calls it": "'''\n>>> add(2, 3)\n5\n'''\n",
    "an exit at the end": "import sys\nassert add(2, 3) == 5\nsys.exit(0)\n",
    "exit at the end": "assert add(2, 3) == 5\nexit()\n",
    "an exit with a count of failures": "import sys\nfailed = 0\nif add(2, 3) != 5:\n    failed += 1\n"
    "sys.exit(failed)\n",
    "an exit in a main function": "import sys\ndef main():\n"
    "    if add(2, 3) != 5:\n        return 1\n    return 0\n"
    "if __name__ == '__main__':\n    sys.exit(main())\n",
    "an exit raised": "assert add(2, 3) == 5\nraise SystemExit\n",
    "close to a number": f"{CASE}        self.assertAlmostEqual(add(0.1, 0.2), 0.3)\n",
    "a thread": "import threading\ndef check():\n    assert add(2, 3) == 5\n"
    "threading.Thread(target=check).start()\n",
    "from solution": "from solution import add as plus\nassert plus(2, 3) == 5\n",
    "from __main__": "from __main__ import add as plus\nassert plus(2, 3) == 5\n",
}
CHEATS: Final = read_cheats(read_source("python/script_cheats.txt"))


def answers_of(
    programs: list[tuple[str, str]], sandbox: LocalSandbox, run: Run[Any], limits: Limits | None = None
) -> list[VerifyResult]:
    """The answers to (program, script), in order."""
    rows = [
        read_row(
            {"id": at, "language": "python", "code": code, "tests": {"kind": "script", "script": script}},
            "row",
        )
        for at, (code, script) in enumerate(programs)
    ]
    prepared = [prepare(row, "row", limits or Limits(cpu_s=10, wall_s=100)) for row in rows]
    seen = {one.request_id: one for one in run(sandbox.execute([one.request for one in prepared]))}
    return [make_answer(one, seen[one.request.id]) for one in prepared]


@pytest.mark.parametrize("style", STYLES)
def test_tests_of_each_style_are_run(style: str, local_sandbox: LocalSandbox, run: Run[Any]) -> None:
    right, wrong = answers_of([(RIGHT, STYLES[style]), (WRONG, STYLES[style])], local_sandbox, run)
    assert right.verdict is Outcome.PASS, right
    assert wrong.verdict in (Outcome.WRONG_ANSWER, Outcome.RUNTIME_ERROR), wrong


@pytest.mark.parametrize("cheat", CHEATS)
def test_no_program_passes_a_script_that_it_does_not_solve(
    cheat: str, local_sandbox: LocalSandbox, run: Run[Any]
) -> None:
    answers = answers_of([(CHEATS[cheat], script) for script in STYLES.values()], local_sandbox, run)
    accepted = [style for style, one in zip(STYLES, answers, strict=True) if one.verdict is Outcome.PASS]
    faults = [one for one in answers if one.verdict in (Outcome.INFRASTRUCTURE, Outcome.TOOLCHAIN_MISSING)]
    assert accepted == []
    assert faults == []


PASSING: Final = {
    "a class of the program is pickled": (
        "class P:\n    def __init__(self):\n        self.x = 5\n",
        "import pickle\nassert pickle.loads(pickle.dumps(P())).x == 5\n",
    ),
    "a class of the script is pickled": (
        RIGHT,
        "import pickle\nclass P:\n    x = add(2, 3)\nassert pickle.loads(pickle.dumps(P())).x == 5\n",
    ),
    "hints that are texts": (
        "from __future__ import annotations\nclass Node:\n    next: Node | None\n",
        "from typing import get_type_hints\nassert get_type_hints(Node)['next'] == Node | None\n",
    ),
    "the program's future import counts for the script": (
        '"Text."\nfrom __future__ import annotations\n',
        "def f(x: NotThere): return x\nassert f(1) == 1\n",
    ),
    "a future import of the script after its docstring": (
        RIGHT,
        '# first\n"""Tests."""\nfrom __future__ import annotations\n'
        "def f(x: NotThere): pass\nassert add(2, 3) == 5\n",
    ),
    "the source of the program": (
        RIGHT,
        "import inspect\nassert inspect.getsource(add).startswith('def add')\nassert open(__file__).read()\n",
    ),
    "names of site": (RIGHT, "assert callable(exit) and callable(quit) and callable(help) and copyright\n"),
    "the program's own main is not the test's": (
        f"{RIGHT}if __name__ == '__main__':\n    raise SystemExit(3)\n",
        "assert add(2, 3) == 5\n",
    ),
    "builtins that the script replaces": (
        "def ask():\n    return input('name? ')\n",
        "import builtins\nbuiltins.input = lambda text: text[:4]\nassert ask() == 'name'\n",
    ),
    "a test that is expected to fail": (
        RIGHT,
        f"{CASE}{EQUAL}    @unittest.expectedFailure\n    def test_bad(self):\n"
        "        self.assertEqual(add(1, 1), 3)\n",
    ),
    "an exit that the script expects": (
        "import sys\ndef leave():\n    sys.exit(2)\n",
        "try:\n    leave()\nexcept SystemExit as end:\n    assert end.code == 2\nelse:\n    assert False\n",
    ),
    "a patch that ends": (
        RIGHT,
        f"from unittest import mock\n{CASE}        with mock.patch('sys.exit') as left:\n"
        "            import sys\n            sys.exit(1)\n        left.assert_called_once_with(1)\n"
        "        self.assertEqual(add(2, 3), 5)\nunittest.main()\n",
    ),
}


def test_a_script_finds_what_it_would_find_in_a_file_of_its_own(
    local_sandbox: LocalSandbox, run: Run[Any]
) -> None:
    answers = answers_of(list(PASSING.values()), local_sandbox, run)
    failed = {name: one.reason for name, one in zip(PASSING, answers, strict=True) if one.verdict != "pass"}
    assert failed == {}


VERDICTS: Final = {
    "every test is skipped": (
        RIGHT,
        f"{CASE}        self.skipTest('not now')\nunittest.main()\n",
        Outcome.RUNTIME_ERROR,
    ),
    "an exit of the script before its last statement": (
        RIGHT,
        "import sys\nif add:\n    sys.exit(0)\nassert add(2, 3) == 5\n",
        Outcome.RUNTIME_ERROR,
    ),
    "a module that nobody has": (RIGHT, "import own_lost_module\n", Outcome.TOOLCHAIN_MISSING),
    "a module that the program hides": (
        "import sys\nsys.modules['json'] = None\n",
        "import json\nassert False\n",
        Outcome.RUNTIME_ERROR,
    ),
    "memory that runs out in a test": (
        "def add(a, b):\n    raise MemoryError\n",
        CASE + EQUAL,
        Outcome.MEMORY_LIMIT,
    ),
    "a program that does not parse": ('x = """', "assert True\n", Outcome.PARSE_ERROR),
}


def test_what_is_no_pass_has_its_own_verdict(local_sandbox: LocalSandbox, run: Run[Any]) -> None:
    given = [(code, script) for code, script, _ in VERDICTS.values()]
    answers = answers_of(given, local_sandbox, run)
    found = {name: one.verdict for name, one in zip(VERDICTS, answers, strict=True)}
    assert found == {name: expected for name, (_, _, expected) in VERDICTS.items()}


def test_a_reason_begins_with_the_exception(local_sandbox: LocalSandbox, run: Run[Any]) -> None:
    (answer,) = answers_of([(WRONG, CASE + EQUAL)], local_sandbox, run)
    assert "AssertionError: -1 != 5 (TestAdd.test_two)" in answer.reason
