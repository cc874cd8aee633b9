"""Says whose code raised an exception or is running: the program's, the script's, or a test framework's.

It runs inside the sandbox, for `frameworks`. The one rule: code objects are told apart by identity;
names and files in them can be forged.
"""

import sys
import types
from typing import TYPE_CHECKING, Any, NamedTuple

if TYPE_CHECKING:
    from synth.languages.python.script_text import ScriptText


class _Place(NamedTuple):
    code: types.CodeType
    line: int


class Frames:
    """Knows the code of one script and of the frameworks that it uses."""

    def __init__(self, facts: "ScriptText", file: str) -> None:
        self._facts, self._file = facts, file
        quitter = type(vars(sys.modules["builtins"]).get("exit", self)).__call__
        self._trusted = {id(code) for code in [getattr(quitter, "__code__", None)] if code}

    def trust(self, codes: set[int]) -> None:
        """Code of test frameworks, by identity."""
        self._trusted |= codes

    def is_of_script(self, code: object) -> bool:
        """Whether it is a code object of the script."""
        return id(code) in self._facts.codes

    def _is_of_program(self, code: types.CodeType) -> bool:
        return code.co_filename == self._file and not self.is_of_script(code)

    def program_called(self) -> bool:
        """Whether code of the program is below the caller."""
        frame: types.FrameType | None = sys._getframe(1)
        while frame is not None:
            if self._is_of_program(frame.f_code):
                return True
            frame = frame.f_back
        return False

    def _places(self, error: BaseException) -> list[_Place]:
        """From the script's outermost frame to the innermost one."""
        found, at = [], error.__traceback__
        while at is not None:
            found.append(_Place(at.tb_frame.f_code, at.tb_lineno))
            at = at.tb_next
        while found and not self.is_of_script(found[0].code):
            if self._is_of_program(found[0].code):
                return []
            del found[0]
        return found

    def ran_in_script(self, error: BaseException) -> bool:
        """Whether code of the script was running when it was raised, before any of the program."""
        return bool(self._places(error))

    def _raised_at(self, places: list[_Place], lines: frozenset[int]) -> bool:
        """Whether the script raised it, itself or through a framework, at one of these lines."""
        if any(self._is_of_program(place.code) for place in places):
            return False
        outside = [place for place in places if id(place.code) not in self._trusted]
        inner = places[: places.index(outside[-1]) + 1] if outside else []
        return bool(inner) and self.is_of_script(inner[-1].code) and inner[-1].line in lines

    def is_exit_of_script(self, end: SystemExit, unittest_main: dict[str, Any]) -> bool:
        """An exit in the script's last statement, or by unittest when its tests have run."""
        places = self._places(end)
        if not self._raised_at(places, self._facts.exit_lines):
            return False
        runs = getattr(unittest_main.get("TestProgram"), "runTests", None)
        by_unittest = getattr(runs, "__code__", None)
        return places[0].line in self._facts.last_lines or places[-1].code is by_unittest

    def is_skip_of_script(self, error: BaseException) -> bool:
        """Whether the script itself asked for the skip, at a line that says so."""
        return self._raised_at(self._places(error), self._facts.skip_lines)
