"""The programs that a row's tests are tried on: none of them solves the task, so none may pass.

Place in the flow: `trial.py` runs what `attempts` returns beside the reference. They come from the controls
of the language, which need no reference, and from the reference with a statement at the beginning of each of
its functions, so that names and types fit. The one rule: each attempt says which finding its pass is.
"""

import re
from collections.abc import Callable, Iterator, Mapping
from enum import StrEnum
from typing import Final, NamedTuple

from synth.languages.spec import Language
from synth.mutation.bodies import with_first_statement
from synth.records import ScriptCall
from synth.verify.negative_controls import control_programs
from synth.verify.rows import Prepared


class Aim(StrEnum):
    """What a pass of an attempt shows about the tests."""

    EMPTY = "empty"
    SKIP = "skip"
    EXPLOIT = "exploit"
    PATCH = "patch"


class Attempt(NamedTuple):
    """One program, and what it tries in words."""

    aim: Aim
    name: str
    code: str


_SILENT: Final = ("empty", "stub", "argument", "nothing")
"""Words of controls that compute nothing; the others end early, print, or claim to be equal."""

_JAVA_ZERO: Final = {"void": "return;", "boolean": "if (true) return false;"}
_JAVA_NUMBERS: Final = frozenset("byte short int long float double char".split())


def _java_stub(kind: str) -> str:
    if kind in _JAVA_NUMBERS:
        return "if (true) return 0;"
    return f"if (true) {_JAVA_ZERO.get(kind, 'return null;')}"


def _by_type(value: str, nothing: str) -> Callable[[str], str]:
    return lambda kind: nothing if kind in ("", "void", "()", "Unit") else value


def _go_stub(kind: str) -> str | None:
    if kind.startswith("("):
        return None
    return f"if true {{ return *new({kind}) }};" if kind else "if true { return };"


_STUBS: Final[Mapping[str, Callable[[str], str | None]]] = {
    "python": lambda _: "return None",
    "javascript": lambda _: "return undefined;",
    "typescript": lambda _: "return undefined as any;",
    "java": _java_stub,
    "c": _by_type("return 0;", "return;"),
    "cpp": _by_type("return {};", "return;"),
    "go": _go_stub,
    "ruby": lambda _: "return nil",
    "php": lambda _: "return null;",
    "rust": _by_type("return Default::default();", "return;"),
    "csharp": _by_type("if (true) return default;", "if (true) return;"),
    "lua": lambda _: "do return nil end",
    "perl": lambda _: "return undef;",
    "scala": lambda kind: f"return null.asInstanceOf[{kind}];" if kind else None,
}
"""By grammar: what a function that computes nothing does first. What follows keeps names and imports used."""


class _Exit(NamedTuple):
    """An end with exit code 0 inside of a function."""

    statement: str
    before: str = ""
    """Text before the program; in Go, after its package clause."""


_EXITS: Final[Mapping[str, tuple[_Exit, ...]]] = {
    "python": (_Exit("raise SystemExit(0)"), _Exit("__import__('os')._exit(0)")),
    "javascript": (_Exit("process.exit(0);"),),
    "typescript": (_Exit("(globalThis as any).process.exit(0);"),),
    "java": (_Exit("System.exit(0);"),),
    "c": (_Exit("exit(0);", "#include <stdlib.h>\n"),),
    "cpp": (_Exit("std::exit(0);", "#include <cstdlib>\n"),),
    "go": (_Exit("codemillos.Exit(0);", 'import codemillos "os"\n'),),
    "ruby": (_Exit("exit(0)"), _Exit("exit!(0)")),
    "php": (_Exit("exit(0);"),),
    "rust": (_Exit("std::process::exit(0);"),),
    "csharp": (_Exit("System.Environment.Exit(0);"),),
    "kotlin": (_Exit("kotlin.system.exitProcess(0);"),),
    "lua": (_Exit("os.exit(0)"),),
    "perl": (_Exit("exit(0);"),),
    "scala": (_Exit("sys.exit(0);"),),
}
_SKIPS: Final[Mapping[str, tuple[str, ...]]] = {
    "python": ("raise __import__('unittest').SkipTest('skipped')",),
    "ruby": ("raise(defined?(Minitest::Skip) ? Minitest::Skip.new('skipped') : 'skipped')",),
    "php": (
        "if (class_exists('PHPUnit\\Framework\\SkippedWithMessageException')) "
        "throw new PHPUnit\\Framework\\SkippedWithMessageException('skipped'); throw new Exception();",
    ),
    "java": (
        'if (true) throw (RuntimeException) Class.forName("org.opentest4j.TestAbortedException")'
        ".getConstructor().newInstance();",
    ),
}
"""By grammar: what tells a framework that a test was skipped."""
RAISED_SKIP: Final = "a skip raised in each function"
SKIPPED: Final = re.compile(
    r"unittest\.skip|@skip\b|\bskipTest\(|mark\.skip|pytest\.skip|SkipTest|"
    r"\b(?:it|test|describe)\.skip\b|\bx(?:it|test|describe)\(|\bskip:\s*true|\bt\.[Ss]kip\w*\(|"
    r"@Disabled\b|@Ignore\b|assumeTrue|#\[ignore\]|markTestSkipped|GTEST_SKIP|\bskip_all\b|"
    r"^\s*skip\b(?:\s|$)|\bskip\(|Assert\.Inconclusive",
    re.MULTILINE,
)
"""How the tests of a script say that they are left out."""

_PYTHON_EQUAL: Final = """
class CodemillEqual:
    def __getattr__(self, name):
        if name.startswith("__"):
            raise AttributeError(name)
        return self
    def __call__(self, *_, **__): return self
    def _yes(self, *_): return True
    __eq__ = __lt__ = __le__ = __gt__ = __ge__ = __contains__ = _yes
    def __ne__(self, _): return False
    def __hash__(self): return 0
    def __abs__(self): return 0
    def _same(self, *_): return self
    __add__ = __radd__ = __sub__ = __rsub__ = __mul__ = __rmul__ = __getitem__ = _same
    __round__ = __truediv__ = __rtruediv__ = _same
"""
_JAVASCRIPT_PATCH: Final = (
    "{ const yes = () => {}; for (const name of ['assert', 'node:assert', 'node:assert/strict']) { try { "
    "const found = require(name); for (const key of Object.keys(found)) found[key] = yes; } catch {} } "
    "console.assert = yes; }\n"
)


class _Patch(NamedTuple):
    """How a program tampers with comparison inside of its own process."""

    name: str
    statement: str
    before: str = ""
    after: str = ""


_PATCHES: Final[Mapping[str, _Patch]] = {
    "python": _Patch("an object equal to everything", "return CodemillEqual()", after=_PYTHON_EQUAL),
    "javascript": _Patch("assertions replaced", "return undefined;", _JAVASCRIPT_PATCH),
    "ruby": _Patch(
        "an object equal to everything",
        "return CodemillEqual.new",
        "class CodemillEqual\n  def ==(_)\n    true\n  end\n  def !=(_)\n    false\n  end\nend\n",
    ),
    "lua": _Patch("assertions replaced", "do return nil end", "assert = function(...) return ... end\n"),
    "rust": _Patch(
        "assertions replaced",
        "return Default::default();",
        "macro_rules! assert { ($($any:tt)*) => { () } }\n"
        "macro_rules! assert_eq { ($($any:tt)*) => { () } }\n",
    ),
    "perl": _Patch("errors switched off", "return undef;", "BEGIN { *CORE::GLOBAL::die = sub { 1 }; }\n"),
}
_PACKAGE: Final = re.compile(r"^\s*package\s+\w+[^\n]*\n", re.MULTILINE)
_FIRST_LINES: Final = re.compile(r"\A(?:<\?php\b[^\n]*\n|#![^\n]*\n)?")


def attempts(row: Prepared, language: Language, reference: str) -> Iterator[Attempt]:
    """Programs that solve nothing, for the tests of a row; each text once."""
    seen = {reference}
    for attempt in _all(row, language, reference):
        if attempt.code not in seen:
            seen.add(attempt.code)
            yield attempt


def _all(row: Prepared, language: Language, reference: str) -> Iterator[Attempt]:
    solves_nothing = Aim.SKIP if _leaves_tests_out(row) else Aim.EMPTY
    for name, code in control_programs(language, row.request.call).items():
        yield Attempt(solves_nothing if any(word in name for word in _SILENT) else Aim.EXPLOIT, name, code)
    if not reference or not isinstance(row.request.call, ScriptCall):
        return
    for aim, name, made in _from_reference(reference, language.grammar, solves_nothing):
        if made is not None:
            yield Attempt(aim, name, made)


def _from_reference(reference: str, grammar: str, stub: Aim) -> Iterator[tuple[Aim, str, str | None]]:
    """The reference with a statement in each function; None where there is no place for it."""
    if grammar in _STUBS:
        yield stub, "a stub of each function", with_first_statement(reference, grammar, _STUBS[grammar])
    for statement in _SKIPS.get(grammar, ()):
        yield Aim.SKIP, RAISED_SKIP, _first(reference, grammar, statement)
    for leave in _EXITS.get(grammar, ()):
        code = _first(reference, grammar, leave.statement)
        yield Aim.EXPLOIT, f"`{leave.statement}` in each function", code and _before(code, leave.before)
    if patch := _PATCHES.get(grammar):
        code = _first(reference, grammar, patch.statement)
        yield Aim.PATCH, patch.name, code and _before(code, patch.before) + patch.after


def _leaves_tests_out(row: Prepared) -> bool:
    call = row.request.call
    return isinstance(call, ScriptCall) and SKIPPED.search(call.script) is not None


def _first(reference: str, grammar: str, statement: str) -> str | None:
    return with_first_statement(reference, grammar, lambda _: statement)


def _before(code: str, words: str) -> str:
    """The program with a text before it: after a package clause, `<?php` or `#!`."""
    if not words:
        return code
    clause = _PACKAGE.search(code) if words.startswith("import ") else None
    at = clause.end() if clause else len(_FIRST_LINES.match(code)[0])  # type: ignore[index]  # it matches ""
    return code[:at] + words + code[at:]


def is_constant(row: Prepared) -> bool:
    """Whether one answer to every case passes: all cases expect the same."""
    return not isinstance(row.request.call, ScriptCall) and len({c.expected for c in row.suite.cases}) == 1
