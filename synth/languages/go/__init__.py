"""Go: called by go/driver.go, a package beside the program's; a tuple is `[]any`, a struct
or several results.

The compiler and the linker are called directly (go/build.sh), with archives prepared once.
"""

import re
from collections.abc import Mapping

from synth.grammar.node_types import NodeTypes, names
from synth.languages.go.adapting import adapt, changed_arguments
from synth.languages.go.classes import make_classes
from synth.languages.go.closing import CLOSING
from synth.languages.go.conformance import CONTROLS, GOLD, HELLO, SAMPLES, STUBS
from synth.languages.go.examples import SYNTAX
from synth.languages.go.impure import IMPURE
from synth.languages.go.packages import PACKAGES
from synth.languages.go.script import SCRIPT
from synth.languages.spec import Driver, FailureWords, Language, ProgramSigns, WholeProgram
from synth.languages.support.composing import Terms
from synth.languages.support.sources import read_source
from synth.values import Signature

_SCALARS = {"int": "int", "float": "float64", "str": "string", "bool": "bool", "null": "any", "any": "any"}
_TYPES = Terms(
    "Go",
    _SCALARS,
    "[]{}",
    "map[{}]{}",
    lambda inner: "[]any",
    frozenset({"int", "float", "str", "bool", "any"}),
    lambda _, inner: f"*{inner}",
)
_MAIN = re.compile(r"^func\s+main\s*\(\s*\)", re.MULTILINE)
_PACKAGE = re.compile(r"^[ \t]*package\s+\w+", re.MULTILINE)
_BUILD = ("/bin/sh", "{shared}/build.sh", "{go}", "{shared}")


def render_signature(entry_point: str, names: tuple[str, ...], signature: Signature) -> str:
    """`func solve(xs []int, k int) int`; a tuple is `[]any`, but the driver also accepts several results."""
    written = ", ".join(f"{name} {kind}" for name, kind in _TYPES.pairs(names, signature))
    return f"func {entry_point}({written}) {_TYPES.compose(signature.result)}"


_START = """package main

import codemillDriver "codemill"

func main() { codemillDriver.Drive(ENTRY) }
"""


def _files(code: str, entry_point: str, signature: Signature) -> Mapping[str, str]:
    """The program, with its `main` replaced, and the files that start it. Raises UnsupportedType."""
    _TYPES.check(signature)
    text = _MAIN.sub("func codemillProgramMain()", code)
    text = _PACKAGE.sub("package main", text, count=1) if _PACKAGE.search(text) else f"package main; {text}"
    return {"solution.go": text, "start.go": _START.replace("ENTRY", entry_point)}


def whole_program(code: str) -> WholeProgram:
    """The package of a program may have any name."""
    return WholeProgram({"main.go": _PACKAGE.sub("package main", code, count=1)}, "main")


LANGUAGE = Language(
    name="go",
    aliases=("golang",),
    file_name="main.go",
    tools=("go",),
    version_arguments=("version",),
    install="apt-get install -y golang-go",
    grammar="go",
    compile_command=(*_BUILD, "imports", "main.go"),
    comment_signs=("//",),
    node_types=NodeTypes(
        functions=names("function_declaration method_declaration"),
        blocks=names("statement_list"),
        expressions=names("composite_literal"),
        result_field="result",
    ),
    run_command=("./program",),
    whole_program=whole_program,
    runtime_mb=64,
    runtime_threads=32,
    data_limit=False,
    packages=PACKAGES,
    classes=make_classes(_TYPES.compose),
    program=ProgramSigns(reads=r"\bos\.Stdin\b|\bfmt\.Scan", main=r"(?m)^func\s+main\s*\("),
    driver=Driver(
        files=_files,
        compile_command=(*_BUILD, "driven", "solution.go", "start.go"),
        run_command=("./program",),
        shared={name: read_source(f"go/{name}") for name in ("driver.go", "prepare.sh", "build.sh")},
        shared_commands=(("/bin/sh", "prepare.sh", "{go}"),),
        optional=True,
    ),
    script=SCRIPT,
    render_signature=render_signature,
    adapt=adapt,
    closing=CLOSING,
    examples=SYNTAX,
    impure=IMPURE,
    changed_arguments=changed_arguments,
    failures=FailureWords(
        assertion=("--- FAIL:",),
        fatal_out_of_memory=(
            "fatal error: runtime: out of memory",
            "fatal error: runtime: cannot allocate memory",
        ),
    ),
    gold=GOLD,
    hello=HELLO,
    controls=CONTROLS,
    stubs=STUBS,
    samples=SAMPLES,
)
