"""Programs of Groovy that show that its module works, and its controls."""

from synth.languages.conformance import PARENTHESES, ConformancePrograms, Gold, ScriptPrograms, Stub

GOLD = Gold("def solve(xs) {\n    return xs.sum(0)\n}\n", ("l3 i1 i2 i3",), "i6")
HELLO = """println System.in.text.trim().split(' ').collect { it.toLong() }.sum()
"""
STUBS = (
    Stub(
        head=r"^[ \t]*(?:static\s+|final\s+)*(?:def|[A-Z][\w<>,]*|int|long|double|boolean)\s+(?P<name>\w+)\s*"
        + PARENTHESES
        + r"\s*\{",
        early="if (true) return VALUE;",
        untyped=(("0", "7919"), ("''", "'codemill'"), ("[]", "[7919]")),
    ),
)
SAMPLES = ConformancePrograms(
    wrong="def solve(xs) { xs.size() }\n",
    hanging="def solve(xs) { while (true) {} }\n",
    crashing="def solve(xs) { xs.nothing.here.at.all() }\n",
    broken="def solve(xs) { return (",
    identity=" {\n    return x\n}\n",
    mutator="List<Integer> solve(List<Integer> xs, int k) { xs << k; return xs }\n",
    honest="def solve(x) { x * x + 7 }\n",
    script=ScriptPrograms(
        right="def twice(x) { x + x }",
        wrong="def twice(x) { x * x * x }",
        script="""assert twice(3) == 6
assert twice(0) == 0
""",
        leaving=(
            "System.exit(0)",
            "def twice(x) { System.exit(0) }",
            "return",
            "def twice(x) { Runtime.runtime.halt(0) }",
        ),
    ),
)
