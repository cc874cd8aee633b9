"""Go: called by go/driver.go, a package beside the program's own; a tuple is an `[]any`, a struct or
several results.

The compiler and the linker are called directly (go/build.sh), against archives that are prepared
once.
"""

import re
from collections.abc import Mapping

from synth.languages.spec import ConformancePrograms, Driver, Gold, Language, read_driver
from synth.languages.support import controls
from synth.languages.support.composing import Terms
from synth.languages.support.scripting import GO
from synth.values import Signature

_SCALARS = {"int": "int", "float": "float64", "str": "string", "bool": "bool", "null": "any", "any": "any"}
_TYPES = Terms(
    "Go",
    _SCALARS,
    "[]{}",
    "map[{}]{}",
    lambda inner: "[]any",
    frozenset({"int", "float", "str", "bool", "any"}),
)
_MAIN = re.compile(r"^func\s+main\s*\(\s*\)", re.MULTILINE)
_PACKAGE = re.compile(r"^\s*package\s+\w+", re.MULTILINE)
_BUILD = ("/bin/sh", "{shared}/build.sh", "{go}", "{shared}")


def render_signature(entry_point: str, names: tuple[str, ...], signature: Signature) -> str:
    """`func solve(xs []int, k int) int`; a tuple is an `[]any`, though the driver also takes several
    results."""
    written = ", ".join(f"{name} {kind}" for name, kind in _TYPES.pairs(names, signature))
    return f"func {entry_point}({written}) {_TYPES.compose(signature.result)}"


_START = """package main

import codemillDriver "codemill"

func main() { codemillDriver.Drive(ENTRY) }
"""


def _files(code: str, entry_point: str, signature: Signature) -> Mapping[str, str]:
    """The program, whose `main` gives way, and what starts it. Raises UnsupportedType."""
    for kind in (*signature.parameters, signature.result):
        _TYPES.compose(kind)
    text = _MAIN.sub("func codemillProgramMain()", code)
    text = _PACKAGE.sub("package main", text, count=1) if _PACKAGE.search(text) else f"package main; {text}"
    return {"solution.go": text, "start.go": _START.replace("ENTRY", entry_point)}


LANGUAGE = Language(
    name="go",
    aliases=("golang",),
    file_name="main.go",
    tools=("go",),
    version_arguments=("version",),
    install="apt-get install -y golang-go",
    grammar="go",
    compile_command=(*_BUILD, "imports", "main.go"),
    run_command=("./program",),
    runtime_mb=64,
    runtime_threads=32,
    data_limit=False,
    driver=Driver(
        files=_files,
        compile_command=(*_BUILD, "driven", "solution.go", "start.go"),
        run_command=("./program",),
        shared={name: read_driver(f"go/{name}") for name in ("driver.go", "prepare.sh", "build.sh")},
        shared_commands=(("/bin/sh", "prepare.sh", "{go}"),),
    ),
    script=GO,
    render_signature=render_signature,
    gold=Gold(
        (
            "package main\n\nfunc solve(xs []int) int {\n\ttotal := 0\n\tfor _, x := range xs {\n\t\ttotal "
            "+= x\n\t}\n\treturn total\n}\n"
        ),
        ("l3 i1 i2 i3",),
        "i6",
    ),
    controls=controls.GO,
    hello="""package main

import "fmt"

func main() {
	var x, total int64
	for {
		if _, err := fmt.Scan(&x); err != nil {
			break
		}
		total += x
	}
	fmt.Println(total)
}
""",
    samples=ConformancePrograms(
        wrong="func solve(xs []int) int { return len(xs) }\n",
        hanging="func solve(xs []int) int { for { } }\n",
        crashing="func solve(xs []int) int { return xs[99] }\n",
        broken="func solve(xs []int) int { return (",
        refused="func solve(xs []int) int { return nothing }\n",
        identity=" {\n\treturn x\n}\n",
        mutator="func solve(xs []int64, k int64) []int64 { return append(xs, k) }\n",
        honest="package main\n\nfunc solve(x int) int {\n\treturn x*x + 7\n}\n\nfunc main() {}\n",
    ),
)
