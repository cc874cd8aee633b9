"""The resident C# compiler forgets each program, and finds every library that mcs finds alone."""

from collections.abc import Callable, Coroutine
from typing import Any

import pytest

from synth.execution.local import LocalSandbox
from synth.records import ExecutionRequest, Observation, Phase, StdioCall
from tests.languages.toolchains import need

Run = Callable[[Coroutine[Any, Any, Any]], Any]


@pytest.fixture
def observe(local_sandbox: LocalSandbox, run: Run) -> Callable[[str], Observation]:
    """One program after the other, and so by one compiler."""
    need("csharp")

    def one(code: str) -> Observation:
        request = ExecutionRequest(id="r", language="csharp", code=f"using System; {code}", call=StdioCall(stdins=("",)))
        seen: Observation = run(local_sandbox.execute([request]))[0]
        return seen

    return one


def program(statement: str, before: str = "") -> str:
    return f"{before}\nclass Program {{ static void Main() {{ {statement} }} }}\n"


def test_what_one_program_declares_is_unknown_to_the_next(observe: Callable[[str], Observation]) -> None:
    declared = "namespace Own { public static class Extra { public static int Twice(this int x) { return 2 * x; } } }\nclass Shared {}"
    assert observe("using Own;" + program("Console.Write(4.Twice());", declared)).stdout.head == "8"
    for used in ("Console.Write(4.Twice());", "Console.Write(Own.Extra.Twice(4));", "new Shared();"):
        assert observe(program(used)).phase is Phase.COMPILE, used


def test_the_same_names_mean_what_each_program_says(observe: Callable[[str], Observation]) -> None:
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
def test_every_library_is_found(statement: str, observe: Callable[[str], Observation]) -> None:
    assert observe(program(statement)).stdout.head == "1"


def test_a_refused_program_leaves_nothing_behind(observe: Callable[[str], Observation]) -> None:
    refused = observe("class Left {}" + program('int a = "two";'))
    assert refused.stderr.head.startswith("main.cs(2,46): error CS0029: Cannot implicitly convert type `string' to `int'")
    assert observe(program("new Left();")).phase is Phase.COMPILE
    assert observe(program("Console.Write(1);")).stdout.head == "1"


def test_a_program_that_breaks_the_compiler_is_refused_and_the_next_one_is_not(observe: Callable[[str], Observation]) -> None:
    assert observe(program(f"int x = {'(' * 200_000}1{')' * 200_000};")).phase is not Phase.RUN
    assert observe(program("Console.Write(1);")).stdout.head == "1"
