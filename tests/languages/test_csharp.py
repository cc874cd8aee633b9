"""What is C#'s own: a resident compiler that forgets each program and finds every library, results of all shapes, bare methods."""

import pytest

from synth.records import Phase, Stop
from tests.languages.conftest import Observe, OneCall, OneProgram


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


@pytest.mark.parametrize(
    ("result", "body", "wire"),
    [
        ("IEnumerable<long>", "foreach (var x in xs) if (x > 1) yield return x * x;", "l2 i4 i9"),
        ("IEnumerator<long>", "yield return 1;", None),
        ("IEnumerable<long>", "return xs.Where(x => x > 1).Select(x => x * x);", "l2 i4 i9"),
        ("IEnumerable<long>", "return xs.OrderByDescending(x => x).Skip(1);", "l2 i2 i1"),
        ("List<IEnumerable<long>>", "return new List<IEnumerable<long>> { xs.Take(1) };", "l1 l1 i1"),
        ("long[,]", "return new long[,] { { 1, 2, 3 }, { 4, 5, 6 } };", "l2 l3 i1 i2 i3 l3 i4 i5 i6"),
        ("int[,,]", "return new int[1, 0, 2];", "l1 l0"),
        ("long[][]", "return new[] { xs.ToArray() };", "l1 l3 i1 i2 i3"),
        ("object", "return Tuple.Create(1, 2, 3, 4, 5, 6, 7, 8);", "t8 i1 i2 i3 i4 i5 i6 i7 i8"),
        ("object", "return ValueTuple.Create(1, 2, 3, 4, 5, 6, 7, Tuple.Create(8));", "t8 i1 i2 i3 i4 i5 i6 i7 t1 i8"),
    ],
)
def test_a_result_is_read_whatever_shape_it_has(result: str, body: str, wire: str | None, one_call: OneCall) -> None:
    """Without wire text it is no value."""
    seen = one_call("csharp", f"static {result} solve(List<long> xs) {{ {body} }}", "(list[int]) -> any", "l3 i1 i2 i3")
    assert seen.cases[0].output == wire, seen


def test_a_tuple_of_nine_comes_in_and_goes_out(one_call: OneCall) -> None:
    items, nine = ", ".join(["int"] * 9), "t9 " + " ".join(f"i{n}" for n in range(9))
    wide = f"ValueTuple<{', '.join(['long'] * 7)}, ValueTuple<long, long>>"
    seen = one_call("csharp", f"static {wide} solve({wide} x) {{ return x; }}", f"(tuple[{items}]) -> tuple[{items}]", nine)
    assert seen.cases[0].output == nine, seen


def test_what_a_sequence_does_when_it_is_read_is_the_programs_own(one_call: OneCall) -> None:
    raises = 'static IEnumerable<long> solve(long x) { yield return x; throw new Exception("late"); }'
    seen = one_call("csharp", raises, "(int) -> list[int]", "i1")
    assert seen.cases[0].status == "raised" and "late" in (seen.cases[0].error or "")
    endless = "static IEnumerable<long> solve(long x) { while (true) yield return x; }"
    assert one_call("csharp", endless, "(int) -> list[int]", "i1", cpu_s=2, memory_mb=128).stop in (Stop.CPU, Stop.MEMORY)


def test_a_sequence_of_the_programs_own_class_is_no_value(one_call: OneCall) -> None:
    own = "class Own : List<long> { }\nclass Solution { public static object solve(long x) { return new Own { x }; } }"
    assert one_call("csharp", own, "(int) -> any", "i1").cases[0].output is None


TWICE = "public static long Twice(long x) { return 2 * x; }"


@pytest.mark.parametrize(
    "code",
    [
        f"class Helper {{ {TWICE} }}\nstatic long solve(long x) {{ return Helper.Twice(x); }}",
        f"static long solve(long x) {{ return Helper.Twice(x); }}\nclass Helper {{ {TWICE} }}",
        "struct Pair { public long A; }\nenum Kind { One }\nstatic long solve(long x) => new Pair { A = 2 * x }.A;",
        "delegate long Step(long x);\n[Serializable()]\nclass Own { public long solve(long x) { Step own = y => 2 * y; return own(x); } }",
        f"static class More {{ {TWICE.replace('(long', '(this long')} }}\nclass Own {{ long solve(long x) {{ return x.Twice(); }} }}",
        'class Own { const string Brace = @"}\\"; public long solve(long x) { return 2 * x; } }',
    ],
)
def test_bare_methods_may_stand_beside_types(code: str, one_call: OneCall) -> None:
    assert one_call("csharp", code, "(int) -> int", "i21").cases[0].output == "i42", code
