"""Rust functions as real code has them: closed over their file and crate, called with shared types, run."""

from pathlib import Path

import pytest

from synth.languages.rust.adapting import adapt
from synth.languages.spec import NotAdapted
from synth.records import Reference
from tests.builders import called
from tests.languages.conftest import ReferSeed
from tests.seeds.trees import cut, why

TREE = {
    "src/lib.rs": "pub mod tools;\npub mod main_file;\n",
    "src/tools/mod.rs": "mod gcd;\npub use self::gcd::gcd;\npub const STEP: i64 = 2;\n",
    "src/tools/gcd.rs": "pub fn gcd(a: i64, b: i64) -> i64 { if b == 0 { a } else { gcd(b, a % b) } }\n",
    "src/main_file.rs": """
use crate::tools::{gcd, STEP};
use std::collections::{HashMap, HashSet};
use std::fmt;

fn swap<T>(items: &mut [T], a: usize, b: usize) {
    items.swap(a, b)
}

pub fn bubble_sort<T: PartialOrd + Clone>(items: &mut [T]) {
    for end in (1..items.len()).rev() {
        for at in 0..end {
            if items[at] > items[at + 1] { swap(items, at, at + 1); }
        }
    }
}

pub fn reduced(a: i64, b: i64) -> Result<(i64, i64), String> {
    let gcd = gcd(a, b) * STEP / STEP;
    if gcd == 0 { return Err("both numbers are zero".to_string()); }
    Ok((a / gcd, b / gcd))
}

/// The letters that stand in both texts.
pub fn common<'a>(words: &[&'a str], letter: char) -> Option<&'a str> {
    let short: HashSet<&str> = words.iter().copied().filter(|word| word.len() < 5).collect();
    words.iter().copied().filter(|word| short.contains(word) && word.contains(letter)).max()
}

#[derive(Debug, Clone, PartialEq)]
enum Fault { Empty }

impl fmt::Display for Fault {
    fn fmt(&self, f: &mut fmt::Formatter) -> fmt::Result { write!(f, "nothing is in it") }
}

pub struct Bag<T> { items: Vec<T>, limit: usize }

impl<T: Ord + Clone> Bag<T> {
    pub fn with_limit(limit: usize) -> Self { Bag { items: Vec::new(), limit } }
    pub fn push(&mut self, item: T) { if self.items.len() < self.limit { self.items.push(item); } }
    pub fn unused(&self) -> Elsewhere { Elsewhere::new() }
    pub fn largest(&self) -> Result<&T, Fault> {
        let found = self.items.iter().max();
        found.ok_or(Fault::Empty)
    }
}

#[derive(Clone, Copy)]
pub struct Point { x: f64, y: f64 }

impl Point {
    pub fn moved(&self, by: Point, times: u8) -> (Point, bool) {
        let moved = Point { x: self.x + by.x * times as f64, y: self.y + by.y * times as f64 };
        (moved, moved.x > moved.y)
    }
}

pub fn tally(text: &str, counts: &mut HashMap<String, usize>) {
    for word in text.split(' ') {
        *counts.entry(word.to_string()).or_insert(0) += 1;
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    fn helper(x: i64) -> i64 { let y = x + 1; y * 2 }
    #[test]
    fn it_works() { assert_eq!(helper(1), 4); }
}
""",
}


@pytest.mark.parametrize(
    ("entry_point", "signature"),
    [
        ("reduced", "(int, int) -> tuple[int, int]"),
        ("common", "(list[str], str) -> optional[str]"),
        ("largest", "(int, list[int]) -> int"),
    ],
)
def test_real_shapes_become_references(
    tmp_path: Path, refer_seed: ReferSeed, entry_point: str, signature: str
) -> None:
    found = refer_seed(cut(tmp_path, TREE, "rust")[entry_point])
    assert isinstance(found, Reference), found
    assert called(found.contract).signature == signature
    assert "Elsewhere" not in found.code and "mod tests" not in found.code


def test_changed_arguments_and_records_are_asked_in_shared_types(tmp_path: Path) -> None:
    seeds = cut(tmp_path, TREE, "rust")
    ways = {name: adapt(seeds[name].closed, name) for name in ("bubble_sort", "moved", "tally")}
    assert {name: [str(way.signatures[0]) for way in found] for name, found in ways.items()} == {
        "bubble_sort": ["(list[int]) -> list[int]", "(list[str]) -> list[str]"],
        "moved": ["(tuple[float, float], tuple[float, float], int) -> tuple[tuple[float, float], bool]"],
        "tally": ["(str, map[str, int]) -> map[str, int]"],
    }
    assert ways["moved"][0].domains == ("any", "any", "natural")


def test_tests_and_their_helpers_are_no_seeds(tmp_path: Path) -> None:
    assert not {"helper", "it_works"} & cut(tmp_path, TREE, "rust").keys()


def test_paths_and_modules_are_followed(tmp_path: Path) -> None:
    files = {
        "src/lib.rs": "mod a;\nmod b;\n",
        "src/a.rs": """pub fn size(x: u8) -> u8 { x / 2 }

pub(super) fn twice(x: u8) -> u8 { size(x) * 4 }
""",
        "src/b/mod.rs": """use super::*;
mod c;

pub fn size(x: u8) -> u8 { c::deep(x) + crate::a::twice(x) }
""",
        "src/b/c.rs": """pub fn deep(x: u8) -> u8 { super::super::a::size(x) + self::own(x) }
fn own(x: u8) -> u8 { x }
""",
    }
    code = cut(tmp_path, files, "rust")["size"].closed
    assert "pub fn size(x: u8) -> u8 { deep(x) + twice(x) }" in code
    assert "pub fn deep(x: u8) -> u8 { src_size(x) + own(x) }" in code
    assert "pub(crate) fn twice(x: u8) -> u8 { src_size(x) * 4 }" in code


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("use num::Big;\nfn f(x: Big) -> u8 { x.len() }", ("not_self_contained", "num::Big")),
        ("fn f(x: u8) -> u8 { rand::random() + x }", ("not_self_contained", "rand::random")),
        ("fn f(x: u8) -> u8 { std::process::id() as u8 + x }", ("impure", "std::process")),
        ("#[cfg(unix)]\nfn g() -> u8 { 1 }\nfn f(x: u8) -> u8 { g() + x }", ("not_self_contained", "g")),
    ],
)
def test_what_cannot_be_closed_says_why(tmp_path: Path, text: str, expected: tuple[str, str]) -> None:
    assert why(cut(tmp_path, {"src/lib.rs": text}, "rust")["f"])[:2] == expected


@pytest.mark.parametrize(
    ("code", "words"),
    [
        (
            "fn f(g: impl Fn(i32) -> i32) -> i32 { g(1) }",
            "the type impl Fn(i32) -> i32 has no shared meaning",
        ),
        ("fn f<F: Fn(i32) -> i32>(g: F) -> i32 { g(1) }", "it takes a function"),
        ("struct N { next: Option<Box<N>> } fn f(n: N) -> i32 { 1 }", "the type N has no shared meaning"),
        ("fn f(x: i32) -> Result<(), String> { Ok(()) }", "it returns nothing but an error"),
        ("fn f(x: &mut i32) {}", ""),
        ('fn f(x: i32) { println!("{}", x) }', "it returns nothing and changes no argument"),
        (
            "mod m { pub fn f(x: i32) -> i32 { x } }",
            "it stands inside a function, a trait or a module of its own",
        ),
    ],
)
def test_what_cannot_be_called_says_why(code: str, words: str) -> None:
    if not words:
        assert str(adapt(code, "f")[0].signatures[0]) == "(int) -> int"
        return
    with pytest.raises(NotAdapted) as refused:
        adapt(code, "f")
    assert str(refused.value) == words
