"""Programs of Go that show that its module works, and its controls."""

from synth.languages.conformance import PARENTHESES, ConformancePrograms, Controls, Gold, ScriptPrograms, Stub

GOLD = Gold(
    """package main

func solve(xs []int) int {
	total := 0
	for _, x := range xs {
		total += x
	}
	return total
}
""",
    ("l3 i1 i2 i3",),
    "i6",
)
HELLO = """package main

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
"""
_TESTED = """package main

import (
	"fmt"
	"testing"
)

var _, _ = fmt.Println, testing.Short

func twice(x int) int { return x + x }
"""
CONTROLS = Controls(
    body=" {\n\tSTATEMENT\n\treturn VALUE\n}\n",
    before='package main\n\nimport (\n\t"fmt"\n\t"os"\n)\n\nvar _, _ = fmt.Println, os.Exit\n\n',
    zero={"int": "0", "float": "0", "bool": "false", "str": '""', "": "nil"},
    exit="os.Exit(0)",
    shout='fmt.Println("PASS")',
    program="func main() { STATEMENT }",
    part="func init() { STATEMENT }",
)
STUBS = (
    Stub(
        head=r"^func\s+(?:\([^()\n]*\)\s*)?(?P<name>\w+)\s*(?:\[[^\[\]\n]*\]\s*)?"
        + PARENTHESES
        + r"[ \t]*(?P<type>[^{};\n]*?)[ \t]*\{",
        early="return VALUE;",
        typed=(
            (r"u?int(?:8|16|32|64)?|byte|rune", "0", "79"),
            (r"float(?:32|64)", "0", "7919.5"),
            ("string", '""', '"codemill"'),
            ("bool", "false", "true"),
            (r"\[\].*", "nil", "make(TYPE, 3)"),
            (r"\*.*|map.*|error|any|interface\{\}", "nil", "nil"),
        ),
        untyped=(("*new(TYPE)", "*new(TYPE)"),),
    ),
    Stub(
        head=r"^func\s+(?:\([^()\n]*\)\s*)?(?P<name>\w+)\s*" + PARENTHESES + r"[ \t]*\{",
        early="return;",
        untyped=(("", ""),),
    ),
)
SAMPLES = ConformancePrograms(
    wrong="func solve(xs []int) int { return len(xs) }\n",
    hanging="func solve(xs []int) int { for { } }\n",
    crashing="func solve(xs []int) int { return xs[99] }\n",
    broken="func solve(xs []int) int { return (",
    refused="func solve(xs []int) int { return nothing }\n",
    identity=" {\n\treturn x\n}\n",
    mutator="func solve(xs []int64, k int64) []int64 { return append(xs, k) }\n",
    honest="package main\n\nfunc solve(x int) int {\n\treturn x*x + 7\n}\n\nfunc main() {}\n",
    script=ScriptPrograms(
        right="""package main

import (
	"os"
	"testing"
)

var _ = os.Args

func twice(x int) int { return x + x }
""",
        wrong="""package main

import (
	"os"
	"testing"
)

var _ = os.Args

func twice(x int) int { return x * x * x }
""",
        script="""func TestTwice(t *testing.T) {
	if twice(3) != 6 {
		t.Errorf("wrong")
	}
}

func TestZero(t *testing.T) {
	if twice(0) != 0 {
		t.Fatal("wrong")
	}
}
""",
        forms={
            "examples": (
                _TESTED,
                """func ExampleTwice() {
	fmt.Println(twice(3))
	fmt.Println(twice(0))
	// Output:
	// 6
	// 0
}
""",
            ),
            "an example in any order beside a test": (
                _TESTED,
                """func TestZero(t *testing.T) {
	if twice(0) != 0 {
		t.Fatal("assertion failed")
	}
}

func Example_any() {
	fmt.Println(twice(3))
	fmt.Println(twice(1) - twice(1))
	// Unordered output:
	// 0
	// 6
}
""",
            ),
            "subtests, parallel and skipped": (
                _TESTED,
                """func TestParallel(t *testing.T) {
	t.Parallel()
	t.Run("three", func(t *testing.T) {
		if twice(3) != 6 {
			t.Error("assertion failed")
		}
	})
}

func TestSkipped(t *testing.T) { t.Skip("not here") }
""",
            ),
        },
        leaving=(
            """package main

import (
	"os"
	"testing"
)

func twice(x int) int { os.Exit(0); return 0 }
""",
            """package main

import (
	"os"
	"testing"
)

func init() { os.Exit(0) }

func twice(x int) int { return 0 }
""",
        ),
    ),
    functions="""package a
func Alpha(a int) int {
	total := a * 2
	return total + 1
}
func (s *S) Beta() int { return 1 }
""",
    function_names=("Alpha", "Beta"),
)
