"""Programs of Python that show that its module works, and its controls."""

from synth.languages.conformance import PARENTHESES, ConformancePrograms, Controls, Gold, ScriptPrograms, Stub

GOLD = Gold("def solve(xs: list[int]) -> int:\n    return sum(xs)\n", ("l3 i1 i2 i3",), "i6")
HELLO = "print(sum(map(int, input().split())))\n"
CONTROLS = Controls(
    body=":\n    STATEMENT\n    return VALUE\n",
    zero={
        "int": "0",
        "float": "0.0",
        "bool": "False",
        "str": "''",
        "list": "[]",
        "map": "{}",
        "tuple": "()",
        "": "None",
    },
    nothing="None",
    equal=(
        "class Equal:\n    def __eq__(self, other): return True\n    def __hash__(self): return 0\n",
        "Equal()",
    ),
    exit="raise SystemExit(0)",
    shout="print('PASS')",
)
STUBS = (
    Stub(
        head=r"^[ \t]*(?:async[ \t]+)?def[ \t]+(?P<name>(?!__init__\b)\w+)[ \t]*"
        + PARENTHESES
        + r"[ \t]*(?:->[^:\n]+)?:(?:[ \t]*(?:#[^\n]*)?\n(?:[ \t]*(?:#[^\n]*)?\n){0,9}(?P<indent>[ \t]+))?",
        early="return VALUE;",
        untyped=(("0", "7919"), ("''", "'codemill'"), ("[]", "[7919]"), ("{}", "{7919: 7919}")),
    ),
    Stub(
        head=r"^(?P<name>\w+)[ \t]*(?::[^\n=]+)?=[ \t]*lambda\b[^:\n]*:",
        early=" VALUE if True else",
        untyped=(("0", "7919"), ("''", "'codemill'"), ("[]", "[7919]"), ("{}", "{7919: 7919}")),
    ),
)
SAMPLES = ConformancePrograms(
    wrong="""def solve(xs):
    return len(xs)
""",
    hanging="""def solve(xs):
    while True:
        pass
""",
    crashing="""def solve(xs):
    return xs[99]
""",
    broken="""def solve(xs)
    return 1
""",
    greedy="""def solve(xs):
    return len([0] * 10**10)
""",
    honest="""def solve(x):
    return x * x + 7
""",
    identity=""":
    return x
""",
    mutator="""def solve(xs, k):
    xs.append(k)
    return xs
""",
    script=ScriptPrograms(
        right="""def twice(x):
    return x + x
""",
        wrong="""def twice(x):
    return x * x * x
""",
        script="""def check(f):
    assert f(3) == 6
    assert f(0) == 0
if __name__ == '__main__':
    check(twice)
""",
        leaving=(
            """import sys
sys.exit(0)
""",
            """import os
def twice(x):
    os._exit(0)
""",
            "raise SystemExit\n",
            "print('OK')\n",
            "x = '''",
        ),
    ),
    styles=(
        """class Solution:
    def solve(self, xs):
        return sum(xs)
""",
        "solve = sum\n",
    ),
    functions="""@deco
def alpha(a):
    def inner():
        return 1
    return inner() + a

class K:
    def beta(self):
        return 2
""",
    function_names=("alpha", "beta"),
)
