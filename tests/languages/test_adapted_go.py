"""Go functions as real code has them: closed over their file, called with shared types, run."""

from pathlib import Path

import pytest

from synth.filters.protocol import Reject
from synth.languages.go.adapting import adapt
from synth.languages.spec import NotAdapted
from synth.records import Reference
from tests.builders import called
from tests.languages.conftest import ReferSeed
from tests.seeds.trees import cut

TREE = {
    "go.mod": "module example.org/m\n",
    "kinds/kinds.go": "package kinds\n\ntype Ordered interface{ ~int | ~string | ~float64 }\n",
    "a.go": """package p

import (
	"errors"
	"strings"

	"example.org/m/kinds"
)

var errEmpty = errors.New("there is nothing in it")

func swap[T any](xs []T, i, j int) { xs[i], xs[j] = xs[j], xs[i] }

func Insertion[T kinds.Ordered](xs []T) {
	for i := range xs {
		for j := i; j > 0 && xs[j] < xs[j-1]; j-- {
			swap(xs, j, j-1)
		}
	}
}

func Smallest[T kinds.Ordered](first T, more ...T) (smallest T, at int, err error) {
	smallest = first
	for i, x := range more {
		if x < smallest {
			smallest, at = x, i+1
		}
	}
	return
}

func CountLetter(text []byte, letter byte, _ uint8) (count int) {
	for _, one := range text {
		if one == letter {
			count++
		}
	}
	return count
}

type stack[T any] struct{ items []T }

func NewStack[T any](first T) *stack[T] { return &stack[T]{items: []T{first}} }

func (s *stack[T]) Push(item T) { s.items = append(s.items, item) }

func (s *stack[T]) Pop() (T, error) {
	var none T
	if len(s.items) == 0 {
		return none, errEmpty
	}
	last := s.items[len(s.items)-1]
	s.items = s.items[:len(s.items)-1]
	return last, nil
}

type point struct{ x, y float64 }

type line struct {
	from point
	name string
}

func (l *line) Shifted(by *point, times uint) point {
	return point{l.from.x + by.x*float64(times), l.from.y + by.y*float64(times) + float64(len(l.name))}
}

func Swapped(a, b *int) {
	kept := *a
	*a, *b = *b+1, kept
}

func Titles(words map[string]int) []rune {
	best := ""
	for word, count := range words {
		if count > 3 && word > best {
			best = word
		}
	}
	return []rune(strings.ToUpper(best) + "!")
}
""",
}


@pytest.mark.parametrize(
    ("entry_point", "signature"),
    [
        ("Insertion", "(list[int]) -> list[int]"),
        ("Smallest", "(int, list[int]) -> tuple[int, int]"),
        ("CountLetter", "(str, str, int) -> int"),
        ("Pop", "(int, list[int]) -> int"),
        ("Shifted", "(tuple[tuple[float, float], str], tuple[float, float], int) -> tuple[float, float]"),
        ("Swapped", "(int, int) -> tuple[int, int]"),
        ("Titles", "(map[str, int]) -> str"),
    ],
)
def test_real_shapes_become_references(
    tmp_path: Path, refer_seed: ReferSeed, entry_point: str, signature: str
) -> None:
    found = refer_seed(cut(tmp_path, TREE)[entry_point])
    assert isinstance(found, Reference), found
    assert called(found.contract).signature == signature


@pytest.mark.parametrize(
    ("code", "why"),
    [
        ("func F(c chan int) int { return <-c }", "the type chan int has no shared meaning"),
        ("func F(f func(int) int) int { return f(1) }", "the type func(int) int has no shared meaning"),
        ("type N struct { next *N }\nfunc F(n *N) int { return 1 }", "the type N has no shared meaning"),
        ("func F(x int) error { return nil }", "it returns nothing but an error"),
        ("func F(xs []int) { xs = nil }", "it returns nothing and changes no argument"),
        (
            "type I interface { M() int }\ntype T struct { i I }\nfunc (t T) F() int { return t.i.M() }",
            "nothing makes an object of T",
        ),
    ],
)
def test_what_cannot_be_called_says_why(code: str, why: str) -> None:
    with pytest.raises(NotAdapted, match=f"^{why.replace('(', '[(]').replace(')', '[)]')}"):
        adapt(f"package main\n\n{code}\n", "F")


def test_types_are_tried_in_turn_and_a_name_that_is_taken_is_not_used() -> None:
    code = "package main\n\nfunc first[T any](xs []T) T { return xs[0] }\nvar runFirst = 1\n"
    ways = adapt(code, "first")
    assert [str(way.signatures[0]) for way in ways] == ["(list[int]) -> int", "(list[str]) -> str"]
    assert {way.entry_point for way in ways} == {"firstResult"}


def test_a_neighbour_that_needs_files_is_no_reference(tmp_path: Path, refer_seed: ReferSeed) -> None:
    text = 'package p\n\nimport "os"\n\nfunc F(x int) int { y := len(os.Args); return x + y }\n'
    found = refer_seed(cut(tmp_path, {"a.go": text})["F"])
    assert isinstance(found, Reject) and (found.reason, found.evidence["needs"]) == ("impure", "os")
