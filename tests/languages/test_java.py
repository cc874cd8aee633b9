"""The resident Java compiler forgets each program: whatever came before, it makes the same bytes and says the
same as one that is new."""

import random
from collections.abc import Iterator
from pathlib import Path
from typing import Final

import pytest

from synth.execution.isolation.process import ProcessSandbox
from synth.execution.programs.build import Build, prepare_shared
from synth.execution.programs.compiler_pool import CompileServers
from synth.languages.registry import get_language
from synth.languages.toolchain import find_toolchain
from synth.records import Phase
from tests.languages.cheat_files import read_cheats
from tests.languages.conftest import OneProgram
from tests.languages.toolchains import need

PROGRAMS: Final = [
    *read_cheats((Path(__file__).parent / "resident" / "java.txt").read_text(encoding="utf-8")).values(),
    "",
    f"class Solution {{ int f() {{ return {'(' * 9000}1{')' * 9000}; }} }}\n",
    f"class Solution {{ int f() {{ return {'1+' * 3000}1; }} }}\n",
]
SIGN: Final = "$"
"""A program with this in it, if only in a comment, is compiled by a compiler that has seen nothing before."""


@pytest.fixture(scope="module")
def servers() -> Iterator[CompileServers]:
    need("java")
    language, toolchain = get_language("java"), find_toolchain("java")
    assert language.driver, "it is driven"
    assert toolchain, "it is needed"
    shared = prepare_shared(language.driver, toolchain, "java")
    assert shared, "the compiler is there"
    with ProcessSandbox() as sandbox:
        made = CompileServers(sandbox, language.driver, toolchain, shared, language.environment)
        yield made
        made.close()


def compiled(servers: CompileServers, program: str, mark: str) -> Build:
    return servers.compile({"Solution.java": f"{program}// {mark}"})


def test_every_program_is_compiled_as_if_it_were_the_first(servers: CompileServers) -> None:
    alone = {program: compiled(servers, program, SIGN) for program in PROGRAMS}
    refused = sum(bool(build.refused) for build in alone.values())
    assert 30 < refused < len(PROGRAMS) - 40
    for seed in range(8):
        for program in random.Random(seed).sample(PROGRAMS, len(PROGRAMS)):
            build = compiled(servers, program, "#")
            assert (build.files, build.refused) == (alone[program].files, alone[program].refused), program[
                :200
            ]


def test_a_program_that_breaks_the_compiler_does_not_break_the_next(servers: CompileServers) -> None:
    """javac swallows an overflow of its own stack, and would go on with annotations half read."""
    breaking = f"@interface A {{ int value(); }} @A({'1+' * 18_000}1) class Solution {{}}\n"
    honest = "@Deprecated class Solution { static long solve(long x) { return x + 1; } }\n"
    alone = compiled(servers, honest, SIGN)
    for _ in range(3):
        compiled(servers, honest, "#")
        assert compiled(servers, breaking, "#").refused
        assert compiled(servers, honest, "#").files == alone.files != {}


def test_names_of_one_program_are_unknown_to_the_next(one_program: OneProgram) -> None:
    observe = one_program("java")
    declared = (
        "class Shared { static int x = 7; static class Deep {} } record Pair(int a) {} enum Only { ONE } "
        "interface Can { int V = 3; }"
    )
    assert (
        observe(
            f"{declared} public class Main {{ public static void main(String[] a) {{ "
            f"System.out.print(Shared.x); }} }}"
        ).stdout.head
        == "7"
    )
    for used in ("Shared.x", "new Shared.Deep()", "new Pair(1)", "Only.ONE", "Can.V"):
        code = f"public class Main {{ public static void main(String[] a) {{ System.out.print({used}); }} }}"
        assert observe(code).phase is Phase.COMPILE, used
