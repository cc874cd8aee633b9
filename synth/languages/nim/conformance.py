"""Programs of Nim that show that its module works, and its controls."""

from synth.languages.conformance import PARENTHESES, ConformancePrograms, Gold, ScriptPrograms, Stub

GOLD = Gold("proc solve(xs: seq[int]): int =\n  for x in xs:\n    result += x\n", ("l3 i1 i2 i3",), "i6")
HELLO = """import std/[strutils, sequtils, math]

echo stdin.readLine().splitWhitespace().map(parseInt).sum()
"""
_HEAD = (
    r"^[ \t]*(?:proc|func)\s+(?P<name>\w+)\*?\s*"
    + PARENTHESES
    + r"\s*(?::\s*(?P<type>[^={}\n]+?)\s*)?=[ \t]*"
)
_TYPED = (
    ("", "", ""),
    (r"u?int\d*", "0", "79"),
    (r"float\d*", "0.0", "7919.5"),
    ("bool", "false", "true"),
    ("string", '""', '"codemill"'),
)
_UNTYPED = (("default(TYPE)", "default(TYPE)"),)
STUBS = (
    Stub(
        head=_HEAD + r"\n(?P<indent>[ \t]+)",
        early="if true: return VALUE",
        silent=True,
        typed=_TYPED,
        untyped=_UNTYPED,
    ),
    Stub(head=_HEAD + r"(?=\S)", early="if true: VALUE else:", typed=_TYPED, untyped=_UNTYPED),
)
SAMPLES = ConformancePrograms(
    wrong="proc solve*(xs: openArray[int]): int = xs.len\n",
    hanging="proc solve(xs: seq[int]): int =\n  while true:\n    result = result xor xs.len\n",
    crashing="proc solve(xs: seq[int]): int = xs[99]\n",
    broken="proc solve(xs: seq[int]: int = (\n",
    refused="proc solve(xs: seq[int]): int = nothing\n",
    identity="\n  x\n",
    mutator="proc solve(xs: seq[int], k: int): seq[int] =\n  result = xs\n  result.add k\n",
    honest="proc solve(x: int): int =\n  x * x + 7\n\nwhen isMainModule:\n  quit(1)\n",
    script=ScriptPrograms(
        right="proc twice(x: int): int = x + x",
        wrong="proc twice(x: int): int = x * x * x",
        script="""import std/unittest
test "twice":
  check twice(3) == 6
doAssert twice(1) != 1, "assertion failed"
""",
        leaving=(
            "quit(0)",
            "proc twice(x: int): int = quit(0)",
        ),
    ),
)
