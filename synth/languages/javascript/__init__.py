"""JavaScript by node: called by javascript/driver.js; types are read from JSDoc."""

import re

from synth.grammar.node_types import NodeTypes, names
from synth.languages.javascript.adapting import adapt_javascript
from synth.languages.javascript.classes import CLASSES
from synth.languages.javascript.closing import make_closing
from synth.languages.javascript.conformance import CONTROLS, GOLD, HELLO, SAMPLES, STUBS
from synth.languages.javascript.examples import SYNTAX
from synth.languages.javascript.impure import IMPURE
from synth.languages.javascript.packages import PACKAGES
from synth.languages.spec import Driver, FailureWords, Language, ProgramSigns, Script, parameter_names
from synth.languages.support.changes import changed_elements
from synth.languages.support.declarations import composite_type, read_type, split_top, state_contract
from synth.languages.support.sources import read_source
from synth.records import FunctionContract
from synth.values import Signature

_SIMPLE = {
    "number": "int",
    "int": "int",
    "integer": "int",
    "bigint": "int",
    "float": "float",
    "double": "float",
    "string": "str",
}
_SIMPLE |= {"boolean": "bool", "bool": "bool", "null": "null", "any": "any", "*": "any"}
_GENERIC = {"Array": "list", "Object": "map", "Map": "map", "Record": "map"}
NODE_FLAGS = (
    "--max-old-space-size={heap_mb}",
    "--stack-size={stack_kb}",
    "--single-threaded-gc",
    "--no-rehash-snapshot",
    "--v8-pool-size=1",
)
RUNTIME_STACK_MB = -7
"""Its own stack size is 1 MiB of the usual 8; the rest is for what it does not measure."""


def render_signature(entry_point: str, names: tuple[str, ...], signature: Signature) -> str:
    """`function solve(xs, k)`."""
    return f"function {entry_point}({', '.join(parameter_names(names, signature))})"


def read_jsdoc_type(text: str) -> str | None:
    """Text form of a JSDoc type; `number` means int, `float` or `double` mean float."""
    text = text.strip().replace(".<", "<")
    if text.startswith("[") and text.endswith("]"):
        inner = [read_jsdoc_type(part) for part in split_top(text[1:-1])]
        return f"tuple[{', '.join(filter(None, inner))}]" if inner and None not in inner else None
    if text.endswith("[]"):
        element = read_jsdoc_type(text[:-2].removeprefix("(").removesuffix(")"))
        return f"list[{element}]" if element else None
    found = re.fullmatch(r"(\w+)<(.*)>", text, re.DOTALL)
    if not found:
        return read_type(text, _SIMPLE, {})
    types = [read_jsdoc_type(part) for part in split_top(found[2])]
    return composite_type(_GENERIC.get(found[1]), types)


def find_signature(code: str, entry_point: str) -> FunctionContract | None:
    """The contract of a function with a JSDoc comment that types every parameter and the result."""
    name = re.escape(entry_point)
    heads = (
        rf"(?:function\s+{name}\s*\(([^)]*)\)|(?:const|let|var)\s+{name}\s*=\s*(?:function\s*)?\(([^)]*)\))"
    )
    found = list(re.finditer(rf"/\*\*((?:(?!\*/).)*)\*/\s*(?:export\s+)?{heads}", code, re.DOTALL))
    if not found:
        return None
    comment, names = found[-1][1], split_top(found[-1][2] or found[-1][3] or "")
    stated = {tag: read_jsdoc_type(text) for text, tag in re.findall(r"@param\s+\{(.*?)\}\s+(\w+)", comment)}
    result = re.search(r"@returns?\s+\{(.*?)\}", comment)
    result_type = read_jsdoc_type(result[1]) if result else None
    types = [stated.get(parameter) for parameter in names]
    return state_contract(entry_point, names, types, result_type)


def _files(code: str, entry_point: str, signature: Signature) -> dict[str, str]:
    return {"solution.js": code, "driver.js": read_source("javascript/driver.js")}


BEFORE_SCRIPT = (
    "(() => { const failed = globalThis[Symbol.for('codemill')] = []; const said = console.assert; "
    "Object.defineProperty(console, 'assert', { configurable: true, writable: true, "
    "value: (holds, ...words) => { if (!holds) failed.push(holds); said.call(console, holds, ...words); } });"
    "for (const name of ['describe', 'it', 'test', 'suite', 'before', 'after', 'beforeEach', 'afterEach']) "
    "if (!(name in globalThis)) Object.defineProperty(globalThis, name, { configurable: true, "
    "get: () => require('node:test')[name], set: value => "
    "Object.defineProperty(globalThis, name, { configurable: true, writable: true, value }) }); "
    "})();"
)
"""Counts failed `console.assert`, which end nothing, and provides the functions of node:test by name."""
AT_END = (
    "process.once('beforeExit', () => { if (globalThis[Symbol.for('codemill')].length) process.exitCode = 1; "
    "else require('fs').writeSync(3, MARK) })"
)
"""Writes the mark when node has nothing left to do, so asynchronous tests have run;
`process.exit` skips this."""


def _script(code: str, script: str, mark: str) -> dict[str, str]:
    return {"main.js": f"{code}\n;{BEFORE_SCRIPT}\n{script}\n;{AT_END.replace('MARK', mark)}\n"}


NODE_TYPES = NodeTypes(
    functions=names("function_declaration generator_function_declaration method_definition"),
    blocks=names("statement_block program"),
    comments=names("comment html_comment"),
    expressions=names("array object template_string"),
    wrappers=names("export_statement"),
    binders=names("variable_declarator"),
    lists_generators=True,
    documented_before=True,
    anonymous=names("arrow_function function_expression"),
)

FAILURES = FailureWords(
    assertion=("AssertionError",),
    out_of_memory=("RangeError: Array buffer allocation failed",),
    fatal_out_of_memory=("JavaScript heap out of memory",),
    uncaught=(r"^Node\.js v\d+",),
)

LANGUAGE = Language(
    name="javascript",
    aliases=("js", "node", "nodejs", "mjs", "ecmascript"),
    file_name="main.js",
    extensions=(".js", ".mjs", ".cjs", ".jsx"),
    tools=("node",),
    install="apt-get install -y nodejs",
    grammar="javascript",
    display_name="JavaScript",
    comment_signs=("//",),
    node_types=NODE_TYPES,
    run_command=("{node}", *NODE_FLAGS, "main.js"),
    packages=PACKAGES,
    runtime_mb=128,
    runtime_threads=32,
    runtime_stack_mb=RUNTIME_STACK_MB,
    data_limit=False,
    classes=CLASSES,
    program=ProgramSigns(
        reads=r"\bprocess\.stdin\b|/dev/stdin|readFileSync\s*\(\s*0\b|\breadline\.createInterface\b"
    ),
    driver=Driver(
        files=_files,
        run_command=("{node}", *NODE_FLAGS, "driver.js"),
        reports_every_parse_error=True,
        big_integers=True,
        optional=True,
    ),
    render_signature=render_signature,
    find_signature=find_signature,
    adapt=adapt_javascript,
    changed_arguments=changed_elements,
    one_number=True,
    closing=make_closing(typed=False),
    script=Script(files=_script),
    examples=SYNTAX,
    impure=IMPURE,
    failures=FAILURES,
    gold=GOLD,
    hello=HELLO,
    controls=CONTROLS,
    stubs=STUBS,
    samples=SAMPLES,
)
