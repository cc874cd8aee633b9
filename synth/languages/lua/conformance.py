"""Programs of Lua 5 that show that its module works, and its controls."""

from synth.languages.conformance import ConformancePrograms, Controls, Gold, ScriptPrograms, Stub

GOLD = Gold(
    """function solve(xs)
  local total = 0
  for _, x in ipairs(xs) do total = total + x end
  return total
end
""",
    ("l3 i1 i2 i3",),
    "i6",
)
HELLO = """local total = 0
for word in io.read("a"):gmatch("%S+") do
  total = total + math.tointeger(tonumber(word))
end
print(total)
"""
CONTROLS = Controls(
    body="\n  STATEMENT\n  return VALUE\nend\n",
    zero={
        "int": "0",
        "float": "0.0",
        "bool": "false",
        "str": "''",
        "list": "{}",
        "map": "{}",
        "tuple": "{}",
        "": "nil",
    },
    nothing="nil",
    equal=("local equal = setmetatable({}, { __eq = function() return true end })\n", "equal"),
    exit="os.exit(0)",
    shout="print('PASS')",
)
STUBS = (
    Stub(
        head=r"\bfunction\s+(?P<name>[\w.:]+)\s*\([^()]*\)",
        early=" do return VALUE end",
        untyped=(("0", "7919"), ("''", "'codemill'"), ("{}", "{ 7919 }")),
    ),
    Stub(
        head=r"(?P<name>[\w.]+)\s*=\s*function\s*\([^()]*\)",
        early=" do return VALUE end",
        untyped=(("0", "7919"), ("''", "'codemill'"), ("{}", "{ 7919 }")),
    ),
)
SAMPLES = ConformancePrograms(
    wrong="function solve(xs) return #xs end\n",
    hanging="local function solve(xs) while true do end end\n",
    crashing="function solve(xs) return xs.nothing.here end\n",
    broken="function solve(",
    identity="\n  return x\nend\n",
    mutator="function solve(xs, k) xs[#xs + 1] = k return xs end\n",
    honest="local function solve(x) return x * x + 7 end\n",
    script=ScriptPrograms(
        right="function twice(x) return x + x end",
        wrong="function twice(x) return x * x * x end",
        script="""assert(twice(3) == 6)
assert(twice(0) == 0)
""",
        forms={
            "an exit with the status of its tests": (
                "function twice(x) return x + x end",
                """local function run() return (twice(3) == 6) and 0 or 1 end
os.exit(run())
""",
            ),
            "an exit with a truth value": (
                "function twice(x) return x + x end",
                "os.exit(twice(3) == 6, true)\n",
            ),
        },
        leaving=(
            "os.exit(0)",
            "function twice(x) os.exit(true) end",
            "do return end",
        ),
    ),
)
