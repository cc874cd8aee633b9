"""Script mode of Go: the script's `main`, or its test functions."""

import re

from synth.languages.spec import Script

_TEST = re.compile(r"^func\s+(Test\w*)\s*\(\s*\w+\s+\*testing\.T\s*\)", re.MULTILINE)
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

var codemillPassed int

func codemillCount(test func(*testing.T)) func(*testing.T) {
	return func(t *testing.T) {
		test(t)
		if !t.Failed() {
			codemillPassed++
		}
	}
}

func codemillMark(*testing.T) {
	if codemillPassed == COUNT {
		os.NewFile(3, "").WriteString(MARK)
	}
}

func main() {
	tests := []testing.InternalTest{TESTS{"mark", codemillMark}}
	testing.Main(func(string, string) (bool, error) { return true, nil }, tests, nil, nil)
}
"""


def _files(code: str, script: str, mark: str) -> dict[str, str]:
    tests = _TEST.findall(script)
    text = _PACKAGE.sub("package main", _MAIN.sub("func codemillScript()", f"{code}\n{script}\n"), count=1)
    rows = "".join(f'{{"{name}", codemillCount({name})}}, ' for name in tests)
    guard = _AFTER_TESTS.replace("TESTS", rows).replace("COUNT", str(len(tests))) if tests else _AFTER_MAIN
    return {"main.go": text, "guard.go": guard.replace("MARK", mark)}


SCRIPT = Script(files=_files, extra_compile_args=("guard.go",))
