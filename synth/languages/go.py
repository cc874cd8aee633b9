"""Go: each program is a package of its own, called by drivers/go_driver.go; a tuple is an `[]any`, a struct or several results.

The compiler and the linker are called directly (drivers/go_build.sh), against archives that are prepared once. Candidates share a link only
when they have neither variables of the package nor `init`, so that none can act in the process of another.
"""

import re
from collections.abc import Mapping, Sequence

from synth.languages.composing import Terms
from synth.languages.parsing import get_parser
from synth.languages.scripting import GO
from synth.languages.spec import Batch, Driver, Gold, Language, Samples, read_driver
from synth.values import Signature

_SCALARS = {"int": "int", "float": "float64", "str": "string", "bool": "bool", "null": "any", "any": "any"}
_TYPES = Terms("Go", _SCALARS, "[]{}", "map[{}]{}", lambda inner: "[]any", frozenset({"int", "float", "str", "bool", "any"}))
_MAIN = re.compile(r"^func\s+main\s*\(\s*\)", re.MULTILINE)
_PACKAGE = re.compile(r"^\s*package\s+\w+", re.MULTILINE)
_BUILD = ("/bin/sh", "{shared}/build.sh", "{go}", "{shared}")
_PLAIN_ITEMS = {"package_clause", "import_declaration", "function_declaration", "method_declaration", "type_declaration"}
_PLAIN_ITEMS |= {"const_declaration", "comment", ";", "\n"}
_UNSHARED = re.compile(r"\binit\b|//go:|\bunsafe\b|\bimport\s*\(?\s*\"C\"")


def render_signature(entry_point: str, names: tuple[str, ...], signature: Signature) -> str:
    """`func solve(xs []int, k int) int`; a tuple is an `[]any`, though the driver also takes several results."""
    written = ", ".join(f"{name} {kind}" for name, kind in _TYPES.pairs(names, signature))
    return f"func {entry_point}({written}) {_TYPES.compose(signature.result)}"


def _package(code: str, entry_point: str) -> dict[str, str]:
    """A program as a package that others can import: it is still called `main`, which shows when its types are printed."""
    text = _MAIN.sub("func codemillProgramMain()", code)
    text = _PACKAGE.sub("package main", text, count=1) if _PACKAGE.search(text) else f"package main; {text}"
    return {"solution.go": text, "target.go": f"package main\n\nvar CodemillTarget any = {entry_point}\n\nfunc main() {{}}\n"}


def _start(count: int) -> str:
    """The main package: argv[1] says which candidate runs."""
    imports = "".join(f'; c{index} "candidate_{index}"' for index in range(count))
    targets = ", ".join(f"c{index}.CodemillTarget" for index in range(count))
    return f"""package main

import ("codemill"; "os"; "strconv"{imports})

func main() {{
\tindex, _ := strconv.Atoi(os.Args[1])
\tos.Args = os.Args[:1]
\tcodemill.Drive([]any{{{targets}}}[index])
}}
"""


def batch_files(codes: Sequence[str], entry_point: str, signature: Signature) -> Mapping[str, str]:
    """A package for each candidate, and one that starts them. Raises UnsupportedType."""
    for kind in (*signature.parameters, signature.result):
        _TYPES.compose(kind)
    packages = [(index, _package(code, entry_point)) for index, code in enumerate(codes)]
    files = {f"candidate_{index}/{name}": text for index, package in packages for name, text in package.items()}
    return {**files, "start.go": _start(len(codes))}


def can_share(code: str) -> bool:
    """Whether nothing of the program lives or acts before it is called."""
    if _UNSHARED.search(code) or len(code) > 20_000:
        return False
    root = get_parser("go").parse(code.encode("utf-8", "surrogatepass")).root_node
    return not root.has_error and all(child.type in _PLAIN_ITEMS for child in root.children)


def blame(output: str) -> dict[int, str]:
    """The candidates that the compiler refused, with all that it said of each."""
    found: dict[int, str] = {}
    for line in output.splitlines():
        if named := re.match(r"candidate_(\d+): (.*)", line):
            found[int(named[1])] = found.get(int(named[1]), "") + named[2] + "\n"
    return found


def _files(code: str, entry_point: str, signature: Signature) -> Mapping[str, str]:
    return batch_files([code], entry_point, signature)


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
    driver=Driver(
        files=_files,
        compile_command=(*_BUILD, "start.go"),
        run_command=("./program", "{index}"),
        shared={name: read_driver(f"go_{name}") for name in ("driver.go", "prepare.sh", "build.sh")},
        shared_commands=(("/bin/sh", "prepare.sh", "{go}"),),
        batch=Batch(accepts=can_share, files=batch_files, blame=blame),
    ),
    script=GO,
    render_signature=render_signature,
    gold=Gold(
        "package main\n\nfunc solve(xs []int) int {\n\ttotal := 0\n\tfor _, x := range xs {\n\t\ttotal += x\n\t}\n\treturn total\n}\n",
        ("l3 i1 i2 i3",),
        "i6",
    ),
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
            "a patched driver": 'import _ "unsafe"\n//go:linkname any codemill.codemillAny\nvar any struct{ tag byte }\n'
            "func init() { any.tag = 'i' }\nfunc solve(x int) interface{} { return nil }",
            "a float that is equal": "func solve(x int) float64 { return float64(x*x + 7) }",
            "a string that looks right": 'import "fmt"\nfunc solve(x int) string { return fmt.Sprint(x*x + 7) }',
        },
    ),
)
