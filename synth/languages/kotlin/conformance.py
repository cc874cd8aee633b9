"""Programs of Kotlin that show that its module works, and its controls."""

from synth.languages.conformance import PARENTHESES, ConformancePrograms, Gold, ScriptPrograms, Stub

GOLD = Gold("fun solve(xs: List<Long>): Long {\n    return xs.sum()\n}\n", ("l3 i1 i2 i3",), "i6")
HELLO = """fun main() {
    println(readLine()!!.trim().split(" ").map { it.toLong() }.sum())
}
"""
_TYPED = (
    ("Int|Long|Short|Byte", "0", "79"),
    ("Double", "0.0", "7919.5"),
    ("Boolean", "false", "true"),
    ("String", '""', '"codemill"'),
    (r".*\?", "null", "null"),
    ("(?:List|Iterable|Collection)<.*>", "emptyList()", "emptyList()"),
)
STUBS = (
    Stub(
        head=r"\bfun\s+(?:<[^<>()]*>\s*)?(?P<name>\w+)\s*"
        + PARENTHESES
        + r"\s*(?::\s*(?P<type>[^{}=\n]+?)\s*)?\{",
        early="if (true) return VALUE;",
        silent=True,
        typed=(*_TYPED, ("", "", "")),
        untyped=(("null as TYPE", "null as TYPE"),),
    ),
    Stub(
        head=r"\bfun\s+(?:<[^<>()]*>\s*)?(?P<name>\w+)\s*" + PARENTHESES + r"\s*:\s*(?P<type>[^{}=\n]+?)\s*=",
        early=" if (true) VALUE else",
        typed=_TYPED,
        untyped=(("null as TYPE", "null as TYPE"),),
    ),
)
SAMPLES = ConformancePrograms(
    wrong="fun solve(xs: List<Long>): Int = xs.size\n",
    hanging="fun solve(xs: List<Long>): Long { while (true) {} }\n",
    crashing="fun solve(xs: LongArray): Long = xs[99]\n",
    broken="fun solve(xs: List<Long>): Long { return (",
    refused="fun solve(xs: List<Long>): Long = nothing\n",
    identity=" {\n    return x\n}\n",
    mutator="fun solve(xs: MutableList<Long>, k: Long): List<Long> { xs.add(k); return xs }\n",
    honest="fun solve(x: Long): Long = x * x + 7\n",
    script=ScriptPrograms(
        right="fun twice(x: Int): Int { return x + x",
        wrong="fun twice(x: Int): Int { return x * x * x",
        script="""}
import kotlin.math.abs
fun main() {
    assert(twice(3) == 6)
    check(abs(twice(0)) == 0)
}

main()
""",
        leaving=(
            "fun twice(x: Int): Int { System.exit(0); return 0",
            """val early = Runtime.getRuntime().halt(0)
fun twice(x: Int): Int { return 0""",
        ),
        forms={
            "statements": (
                "fun twice(x: Int): Int = x + x\n",
                """fun check() {
    require(twice(3) == 6)
}
check()
""",
            ),
            "a main before": (
                """object Demo {
    @JvmStatic fun main(words: Array<String>) { }
}
fun twice(x: Int): Int = x + x
""",
                """object Tests {
    @JvmStatic fun main(words: Array<String>) {
        check(twice(3) == 6)
    }
}
""",
            ),
        },
    ),
)
