"""The resident C# compiler forgets each program, and finds every library that mcs finds alone."""

import pytest

from synth.records import Phase
from tests.languages.conftest import Observe, OneProgram


@pytest.fixture
def observe(one_program: OneProgram) -> Observe:
    run_one = one_program("csharp")
    return lambda code: run_one(f"using System; {code}")


def program(statement: str, before: str = "") -> str:
    return f"{before}\nclass Program {{ static void Main() {{ {statement} }} }}\n"


def test_what_one_program_declares_is_unknown_to_the_next(observe: Observe) -> None:
    declared = "namespace Own { public static class Extra { public static int Twice(this int x) { return 2 * x; } } }\nclass Shared {}"
    assert observe("using Own;" + program("Console.Write(4.Twice());", declared)).stdout.head == "8"
    for used in ("Console.Write(4.Twice());", "Console.Write(Own.Extra.Twice(4));", "new Shared();"):
        assert observe(program(used)).phase is Phase.COMPILE, used


def test_the_same_names_mean_what_each_program_says(observe: Observe) -> None:
    for value in ("1", '"one"', "2.5"):
        assert observe(program("Console.Write(new Thing().Held);", f"class Thing {{ public object Held = {value}; }}")).exit_code == 0
        assert (
            observe(program("Console.Write(Thing.Held);", f"static class Thing {{ public static object Held = {value}; }}")).exit_code == 0
        )


@pytest.mark.parametrize(
    "statement",
    [
        "Console.Write(new System.Collections.Generic.HashSet<int> { 1 }.Count);",
        "Console.Write(new System.Collections.Generic.Queue<int>().Count + 1);",
        'Console.Write(System.Text.RegularExpressions.Regex.Matches("a", "a").Count);',
        "Console.Write(System.Numerics.BigInteger.One);",
        "dynamic x = 1; Console.Write(x);",
        "Console.Write(new System.Xml.XmlDocument() == null ? 0 : 1);",
        'Console.Write(new Uri("http://a/").Host == "a" ? 1 : 0);',
        "Console.Write(new System.Collections.Generic.St\\u0061ck<int>().Count + 1);",
    ],
)
def test_every_library_is_found(statement: str, observe: Observe) -> None:
    assert observe(program(statement)).stdout.head == "1"


def test_a_refused_program_leaves_nothing_behind(observe: Observe) -> None:
    refused = observe("class Left {}" + program('int a = "two";'))
    assert refused.stderr.head.startswith("main.cs(2,46): error CS0029: Cannot implicitly convert type `string' to `int'")
    assert observe(program("new Left();")).phase is Phase.COMPILE
    assert observe(program("Console.Write(1);")).stdout.head == "1"


def test_a_program_that_breaks_the_compiler_is_refused_and_the_next_one_is_not(observe: Observe) -> None:
    assert observe(program(f"int x = {'(' * 200_000}1{')' * 200_000};")).phase is not Phase.RUN
    assert observe(program("Console.Write(1);")).stdout.head == "1"
