"""The resident C# compiler forgets each program, and finds every library that mcs finds alone. The driver
reads sequences, arrays of more dimensions and long tuples, and nothing of a class of the program's own."""

from collections.abc import Callable, Coroutine
from typing import Any

import pytest

from synth.execution.local.sandbox import LocalSandbox
from synth.execution.verdict import judge
from synth.languages.registry import get_language
from synth.languages.spec import render_signature
from synth.records import (
    Case,
    EvidenceRank,
    ExecutionRequest,
    FunctionCall,
    FunctionContract,
    Limits,
    Observation,
    Outcome,
    Phase,
    TestSuite,
    Verdict,
)
from synth.values import Value, encode, parse_signature
from tests.languages.conftest import Observe, OneProgram
from tests.languages.toolchains import need

Call = Callable[..., Observation]


@pytest.fixture
def observe(one_program: OneProgram) -> Observe:
    run_one = one_program("csharp")
    return lambda code: run_one(f"using System; {code}")


def program(statement: str, before: str = "") -> str:
    return f"{before}\nclass Program {{ static void Main() {{ {statement} }} }}\n"


def test_what_one_program_declares_is_unknown_to_the_next(observe: Observe) -> None:
    declared = (
        "namespace Own { public static class Extra { public "
        "static int Twice(this int x) { return 2 * x; } "
        "} }\nclass Shared {}"
    )
    assert observe("using Own;" + program("Console.Write(4.Twice());", declared)).stdout.head == "8"
    for used in ("Console.Write(4.Twice());", "Console.Write(Own.Extra.Twice(4));", "new Shared();"):
        assert observe(program(used)).phase is Phase.COMPILE, used


def test_the_same_names_mean_what_each_program_says(observe: Observe) -> None:
    for value in ("1", '"one"', "2.5"):
        assert (
            observe(
                program(
                    "Console.Write(new Thing().Held);", f"class Thing {{ public object Held = {value}; }}"
                )
            ).exit_code
            == 0
        )
        assert (
            observe(
                program(
                    "Console.Write(Thing.Held);",
                    f"static class Thing {{ public static object Held = {value}; }}",
                )
            ).exit_code
            == 0
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
    assert refused.stderr.head.startswith(
        "main.cs(2,46): error CS0029: Cannot implicitly convert type `string' to `int'"
    )
    assert observe(program("new Left();")).phase is Phase.COMPILE
    assert observe(program("Console.Write(1);")).stdout.head == "1"


def test_a_program_that_breaks_the_compiler_is_refused_and_the_next_one_is_not(observe: Observe) -> None:
    assert observe(program(f"int x = {'(' * 200_000}1{')' * 200_000};")).phase is not Phase.RUN
    assert observe(program("Console.Write(1);")).stdout.head == "1"


@pytest.fixture
def call(local_sandbox: LocalSandbox, run: Callable[[Coroutine[Any, Any, Any]], Any]) -> Call:
    """Calls `solve` of a program once with each of the values."""
    need("csharp")

    def once(code: str, signature: str, *values: Value) -> Observation:
        asked = FunctionCall(
            entry_point="solve", signature=signature, arguments=tuple((encode(value),) for value in values)
        )
        request = ExecutionRequest(
            id="r", language="csharp", code=code, call=asked, limits=Limits(cpu_s=3, wall_s=60)
        )
        seen: Observation = run(local_sandbox.execute([request]))[0]
        return seen

    return once


def ends(seen: Observation) -> list[str]:
    """What came of each call: the value, or how it ended and why there is none."""
    assert seen.phase is Phase.RUN, seen.stderr
    return [case.output or f"{case.status}: {case.error}" for case in seen.cases]


def verdict_of(seen: Observation, signature: str, value: Value, expected: str) -> Verdict:
    contract = FunctionContract(entry_point="solve", signature=signature)
    cases = (Case(arguments=(encode(value),), expected=expected),)
    return judge(
        seen, TestSuite(task_id="t", contract=contract, cases=cases, rank=EvidenceRank.REFERENCE), "s"
    )


@pytest.mark.parametrize(
    "code",
    [
        "static IEnumerable<int> solve(int n) { for (int i = 0; i < n; i++) yield return i * i; }",
        "static IEnumerable<T> Each<T>(params T[] all) { foreach (T one in all) yield return one; }"
        " static object solve(long n) { return Each(0, 1, 4).Take((int)n); }",
        "static IEnumerable<T> Each<T>(params T[] all) { foreach (T one in all) yield return one; }"
        " static object solve(long n) { return n == 0 ? Each<long>() : Each(0L, 1L, 4L); }",
        "class Solution { int step = 1; public System.Collections.IEnumerable solve(int n) {"
        " for (int i = 0, at = 0; i < n; i++) { yield return at; at += step; step += 2; } } }",
        (
            "static IEnumerable<long> solve(long n) { return Enumerable.Range(0, (int)n).Select(i => "
            "(long)i * i); }"
        ),
        (
            "static IEnumerable<long> solve(long n) { return new[] { 4L, 0, 1 }.Where(i => i < n * "
            "n).OrderBy(i => i); }"
        ),
        (
            "static IEnumerable<long> solve(long n) { return from i in new List<long> { 0, 1, 2 } where i "
            "< n select i * i; }"
        ),
        (
            "static IEnumerable<long> solve(long n) { return new[] { 0L, 1, 1, 4 }.Distinct().Concat(new "
            "long[0]).TakeWhile(i => i < n * n); }"
        ),
        (
            "static IEnumerable<long> solve(long n) { return new[] { 1L, 4 "
            "}.Reverse().Reverse().Prepend(0).Take((int)n).Skip(0); }"
        ),
    ],
)
def test_a_sequence_that_is_made_while_it_is_read_is_a_list(code: str, call: Call) -> None:
    assert ends(call(code, "(int) -> list[int]", 3, 0)) == ["l3 i0 i1 i4", "l0"]


def test_sequences_may_stand_in_other_values(call: Call) -> None:
    rows = (
        "static IEnumerable<IEnumerable<int>> solve(int n) { for (int i = 1; i <= n; i++) yield return "
        "Row(i); }"
    )
    row = "static IEnumerable<int> Row(int n) { while (n > 0) yield return n--; }"
    assert ends(call(f"{row} {rows}", "(int) -> list[list[int]]", 2)) == ["l2 l1 i1 l2 i2 i1"]
    held = (
        "static object solve(int n) { return new "
        'Dictionary<string, object> { { "a", Tuple.Create(Row(n), '
        "n) } }; }"
    )
    assert ends(call(f"{row} {held}", "(int) -> map[str, tuple[list[int], int]]", 2)) == [
        "m1 s61 t2 l2 i2 i1 i2"
    ]
    parts = 'static IEnumerable<object> solve(int n) { yield return n; yield return "a"; }'
    assert ends(call(parts, "(int) -> tuple[int, str]", 2)) == ["t2 i2 s61"]


@pytest.mark.parametrize(
    "code",
    [
        "static IEnumerable<int> solve(int n) { yield return 6 / n; }",
        "static IEnumerable<int> solve(int n) { try { yield return 6; } finally { n = 1 / n; } }",
        "static IEnumerable<int> solve(int n) { return new[] { 6 }.Select(x => x / n); }",
        "static IEnumerable<int> Each(int n) { yield return 6 / n; }"
        " static object solve(int n) { return new List<object> { new[] { Each(n) } }; }",
    ],
)
def test_what_a_sequence_throws_is_raised_by_the_call(code: str, call: Call) -> None:
    seen = ends(call(code, "(int) -> list[int]", 0, 1))
    assert seen[0].startswith("raised: System.DivideByZeroException"), seen
    assert seen[1].endswith("i6"), seen


OVERRIDES = (
    "public override bool Equals(object o) { return true; } public override int GetHashCode() { return 0; }"
)
READ = "public System.Collections.IEnumerator GetEnumerator() { yield return 7L; }"


@pytest.mark.parametrize(
    "code",
    [
        (
            f"class Own : System.Collections.IEnumerable {{ {READ} }} class Solution {{ static object "
            f"solve(long n) {{ return new Own(); }} }}"
        ),
        (
            f"class Own {{ {OVERRIDES} }} class Solution {{ static IEnumerable<object> solve(long n) {{ "
            f"yield return new Own(); }} }}"
        ),
        (
            f"class Own : List<long> {{ {OVERRIDES} }} class Solution {{ static object solve(long n) {{ "
            f"return new[] {{ new Own() }}; }} }}"
        ),
        "class Solution { static System.Collections.IEnumerator solve(long n) { yield return 7L; } }",
        "class Solution { static object solve(long n) { return new { Item1 = 7L }; } }",
        f"namespace System.Linq {{ class Own : System.Collections.IEnumerable {{ {READ} }} }}"
        " class Solution { static object solve(long n) { return new System.Linq.Own(); } }",
        'namespace System.Numerics { class BigInteger { public override string ToString() { return "7 '
        'i8"; } } }'
        " class Solution { static object solve(long n) { return new System.Numerics.BigInteger(); } }",
        "namespace System { class Tuple<T> { public long Item1 = 7; } }"
        " class Solution { static object solve(long n) { return new System.Tuple<long>(); } }",
    ],
)
def test_a_class_of_the_program_is_no_value_whatever_it_says_of_itself(code: str, call: Call) -> None:
    end = ends(call(code, "(int) -> list[int]", 1))[0]
    assert end.startswith("returned: CodemillDriver+Unreadable: ") and end.endswith(
        " is not language-neutral"
    ), end


@pytest.mark.parametrize(
    ("step", "outcome"),
    [
        ("yield return n++;", Outcome.MEMORY_LIMIT),
        ("yield return null;", Outcome.MEMORY_LIMIT),
        ("n++;", Outcome.TIMEOUT),
        ("try { throw new Exception(); } catch (Exception) { n++; }", Outcome.TIMEOUT),
    ],
)
def test_a_sequence_without_an_end_meets_a_limit(step: str, outcome: Outcome, call: Call) -> None:
    code = f"static IEnumerable<object> solve(long n) {{ while (true) {{ {step} }} yield return n; }}"
    seen = call(code, "(int) -> list[int]", 1)
    assert verdict_of(seen, "(int) -> list[int]", 1, "l1 i1").outcome is outcome, seen


def test_an_array_of_more_dimensions_is_nested(call: Call) -> None:
    grid = "static long[,] solve(int n) { return new long[,] { { 1, 2, 3 }, { 4, 5, 6 } }; }"
    assert ends(call(grid, "(int) -> list[list[int]]", 1)) == ["l2 l3 i1 i2 i3 l3 i4 i5 i6"]
    cube = "static object solve(int n) { return new List<object> { new int[n, 1, 2] }; }"
    assert ends(call(cube, "(int) -> list[list[list[list[int]]]]", 2)) == ["l1 l2 l1 l2 i0 i0 l1 l2 i0 i0"]
    pairs = (
        "static object solve(int n) { var a = new object[n, "
        '2]; for (int i = 0; i < n; i++) a[i, 1] = "a"; '
        "return a; }"
    )
    assert ends(call(pairs, "(int) -> list[tuple[null, str]]", 2, 0)) == ["l2 t2 n s61 t2 n s61", "l0"]
    empty = "static string[,] solve(int n) { return new string[n, 0]; }"
    assert ends(call(empty, "(int) -> list[list[str]]", 2)) == ["l2 l0 l0"]
    shifted = (
        "static object solve(int n) { return Array.CreateInstance(typeof(bool), new[] { 1, 2 }, new[] { 5, "
        "-3 }); }"
    )
    assert ends(call(shifted, "(int) -> list[list[bool]]", 1)) == ["l1 l2 b0 b0"]


@pytest.mark.parametrize("kind", ["Tuple", "ValueTuple"])
def test_a_tuple_of_more_than_seven_items_is_flat(kind: str, call: Call) -> None:
    eight = f"static object solve(int n) {{ return {kind}.Create(n, 2, 3, 4, 5, 6, 7, 8L); }}"
    assert ends(call(eight, "(int) -> any", 1)) == ["t8 i1 i2 i3 i4 i5 i6 i7 i8"]
    longs = ", ".join(["long"] * 7)
    rest = f"{kind}<{longs}, {kind}<string>>"
    second = f'new {rest}(n, 9, 10, 11, 12, 13, 14, new {kind}<string>("a"))'
    fifteen = (
        f"static object solve(long n) {{ return new {kind}<{longs}, {rest}>(1, 2, 3, 4, 5, 6, 7, "
        f"{second}); }}"
    )
    assert ends(call(fifteen, "(int) -> any", 8)) == [
        "t15 " + " ".join(f"i{n}" for n in range(1, 15)) + " s61"
    ]
    inner = f"static object solve(int n) {{ return {kind}.Create(n, 2, 3, 4, 5, 6, {kind}.Create(7)); }}"
    assert ends(call(inner, "(int) -> any", 1)) == ["t7 i1 i2 i3 i4 i5 i6 t1 i7"]


@pytest.mark.parametrize("count", [7, 8, 9, 15])
def test_a_long_tuple_goes_in_and_comes_out_unchanged(count: int, call: Call) -> None:
    kinds = "tuple[" + ", ".join("str" if n == 7 else "int" for n in range(count)) + "]"
    signature = f"({kinds}) -> {kinds}"
    code = (
        render_signature(get_language("csharp"), "solve", ("x",), parse_signature(signature))
        + " { return x; }"
    )
    value = tuple("a" if n == 7 else n for n in range(count))
    assert ends(call(code, signature, value)) == [encode(value)]


NODE = "class Node { public long Value; public long More() { return Value + 1; } }"
BARE = "static long solve(long x) { return new Node { Value = x }.More(); }"
WHOLE = "class Solution { static long solve(long x) { return x + 1; } }"


@pytest.mark.parametrize(
    "code",
    [
        f"{NODE}\n{BARE}",
        f"{BARE}\n{NODE}",
        (
            f"// the class\n{NODE}\nstatic T Same<T>(T x) where T : class {{ return x; }}\n{BARE}\npublic "
            f"struct Pair {{ long a; }}"
        ),
        (
            f"using System.Text;\n[Serializable] public sealed {NODE} enum Sign {{ Plus, Minus "
            f"}}\ninterface ICan {{ void Go(); }}\n{BARE}"
        ),
        (
            f"{NODE}; delegate long Step(long x); static Step go = x => new Node {{ Value = x "
            f"}}.More();\nstatic long solve(long x) => go(x);"
        ),
        (
            'class Texts { public const string A = "}", B = @"", C = @"""}"; public const char D = \'}\'; '
            "/* } */ }\n"
        )
        + NODE
        + BARE,
        f"// a node\n#region {{ a node\n{NODE}\n#endregion (a node)\n{BARE}",
        f"class Solution {{ {BARE} {NODE} }}",
        (
            f"class ByFirst : IComparer<(long, long)> {{ public int Compare((long, long) a, (long, long) "
            f"b) {{ return 0; }} }} {WHOLE}"
        ),
        (
            "[System.Runtime.InteropServices.StructLayout("
            "System.Runtime.InteropServices.LayoutKind.Sequential)] "
            f"struct Pair {{ }}\n{WHOLE}"
        ),
        f"delegate long Step(long x);\nclass Heap<T> where T : new() {{ }}\n{WHOLE}",
        (
            f"namespace Own.Deep {{ static class Extra {{ static long Twice(this long x) {{ return 2 * x; "
            f"}} }} {WHOLE} }}"
        ),
        (
            f"static class Extra {{ static long Twice(this long x) {{ return 2 * x; }} }}\n#region "
            f"(whole)\n{WHOLE}\n#endregion (whole)\n"
        ),
    ],
)
def test_bare_methods_may_stand_beside_types(code: str, call: Call) -> None:
    assert ends(call(code, "(int) -> int", 7)) == ["i8"]
