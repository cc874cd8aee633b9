"""Nim: the driver is compiled with each program; a map is a Table."""

from collections.abc import Sequence

from synth.languages.nim.conformance import GOLD, HELLO, SAMPLES, STUBS
from synth.languages.spec import Driver, FailureWords, Language, Script, UnsupportedType
from synth.languages.support.composing import Terms
from synth.languages.support.scripts import appended
from synth.languages.support.sources import read_source
from synth.values import Signature


def _tuple(inner: Sequence[str]) -> str:
    if len(inner) < 2:
        raise UnsupportedType("a tuple of Nim has two items or more here")
    return f"({', '.join(inner)})"


_SCALARS = {"int": "int", "float": "float", "str": "string", "bool": "bool"}
_TYPES = Terms("Nim", _SCALARS, "seq[{}]", "Table[{}, {}]", _tuple)
_MARK = """
proc codemillWrite(channel: cint, text: cstring,
                   size: csize_t): int {.importc: "write", header: "<unistd.h>".}
discard codemillWrite(3, MARK, MARK.len.csize_t)"""
_COMPILE = ("{nim}", "c", "--hints:off", "--warnings:off", "--opt:speed", "--verbosity:0", "-o:program")


def render_signature(entry_point: str, names: tuple[str, ...], signature: Signature) -> str:
    """`proc solve(xs: seq[int], k: int): int =`."""
    written = ", ".join(f"{name}: {kind}" for name, kind in _TYPES.pairs(names, signature))
    line = f"proc {entry_point}({written}): {_TYPES.compose(signature.result)} ="
    return f"import std/tables\n\n{line}" if "Table[" in line else line


def _files(code: str, entry_point: str, signature: Signature) -> dict[str, str]:
    """The start module sees the program's private names, and the program is not the main module."""
    arguments = ", ".join(f"a.next({_TYPES.compose(kind)})" for kind in signature.parameters)
    _TYPES.compose(signature.result)
    start = (
        "import codemill\nimport std/tables\nimport solution {.all.}\n"
        f"drive(proc (a: var Arguments): string = wire(solution.{entry_point}({arguments})))\n"
    )
    return {"solution.nim": code, "codemill.nim": read_source("nim/driver.nim"), "start.nim": start}


LANGUAGE = Language(
    name="nim",
    file_name="main.nim",
    tools=("nim", "gcc"),
    install="apt-get install -y nim gcc",
    paths=("/etc/nim",),
    compile_command=(*_COMPILE, "main.nim"),
    run_command=("./program",),
    script=Script(files=appended("main.nim", _MARK)),
    driver=Driver(
        files=_files, compile_command=(*_COMPILE, "start.nim"), run_command=("./program",), slow=True
    ),
    render_signature=render_signature,
    failures=FailureWords(out_of_memory=("OutOfMemDefect",), uncaught=("^Error: unhandled exception: ",)),
    gold=GOLD,
    hello=HELLO,
    stubs=STUBS,
    samples=SAMPLES,
)
