"""Script mode of Go: the script's `main`, or its test functions and examples."""

import json
import re
from typing import NamedTuple

from synth.languages.spec import Script

_TEST = re.compile(r"^func\s+(Test\w*)\s*\(\s*\w+\s+\*testing\.T\s*\)", re.MULTILINE)
_EXAMPLE = re.compile(r"^func\s+(Example\w*)\s*\(\s*\)\s*\{(.*?)^\}", re.MULTILINE | re.DOTALL)
_OUTPUT = re.compile(
    r"^[ \t]*//[ \t]*(unordered )?output:(.*(?:\n[ \t]*//.*)*)\s*\Z", re.MULTILINE | re.IGNORECASE
)
_MAIN = re.compile(r"^func\s+main\s*\(\s*\)", re.MULTILINE)
_PACKAGE = re.compile(r"^package\s+\w+", re.MULTILINE)
_AFTER_MAIN = """package main

import "os"

func main() {
	codemillScript()
	os.NewFile(3, "").WriteString(MARK)
}
"""
_AFTER_TESTS = """package main

import (
	"os"
	"testing"
)

var codemillEnded int

func codemillTest(test func(*testing.T)) func(*testing.T) {
	return func(t *testing.T) {
		defer func() { codemillEnded++ }()
		test(t)
	}
}

func codemillExample(example func()) func() {
	return func() {
		example()
		codemillEnded++
	}
}

func codemillMark() {
	if codemillEnded == COUNT {
		os.NewFile(3, "").WriteString(MARK)
	}
}

func main() {
	tests := []testing.InternalTest{TESTS}
	examples := []testing.InternalExample{EXAMPLES{"mark", codemillMark, "", false}}
	testing.Main(func(string, string) (bool, error) { return true, nil }, tests, nil, examples)
}
"""
"""The mark is written after all tests, parallel ones too, were left by themselves; a failed one gives the
exit code 1."""


class _Example(NamedTuple):
    name: str
    output: str
    unordered: bool

    def __str__(self) -> str:
        output = json.dumps(self.output)
        return f'{{"{self.name}", codemillExample({self.name}), {output}, {str(self.unordered).lower()}}}, '


def _examples(script: str) -> list[_Example]:
    """The examples that state their output, which are those that `go test` runs."""
    found = []
    for name, body in _EXAMPLE.findall(script):
        stated = _OUTPUT.search(body)
        if stated:
            lines = [line.strip().removeprefix("//").removeprefix(" ") for line in stated[2].split("\n")]
            found.append(_Example(name, "\n".join(lines).strip(), bool(stated[1])))
    return found


def _files(code: str, script: str, mark: str) -> dict[str, str]:
    tests, examples = _TEST.findall(script), _examples(script)
    text = _PACKAGE.sub("package main", _MAIN.sub("func codemillScript()", f"{code}\n{script}\n"), count=1)
    guard = _AFTER_MAIN
    if tests or examples:
        guard = _AFTER_TESTS.replace("COUNT", str(len(tests) + len(examples)))
        guard = guard.replace("TESTS", "".join(f'{{"{name}", codemillTest({name})}}, ' for name in tests))
        guard = guard.replace("EXAMPLES", "".join(map(str, examples)))
    return {"main.go": text, "guard.go": guard.replace("MARK", mark)}


SCRIPT = Script(files=_files, extra_compile_args=("guard.go",))
