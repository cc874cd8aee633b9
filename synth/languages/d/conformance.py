"""Programs of D that show that its module works, and its controls."""

from synth.languages.conformance import PARENTHESES, ConformancePrograms, Gold, ScriptPrograms, Stub

GOLD = Gold(
    "long solve(long[] xs) {\n    long n = 0;\n    foreach (x; xs) n += x;\n    return n;\n}\n",
    ("l3 i1 i2 i3",),
    "i6",
)
HELLO = """import std.stdio, std.array, std.algorithm, std.conv;

void main() {
    writeln(readln().split().map!(to!long).sum);
}
"""
STUBS = (
    Stub(
        head=r"^[ \t]*(?P<type>(?!(?:return|else|new|throw|case|import)\b)"
        r"[A-Za-z_][\w\[\]!() \t]{0,99}?[\s\]])(?P<name>\w+)[ \t]*" + PARENTHESES + r"\s*\{",
        early="if (true) return VALUE;",
        typed=(
            ("void", "", ""),
            ("bool", "false", "true"),
            ("u?(?:int|long|short|byte)|size_t|float|double|real", "0", "79"),
            ("string", '""', '"codemill"'),
        ),
        untyped=(("TYPE.init", "TYPE.init"),),
    ),
)
SAMPLES = ConformancePrograms(
    wrong="size_t solve(const int[] xs) { return xs.length; }\n",
    hanging="long solve(long[] xs) { long n; while (true) n += xs.length; }\n",
    crashing="long solve(long[] xs) { return xs[99]; }\n",
    broken="long solve(long[] xs) { return (",
    refused="long solve(long[] xs) { return nothing; }\n",
    identity=" {\n    return x;\n}\n",
    mutator="long[] solve(long[] xs, long k) { xs ~= k; return xs; }\n",
    honest="module answer;\n\nlong solve(long x) { return x * x + 7; }\n\nvoid main() {}\n",
    script=ScriptPrograms(
        right="long twice(long x) { return x + x; }",
        wrong="long twice(long x) { return x * x * x; }",
        script="""unittest { assert(twice(3) == 6); assert(twice(0) == 0); }
void main() {}
""",
        leaving=(
            """import core.stdc.stdlib;
long twice(long x) { exit(0); return 0; }""",
            """import core.stdc.stdlib;
shared static this() { _Exit(0); }
long twice(long x) { return 0; }""",
        ),
    ),
)
