"""Packages of Python end to end: built by pip, seen by programs, named in the toolchain, missed in words."""

import asyncio
from collections.abc import Iterator
from pathlib import Path

import pytest

from synth.config import LocalSandboxConfig
from synth.errors import UserError
from synth.execution.factory import create_sandbox
from synth.packages.build import build, build_all
from synth.packages.command import PackageError
from synth.packages.store import find_built, packages_home, read_built
from synth.packages_config import LANGUAGES, PackagesConfig
from synth.verify.verify import verify

UPPER = PackagesConfig(python=("own_upper",))


def rows(*programs: tuple[str, str, str]) -> list[dict[str, object]]:
    """(id, code, script)."""
    return [
        {"id": name, "language": "python", "code": code, "tests": {"kind": "script", "script": script}}
        for name, code, script in programs
    ]


def verdicts(*programs: tuple[str, str, str], packages: PackagesConfig | None = None) -> dict[str, str]:
    return {answer.id: str(answer.verdict) for answer in verify(rows(*programs), packages=packages)}


def test_a_package_and_what_it_needs_are_seen_by_programs_and_tests(index: Path) -> None:
    answer = build("python", ("own_upper",))
    assert answer.built is not None
    assert answer.built.manifest.installed == ("own_base 1.0", "own_upper 1.0")
    found = verdicts(
        ("program", "import own_upper\nx = own_upper.SIZE\n", "assert x == 7"),
        ("test", "x = 7\n", "from own_base import SIZE\nassert x == SIZE"),
        ("wrong", "x = 8\n", "from own_base import SIZE\nassert x == SIZE"),
        packages=UPPER,
    )
    assert found == {"program": "pass", "test": "pass", "wrong": "wrong_answer"}


def test_programs_of_all_kinds_see_it_cold_and_warm(index: Path) -> None:
    build("python", ("own_upper",))
    given = [
        {
            "id": "stdio",
            "language": "python",
            "code": "import own_upper\nprint(own_upper.SIZE)",
            "tests": {"kind": "stdio", "cases": [{"stdin": "", "stdout": "7\n"}]},
        },
        {
            "id": "function",
            "language": "python",
            "code": "from own_upper import SIZE\ndef f(x):\n    return x + SIZE\n",
            "tests": {
                "kind": "function",
                "entry_point": "f",
                "signature": "(int) -> int",
                "cases": [{"input": [1], "output": 8}],
            },
        },
        {
            "id": "too large for a warm one",
            "language": "python",
            "code": "import own_upper\nprint(own_upper.SIZE)",
            "tests": {"kind": "stdio", "cases": [{"stdin": "", "stdout": "7\n"}]},
            "limits": {"memory_mb": 1500},
        },
    ]
    found = {one.id: str(one.verdict) for one in verify(given, packages=UPPER, row_limits=True)}
    assert set(found.values()) == {"pass"}
    assert len(found) == 3


def test_no_package_takes_the_place_of_a_standard_module(index: Path) -> None:
    build("python", ("heapq",))
    program = ("own", "import heapq\nx = heapq.nsmallest(1, [2, 1])\n", "assert x == [1]")
    assert verdicts(program, packages=PackagesConfig(python=("heapq",))) == {"own": "pass"}


def toolchain(packages: PackagesConfig) -> str:
    return asyncio.run(create_sandbox(LocalSandboxConfig(packages=packages)).toolchain("python"))


def test_the_digest_of_the_toolchain_follows_from_the_contents(index: Path) -> None:
    first = build("python", ("own_upper",)).built
    build("python", ("own_base",))
    assert first is not None
    upper, base = toolchain(UPPER), toolchain(PackagesConfig(python=("own_base",)))
    assert len({upper, base, toolchain(PackagesConfig())}) == 3
    again = build("python", ("own_upper",), again=True)
    assert again.built is not None
    assert not again.was_there
    assert again.built.manifest.digest == first.manifest.digest
    assert toolchain(UPPER) == upper


def test_what_was_built_is_not_built_again(index: Path) -> None:
    assert not build("python", ("own_base",)).was_there
    assert build("python", ("own_base",)).was_there


def test_nothing_in_a_folder_of_packages_can_be_written(index: Path) -> None:
    built = build("python", ("own_upper",)).built
    assert built is not None
    inside = list(built.files.rglob("*"))
    assert len(inside) > 5
    assert [path for path in inside if path.stat().st_mode & 0o222] == []


def test_a_package_that_does_not_exist_is_named_and_costs_nothing(index: Path) -> None:
    build("python", ("own_base",))
    with pytest.raises(PackageError, match="own_nowhere"):
        build("python", ("own_base", "own_nowhere"))
    assert find_built("python", ("own_base",)) is not None
    assert find_built("python", ("own_base", "own_nowhere")) is None
    assert [path for path in packages_home().iterdir() if path.is_dir() and read_built(path) is None] == []


def test_a_package_that_does_not_build_is_an_error_of_its_language_alone(index: Path) -> None:
    broken = index / "own_broken-1.0.tar.gz"
    broken.write_bytes(b"no archive")
    answers = list(build_all({"python": ("own_broken",), "lua": ()}))
    assert answers[0].error is not None
    assert "cannot be built" in str(answers[0].error)
    assert [answer.language for answer in answers] == ["python", "lua"]


def test_packages_that_were_not_built_are_an_error_before_anything_runs(index: Path) -> None:
    with pytest.raises(UserError, match=r"have not been built: own_upper[\s\S]*codemill packages build"):
        verdicts(("own", "x = 1\n", "assert x"), packages=UPPER)


@pytest.mark.parametrize(
    "name",
    [
        "--index-url=x",
        "--index-url https://own",
        "-r",
        "../own",
        "./own",
        "own/path",
        "/own",
        "https://own",
        "git+https://own",
        "git+ssh://own",
        "git+https:own",
        "file:own",
        "own @ https://own",
        "own@https://own",
        "npm:own",
        "own; import os",
        "own --pre",
        "own>=1",
        "own\n--pre",
        "own\n",
        "",
    ],
)
@pytest.mark.parametrize("language", LANGUAGES)
def test_only_names_are_taken(language: str, name: str) -> None:
    with pytest.raises(ValueError, match="must be a package's name"):
        PackagesConfig.model_validate({language: (name,)})


def test_names_of_other_shapes_are_taken_where_a_language_has_them() -> None:
    assert PackagesConfig(javascript=("@own/part",), go=("example.org/own/part",)).names() == {
        "javascript": ("@own/part",),
        "go": ("example.org/own/part",),
    }


def test_two_versions_of_a_package_are_refused_and_a_version_stands_for_the_name() -> None:
    with pytest.raises(ValueError, match=r"python cannot have own in two versions, 1\.0 and 2\.0"):
        PackagesConfig(python=("own==1.0", "own@2.0"))
    assert PackagesConfig(sets=("humaneval+",), python=("numpy==1.26.4",)).names() == {
        "python": ("numpy==1.26.4",)
    }


def test_an_unknown_set_is_refused_with_the_known_ones() -> None:
    with pytest.raises(ValueError, match=r"humaneval\+"):
        PackagesConfig(sets=("own-set",))


@pytest.fixture
def answers(home: Path) -> Iterator[dict[str, str]]:
    """Without any set: `torch` is a package that is known by name, which the test's machine need not have."""
    missing = "tensorflow"
    found = verify(
        rows(
            ("test imports", "x = 1\n", "import own_missing_one\nassert x == 1"),
            ("test imports in a function", "x = 1\n", "def t():\n    import own_missing_one\nt()"),
            (
                "test may do without",
                "x = 1\n",
                "try:\n    import own_missing_one\nexcept ImportError:\n    pass\nassert x == 1",
            ),
            (
                "wrong, test may do without",
                "x = 2\n",
                "try:\n    import own_missing_one\nexcept ImportError:\n    pass\nassert x == 1",
            ),
            ("known", f"import {missing}\nx = 1\n", "assert x == 1"),
            ("made up", "import own_missing_one\nx = 1\n", "assert x == 1"),
            ("known, in a function", f"def f():\n    import {missing}\nf()\n", "assert True"),
            ("known, under a condition", f"if True:\n    import {missing}\n", "assert True"),
            ("known, in a text", f"x = '''\nimport {missing}\n'''\n", "assert x == 1"),
            ("raises", f"raise ImportError(\"No module named '{missing}'\")\n", "assert True"),
            (
                "says",
                f"import sys\nsys.exit(\"ModuleNotFoundError: No module named '{missing}'\")\n",
                "assert True",
            ),
            ("does not parse", f"import {missing}\nx = (\n", "assert x == 1"),
            ("names of the standard library", "import tomllib, zoneinfo, _heapq\nx = 1\n", "assert x == 1"),
        )
    )
    yield {answer.id: str(answer.verdict) for answer in found}


def test_what_the_machine_lacks_is_no_label_and_nothing_else_is_missing(answers: dict[str, str]) -> None:
    assert answers == {
        "test imports": "toolchain_missing",
        "test imports in a function": "toolchain_missing",
        "test may do without": "pass",
        "wrong, test may do without": "wrong_answer",
        "known": "toolchain_missing",
        "made up": "runtime_error",
        "known, in a function": "runtime_error",
        "known, under a condition": "runtime_error",
        "known, in a text": "wrong_answer",
        "raises": "runtime_error",
        "says": "runtime_error",
        "does not parse": "parse_error",
        "names of the standard library": "pass",
    }


def test_the_reason_names_the_command(home: Path) -> None:
    (one,) = verify(rows(("known", "import skimage\nx = 1\n", "assert x == 1")))
    assert "codemill packages build --packages '{python: [scikit-image]}'" in one.reason
    (default,) = verify(rows(("default", "x = 1\n", "import sortedcontainers\nassert x == 1")))
    assert default.verdict == "pass" or "codemill packages build (" in default.reason
