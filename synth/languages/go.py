"""Go: called by drivers/go_driver.go, which is compiled with the program; a tuple is an `[]any`, a struct or several results."""

import re

from synth.languages import controls
from synth.languages.composing import Terms
from synth.languages.scripting import GO
from synth.languages.spec import Driver, Gold, Language, Samples, read_driver
from synth.values import Signature

_SCALARS = {"int": "int", "float": "float64", "str": "string", "bool": "bool", "null": "any", "any": "any"}
_TYPES = Terms("Go", _SCALARS, "[]{}", "map[{}]{}", lambda inner: "[]any", frozenset({"int", "float", "str", "bool", "any"}))
_MAIN = re.compile(r"^func\s+main\s*\(\s*\)", re.MULTILINE)
_PACKAGE = re.compile(r"^\s*package\s+\w+", re.MULTILINE)
_BUILD = ("{go}", "build", "-o", "program")


def render_signature(entry_point: str, names: tuple[str, ...], signature: Signature) -> str:
    """`func solve(xs []int, k int) int`; a tuple is an `[]any`, though the driver also takes several results."""
    written = ", ".join(f"{name} {kind}" for name, kind in _TYPES.pairs(names, signature))
    return f"func {entry_point}({written}) {_TYPES.compose(signature.result)}"


def _files(code: str, entry_point: str, signature: Signature) -> dict[str, str]:
    for kind in (*signature.parameters, signature.result):
        _TYPES.compose(kind)
    text = _MAIN.sub("func codemillProgramMain()", code)
    text = _PACKAGE.sub("package main", text, count=1) if _PACKAGE.search(text) else f"package main; {text}"
    start = f"package main\n\nfunc main() {{ codemillDrive({entry_point}) }}\n"
    return {"solution.go": text, "driver.go": read_driver("go_driver.go"), "start.go": start}


LANGUAGE = Language(
    name="go",
    aliases=("golang",),
    file_name="main.go",
    tools=("go",),
    version_arguments=("version",),
    install="apt-get install -y golang-go",
    grammar="go",
    compile_command=(*_BUILD, "main.go"),
    run_command=("./program",),
    runtime_mb=64,
    runtime_threads=32,
    data_limit=False,
    driver=Driver(files=_files, compile_command=(*_BUILD, "solution.go", "driver.go", "start.go"), run_command=("./program",), slow=True),
    script=GO,
    render_signature=render_signature,
    gold=Gold(
        "package main\n\nfunc solve(xs []int) int {\n\ttotal := 0\n\tfor _, x := range xs {\n\t\ttotal += x\n\t}\n\treturn total\n}\n",
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
    samples=Samples(
        wrong="func solve(xs []int) int { return len(xs) }\n",
        hanging="func solve(xs []int) int { for { } }\n",
        crashing="func solve(xs []int) int { return xs[99] }\n",
        broken="func solve(xs []int) int { return (",
        refused="func solve(xs []int) int { return nothing }\n",
        identity=" {\n\treturn x\n}\n",
        mutator="func solve(xs []int64, k int64) []int64 { return append(xs, k) }\n",
        honest="package main\n\nfunc solve(x int) int {\n\treturn x*x + 7\n}\n\nfunc main() {}\n",
        cheats={
            "an empty stub": "func solve(x int) int { return 0 }",
            "nothing returned": "func solve(x int) {}",
            "exit zero": 'import "os"\nfunc init() { os.Exit(0) }\nfunc solve(x int) int { return 0 }',
            "exit zero when called": 'import "os"\nfunc solve(x int) int { os.Exit(0); return 0 }',
            "equal to everything": 'type e struct{}\nfunc (e) String() string { return "8" }\nfunc solve(x int) any { return e{} }',
            "forged lines": 'import ("fmt"; "os")\nfunc init() { c := os.NewFile(3, "c"); for n := 0; n < 6; n++ {'
            ' fmt.Fprintf(c, "NONCE %d returned i0\\n", n) }; fmt.Fprintf(c, "NONCE finished\\n"); os.Exit(0) }\n'
            "func solve(x int) int { return 0 }",
            "a patched driver": "func init() { codemillAny.tag = 'i' }\nfunc solve(x int) any { return nil }",
            "a float that is equal": "func solve(x int) float64 { return float64(x*x + 7) }",
            "a string that looks right": 'import "fmt"\nfunc solve(x int) string { return fmt.Sprint(x*x + 7) }',
        },
    ),
)
