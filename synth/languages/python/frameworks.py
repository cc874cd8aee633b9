"""Watches unittest, doctest and pytest while a script runs, and runs the tests that the script left alone.

It runs inside the sandbox, for `suite`; `unittest_runs` and `pytest_runs` know their frameworks,
`genuine` and `frames` what the program must not touch. The one rule: a test counts when the framework
itself said that it held; a skip counts only where the script asks for it, and a script that skips all its
tests has tested nothing.
"""

import builtins
import importlib.util
import sys
import types
from collections.abc import Iterator
from typing import TYPE_CHECKING, Any

import frames  # type: ignore[import-not-found]
import genuine  # type: ignore[import-not-found]
import pytest_runs  # type: ignore[import-not-found]
import unittest_runs  # type: ignore[import-not-found]

if TYPE_CHECKING:
    from synth.languages.python.script_text import ScriptText

_OFTEN_REPLACED = frozenset({"input", "print", "open", "__import__", "breakpoint"})
"""Builtins that scripts themselves replace."""
_NEVER_LOADED = frozenset({"__main__", "antigravity", "this", "turtledemo", "idlelib"})


class Missing(Exception):
    """The script needs a module that this Python lacks."""

    def __init__(self, name: str) -> None:
        super().__init__(name)
        self.name = name


class ProgramExit(Exception):
    """The program ended the process, which proves nothing about it."""


def _load(name: str) -> Any:
    try:
        __import__(name)
    except ImportError:
        return None
    return sys.modules[name]


def _is_absent(name: str) -> bool:
    try:
        return name not in sys.modules and importlib.util.find_spec(name) is None
    except (ImportError, ValueError):
        return True


class ScriptWatch:
    """One script's tests: which held, which failed, which are left."""

    def __init__(self, facts: "ScriptText", file: str) -> None:
        """Before the program runs."""
        self.facts = facts
        self.frames = frames.Frames(facts, file)
        self.held: set[str] = set()
        self.skipped: set[str] = set()
        self.failed: dict[str, str] = {}
        standard = facts.imports & sys.stdlib_module_names - _NEVER_LOADED
        self._absent = {
            name for name in facts.imports - {"solution", "__main__", *standard} if _is_absent(name)
        }
        self.unittest: Any = _load("unittest") if facts.names("unittest", "TestCase") else None
        self._doctest: Any = _load("doctest") if facts.names("doctest") or facts.examples else None
        self._pytest = _load("pytest") if facts.names("pytest") or facts.for_pytest else None
        used = {name for name in standard if _load(name)}
        self._guard(used)

    def _guard(self, used: set[str]) -> None:
        names = {"unittest"} if self.unittest else set()
        names |= {"doctest"} if self._doctest else set()
        names |= {"pytest", "_pytest", "pluggy"} if self._pytest else set()
        modules = genuine.modules_of(names)
        self._modules = {module.__name__: module for module in modules}
        self.frames.trust(genuine.Genuine(modules).codes)
        if self.unittest:
            unittest_runs.watch(self)
        if self._doctest:
            self._watch_doctest(self._doctest)
        if self.facts.names("threading"):
            self._watch_threads(__import__("threading"))
        self._pytest_runs: Any = None
        if self._pytest:
            self._pytest_runs = pytest_runs.PytestRuns(self, self._pytest)
        own = {*_OFTEN_REPLACED, *self.facts.assigned}
        single = [(builtins, name) for name in vars(builtins) if name not in own and name != "_"]
        single += [(sys, "exit")] if "exit" not in self.facts.assigned else []
        self._guarded = genuine.Genuine(genuine.modules_of(names & {"unittest", "doctest"}), single)
        self._imported = genuine.Genuine(genuine.modules_of(used | names - {"unittest", "doctest"}))

    def restore(self) -> None:
        """Before the script: what it calls is what it would be without the program."""
        sys.modules.update(self._modules)
        self._guarded.restore()
        self._imported.restore()

    def _watch_doctest(self, doctest: Any) -> None:
        run = doctest.DocTestRunner.run

        def watched(runner: Any, test: Any, *args: Any, **named: Any) -> Any:
            found = run(runner, test, *args, **named)
            if found.failed and not self.frames.program_called():
                words = f"AssertionError: {found.failed} of {found.attempted} examples failed"
                self.failed[f"doctest of {test.name}"] = words
            return found

        doctest.DocTestRunner.run = watched

    def _watch_threads(self, threading: Any) -> None:
        """An exception in a thread of the script ends nothing: it is printed, or not even that."""
        usual = threading.excepthook

        def hook(found: Any) -> None:
            if self.frames.ran_in_script(found.exc_value):
                self.failed["a thread"] = f"{found.exc_type.__name__}: {found.exc_value}"[:300]
            usual(found)

        threading.excepthook = hook

    def check_missing(self, error: ModuleNotFoundError) -> None:
        """Raises Missing if the script asked for a module that was not there before the program either."""
        name = (error.name or "").partition(".")[0]
        if name in self._absent:
            raise Missing(name) from error

    def is_exit_of_script(self, end: SystemExit) -> bool:
        """Whether the script's own last words, or unittest's at the end of its tests, raised it."""
        return bool(self.frames.is_exit_of_script(end, vars(sys.modules.get("unittest.main", types))))

    def run_the_rest(self, names: dict[str, Any]) -> None:
        """Every test of the script that it did not run itself. Raises what a test function raises."""
        if self.unittest:
            unittest_runs.run_the_rest(self, names)
        if self.facts.for_pytest:
            if self._pytest_runs is None:
                raise Missing("pytest")
            self._pytest_runs.run_the_rest()
        for name in self.facts.plain:
            for test in _plain_tests(names.get(name)):
                self._run_plain(test)
                self.held.add(name)
        self._run_examples(names)
        if self.facts.names("threading"):
            sys.modules["threading"]._shutdown()

    def _run_plain(self, test: Any) -> None:
        try:
            done = test()
            if isinstance(done, types.CoroutineType):
                __import__("asyncio").run(done)
        except SystemExit as end:
            raise ProgramExit(f"the program ended a test, with exit code {end.code}") from end

    def _run_examples(self, names: dict[str, Any]) -> None:
        for name, text, line in self.facts.examples:
            parser = self._doctest.DocTestParser()
            test = parser.get_doctest(text, dict(names), name, names["__file__"], line)
            self._doctest.DocTestRunner(verbose=False).run(test)
            self.held.add(name)

    def failure(self) -> str:
        """In words, why the script did not pass although nothing ended it; "" if it did."""
        for name, words in self.failed.items():
            return f"{words} ({name})"
        changed = self._guarded.changed()
        if changed:
            return f"the program replaced {', '.join(sorted(set(changed))[:5])}, on which tests rely"
        if self.skipped and not self.held:
            return f"all {len(self.skipped)} tests were skipped: none was run"
        return ""


def _plain_tests(test: Any) -> Iterator[Any]:
    """Functions without arguments: the test itself, or the methods of a class, each of its own object."""
    if isinstance(test, type):
        for name in [one for one in vars(test) if one.startswith("test_")]:
            yield getattr(test(), name)
    elif callable(test):
        yield test
