"""TypeScript by tsc and node: stdin/stdout programs and scripts; no driver for typed calls yet."""

from synth.languages.scripting import TYPESCRIPT
from synth.languages.spec import Language

LANGUAGE = Language(
    name="typescript",
    aliases=("ts",),
    file_name="main.ts",
    tools=("node", "tsc"),
    install="npm install -g typescript@5.9 @types/node",
    grammar="typescript",
    written="TypeScript",
    compile_command=(
        "{node}",
        "{tsc}",
        "--target",
        "es2022",
        "--module",
        "commonjs",
        "--lib",
        "es2022,dom",
        "--strict",
        "--skipLibCheck",
        "main.ts",
    ),
    run_command=("{node}", "--max-old-space-size={heap_mb}", "main.js"),
    runtime_mb=128,
    runtime_threads=32,
    data_limit=False,
    script=TYPESCRIPT,
    hello="""declare function require(name: string): { readFileSync(file: number, encoding: string): string };
const words: string[] = require("fs").readFileSync(0, "utf8").trim().split(" ");
console.log(words.map(Number).reduce((a: number, b: number) => a + b, 0));
""",
)
