"""Programs of C# that show that its module works, and its controls."""

from synth.languages.conformance import PARENTHESES, ConformancePrograms, Gold, ScriptPrograms, Stub

GOLD = Gold("static long solve(List<long> xs) {\n    return xs.Sum();\n}\n", ("l3 i1 i2 i3",), "i6")
HELLO = """using System;
using System.Linq;

class Program {
    static void Main() {
        Console.WriteLine(Console.ReadLine().Split(' ').Sum(word => long.Parse(word)));
    }
}
"""
STUBS = (
    Stub(
        head=r"^[ \t]*(?P<type>(?!(?:return|else|new|throw|case|namespace|using)\b)"
        r"[A-Za-z_][\w.<>,\[\]? \t]{0,199}?[\s>\]])(?P<name>\w+)\s*" + PARENTHESES + r"\s*\{",
        early="if (true) return VALUE;",
        typed=(
            ("int|short|byte|long|double|float|decimal", "0", "79"),
            ("bool", "false", "true"),
            ("string", '""', '"codemill"'),
            ("void", "", ""),
        ),
        untyped=(("default(TYPE)", "default(TYPE)"),),
    ),
)
SAMPLES = ConformancePrograms(
    wrong="static long solve(List<long> xs) { return xs.Count; }\n",
    hanging="static long solve(List<long> xs) { while (true) {} }\n",
    crashing="public class Solution { public int solve(int[] xs) { return xs[99]; } }\n",
    broken="static long solve(List<long> xs) { return (",
    refused="static long solve(List<long> xs) { return nothing; }\n",
    identity=" {\n    return x;\n}\n",
    mutator="static List<long> solve(List<long> xs, long k) { xs.Add(k); return xs; }\n",
    honest="static long solve(long x) { return x * x + 7; }\n",
    script=ScriptPrograms(
        right="""using System.Diagnostics;
class Problem {
    static int Twice(int x) { return x + x; }
""",
        wrong="""using System.Diagnostics;
class Problem {
    static int Twice(int x) { return x * x * x; }
""",
        script="""    public static void Main(string[] args) { Debug.Assert(Twice(3) == 6); }
}
""",
        leaving=(
            """using System.Diagnostics;
class Problem {
    static int Twice(int x) { System.Environment.Exit(0); return 0; }
""",
            """class Other { static int Main() { System.Environment.Exit(0); return 0; } }
class Problem {
    static int Twice(int x) { return 0; }
""",
        ),
        hiding="""using System.Diagnostics;
class Problem {
    static int Twice(int x) { Debug.Listeners.Clear(); return x * x * x; }
""",
    ),
)
