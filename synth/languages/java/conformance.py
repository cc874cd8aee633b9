"""Programs of Java that show that its module works, and its controls."""

from synth.languages.conformance import PARENTHESES, ConformancePrograms, Controls, Gold, ScriptPrograms, Stub

GOLD = Gold(
    """static long solve(List<Long> xs) {
    long total = 0;
    for (long x : xs) total += x;
    return total;
}
""",
    ("l3 i1 i2 i3",),
    "i6",
)
HELLO = """import java.util.Scanner;

public class Main {
    public static void main(String[] args) {
        Scanner in = new Scanner(System.in);
        long total = 0;
        while (in.hasNextLong()) total += in.nextLong();
        System.out.println(total);
    }
}
"""
CONTROLS = Controls(
    body=" {\n    if (true) { STATEMENT }\n    return VALUE;\n}\n",
    zero={
        "int": "0",
        "float": "0",
        "bool": "false",
        "str": '""',
        "list": "List.of()",
        "map": "Map.of()",
        "tuple": "List.of()",
        "": "null",
    },
    exit="System.exit(0);",
    shout='System.out.println("PASS");',
    program="public class Main { public static void main(String[] words) { STATEMENT } }",
    part="",
)
STUBS = (
    Stub(
        head=r"^[ \t]*(?P<type>(?!(?:return|else|new|throw|case|package|import)\b)"
        r"(?:<[^<>]{1,99}>\s+)?[A-Za-z_][\w.<>,\[\]? \t]{0,199}?[\s>\]])(?P<name>\w+)\s*"
        + PARENTHESES
        + r"\s*(?:throws\s[\w., ]+)?\{",
        early="if (true) return VALUE;",
        typed=(
            ("int|short|byte|char|Integer|double|float", "0", "79"),
            ("long|Long", "0L", "7919L"),
            ("Double", "0.0", "7919.5"),
            ("boolean|Boolean", "false", "true"),
            ("String", '""', '"codemill"'),
            ("void", "", ""),
            (r"(?:java\.util\.)?(?:Array)?List<.*>", "new java.util.ArrayList<>()", "null"),
        ),
        untyped=(("null", "null"),),
    ),
)
SAMPLES = ConformancePrograms(
    wrong="static long solve(List<Long> xs) { return xs.size(); }",
    hanging="static long solve(List<Long> xs) { while (true) {} }",
    crashing="static long solve(List<Long> xs) { return xs.get(99); }",
    broken="static long solve(List<Long> xs) { return 1 ",
    refused="static long solve(List<Long> xs) { return nothing; }",
    greedy=(
        "static long solve(List<Long> xs) { List<long[]> a = new ArrayList<>(); while "
        "(true) a.add(new long[100000]); }"
    ),
    honest="static long solve(long x) { return x * x + 7; }",
    identity=" { return x; }",
    mutator="static List<Long> solve(List<Long> xs, long k) { xs.add(k); return xs; }",
    script=ScriptPrograms(
        right="""class Problem {
    static class Inner { }
    static int twice(int x) { return x + x; }
""",
        wrong="""class Problem {
    static int twice(int x) { return x * x * x; }
""",
        script="""    public static void main(String[] args) { assert(twice(3) == 6); assert(twice(0) == 0); }
}
""",
        leaving=(
            """class Problem {
    static int twice(int x) { System.exit(0); return 0; }
""",
            """class Problem {
    static { Runtime.getRuntime().halt(0); }
    static int twice(int x) { return 0; }
""",
        ),
        forms={
            "a main before": (
                """class Demo {
    public static void main(String[] args) { }
}
class Sums {
    static int twice(int x) { return x + x; }
""",
                """    public static void main(String[] args) { assert twice(3) == 6; }
}
""",
            )
        },
    ),
    styles=(
        (
            "public class Main { public static int solve(int[] xs) { int t = 0; for (int x : "
            "xs) t += x; return t; } }"
        ),
        """import java.util.List;
class Solution {
    public long solve(List<Long> xs) { return xs.stream().mapToLong(Long::longValue).sum(); }
}""",
        """static long solve(List<Long> xs) { return help(xs, 0); }
static long help(List<Long> xs, int i) {
    return i == xs.size() ? 0 : xs.get(i) + help(xs, i + 1);
}""",
    ),
    functions="""class K {
    static int alpha(int a) {
        int total = a * 2;
        return total + 1;
    }

    K() { }

    void beta() { alpha(1); }
}
""",
    function_names=("alpha", "beta"),
)
