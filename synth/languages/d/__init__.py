"""D by GDC: the driver is compiled once; each program is a module, and a start module calls its
function as declared."""

import re

from synth.languages.d.conformance import GOLD, HELLO, SAMPLES, STUBS
from synth.languages.spec import Driver, FailureWords, Language, Script
from synth.languages.support.composing import Terms
from synth.languages.support.declarations import declared_contract
from synth.languages.support.scripts import GUARD_C, WRAP_MAIN
from synth.languages.support.sources import read_source
from synth.records import FunctionContract
from synth.values import Signature

_SCALARS = {"int": "long", "float": "double", "str": "string", "bool": "bool", "null": "typeof(null)"}
_TYPES = Terms("D", _SCALARS, "{}[]", "{1}[{0}]", lambda inner: f"Tuple!({', '.join(inner)})")
_READ = {
    "long": "int",
    "int": "int",
    "double": "float",
    "float": "float",
    "string": "str",
    "bool": "bool",
    "void": "null",
}
_MODULE = re.compile(r"^\s*module\s+[\w.]+\s*;", re.MULTILINE)
_MAIN = re.compile(r"^(\s*(?:void|int)\s+)main(\s*\()", re.MULTILINE)
_FLAGS = ("-O1", "-w")
_METHOD = """
static if (__traits(hasMember, solution, "ENTRY")) alias called = solution.ENTRY;
else {
    import std.traits : Parameters;
    auto called(Parameters!(solution.Solution.ENTRY) given) {
        static if (is(solution.Solution == class)) auto owner = new solution.Solution;
        else auto owner = solution.Solution();
        return owner.ENTRY(given);
    }
}
int main() { return drive!called(); }
"""
"""Calls the function, or the method of that name of a class `Solution`."""


def _script(code: str, script: str, mark: str) -> dict[str, str]:
    return {"main.d": f"{code}\n{script}\n", "guard.c": GUARD_C.replace("MARK", mark)}


def render_signature(entry_point: str, names: tuple[str, ...], signature: Signature) -> str:
    """`long solve(long[] xs, long k)`."""
    written = ", ".join(f"{kind} {name}" for name, kind in _TYPES.pairs(names, signature))
    line = f"{_TYPES.compose(signature.result)} {entry_point}({written})"
    return f"import std.typecons : Tuple;\n\n{line}" if "Tuple!" in line else line


def _read_type(text: str) -> str | None:
    text = text.strip()
    if text in _READ:
        return _READ[text]
    found = re.fullmatch(r"(.+)\[(\w*)\]", text)
    inner = _read_type(found[1]) if found else None
    key = _read_type(found[2]) if found and found[2] else None
    if found is None or inner is None or (found[2] and key is None):
        return None
    return f"map[{key}, {inner}]" if key else f"list[{inner}]"


def find_signature(code: str, entry_point: str) -> FunctionContract | None:
    """The contract that the declared types state; `auto` states nothing."""
    return declared_contract(code, entry_point, _read_type)


def _files(code: str, entry_point: str, signature: Signature) -> dict[str, str]:
    _TYPES.check(signature)
    text = _MAIN.sub(r"\1codemillProgramMain\2", _MODULE.sub("", code, count=1))
    start = f"import codemill;\nstatic import solution;\n{_METHOD.replace('ENTRY', entry_point)}"
    return {"solution.d": f"module solution; {text}", "start.d": start}


LANGUAGE = Language(
    name="d",
    aliases=("dlang",),
    file_name="main.d",
    tools=("gdc",),
    install="apt-get install -y gdc",
    compile_command=("{gdc}", *_FLAGS, "-o", "program", "main.d"),
    run_command=("./program",),
    runtime_mb=32,
    script=Script(files=_script, extra_compile_args=("-funittest", "guard.c", WRAP_MAIN)),
    driver=Driver(
        files=_files,
        shared={"codemill.d": read_source("d/driver.d")},
        shared_commands=(("{gdc}", *_FLAGS, "-c", "-o", "codemill.o", "codemill.d"),),
        compile_command=(
            "{gdc}",
            *_FLAGS,
            "-I{shared}",
            "-o",
            "program",
            "start.d",
            "solution.d",
            "{shared}/codemill.o",
        ),
        run_command=("./program",),
        slow=True,
    ),
    render_signature=render_signature,
    find_signature=find_signature,
    failures=FailureWords(
        uncaught=(r"^[\w.]+@[\w./]+\(\d+\): ",),
        assertion=("AssertError", "unittest failure"),
        out_of_memory=("core.exception.OutOfMemoryError",),
    ),
    gold=GOLD,
    hello=HELLO,
    stubs=STUBS,
    samples=SAMPLES,
)
