"""Java: compiled by a resident compiler (CompileServer.java), called by Driver.java.

A program may be a class `Solution`, other classes, or bare static methods; imports of java.util and
java.util.stream are given.
"""

import re
from functools import partial

from synth.grammar.node_types import NodeTypes, names
from synth.languages.java.adapting import adapt, changed_arguments
from synth.languages.java.classes import make_classes
from synth.languages.java.closing import CLOSING
from synth.languages.java.conformance import CONTROLS, GOLD, HELLO, SAMPLES, STUBS
from synth.languages.java.examples import SYNTAX
from synth.languages.java.impure import IMPURE
from synth.languages.java.packages import PACKAGES
from synth.languages.java.script import script_files
from synth.languages.spec import Driver, Language, ProgramSigns, Script, WholeProgram, parameter_names
from synth.languages.support.declarations import declared_contract, outside_braces, read_type
from synth.languages.support.jvm import (
    FAILURES,
    JAVAC,
    RUN,
    RUNTIME_STACK_MB,
    SERVER,
    archive_commands,
    jar_commands,
    start_driver,
    start_from_archive,
)
from synth.languages.support.mains import outer_types, preferred, without_package
from synth.languages.support.sources import read_source
from synth.records import FunctionContract
from synth.values import Signature, ValueType

_WRITTEN = {
    "int": "long",
    "float": "double",
    "str": "String",
    "bool": "boolean",
    "null": "Object",
    "any": "Object",
}
_BOXED = {"int": "Long", "float": "Double", "bool": "Boolean"}
_SIMPLE = {
    "long": "int",
    "int": "int",
    "short": "int",
    "Long": "int",
    "Integer": "int",
    "BigInteger": "int",
    "double": "float",
    "Double": "float",
}
_SIMPLE |= {"float": "float", "boolean": "bool", "Boolean": "bool", "String": "str", "void": "null"}
_GENERIC = {
    "List": "list",
    "ArrayList": "list",
    "LinkedList": "list",
    "Map": "map",
    "HashMap": "map",
    "TreeMap": "map",
    "LinkedHashMap": "map",
}
_IMPORTS = "import java.util.*; import java.util.function.*; import java.util.stream.*; import java.math.*; "
_IMPORT_LINE = re.compile(r"^[ \t]*(?:import|package)\s[^;\n]*;[ \t]*$", re.MULTILINE)
_TYPE = re.compile(
    r"^\s*(?:@\w+\s+)*(?:(?:public|final|abstract|sealed|strictfp)\s+)*"
    r"(?:class|interface|enum|record)\s+(\w+)",
    re.MULTILINE,
)
_HEADS_IN_BRACKETS = re.compile(r"@[\w.]+\s*\([^()]*\)|\brecord\s+\w+[^(]*\([^()]*\)")
"""Annotations and records, which have brackets without being methods."""
_PUBLIC = re.compile(
    r"^\s*public\s+(?:final\s+|abstract\s+)*(?:class|interface|enum|record)\s+(\w+)", re.MULTILINE
)


def write_type(kind: ValueType, boxed: bool = False) -> str:
    """The type as a person writes it: `List<Long>`, `Map<String, Long>`; a tuple is `List<Object>`, and a
    value that may be null is of a class."""
    if kind.kind == "list":
        return f"List<{write_type(kind.inner[0], boxed=True)}>"
    if kind.kind == "map":
        return f"Map<{write_type(kind.inner[0], boxed=True)}, {write_type(kind.inner[1], boxed=True)}>"
    if kind.kind == "tuple":
        return "List<Object>"
    if kind.kind == "optional":
        return write_type(kind.inner[0], boxed=True)
    return _BOXED.get(kind.kind, _WRITTEN[kind.kind]) if boxed else _WRITTEN[kind.kind]


def render_signature(entry_point: str, names: tuple[str, ...], signature: Signature) -> str:
    """`static long solve(List<Long> xs, long k)`."""
    pairs = zip(parameter_names(names, signature), signature.parameters, strict=True)
    return (
        f"static {write_type(signature.result)} "
        f"{entry_point}({', '.join(f'{write_type(t)} {n}' for n, t in pairs)})"
    )


_read_type = partial(read_type, simple=_SIMPLE, generic=_GENERIC)


def find_signature(code: str, entry_point: str) -> FunctionContract | None:
    """The contract that the declared types state; a raw or an Object type states nothing."""
    return declared_contract(code, entry_point, _read_type)


def complete(code: str) -> tuple[str, str]:
    """File name and full source: imports first, bare methods in a class `Solution`. Line numbers stay."""
    own = " ".join(
        line.strip() for line in _IMPORT_LINE.findall(code) if not line.strip().startswith("package")
    )
    body = _IMPORT_LINE.sub("", code)
    outside = _HEADS_IN_BRACKETS.sub(" ", "\n".join(outside_braces(body)))
    if "(" in outside or not _TYPE.search(outside):
        body = f"class Solution {{ {body}\n}}"
    public = _PUBLIC.search(outside) if not body.startswith("class Solution { ") else None
    return f"{public[1] if public else 'Solution'}.java", f"{_IMPORTS}{own} {body}"


_CLASS = re.compile(
    r"(?:\bpublic\s+)?(?:\b(?:final|abstract|sealed|strictfp|static)\s+)*"
    r"\b(?:class|interface|enum|record)\s+(\w+)"
)
_MAIN = re.compile(r"\bstatic\s+(?:\w+\s+)*void\s+main\s*\(")


def whole_program(code: str) -> WholeProgram:
    """Any class may hold `main`; the file is named after the public one."""
    types = outer_types(code, _CLASS)
    start = preferred([one for one in types if _MAIN.search(one.body)]) or preferred(types)
    public = next((one.name for one in types if one.heading.startswith("public")), "Main")
    return WholeProgram({f"{public}.java": without_package(code)}, start.name if start else "Main")


def _files(code: str, entry_point: str, signature: Signature) -> dict[str, str]:
    name, source = complete(code)
    return {name: source}


SHARED = {name: read_source(f"java/{name}") for name in ("Driver.java", "Exchange.java")}
_SHARED = {**SHARED, "CompileServer.java": read_source("java/CompileServer.java")}
_EXPORTS = tuple(
    f"--add-exports=jdk.compiler/com.sun.tools.javac.{part}=ALL-UNNAMED" for part in ("api", "code", "util")
)
"""The internals of javac that the resident compiler uses. They exist from JDK 11 on."""
_RUN = (*RUN, *start_from_archive())


LANGUAGE = Language(
    name="java",
    file_name="Main.java",
    tools=("java", "javac", "jar"),
    version_arguments=("-version",),
    install="apt-get install -y default-jdk-headless",
    grammar="java",
    compile_command=("{javac}", "-proc:none", "-nowarn", "-d", ".", "{main}.java"),
    comment_signs=("//",),
    node_types=NodeTypes(
        functions=names("method_declaration"),
        blocks=names("block constructor_body switch_block_statement_group"),
        comments=names("line_comment block_comment"),
        expressions=names("array_access field_access method_invocation"),
        result_field="type",
        void="void",
    ),
    run_command=(*_RUN, "{main}"),
    whole_program=whole_program,
    packages=PACKAGES,
    runtime_mb=256,
    runtime_threads=32,
    runtime_stack_mb=RUNTIME_STACK_MB,
    data_limit=False,
    classes=make_classes(write_type),
    program=ProgramSigns(reads=r"\bSystem\.in\b", main=r"\bstatic\s+(?:\w+\s+)*void\s+main\s*\("),
    driver=Driver(
        files=_files,
        optional=True,
        run_command=(*RUN, *start_driver()),
        shared={**_SHARED, "Solution.java": read_source("java/Solution.java")},
        shared_commands=(*jar_commands(*_EXPORTS, *_SHARED), (*JAVAC, "Solution.java"), *archive_commands()),
        compile_server=(*SERVER, *_EXPORTS, "-cp", "{shared}/driver.jar", "CompileServer"),
    ),
    render_signature=render_signature,
    find_signature=find_signature,
    adapt=adapt,
    closing=CLOSING,
    changed_arguments=changed_arguments,
    script=Script(files=script_files, run_command=(*_RUN, "-ea", "CodemillScript")),
    examples=SYNTAX,
    impure=IMPURE,
    failures=FAILURES,
    gold=GOLD,
    hello=HELLO,
    controls=CONTROLS,
    stubs=STUBS,
    samples=SAMPLES,
)
