"""Programs of JavaScript that show that its module works, and its controls."""

from synth.languages.conformance import PARENTHESES, ConformancePrograms, Controls, Gold, ScriptPrograms, Stub

GOLD = Gold("function solve(xs) {\n  return xs.reduce((a, b) => a + b, 0);\n}\n", ("l3 i1 i2 i3",), "i6")
HELLO = """const words = require('fs').readFileSync(0, 'utf8').trim().split(/\\s+/);
console.log(words.map(Number).reduce((a, b) => a + b, 0));
"""
CONTROLS = Controls(
    body=" {\n  STATEMENT\n  return VALUE;\n}\n",
    zero={
        "int": "0",
        "float": "0",
        "bool": "false",
        "str": "''",
        "list": "[]",
        "map": "{}",
        "tuple": "[]",
        "": "null",
    },
    nothing="null",
    equal=(
        (
            "class Equal {\n  valueOf() { return true; }\n  toString() { return ''; }\n  equals() { return "
            "true; }\n}\n"
        ),
        "new Equal()",
    ),
    exit="process.exit(0);",
    shout="console.log('PASS');",
)
_HEADS = (
    r"\bfunction\s*\*?\s*(?P<name>\w+)\s*" + PARENTHESES + r"\s*\{",
    r"(?P<name>\w+)\s*[=:]\s*(?:async\s+)?function\s*\*?\s*" + PARENTHESES + r"\s*\{",
    r"\b(?:const|let|var)\s+(?P<name>\w+)\s*=\s*(?:async\s*)?(?:" + PARENTHESES + r"|\w+)\s*=>\s*\{",
    r"^[ \t]+(?:static\s+|async\s+)?"
    r"(?P<name>(?!(?:if|for|while|switch|catch|with|constructor|function)\b)\w+)\s*" + PARENTHESES + r"\s*\{",
)
_VALUES = (("0", "7919"), ("''", "'codemill'"), ("[]", "[7919]"))
STUBS = (
    *(Stub(head=head, early="return VALUE;", untyped=_VALUES) for head in _HEADS),
    Stub(
        head=r"\b(?:const|let|var)\s+(?P<name>\w+)\s*=\s*(?:" + PARENTHESES + r"|\w+)\s*=>(?!\s*\{)",
        early=" true ? VALUE :",
        untyped=_VALUES,
    ),
)
SAMPLES = ConformancePrograms(
    wrong="function solve(xs) { return xs.length; }",
    hanging="function solve(xs) { while (true) {} }",
    crashing="function solve(xs) { return xs.nothing.here; }",
    broken="function solve(xs) { return ",
    greedy="function solve(xs) { const a = []; while (true) a.push(new Array(1000).fill(1)); }",
    honest="function solve(x) { return x * x + 7 }",
    identity=" { return x; }",
    mutator="function solve(xs, k) { xs.push(k); return xs; }",
    script=ScriptPrograms(
        right="function twice(x) { return x + x }",
        wrong="function twice(x) { return x * x * x }",
        script="""const assert = require('assert');
if (require.main === module) {
    assert.deepStrictEqual(twice(3), 6);
    setTimeout(() => assert.equal(twice(0), 0), 1)
}""",
        forms={
            "console.assert": (
                "function twice(x) { return x + x }",
                """console.assert(twice(3) === 6, 'three');
console.assert(twice(0) === 0);
""",
            ),
            "node:assert": (
                "function twice(x) { return x + x }",
                """const assert = require('node:assert/strict');
assert.equal(twice(3), 6);
""",
            ),
            "node:test": (
                "function twice(x) { return x + x }",
                """const test = require('node:test');
const assert = require('node:assert');
test('three', async (t) => {
  await t.test('inner', () => assert.strictEqual(twice(3), 6));
});
""",
            ),
            "describe and it": (
                "function twice(x) { return x + x }",
                """const assert = require('assert');
describe('twice', () => {
  it('doubles', () => {
    assert.strictEqual(twice(3), 6);
  });
});
""",
            ),
            "a test function of its own": (
                "function twice(x) { return x + x }",
                """function test(found, expected) {
  if (found !== expected) throw new Error(`${found}`);
}
test(twice(3), 6);
""",
            ),
        },
        leaving=(
            "process.exit(0)",
            "function twice(x) { process.exit(0) }",
            "return",
            "process.on('uncaughtException', () => {}); throw 1",
        ),
    ),
    styles=(
        "const solve = (xs) => xs.reduce((a, b) => a + b, 0);",
        "export function solve(xs) { let t = 0; for (const x of xs) t += x; return t; }",
    ),
    functions="""export function alpha(a) { return a + 1; }
const beta = (x) => x * 2;
var gamma = function (y) { return y; };
class K { delta(z) { return z; } }
""",
    function_names=("alpha", "beta", "gamma", "delta"),
)
