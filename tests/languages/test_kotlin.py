"""The resident Kotlin compiler forgets each program, keeps to the messages of kotlinc, and runs nothing of
what it compiles."""

import pytest

from synth.records import Phase
from tests.languages.conftest import Observe, OneProgram


@pytest.fixture
def observe(one_program: OneProgram) -> Observe:
    return one_program("kotlin")


def test_what_one_program_declares_is_unknown_to_the_next(observe: Observe) -> None:
    declared = (
        "class Shared(val x: Int)\nobject Only { const val VALUE = 7 }\n"
        "fun List<Int>.twice() = size * 2\n"
        "typealias Name = String\n"
    )
    assert (
        observe(declared + "fun main() { print(Shared(Only.VALUE).x + listOf(1).twice()) }").stdout.head
        == "9"
    )
    for used in ("Shared(1).x", "Only.VALUE", "listOf(1).twice()", '("a" as Name)', "MainKt::class"):
        assert observe(f"fun main() {{ print({used}) }}").phase is Phase.COMPILE, used


def test_the_same_names_mean_what_each_program_says(observe: Observe) -> None:
    for value in ("1", '"one"', "listOf(1)"):
        code = (
            f"class Thing {{ val held = {value} }}\ninline "
            f"fun held(thing: Thing) = thing.held\nfun main() "
            f"= print(held(Thing()))"
        )
        assert observe(code).stdout.head == value.strip('"').replace("listOf(1)", "[1]")


def test_a_refused_program_leaves_nothing_behind(observe: Observe) -> None:
    refused = observe('class Left\nfun main() {\n    val a: Int = "two"\n}')
    assert (
        refused.stderr.head.splitlines()[0]
        == "Main.kt:3:18: error: type mismatch: inferred type is String but Int was expected"
    )
    assert observe("fun main() { print(Left()) }").phase is Phase.COMPILE
    assert observe("class Left\nfun main() { print(1) }").stdout.head == "1"


def test_a_program_that_breaks_the_compiler_is_refused_and_the_next_one_is_not(observe: Observe) -> None:
    assert observe(f"fun main() {{ print({'(' * 20_000}1{')' * 20_000}) }}").phase is not Phase.RUN
    assert observe("fun main() { print(1) }").stdout.head == "1"


def test_neither_scripts_nor_files_beside_the_program_are_read(observe: Observe) -> None:
    depends = '@file:DependsOn("/work")\n@file:Import("/etc/hostname")\nfun main() { print(1) }'
    assert observe(depends).phase is Phase.COMPILE
    assert (
        observe("import org.jetbrains.kotlin.cli.jvm.K2JVMCompiler\nfun main() { print(1) }").phase
        is Phase.COMPILE
    )
    assert observe("fun main() { print(KotlinServer::class) }").phase is Phase.COMPILE
