"""Runs a program and its test script as one main module, and every test that the script holds.

It runs inside the sandbox with nothing but the standard library; the driver calls it for a script, in cold
and in warm starts. `script_text` says what the script contains, `frameworks` watches unittest, doctest
and pytest. The one rule: a script passes when its own code came to its end and every test in it ran and held;
an exit of the program, a test that nobody runs, and a failure that a framework only printed are no pass.
"""

import os
import sys
import types
from collections.abc import Callable

import frameworks  # type: ignore[import-not-found]
import script_text  # type: ignore[import-not-found]

_exit = os._exit


class TestsFailed(Exception):
    """Tests of the script failed, or did not run, and nothing ended the script for it. The text begins with
    what was raised."""


def run_script(text: str, parting: str, say: Callable[[str], None], describe: Callable[..., str]) -> None:
    """Program and script are the two sides of the line `parting`. Ends the process; never returns."""
    program, _, script = text.partition(parting)
    file = f"{os.getcwd()}/solution.py"  # noqa: PTH109
    line = 2 + program.replace("\r\n", "\n").replace("\r", "\n").count("\n")
    try:
        code = compile(program.removeprefix("\ufeff"), file, "exec", dont_inherit=True)
        facts = script_text.read_script(script.removeprefix("\ufeff"), line, file, code.co_flags)
    except (SyntaxError, ValueError, RecursionError, MemoryError, OverflowError) as error:
        say(f"parse_error {describe(error).encode('utf-8', 'replace').hex()}")
        _exit(1)
    status = 0
    try:
        _run(code, facts, file)
        say("0 returned b1")
        say("finished")
    except frameworks.Missing as missing:
        say(f"missing {missing.name.encode().hex()}")
        status = 1
    except BaseException as error:  # noqa: BLE001  # whatever program and script raised
        status = _report(error, say, describe)
    try:
        sys.stdout.flush()
        sys.stderr.flush()
    finally:
        _exit(status)


def _report(error: BaseException, say: Callable[[str], None], describe: Callable[..., str]) -> int:
    """Say how the script failed, as the interpreter does and on the channel. Returns the exit code."""
    if isinstance(error, SystemExit):
        return _status_of(error)
    words = str(error)[:300] if isinstance(error, TestsFailed) else describe(error)
    say(f"0 raised {words.encode('utf-8', 'replace').hex()}")
    traceback = error.__traceback__
    while traceback and traceback.tb_frame.f_globals is globals():
        traceback = traceback.tb_next
    sys.__excepthook__(type(error), error.with_traceback(traceback), traceback)
    return 1


def _status_of(end: SystemExit) -> int:
    """The exit code that the interpreter would end with."""
    if end.code is None or isinstance(end.code, int):
        return (end.code or 0) & 0xFF
    print(end.code, file=sys.stderr)
    return 1


def _run(code: types.CodeType, facts: "script_text.ScriptText", file: str) -> None:
    """Program, script, and the tests that nobody ran. Raises what program or script raise, SystemExit for an
    exit with another code than 0, ProgramExit, TestsFailed and Missing."""
    watch = frameworks.ScriptWatch(facts, file)
    module = types.ModuleType("__main__")
    names = module.__dict__
    names.update(__name__="solution", __file__=file, __cached__=None, __annotations__={})
    sys.modules["__main__"] = sys.modules["solution"] = module
    sys.argv = [file]
    try:
        exec(code, names)
    except SystemExit as end:
        raise frameworks.ProgramExit(
            f"the program ended itself before its tests, with exit code {end.code}"
        ) from end
    watch.restore()
    sys.modules["__main__"] = sys.modules["solution"] = module
    names["__name__"] = "__main__"
    try:
        exec(facts.code, names)
    except SystemExit as end:
        _take_exit(end, watch)
    except ModuleNotFoundError as error:
        watch.check_missing(error)
        raise
    watch.run_the_rest(names)
    _check(watch)


def _check(watch: "frameworks.ScriptWatch") -> None:
    failure = watch.failure()
    if failure:
        raise TestsFailed(failure)


def _take_exit(end: SystemExit, watch: "frameworks.ScriptWatch") -> None:
    """An exit of the script with code 0 is its end."""
    if not watch.is_exit_of_script(end):
        raise frameworks.ProgramExit(f"the program ended the tests, with exit code {end.code}") from end
    if end.code is not None and not (isinstance(end.code, int) and int.__eq__(end.code, 0)):
        _check(watch)
        raise end
