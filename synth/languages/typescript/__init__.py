"""TypeScript: type-checked and translated by a resident tsc (typescript/compiler.js), then called by
the JavaScript driver."""

import json
import re

from synth.languages.javascript import (
    AT_END,
    BEFORE_SCRIPT,
    FAILURES,
    NODE_FLAGS,
    NODE_TYPES,
    RUNTIME_STACK_MB,
    read_jsdoc_type,
)
from synth.languages.javascript.adapting import adapt_typescript
from synth.languages.javascript.classes import make_typescript_classes
from synth.languages.javascript.closing import make_closing
from synth.languages.javascript.examples import SYNTAX
from synth.languages.javascript.impure import IMPURE
from synth.languages.spec import Driver, Language, ProgramSigns, Script
from synth.languages.support.changes import changed_elements
from synth.languages.support.composing import Terms
from synth.languages.support.declarations import split_top, state_contract
from synth.languages.support.sources import read_source
from synth.languages.typescript.conformance import CONTROLS, GOLD, HELLO, SAMPLES, STUBS
from synth.records import FunctionContract
from synth.values import Signature, ValueType

_SCALARS = {
    "int": "number",
    "float": "number",
    "str": "string",
    "bool": "boolean",
    "null": "null",
    "any": "any",
}
_TYPES = Terms(
    "TypeScript",
    _SCALARS,
    "Array<{}>",
    "Map<{}, {}>",
    lambda inner: f"[{', '.join(inner)}]",
    optional_of=lambda _, inner: f"{inner} | null",
)
_CHECK: tuple[str, ...] = (
    "--target",
    "es2022",
    "--module",
    "commonjs",
    "--moduleDetection",
    "force",
    "--lib",
    "esnext",
    "--types",
    "node",
)
_CHECK += ("--typeRoots", "{tsc}/../../../@types", "--skipLibCheck")
"""As MultiPL-E and people without a project call tsc: not strict. Every file is a module, so that its names
cannot clash with library names. `@types` is next to tsc's package."""
_SNAPSHOT = ("--single-threaded-gc", "--snapshot-blob")


def write_type(kind: ValueType) -> str:
    """`number[]`, `Record<string, number>`, `Map<number, string>`, `[number, string]`."""
    if kind.kind == "optional":
        return f"{write_type(kind.inner[0])} | null"
    if kind.kind == "list" and kind.inner[0].kind not in ("list", "map", "tuple", "optional"):
        return f"{write_type(kind.inner[0])}[]"
    if kind.kind == "list":
        return (
            f"{write_type(kind.inner[0])}[]"
            if kind.inner[0].kind not in ("map", "optional")
            else f"Array<{write_type(kind.inner[0])}>"
        )
    if kind.kind == "map":
        return (
            f"{'Record' if kind.inner[0].kind == 'str' else 'Map'}<{', '.join(map(write_type, kind.inner))}>"
        )
    return f"[{', '.join(map(write_type, kind.inner))}]" if kind.kind == "tuple" else _TYPES.compose(kind)


def render_signature(entry_point: str, names: tuple[str, ...], signature: Signature) -> str:
    """`function solve(xs: number[], k: number): number`."""
    pairs = zip(_TYPES.pairs(names, signature), signature.parameters, strict=True)
    written = ", ".join(f"{name}: {write_type(kind)}" for (name, _), kind in pairs)
    return f"function {entry_point}({written}): {write_type(signature.result)}"


def find_signature(code: str, entry_point: str) -> FunctionContract | None:
    """The contract that the annotations state; `number` means int, as in JSDoc."""
    name = re.escape(entry_point)
    heads = (
        rf"(?:function\s+{name}\s*|(?:const|let|var)\s+{name}\s*=\s*)"
        r"\(([^()]*)\)\s*:\s*([^{=;]+?)\s*(?:\{|=>)"
    )
    found = list(re.finditer(heads, code))
    if not found:
        return None
    pairs = [parameter.partition(":")[::2] for parameter in split_top(found[-1][1])]
    types = [read_jsdoc_type(text) for _, text in pairs]
    result = read_jsdoc_type(found[-1][2])
    return state_contract(entry_point, [name.strip() for name, _ in pairs], types, result)


def _files(code: str, entry_point: str, signature: Signature) -> dict[str, str]:
    return {"solution.ts": code}


def _script(code: str, script: str, mark: str) -> dict[str, str]:
    """What is added is hidden from the type checker, which may or may not know node's own functions."""
    before, end = json.dumps(BEFORE_SCRIPT), json.dumps(AT_END.replace("MARK", mark))
    return {"main.ts": f"{code}\n;eval({before});\n{script}\n;eval({end})\n"}


LANGUAGE = Language(
    name="typescript",
    aliases=("ts",),
    file_name="main.ts",
    extensions=(".ts", ".mts", ".cts"),
    tools=("node", "tsc"),
    install="npm install -g --ignore-scripts typescript@5.9.3 @types/node@20.19.43",
    grammar="typescript",
    display_name="TypeScript",
    compile_command=("{node}", "{tsc}", *_CHECK, "main.ts"),
    comment_signs=("//",),
    node_types=NODE_TYPES,
    run_command=("{node}", *NODE_FLAGS, "main.js"),
    runtime_mb=128,
    runtime_threads=32,
    runtime_stack_mb=RUNTIME_STACK_MB,
    data_limit=False,
    classes=make_typescript_classes(write_type),
    program=ProgramSigns(
        reads=r"\bprocess\.stdin\b|/dev/stdin|readFileSync\s*\(\s*0\b|\breadline\.createInterface\b"
    ),
    driver=Driver(
        files=_files,
        run_command=("{node}", *NODE_FLAGS, "{shared}/driver.js"),
        shared={
            "driver.js": read_source("javascript/driver.js"),
            "compiler.js": read_source("typescript/compiler.js"),
        },
        shared_commands=(
            ("{node}", *_SNAPSHOT, "compiler.blob", "--build-snapshot", "compiler.js", "{tsc}", *_CHECK),
        ),
        compile_server=("{node}", *_SNAPSHOT, "{shared}/compiler.blob"),
        big_integers=True,
        optional=True,
    ),
    script=Script(files=_script),
    render_signature=render_signature,
    find_signature=find_signature,
    examples=SYNTAX,
    impure=IMPURE,
    adapt=adapt_typescript,
    changed_arguments=changed_elements,
    one_number=True,
    closing=make_closing(typed=True),
    failures=FAILURES,
    gold=GOLD,
    hello=HELLO,
    controls=CONTROLS,
    stubs=STUBS,
    samples=SAMPLES,
)
