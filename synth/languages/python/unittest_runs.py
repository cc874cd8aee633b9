"""Tests of unittest: notes how each test of the script ended, and runs the classes that nobody ran.

It runs inside the sandbox, for `frameworks`. The one rule: the end of a test is what unittest told the
result; a test about which it told nothing has failed.
"""

import contextlib
import sys
from collections.abc import Iterator
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from synth.languages.python.frameworks import ScriptWatch

_GOOD = ("addSuccess", "addExpectedFailure", "addSkip")
_STEPS = ("_callSetUp", "_callTestMethod", "_callTearDown")


def watch(state: "ScriptWatch") -> None:
    """Note each test of the script from here on."""
    test_case = state.unittest.TestCase
    genuine = test_case.run

    def run(case: Any, result: Any = None) -> Any:
        name = _name_of(case, state)
        if name is None:
            return genuine(case, result)
        if result is None:
            result = case.defaultTestResult()
        noted: list[str] = []
        for told in _GOOD:
            if hasattr(result, told):
                setattr(result, told, _noting(getattr(result, told), told, noted, state))
        if not getattr(result, "failfast", False):
            vars(case)["subTest"] = _watched_part(case.subTest, noted, state)
            for step in _STEPS:
                vars(case)[step] = _watched_step(getattr(case, step), noted, state)
        before = len(_errors(result))
        try:
            return genuine(case, result)
        finally:
            for told in _GOOD:
                vars(result).pop(told, None)
            for step in (*_STEPS, "subTest"):
                vars(case).pop(step, None)
            _note(name, noted, _errors(result)[before:], state)

    test_case.run = run


def _noting(genuine: Any, told: str, noted: list[str], state: "ScriptWatch") -> Any:
    def note(*args: Any, **named: Any) -> Any:
        error = sys.exc_info()[1] if told == "addSkip" else None
        is_asked = bool(state.facts.skip_lines) and (error is None or state.frames.is_skip_of_script(error))
        noted.append("failed" if told == "addSkip" and not is_asked else told)
        return genuine(*args, **named)

    return note


@contextlib.contextmanager
def _no_stop(noted: list[str], state: "ScriptWatch") -> Iterator[None]:
    """unittest ends a test without a failure for an exception of its own, which nobody else may raise."""
    try:
        yield
    except state.unittest.case._ShouldStop:
        noted.append("failed")
        raise


def _watched_step(genuine: Any, noted: list[str], state: "ScriptWatch") -> Any:
    def step(*args: Any) -> Any:
        with _no_stop(noted, state):
            return genuine(*args)

    return step


def _watched_part(genuine: Any, noted: list[str], state: "ScriptWatch") -> Any:
    @contextlib.contextmanager
    def part(*args: Any, **named: Any) -> Iterator[None]:
        with genuine(*args, **named), _no_stop(noted, state):
            yield

    return part


def _errors(result: Any) -> list[Any]:
    return [*(getattr(result, "failures", None) or ()), *(getattr(result, "errors", None) or ())]


def _note(name: str, noted: list[str], errors: list[Any], state: "ScriptWatch") -> None:
    if not noted or "failed" in noted:
        words = str(errors[-1][1]).strip().splitlines()[-1:] if errors else []
        state.failed.setdefault(name, words[0] if words else "the test did not come to its end")
    elif "addSkip" in noted:
        state.skipped.add(name)
    else:
        state.held.add(name)


def _name_of(case: Any, state: "ScriptWatch") -> str | None:
    """The test, if it is one of the script's."""
    method = case._testMethodName
    function: Any = getattr(type(case), method, None)
    while hasattr(function, "__wrapped__"):
        function = function.__wrapped__
    is_own = state.frames.is_of_script(getattr(function, "__code__", None))
    if not is_own and type(case).__name__ not in state.facts.classes:
        return None
    return f"{type(case).__qualname__}.{method}"


def run_the_rest(state: "ScriptWatch", names: dict[str, Any]) -> None:
    """Run the classes of the script none of whose tests ran."""
    unittest = state.unittest
    made = [names.get(name) for name in state.facts.classes]
    classes = [one for one in made if isinstance(one, type) and issubclass(one, unittest.TestCase)]
    ended = {*state.held, *state.skipped, *state.failed}
    wanted = unittest.TestSuite()
    for one in classes:
        is_base = any(other is not one and issubclass(other, one) for other in classes)
        if not is_base and not any(name.startswith(f"{one.__qualname__}.") for name in ended):
            wanted.addTests(unittest.defaultTestLoader.loadTestsFromTestCase(one))
    tests = [_name_of(case, state) for case in wanted]
    if not tests:
        return
    result = unittest.TextTestRunner(stream=sys.stderr).run(wanted)
    ended = {*state.held, *state.skipped, *state.failed}
    for name in tests:
        if name is not None and name not in ended:
            _note(name, [], _errors(result), state)
