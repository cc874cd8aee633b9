"""Tests of pytest: they run in the main module as it is, and each report of a test of the script is noted.

It runs inside the sandbox, for `frameworks`, where pytest is installed. The one rule: pytest reads no file
that the program could have written: neither the script again, nor settings, nor conftest.
"""

import os
import sys
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from synth.languages.python.frameworks import ScriptWatch

_OPTIONS = ("-p", "no:cacheprovider", "--noconftest", "-c", os.devnull, "--rootdir", ".")


class PytestRuns:
    """The plugin, and the calls of pytest."""

    def __init__(self, state: "ScriptWatch", pytest: Any) -> None:
        self._state, self._pytest, self._main = state, pytest, pytest.main
        self._is_ours, self._ran = False, False
        pytest.main = self.main

        class MainModule(pytest.Module):  # type: ignore[misc]
            def _getobj(self) -> Any:
                return sys.modules["__main__"]

        self._module = MainModule

    def main(self, args: Any = None, plugins: Any = None) -> Any:
        """In place of pytest.main: the script's own file is the main module."""
        file = sys.modules["__main__"].__file__ or ""
        given = [os.fspath(one) for one in args or ()]
        if not any(one.partition("::")[0] == file for one in given):
            given = [one for one in given if one.startswith("-")] + [file]
        for name in ("PYTEST_ADDOPTS", "PYTEST_PLUGINS"):
            os.environ.pop(name, None)
        self._ran = True
        return self._main([*given, *_OPTIONS], [*(plugins or ()), self])

    def run_the_rest(self) -> None:
        """Run the script's tests, unless it has called pytest itself."""
        if not self._ran:
            self._is_ours = True
            code = self.main(["-q"])
            if int(code) and not self._state.failed:
                self._state.failed["pytest"] = f"pytest ended with code {int(code)}"

    def _name_of(self, item: Any) -> str | None:
        """The test, if it is one of the script's."""
        function: Any = getattr(item, "function", None)
        while hasattr(function, "__wrapped__"):
            function = function.__wrapped__
        is_own = self._state.frames.is_of_script(getattr(function, "__code__", None))
        return item.name if is_own else None

    def pytest_pycollect_makemodule(self, module_path: Any, parent: Any) -> Any:
        """The main module in place of its file."""
        if str(module_path) == sys.modules["__main__"].__file__:
            return self._module.from_parent(parent, path=module_path)
        return None

    def pytest_collection_modifyitems(self, items: list[Any]) -> None:
        """The script's tests alone, where it did not call pytest itself."""
        if self._is_ours:
            items[:] = [item for item in items if self._name_of(item) is not None]

    def pytest_collectreport(self, report: Any) -> None:
        """A script that cannot be collected has failed."""
        if report.failed:
            self._state.failed["collection"] = str(report.longrepr).strip().splitlines()[-1]

    def pytest_runtest_makereport(self, item: Any, call: Any) -> None:
        """Note how each part of a test ended; the report itself is pytest's."""
        name = self._name_of(item)
        if name is None:
            return
        error = call.excinfo.value if call.excinfo else None
        is_skip = error is not None and call.excinfo.errisinstance(
            (self._pytest.skip.Exception, sys.modules["unittest"].SkipTest)
        )
        if error is None:
            self._state.held.update({name} if call.when == "call" else ())
        elif is_skip and self._is_asked(call, error):
            self._state.skipped.add(name)
        elif not self._is_expected(item):
            self._state.failed.setdefault(name, f"{type(error).__name__}: {error}"[:300])

    def _is_asked(self, call: Any, error: BaseException) -> bool:
        return call.when == "setup" or bool(self._state.frames.is_skip_of_script(error))

    @staticmethod
    def _is_expected(item: Any) -> bool:
        return item.get_closest_marker("xfail") is not None
