"""Packages as the managers make them: npm from a registry, Debian's from an archive, sources compiled, all of
it on this machine; and verdicts of programs that import them."""

import json
import shutil
from collections.abc import Iterator
from pathlib import Path

import pytest

from synth.languages.go.packages import lacking as go_lacks
from synth.languages.package_use import ImportQuestion
from synth.languages.rust.packages import lacking as rust_lacks
from synth.packages.build import build, build_all
from synth.packages.command import PackageError
from synth.packages.store import find_built
from synth.packages_config import PackagesConfig
from tests.languages.toolchains import need
from tests.packages.archive import make_deb, use_archive
from tests.packages.npm_registry import registry
from tests.packages.test_other_packages import script, stdio, verdicts

GO = "package main\n\nimport (\n\t{}\n)\n\n"
UPPER = '"example.org/own/upper"'
GO_SOURCES = "usr/share/gocode/src/example.org/own"
CRATES = "usr/share/cargo/registry"
CALL: dict[str, object] = {
    "kind": "function",
    "entry_point": "f",
    "signature": "(int) -> int",
    "cases": [{"input": [1], "output": 8}],
}
BY_KIND = {
    "script": "pass",
    "wrong": "wrong_answer",
    "stdio": "pass",
    "call": "pass",
    "made_up": "compile_error",
}
"""The verdicts on programs of every kind that import a package."""


@pytest.fixture
def archive(home: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Debian packages of our own."""
    if shutil.which("apt-get") is None or shutil.which("dpkg-deb") is None:
        pytest.skip("no Debian")
    monkeypatch.setenv("TMPDIR", str(tmp_path))
    size = "package base\n\nfunc Size() int { return 7 }\n"
    upper = 'package upper\n\nimport "example.org/own/base"\n\nfunc Size() int { return base.Size() }\n'
    make_deb(tmp_path, "golang-example-own-base-dev", {f"{GO_SOURCES}/base/base.go": size})
    files = {
        f"{GO_SOURCES}/upper/upper.go": upper,
        f"{GO_SOURCES}/upper/upper_test.go": 'package upper\n\nimport _ "example.org/nowhere"\n',
        f"{GO_SOURCES}/upper/command/main.go": "package main\n\nfunc main() {}\n",
        f"{GO_SOURCES}/upper/lame/lame.go": 'package lame\n\nimport _ "example.org/nowhere"\n',
    }
    make_deb(
        tmp_path, "golang-example-own-upper-dev", files, "Depends: golang-example-own-base-dev, own-other"
    )
    make_deb(tmp_path, "own-other", {"usr/share/own": "no library\n"})
    make_deb(
        tmp_path,
        "golang-own-broken-dev",
        {"usr/share/gocode/src/own.org/broken/b.go": "package broken; func"},
    )
    crate(tmp_path, "own-base", "pub const SIZE: i64 = 7;\n")
    needs = (
        '[dependencies]\nown-base = { version = "1", optional = true }\n[features]\ndefault = ["own-base"]\n'
    )
    crate(tmp_path, "own-upper", "pub use own_base::SIZE;\n", needs, "Recommends: librust-own-base-dev")
    crate(tmp_path, "own-broken", "fn (\n")
    make_deb(tmp_path, "lua-own", {"usr/share/lua/5.4/own.lua": "return {size = 7}\n"})
    use_archive(tmp_path, monkeypatch)
    return tmp_path


def crate(folder: Path, name: str, text: str, rest: str = "", needs: str = "") -> None:
    place = f"{CRATES}/{name}-1.0.0"
    stated = f'[package]\nname = "{name}"\nversion = "1.0.0"\nedition = "2021"\n{rest}'
    files = {
        f"{place}/Cargo.toml": stated,
        f"{place}/src/lib.rs": text,
        f"{place}/.cargo-checksum.json": '{"package": "' + "0" * 64 + '", "files": {}}',
    }
    make_deb(folder, f"librust-{name}-dev", files, needs)


def test_go_sources_become_archives_for_scripts_programs_and_typed_calls(archive: Path) -> None:
    need("go")
    built = build("go", ("example.org/own/upper",)).built
    assert built is not None
    assert built.manifest.installed == (
        "golang-example-own-base-dev 1.0-1",
        "golang-example-own-upper-dev 1.0-1",
    )
    names = (built.files / "imports").read_text().splitlines()
    assert [name.partition("=")[0] for name in names] == [
        "packagefile example.org/own/base",
        "packagefile example.org/own/upper",
    ]
    test = script('func TestF(t *testing.T) { if f() != upper.Size() { t.Error("no") } }')
    imports = GO.format(f'"testing"\n\t{UPPER}')
    found = verdicts(
        PackagesConfig(go=("example.org/own/upper",)),
        "go",
        script=(imports + "func f() int { return 7 }", test),
        wrong=(imports + "func f() int { return 8 }", test),
        stdio=(GO.format(f'"fmt"\n\t{UPPER}') + "func main() { fmt.Println(upper.Size()) }", stdio("7\n")),
        call=(GO.format(UPPER) + "func f(x int) int { return x + upper.Size() }", CALL),
        made_up=(GO.format('_ "example.org/nowhere"') + "func f(x int) int { return x + 7 }", CALL),
    )
    assert found == BY_KIND
    again = build("go", ("example.org/own/upper",), again=True).built
    assert again is not None
    assert again.manifest.digest == built.manifest.digest


def test_crates_become_libraries_for_scripts_programs_and_typed_calls(archive: Path) -> None:
    need("rust")
    if shutil.which("cargo") is None:
        pytest.skip("no cargo")
    built = build("rust", ("own_upper",)).built
    assert built is not None
    assert built.manifest.installed == ("librust-own-base-dev 1.0-1", "librust-own-upper-dev 1.0-1")
    assert [path.name for path in (built.files / "externs").iterdir()] == ["own_upper"]
    test = script("#[test]\nfn t() { assert_eq!(f(), own_upper::SIZE); }")
    found = verdicts(
        PackagesConfig(rust=("own_upper",)),
        "rust",
        script=("fn f() -> i64 { 7 }", test),
        wrong=("fn f() -> i64 { 8 }", test),
        stdio=('use own_upper::SIZE;\nfn main() { println!("{SIZE}"); }', stdio("7\n")),
        call=("fn f(x: i64) -> i64 { x + own_upper::SIZE }", CALL),
        made_up=("fn f(x: i64) -> i64 { x + own_nowhere::SIZE }", CALL),
    )
    assert found == BY_KIND


def test_sources_that_do_not_compile_are_an_error_in_the_compilers_words(archive: Path) -> None:
    need("go")
    build("lua", ("own",))
    answers = {
        one.language: one
        for one in build_all({"go": ("own.org/broken",), "rust": ("own-broken",), "lua": ("own",)})
    }
    assert "b.go" in str(answers["go"].error)
    assert "cannot be built" in str(answers["rust"].error)
    assert answers["lua"].was_there


def test_two_versions_of_which_one_is_missing(archive: Path) -> None:
    need("lua")
    assert build("lua", ("own==1.0-1",)).built is not None
    with pytest.raises(PackageError, match=r"9\.9"):
        build("lua", ("own==9.9",))
    assert find_built("lua", ("own==1.0-1",)) is not None


@pytest.fixture
def npm(home: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """A registry with two packages, one of which needs the other and would run a script."""
    need("javascript")
    if shutil.which("npm") is None:
        pytest.skip("no npm")
    harm = tmp_path / "harm"
    packages = {
        "own-base": {
            "package.json": '{"name": "own-base", "version": "1.0.0"}',
            "index.js": "module.exports = {size: 7}",
        },
        "own-upper": {
            "package.json": json.dumps(
                {
                    "name": "own-upper",
                    "version": "2.0.0",
                    "dependencies": {"own-base": "^1.0.0"},
                    "scripts": {"postinstall": f"touch {harm}"},
                }
            ),
            "index.js": "module.exports = require('own-base')",
        },
    }
    with registry(packages) as address:
        monkeypatch.setenv("npm_config_registry", address)
        monkeypatch.setenv("npm_config_cache", str(tmp_path / "npm"))
        yield
    assert not harm.exists()


def test_npm_installs_a_package_and_what_it_needs(npm: None) -> None:
    built = build("javascript", ("own-upper==2.0.0",)).built
    assert built is not None
    assert built.manifest.installed == ("own-base 1.0.0", "own-upper 2.0.0")
    test = script("const own = require('own-upper');\nif (f() !== own.size) throw new Error('no');")
    found = verdicts(
        PackagesConfig(javascript=("own-upper==2.0.0",)),
        "javascript",
        right=("function f() { return 7 }", test),
        wrong=("function f() { return 8 }", test),
    )
    assert found.pop("wrong") in ("wrong_answer", "runtime_error")
    assert found == {"right": "pass"}


@pytest.mark.parametrize("name", ["own-nowhere", "own-upper==9.0.0"])
def test_what_npm_does_not_have_is_named_and_costs_nothing(npm: None, name: str) -> None:
    build("javascript", ("own-base",))
    with pytest.raises(PackageError, match=name.partition("=")[0]):
        build("javascript", ("own-base", name))
    assert find_built("javascript", ("own-base",)) is not None
    assert find_built("javascript", ("own-base", name)) is None


KNOWN_GO = {"example.org/own": "own"}


@pytest.mark.parametrize(
    ("code", "test", "missing"),
    [
        ('import "example.org/own/upper"', "", ("example.org/own",)),
        ('import (\n\tu "example.org/own"\n\t"fmt"\n)', "", ("example.org/own",)),
        ('import "example.org/owner"', "", ()),
        ('// import "example.org/own"', "", ()),
        ('import "fmt"\nvar x = "example.org/own"', "", ()),
        ("", 'import "github.com/a/b/c"', ("github.com/a/b",)),
        ("", 'import "gopkg.in/yaml.v9"', ("gopkg.in/yaml.v9",)),
        ("", 'import "example.org/there"', ()),
    ],
)
def test_go_lacks_what_is_imported_and_not_there(code: str, test: str, missing: tuple[str, ...]) -> None:
    assert go_lacks(ImportQuestion(code, test, frozenset({"example.org/there"}), KNOWN_GO)) == missing


@pytest.mark.parametrize(
    ("code", "test", "missing"),
    [
        ("use own::Size;", "", ("own",)),
        ("pub use ::own as other;", "", ("own",)),
        ("extern crate own;", "", ("own",)),
        ("fn f() -> i64 { own::size() }", "", ("own",)),
        ("mod own { pub fn size() -> i64 { 7 } }\nfn f() -> i64 { own::size() }", "", ()),
        ("// own::size()\nfn f() {}", "", ()),
        ('fn f() -> &str { "own::size" }', "", ()),
        ("fn f() -> i64 { self::own::size() + a.own }", "", ()),
        ("use nowhere::Size;", "", ()),
        ("", "extern crate nowhere;\nextern crate std;", ("nowhere",)),
        ("use there::Size;", "", ()),
    ],
)
def test_rust_lacks_the_crates_that_are_named_and_not_there(
    code: str, test: str, missing: tuple[str, ...]
) -> None:
    known = {"own": "own", "there": "there"}
    assert rust_lacks(ImportQuestion(code, test, frozenset({"there"}), known)) == missing
