"""Programs of CoffeeScript that show that its module works, and its controls."""

from synth.languages.conformance import PARENTHESES, ConformancePrograms, Gold, ScriptPrograms, Stub

GOLD = Gold("solve = (xs) ->\n  xs.reduce ((a, b) -> a + b), 0\n", ("l3 i1 i2 i3",), "i6")
HELLO = """words = require('fs').readFileSync(0, 'utf8').trim().split ' '
console.log words.map(Number).reduce ((a, b) -> a + b), 0
"""
STUBS = (
    Stub(
        head=r"(?P<name>\w+)\s*[=:]\s*(?:" + PARENTHESES + r"\s*)?[-=]>[ \t]*\n(?P<indent>[ \t]+)",
        early="return VALUE",
        untyped=(("0", "7919"), ("''", "'codemill'"), ("[]", "[7919]")),
    ),
    Stub(
        head=r"(?P<name>\w+)\s*[=:]\s*(?:" + PARENTHESES + r"\s*)?[-=]>[ \t]*(?=\S)",
        early="if true then VALUE else",
        untyped=(("0", "7919"), ("''", "'codemill'"), ("[]", "[7919]")),
    ),
)
SAMPLES = ConformancePrograms(
    wrong="solve = (xs) -> xs.length\n",
    hanging="solve = (xs) ->\n  loop\n    xs = xs\n  return\n",
    crashing="solve = (xs) -> xs.nothing.here\n",
    broken="solve = (xs -> [\n",
    identity="\n  x\n",
    mutator="solve = (xs, k) ->\n  xs.push k\n  xs\n",
    honest="solve = (x) -> x * x + 7\n",
    script=ScriptPrograms(
        right="twice = (x) -> x + x",
        wrong="twice = (x) -> x * x * x",
        script="""assert = require 'assert'
assert.equal twice(3), 6
setTimeout (-> assert.equal twice(0), 0), 1
""",
        forms={
            "console.assert": (
                "twice = (x) -> x + x",
                """console.assert twice(3) is 6
""",
            ),
        },
        leaving=(
            "process.exit 0",
            "twice = (x) -> process.exit 0",
            """process.on 'uncaughtException', ->
throw 1""",
            "return",
        ),
    ),
)
