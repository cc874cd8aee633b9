"""Script mode of Python: test frameworks find their tests, program and script are the main module, and nothing
that a program does makes a script pass that it does not solve."""

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
    "an exit in a main function": "import sys\ndef main():\n    if add(2, 3) != 5:\n        return 1\n    return 0\n"
    "if __name__ == '__main__':\n    sys.exit(main())\n",
    "an exit raised": "assert add(2, 3) == 5\nraise SystemExit\n",
    "close to a number": f"{CASE}        self.assertAlmostEqual(add(0.1, 0.2), 0.3)\n",
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
