"""Kotlin: compiled by a resident compiler (kotlin/KotlinServer.java), called by the Java driver, which
supports Pair and Triple."""

import re
from collections.abc import Sequence

from synth.languages.java import SHARED
from synth.languages.kotlin.conformance import GOLD, HELLO, SAMPLES, STUBS
from synth.languages.spec import Driver, Language, Script, WholeProgram
from synth.languages.support.composing import Terms
from synth.languages.support.declarations import composite_type, enclosing, split_top, state_contract
from synth.languages.support.jvm import (
    FAILURES,
    JARS,
    RUN,
    RUNTIME_STACK_MB,
    SERVER,
    archive_commands,
    jar_commands,
    start_driver,
    start_from_archive,
)
from synth.languages.support.mains import outer_types, outside_types, preferred, without_package
from synth.languages.support.scripts import imports_first, last_in_script
from synth.languages.support.sources import read_source
from synth.records import FunctionContract
from synth.values import Signature

_SCALARS = {
    "int": "Long",
    "float": "Double",
    "str": "String",
    "bool": "Boolean",
    "null": "Any?",
    "any": "Any?",
}


def _tuple(inner: Sequence[str]) -> str:
    name = {2: "Pair", 3: "Triple"}.get(len(inner))
    return f"{name}<{', '.join(inner)}>" if name else "List<Any?>"


_TYPES = Terms(
    "Kotlin", _SCALARS, "List<{}>", "Map<{}, {}>", _tuple, optional_of=lambda _, inner: f"{inner}?"
)
_READ = {
    "Long": "int",
    "Int": "int",
    "Double": "float",
    "Float": "float",
    "String": "str",
    "Boolean": "bool",
    "Unit": "null",
}
_GENERIC = {
    "List": "list",
    "MutableList": "list",
    "Array": "list",
    "Map": "map",
    "MutableMap": "map",
    "Pair": "tuple",
    "Triple": "tuple",
}
_ARRAYS = {"IntArray": "list[int]", "LongArray": "list[int]", "DoubleArray": "list[float]"}


def render_signature(entry_point: str, names: tuple[str, ...], signature: Signature) -> str:
    """`fun solve(xs: List<Long>, k: Long): Long`."""
    written = ", ".join(f"{name}: {kind}" for name, kind in _TYPES.pairs(names, signature))
    return f"fun {entry_point}({written}): {_TYPES.compose(signature.result)}"


def _read_type(text: str) -> str | None:
    text = text.strip()
    if text in _READ or text in _ARRAYS:
        return _READ.get(text) or _ARRAYS[text]
    found = re.fullmatch(r"(\w+)<(.*)>", text, re.DOTALL)
    inner = [_read_type(part) for part in split_top(found[2])] if found else []
    kind = _GENERIC.get(found[1]) if found else None
    return composite_type(kind, inner)


def find_signature(code: str, entry_point: str) -> FunctionContract | None:
    """The contract that the declared types state; a function without a declared result states nothing."""
    found = list(
        re.finditer(
            rf"\bfun\s+{re.escape(entry_point)}\s*\(([^()]*)\)\s*(?::\s*([^{{=\n]+?))?\s*(?:\{{|=)", code
        )
    )
    if not found:
        return None
    pairs = [parameter.partition(":")[::2] for parameter in split_top(found[-1][1])]
    types = [_read_type(text) for _, text in pairs]
    result = _read_type(found[-1][2]) if found[-1][2] else "null" if found[-1][0].endswith("{") else None
    return state_contract(entry_point, [name.strip() for name, _ in pairs], types, result)


def _files(code: str, entry_point: str, signature: Signature) -> dict[str, str]:
    _TYPES.check(signature)
    return {"Solution.kt": re.sub(r"^\s*package\s+[\w.]+", "", code)}


_MAIN = re.compile(r"\bfun\s+main\s*\(")
_OBJECT = re.compile(r"\b(?:object|class)\s+(\w+)")
_COMPANION = re.compile(r"\bcompanion\s+object\b")
_FILE_CLASS = re.compile(r"^\s*@file\s*:\s*JvmName\s*\(\s*\"(\w+)\"\s*\)", re.MULTILINE)


def whole_program(code: str) -> WholeProgram:
    """`main` stands outside all classes, or in an object, or in the companion of a class."""
    named = _FILE_CLASS.search(code)
    start = named[1] if named else "MainKt"
    if not _MAIN.search(outside_types(code)):
        holders = [
            one for one in outer_types(code, _OBJECT) if _MAIN.search(one.body) or _COMPANION.search(one.body)
        ]
        holder = preferred(holders)
        start = holder.name if holder else start
    return WholeProgram({"Main.kt": without_package(code)}, start)


_COMPILE = ("{kotlinc}", "-nowarn", "-no-reflect", "-d", ".")
_LIBRARY = f"{JARS}/kotlin-stdlib.jar"
_SHARED = {**SHARED, "KotlinServer.java": read_source("kotlin/KotlinServer.java")}
_COMPILER = ":".join(
    f"{JARS}/{name}.jar"
    for name in ("kotlin-compiler", "libtrove-intellij", "org.jetbrains.annotations-common")
)

_END = """
object CodemillScript {
    @JvmStatic
    fun main(words: Array<String>) {
        val start = Class.forName("OWNER").getDeclaredMethod("main", Array<String>::class.java)
        start.isAccessible = true
        start.invoke(null, words)
        val unsafe = Class.forName("sun.misc.Unsafe")
        val own = unsafe.getDeclaredField("theUnsafe")
        own.isAccessible = true
        val channel = java.io.FileDescriptor()
        val place = unsafe.getMethod("objectFieldOffset", java.lang.reflect.Field::class.java)
            .invoke(own.get(null), java.io.FileDescriptor::class.java.getDeclaredField("fd"))
        unsafe.getMethod("putInt", Any::class.java, Long::class.java, Int::class.java)
            .invoke(own.get(null), channel, place, 3)
        java.io.FileOutputStream(channel).write(MARK.toByteArray())
    }
}
"""
_ASSERTING = ("-ea", "-ea:kotlin...")
"""Kotlin's own `assert` checks a class of the library, which plain `-ea` leaves out if the virtual machine
itself loads it."""
_CALL = re.compile(
    r"^main\((?:arrayOf(?:<String>)?\(\)|emptyArray(?:<String>)?\(\))?\)[ \t]*;?[ \t]*$", re.MULTILINE
)


def _script(code: str, script: str, mark: str) -> dict[str, str]:
    """Wraps the script's `main`, which scripts of the language call themselves; without a `main`, the script
    consists of its statements."""
    if not _MAIN.search(script):
        script = f"fun main() {{\n{script}\n}}"
    code = re.sub(r"^\s*package\s+[\w.]+", "", code)
    whole = f"{code}\n{_CALL.sub('', script)}\n"
    main = last_in_script(_MAIN, code, whole)
    assert main is not None, "there is one or it was made"
    owner = enclosing(whole, r"\bobject\s+(\w+)", main.start())
    text = imports_first(whole, r"import\s")
    return {"Main.kt": text + _END.replace("OWNER", owner or "MainKt").replace("MARK", mark)}


LANGUAGE = Language(
    name="kotlin",
    aliases=("kt",),
    file_name="Main.kt",
    tools=("kotlinc", "java", "javac", "jar"),
    version_arguments=("-version",),
    install="apt-get install -y kotlin default-jdk-headless",
    grammar="kotlin",
    compile_command=(*_COMPILE, "Main.kt"),
    comment_signs=("//",),
    run_command=(*RUN, *start_from_archive(_LIBRARY), "-cp", ".", "{main}"),
    whole_program=whole_program,
    script=Script(
        files=_script,
        run_command=(*RUN, *_ASSERTING, *start_from_archive(_LIBRARY), "-cp", ".", "CodemillScript"),
    ),
    runtime_mb=256,
    runtime_threads=32,
    runtime_stack_mb=RUNTIME_STACK_MB,
    data_limit=False,
    driver=Driver(
        files=_files,
        optional=True,
        shared={**_SHARED, "Solution.kt": read_source("kotlin/Solution.kt")},
        shared_commands=(
            *jar_commands("-cp", _COMPILER, *_SHARED),
            (*_COMPILE, "Solution.kt"),
            *archive_commands(_LIBRARY),
        ),
        compile_command=(*_COMPILE, "Solution.kt"),
        compile_server=(*SERVER, "-cp", f"{{shared}}/driver.jar:{_COMPILER}", "KotlinServer", _LIBRARY),
        run_command=(*RUN, *start_driver(_LIBRARY)),
        slow=True,
    ),
    render_signature=render_signature,
    find_signature=find_signature,
    failures=FAILURES,
    gold=GOLD,
    hello=HELLO,
    stubs=STUBS,
    samples=SAMPLES,
)
