"""Programs of Crystal that show that its module works, and its controls."""

from synth.languages.conformance import PARENTHESES, ConformancePrograms, Gold, ScriptPrograms, Stub

GOLD = Gold("def solve(xs : Array(Int64)) : Int64\n  xs.sum\nend\n", ("l3 i1 i2 i3",), "i6")
HELLO = """puts gets.not_nil!.split.map(&.to_i64).sum
"""
STUBS = (
    Stub(
        head=r"^[ \t]*def[ \t]+(?:self\.)?(?P<name>(?!initialize\b)\w+[?!]?)[ \t]*(?:"
        + PARENTHESES
        + r"|[ \t]\w[^\n;=]*)?[ \t]*(?:;|(?:#[^\n]*)?\n)",
        early="return VALUE;",
        untyped=(("0", "7919"), ("''", "'codemill'"), ("[]", "[7919]")),
    ),
)
SAMPLES = ConformancePrograms(
    wrong="def solve(xs)\n  xs.size\nend\n",
    hanging="def solve(xs)\n  n = 0\n  loop { n &+= 1 }\n  n\nend\n",
    crashing="def solve(xs)\n  xs[99]\nend\n",
    broken="def solve(xs\n  [1\n",
    refused="def solve(xs)\n  nothing\nend\n",
    identity="\n  x\nend\n",
    mutator="def solve(xs, k)\n  xs << k\nend\n",
    honest="def solve(x : Int64) : Int64\n  x * x + 7\nend\n",
    script=ScriptPrograms(
        right="""def twice(x)
  x + x
end
""",
        wrong="""def twice(x)
  x * x * x
end
""",
        script="""require "spec"

describe "twice" do
  it "doubles" do
    twice(3).should eq 6
  end
end
""",
        leaving=(
            "exit 0",
            """def twice(x)
  exit 0
  x
end
""",
            """at_exit { exit 0 }
raise "no"
""",
        ),
    ),
)
