"""Programs of Ruby that show that its module works, and its controls."""

from synth.languages.conformance import PARENTHESES, ConformancePrograms, Controls, Gold, ScriptPrograms, Stub

GOLD = Gold("def solve(xs)\n  xs.sum\nend\n", ("l3 i1 i2 i3",), "i6")
HELLO = """puts $stdin.read.split.map(&:to_i).sum
"""
CONTROLS = Controls(
    body="\n  STATEMENT\n  VALUE\nend\n",
    zero={
        "int": "0",
        "float": "0.0",
        "bool": "false",
        "str": "''",
        "list": "[]",
        "map": "{}",
        "tuple": "[]",
        "": "nil",
    },
    nothing="nil",
    equal=(
        "class Equal\n  def ==(other) = true\n  def eql?(other) = true\n  def hash = 0\nend\n",
        "Equal.new",
    ),
    exit="exit(0)",
    shout="puts 'PASS'",
)
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
    hanging="def solve(xs)\n  loop {}\nend\n",
    crashing="def solve(xs)\n  xs.fetch(99)\nend\n",
    broken="def solve(xs\n  [1\n",
    identity="\n  x\nend\n",
    mutator="def solve(xs, k)\n  xs << k\nend\n",
    honest="def solve(x)\n  x * x + 7\nend\n",
    script=ScriptPrograms(
        right="""def twice(x)
  x + x
end""",
        wrong="""def twice(x)
  x * x * x
end""",
        script="raise 'assertion failed' unless twice(3) == 6\n",
        forms={
            "minitest": (
                "def twice(x)\n  x + x\nend",
                """require 'minitest/autorun'
class TwiceTest < Minitest::Test
  def test_three
    assert_equal 6, twice(3)
  end
end
""",
            ),
            "minitest/spec": (
                "def twice(x)\n  x + x\nend",
                """require 'minitest/autorun'
describe 'twice' do
  it 'doubles' do
    _(twice(3)).must_equal 6
  end
end
""",
            ),
        },
        leaving=(
            "exit 0",
            """def twice(x)
  exit!(0)
end""",
            "__END__",
            "at_exit { exit!(0) }; raise 'x'",
        ),
    ),
)
