"""Packages of the other languages: a folder as their package managers leave it is seen by programs of every
kind, and what is missing is named."""

import subprocess
from pathlib import Path

import pytest

from synth.languages.toolchain import find_toolchain
from synth.packages.build import build
from synth.packages.command import PackageError
from synth.packages.store import Manifest, digest_of, folder_of
from synth.packages_config import LANGUAGES, PackagesConfig, package_of, ready_sets
from synth.verify.verify import verify
from tests.languages.toolchains import need

JAVA = "package org.javatuples; public class Own { public static long size() { return 7; } }"


def put(language: str, name: str, files: dict[str, bytes]) -> PackagesConfig:
    """A built folder of these files."""
    toolchain = find_toolchain(language)
    assert toolchain is not None, "asked for before"
    folder = folder_of(language, (name,))
    for path, data in files.items():
        (folder / "files" / path).parent.mkdir(parents=True, exist_ok=True)
        (folder / "files" / path).write_bytes(data)
    manifest = Manifest(
        language=language,
        names=(name,),
        toolchain=toolchain.version,
        installed=(f"{name} 1.0",),
        digest=digest_of(folder / "files"),
    )
    (folder / "manifest.json").write_text(manifest.model_dump_json())
    return PackagesConfig.model_validate({language: (name,)})


def verdicts(
    packages: PackagesConfig | None, language: str, **rows: tuple[str, dict[str, object]]
) -> dict[str, str]:
    given = [
        {"id": name, "language": language, "code": code, "tests": tests}
        for name, (code, tests) in rows.items()
    ]
    return {answer.id: str(answer.verdict) for answer in verify(given, packages=packages)}


def script(text: str) -> dict[str, object]:
    return {"kind": "script", "script": text}


def stdio(text: str) -> dict[str, object]:
    return {"kind": "stdio", "cases": [{"stdin": "", "stdout": text}]}


def test_java_finds_a_jar_in_scripts_programs_and_typed_calls(home: Path, tmp_path: Path) -> None:
    need("java")
    (tmp_path / "Own.java").write_text(JAVA)
    for command in (
        ["javac", "-d", "classes", "Own.java"],
        ["jar", "cf", "javatuples.jar", "-C", "classes", "."],
    ):
        subprocess.run(command, cwd=tmp_path, check=True)
    asked = put(
        "java", "javatuples", {"usr/share/java/javatuples.jar": (tmp_path / "javatuples.jar").read_bytes()}
    )
    main = "public static void main(String[] words) { if (Problem.f() != 7) throw new AssertionError(); }"
    call: dict[str, object] = {
        "kind": "function",
        "entry_point": "f",
        "signature": "(int) -> int",
        "cases": [{"input": [1], "output": 8}],
    }
    head = "import org.javatuples.*;\n"
    program = head + "class Main { public static void main(String[] a) { System.out.println(Own.size()); } }"
    found = verdicts(
        asked,
        "java",
        script=(head + "class Problem { static long f() { return Own.size(); }", script(main + "}")),
        wrong=(head + "class Problem { static long f() { return Own.size() + 1; }", script(main + "}")),
        stdio=(program, stdio("7\n")),
        call=(head + "class Solution { static long f(long x) { return x + Own.size(); } }", call),
    )
    assert found.pop("wrong") not in ("pass", "toolchain_missing", "infrastructure", "compile_error")
    assert found == {"script": "pass", "stdio": "pass", "call": "pass"}


def test_without_the_jar_java_misses_it_and_nothing_else(home: Path) -> None:
    need("java")
    program = "import {};\nclass Main {{ public static void main(String[] a) {{ System.out.println(7); }} }}"
    found = verdicts(
        None,
        "java",
        known=(program.format("org.javatuples.*"), stdio("7\n")),
        unknown=(program.format("org.own.*"), stdio("7\n")),
        standard=(program.format("java.util.*"), stdio("7\n")),
    )
    assert found == {"known": "toolchain_missing", "unknown": "compile_error", "standard": "pass"}


def test_lua_requires_a_library(home: Path) -> None:
    need("lua")
    test = script("local own = require('own_unit')\nassert(f() == own.size)")
    assert verdicts(None, "lua", one=("function f() return 7 end", test)) == {"one": "toolchain_missing"}
    asked = put("lua", "own_unit", {"usr/share/lua/5.4/own_unit.lua": b"return {size = 7}"})
    found = verdicts(
        asked,
        "lua",
        right=("function f() return 7 end", test),
        wrong=("function f() return 8 end", test),
        stdio=("local own = require('own_unit') print(own.size)", stdio("7\n")),
        standard=("local s = require('string') print(s.len('ab'))", stdio("2\n")),
        made_up=("local s = require('made_up') print(7)", stdio("7\n")),
    )
    assert found.pop("wrong") in ("wrong_answer", "runtime_error")
    assert found == {"right": "pass", "stdio": "pass", "standard": "pass", "made_up": "runtime_error"}


def test_javascript_requires_a_package(home: Path) -> None:
    need("javascript")
    test = script("const own = require('own-unit');\nif (f() !== own.size) throw new Error('no');")
    assert verdicts(None, "javascript", one=("function f() { return 7 }", test)) == {
        "one": "toolchain_missing"
    }
    asked = put("javascript", "own-unit", {"node_modules/own-unit/index.js": b"module.exports = {size: 7}"})
    found = verdicts(
        asked,
        "javascript",
        right=("function f() { return 7 }", test),
        stdio=("const own = require('own-unit'); console.log(own.size)", stdio("7\n")),
        standard=("const fs = require('node:fs'); const p = require('path'); console.log(7)", stdio("7\n")),
        made_up=("const own = require('made-up'); console.log(7)", stdio("7\n")),
    )
    assert found == {"right": "pass", "stdio": "pass", "standard": "pass", "made_up": "runtime_error"}


@pytest.mark.parametrize("language", ["java", "lua"])
def test_a_name_that_debian_does_not_know_is_an_error(language: str, home: Path) -> None:
    need(language)
    with pytest.raises(PackageError, match="own-nowhere"):
        build(language, ("own-nowhere",))


def test_languages_without_packages_are_refused_by_name() -> None:
    for language in ("haskell", "cpp", "ruby"):
        with pytest.raises(ValueError, match=language):
            PackagesConfig.model_validate({language: ("own",)})


def test_every_ready_made_set_can_be_asked_for() -> None:
    benchmarks = {"humaneval+", "mbpp+", "bigcodebench", "ds-1000", "multipl-e", "humanevalpack"}
    assert {"default", "mceval", "mdeval"} | benchmarks == set(ready_sets())
    for name in ready_sets():
        asked = PackagesConfig(sets=(name,)).names()
        assert asked
        assert set(asked) <= set(LANGUAGES)


def test_a_module_of_another_name_leads_to_its_package() -> None:
    assert package_of("python")["cv2"] == "opencv-python-headless"
    assert package_of("python")["sklearn"] == "scikit-learn"
    assert package_of("python")["numpy"] == "numpy"
