"""Programs of TypeScript that show that its module works, and its controls."""

from dataclasses import replace

from synth.languages.conformance import PARENTHESES, ConformancePrograms, Gold, ScriptPrograms, Stub
from synth.languages.javascript import conformance as javascript

GOLD = Gold(
    "function solve(xs: number[]): number {\n  return xs.reduce((a, b) => a + b, 0);\n}\n",
    ("l3 i1 i2 i3",),
    "i6",
)
HELLO = """import { readFileSync } from "fs";
const words: string[] = readFileSync(0, "utf8").trim().split(" ");
console.log(words.map(Number).reduce((a: number, b: number) => a + b, 0));
"""
CONTROLS = replace(javascript.CONTROLS, body=" {\n  STATEMENT\n  return VALUE as any;\n}\n")
_TYPED = (
    ("number", "0", "7919"),
    ("string", "''", "'codemill'"),
    ("boolean", "false", "true"),
    (r".*\[\]|Array<.*>", "[]", "[7919 as never]"),
    ("void", "", ""),
)
_UNTYPED = (("null as any", "7919 as any"),)
STUBS = (
    Stub(
        head=r"\bfunction\s+(?P<name>\w+)\s*(?:<[^<>()]*>\s*)?"
        + PARENTHESES
        + r"\s*(?::\s*(?P<type>[^{};=\n]+?)\s*)?\{",
        early="return VALUE;",
        typed=_TYPED,
        untyped=_UNTYPED,
    ),
    Stub(
        head=r"\b(?:const|let|var)\s+(?P<name>\w+)\s*(?::[^\n]{0,200}?)?=\s*"
        + PARENTHESES
        + r"\s*(?::\s*(?P<type>[^{};=\n]+?)\s*)?=>\s*\{",
        early="return VALUE;",
        typed=_TYPED,
        untyped=_UNTYPED,
    ),
    Stub(
        head=r"\b(?:const|let|var)\s+(?P<name>\w+)\s*(?::[^\n]{0,200}?)?=\s*"
        + PARENTHESES
        + r"\s*(?::\s*(?P<type>[^{};=\n]+?)\s*)?=>(?!\s*\{)",
        early=" true ? VALUE :",
        typed=_TYPED,
        untyped=_UNTYPED,
    ),
    Stub(
        head=r"^[ \t]+(?:(?:public|private|protected|static|async)\s+)*"
        r"(?P<name>(?!(?:if|for|while|switch|catch|with|constructor|function)\b)\w+)\s*"
        + PARENTHESES
        + r"\s*(?::\s*(?P<type>[^{};=\n]+?)\s*)?\{",
        early="return VALUE;",
        typed=_TYPED,
        untyped=_UNTYPED,
    ),
)
SAMPLES = ConformancePrograms(
    wrong="function solve(xs: number[]): number { return xs.length; }",
    hanging="function solve(xs: number[]): number { while (true) {} }",
    crashing="function solve(xs: any): number { return xs.nothing.here; }",
    broken="function solve(xs: number[] { return ",
    refused="function solve(xs: number[]): number { return xs; }",
    identity=" { return x; }",
    mutator="export function solve(xs: number[], k: number): number[] { xs.push(k); return xs; }",
    honest="export const solve = (x: number): number => x * x + 7;",
    script=ScriptPrograms(
        right="function twice(x: number): number { return x + x }",
        wrong="function twice(x: number): number { return x * x * x }",
        script="""declare var require: any;
const assert = require('node:assert');
assert.deepEqual(twice(3), 6);""",
        forms={
            "console.assert": (
                "function twice(x: number): number { return x + x }",
                """console.assert(twice(3) === 6, 'three');
""",
            ),
        },
        leaving=(
            "declare var process: any; process.exit(0); function twice(x: number): number { return 0 }",
            (
                "declare var process: any; process.on('uncaughtException', () => {}); function "
                "twice(x: number): number { throw 1 }"
            ),
        ),
    ),
    functions="""export const alpha = (a: number): number => { return a * 2 + 1; };
function beta<T>(x: T): T { return x; }
""",
    function_names=("alpha", "beta"),
)
