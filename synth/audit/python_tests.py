"""Runs the tests of a Python script that leaves that to a framework: unittest classes, `test_` functions.

Place in the flow: readers of data sets whose tests are for pytest or unittest append `RUN_TESTS`. The one
rule: it fails if no test ran, or if each that ran was skipped.
"""

from typing import Final

RUN_TESTS: Final = """

def _codemill_run_tests(names):
    import inspect, unittest

    suite, skipped, ran = unittest.TestSuite(), 0, 0
    for name, found in list(names.items()):
        if isinstance(found, type) and issubclass(found, unittest.TestCase):
            suite.addTests(unittest.defaultTestLoader.loadTestsFromTestCase(found))
    result = unittest.TestResult()
    suite.run(result)
    for _, trace in result.failures + result.errors:
        raise AssertionError(trace[-2000:])
    ran, skipped = result.testsRun, len(result.skipped)
    calls = [f for n, f in list(names.items()) if n.startswith("test") and inspect.isfunction(f)]
    for name, found in list(names.items()):
        if isinstance(found, type) and name.startswith("Test") and not issubclass(found, unittest.TestCase):
            calls += [getattr(found(), n) for n in vars(found) if n.startswith("test")]
    for call in calls:
        ran += 1
        try:
            call()
        except unittest.SkipTest:
            skipped += 1
    assert ran > skipped, f"{ran} tests ran, {skipped} of them skipped"

_codemill_run_tests(dict(globals()))
"""

SOLUTION_MODULE: Final = """
import sys as _codemill_sys, types as _codemill_types
_codemill_solution = _codemill_types.ModuleType("solution")
_codemill_solution.__dict__.update({k: v for k, v in globals().items() if not k.startswith("__")})
_codemill_sys.modules["solution"] = _codemill_solution
"""
"""Before a script that imports the program as the module `solution`."""
