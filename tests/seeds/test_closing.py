"""Functions closed over their file and their package: the frame, shown on Go."""

from pathlib import Path

import pytest

from synth.seeds import closing
from synth.seeds.closing import MAX_PULLED
from tests.seeds.trees import cut, why

AREA = """package shapes

import (
	"fmt"
	"math"
)

const (
	Scale = 2
	Other = 3
)

func unused() int { return Other }

func half(x float64) float64 { return x / Scale }

func Area(r float64) float64 {
	half := half(r)
	return math.Pi * half * half
}
"""


def test_a_function_comes_with_what_it_needs_and_nothing_else(tmp_path: Path) -> None:
    area = cut(tmp_path, {"area.go": AREA})["Area"]
    assert area.code.startswith("func Area(") and area.code.endswith("}")
    assert area.closed.startswith('package main\n\nimport (\n\t"math"\n)\n\nconst (\n\tScale = 2')
    assert "func half" in area.closed and "unused" not in area.closed and "fmt" not in area.closed
    assert area.closed.rstrip().endswith(area.code), "the program is in the order of the file"
    assert area.runnable == area.closed and area.unclosed is None


def test_helpers_that_call_each_other_come_once(tmp_path: Path) -> None:
    text = """package p

func Even(n int) bool { if n == 0 { return true }; return odd(n - 1) }
func odd(n int) bool { if n == 0 { return false }; return Even(n - 1) }
"""
    even = cut(tmp_path, {"a.go": text})["Even"]
    assert even.closed.count("func Even") == even.closed.count("func odd") == 1


def test_the_package_is_the_folder_and_its_tests_are_not(tmp_path: Path) -> None:
    files = {
        "p/a.go": "package p\n\nfunc F(x int) int { y := helper(x); return y }\n",
        "p/b.go": "package p\n\nfunc helper(x int) int { z := limit; return z - x }\n",
        "p/c_test.go": "package p\n\nvar limit = 7\n",
    }
    assert why(cut(tmp_path / "without", files)["F"]) == (
        "not_self_contained",
        "limit",
        "is bound neither in the file nor in its package",
    )
    files["p/d.go"] = "package p\n\nvar limit = 9\n"
    assert "var limit = 9" in cut(tmp_path / "with", files)["F"].closed


def test_names_of_another_package_are_written_anew(tmp_path: Path) -> None:
    files = {
        "go.mod": "module example.org/tree\n",
        "max/int.go": "package max\n\nfunc Int(a, b int) int { if a > b { return a }; return b }\n",
        "min/int.go": "package min\n\nfunc Int(a, b int) int { if a < b { return a }; return Int(b, a) }\n",
        "main.go": """package main

import (
	"example.org/tree/max"
	low "example.org/tree/min"
)

func Spread(a, b int) int { max := max.Int(a, b); return max - low.Int(a, b) }
""",
    }
    code = cut(tmp_path, files)["Spread"].closed
    assert "max := Int(a, b); return max - min_Int(a, b)" in code
    assert "func min_Int(a, b int) int { if a < b { return a }; return min_Int(b, a) }" in code
    assert "example.org" not in code and "import" not in code


def test_methods_come_when_they_are_called_and_a_type_with_its_interface(tmp_path: Path) -> None:
    text = """package p

import "sort"

type byLength []string

func (b byLength) Len() int           { return len(b) }
func (b byLength) Less(i, j int) bool { return b[i] < b[j] }
func (b byLength) Swap(i, j int)      { b[i], b[j] = b[j], b[i] }
func (b byLength) Longest() int       { n := nowhere(b); return n }

func Sorted(xs []string) []string {
	sort.Sort(byLength(xs))
	return xs
}

func (b byLength) Count() int { n := b.Len(); return n }
"""
    seeds = cut(tmp_path, {"a.go": text})
    assert all(name in seeds["Sorted"].closed for name in ("Len", "Less", "Swap"))
    assert "Longest" not in seeds["Sorted"].closed
    assert "type byLength" in seeds["Count"].closed
    assert why(seeds["Longest"])[1] == "nowhere"


@pytest.mark.parametrize(
    ("files", "expected"),
    [
        pytest.param(
            {
                "b.go": "package p\n\nfunc helper() int { return 1 }\n",
                "c.go": "package p\n\nvar helper = 2\n",
            },
            ("not_self_contained", "helper", "is bound twice"),
            id="bound twice",
        ),
        pytest.param(
            {"b.go": "//go:build linux\n\npackage p\n\nfunc helper() int { return 1 }\n"},
            ("not_self_contained", "helper", "is compiled under a condition"),
            id="under a condition",
        ),
        pytest.param(
            {"b.go": 'package p\n\nimport "github.com/a/b"\n\nfunc helper() int { return b.X() }\n'},
            ("not_self_contained", "github.com/a/b", "is a package outside the standard library"),
            id="another module",
        ),
        pytest.param(
            {"b.go": 'package p\n\nimport "os"\n\nfunc helper() int { return os.Getpid() }\n'},
            ("impure", "os", "is a package of chance, of files, of processes or of the network"),
            id="impure",
        ),
        pytest.param({}, ("not_self_contained", "helper", "is bound neither in the file nor in its package")),
    ],
)
def test_what_cannot_be_closed_says_why(
    tmp_path: Path, files: dict[str, str], expected: tuple[str, str, str]
) -> None:
    function = "package p\n\nfunc F(x int) int { y := x + helper(); return y }\n"
    assert why(cut(tmp_path, {"a.go": function, **files})["F"]) == expected


def test_a_library_is_not_pulled_in(tmp_path: Path) -> None:
    chain = "".join(
        f"func f{at}(x int) int {{ y := f{at + 1}(x); return y }}\n" for at in range(MAX_PULLED + 5)
    )
    text = f"package p\n\n{chain}\nfunc f{MAX_PULLED + 5}(x int) int {{ return x }}\n"
    seeds = cut(tmp_path, {"a.go": text})
    assert "other declarations" in why(seeds["f0"])[2]
    assert seeds["f20"].closed


def test_a_file_of_too_many_declarations_is_left_alone(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(closing, "MAX_DECLARED", 2)
    many = "".join(f"func f{at}(x int) int {{ y := x; return y }}\n" for at in range(3))
    files = {"b.go": f"package p\n{many}", "a.go": "package p\nfunc F(x int) int { y := f1(x); return y }\n"}
    seeds = cut(tmp_path, files)
    assert why(seeds["f1"]) == ("not_self_contained", "f1", "stands among 3 declarations")
    assert why(seeds["F"])[1] == "f1"


def test_no_link_is_followed_to_a_neighbour(tmp_path: Path) -> None:
    outside = tmp_path / "outside"
    outside.mkdir()
    (outside / "b.go").write_text("package p\n\nfunc helper() int { return 1 }\n", encoding="utf-8")
    tree = tmp_path / "tree"
    tree.mkdir()
    (tree / "linked").symlink_to(outside)
    (tree / "b.go").symlink_to(outside / "b.go")
    files = {
        "go.mod": "module m\n",
        "a.go": 'package p\n\nimport "m/linked"\n\nfunc F() int { y := linked.helper(); return y }\n'
        "func G() int { y := helper(); return y }\n",
    }
    seeds = cut(tree, files)
    assert why(seeds["F"]) == ("not_self_contained", "linked", "is a file that cannot be read")
    assert why(seeds["G"])[1] == "helper"
