"""Java: compiled by a resident compiler (java/CompileServer.java), called by
java/Driver.java.

A program may be a class `Solution`, other classes, or bare static methods; imports of java.util and
java.util.stream are given.
"""

import re
from dataclasses import replace

from synth.languages.spec import Driver, Gold, Language, parameter_names, read_driver
from synth.languages.support import controls
from synth.languages.support.declarations import find_declaration, outside_braces, read_type
from synth.languages.support.scripting import JAVA
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
    r"^\s*(?:@\w+\s+)*(?:(?:public|final|abstract|sealed|strictfp)\s+)*(?:class|interface|enum|record)\s+(\w+)",
    re.MULTILINE,
)
_PUBLIC = re.compile(
    r"^\s*public\s+(?:final\s+|abstract\s+)*(?:class|interface|enum|record)\s+(\w+)", re.MULTILINE
)

FLAGS = (
    "-Xshare:auto",
    "-XX:TieredStopAtLevel=1",
    "-XX:+UseSerialGC",
    "-Xmx{heap_mb}m",
    "-XX:-UsePerfData",
    "-XX:+DisableAttachMechanism",
    "-XX:+UnlockDiagnosticVMOptions",
    "-XX:ArchiveRelocationMode=0",  # the archive of classes is used as it lies in the file
)


def write_type(kind: ValueType, boxed: bool = False) -> str:
    """The type as a person writes it: `List<Long>`, `Map<String, Long>`; a tuple is `List<Object>`."""
    if kind.kind == "list":
        return f"List<{write_type(kind.inner[0], boxed=True)}>"
    if kind.kind == "map":
        return f"Map<{write_type(kind.inner[0], boxed=True)}, {write_type(kind.inner[1], boxed=True)}>"
    if kind.kind == "tuple":
        return "List<Object>"
    return _BOXED.get(kind.kind, _WRITTEN[kind.kind]) if boxed else _WRITTEN[kind.kind]


def render_signature(entry_point: str, names: tuple[str, ...], signature: Signature) -> str:
    """`static long solve(List<Long> xs, long k)`."""
    pairs = zip(parameter_names(names, signature), signature.parameters, strict=True)
    return (
        f"static {write_type(signature.result)} "
        f"{entry_point}({', '.join(f'{write_type(t)} {n}' for n, t in pairs)})"
    )


def find_signature(code: str, entry_point: str) -> FunctionContract | None:
    """The contract that the declared types state; a raw or an Object type states nothing."""
    declared = find_declaration(code, entry_point)
    if declared is None:
        return None
    types = [read_type(parameter.type_text, _SIMPLE, _GENERIC) for parameter in declared.parameters]
    result = read_type(declared.result, _SIMPLE, _GENERIC)
    if result is None or None in types:
        return None
    signature = f"({', '.join(filter(None, types))}) -> {result}"
    return FunctionContract(
        entry_point=entry_point,
        signature=signature,
        parameter_names=tuple(p.name for p in declared.parameters),
    )


def complete(code: str) -> tuple[str, str]:
    """File name and full source: imports first, bare methods put into a class `Solution`. Line numbers
    stay."""
    own = " ".join(
        line.strip() for line in _IMPORT_LINE.findall(code) if not line.strip().startswith("package")
    )
    body = _IMPORT_LINE.sub("", code)
    outside = "\n".join(outside_braces(body))
    if "(" in outside or not _TYPE.search(outside):
        body = f"class Solution {{ {body}\n}}"
    public = _PUBLIC.search(outside) if not body.startswith("class Solution { ") else None
    return f"{public[1] if public else 'Solution'}.java", f"{_IMPORTS}{own} {body}"


def _files(code: str, entry_point: str, signature: Signature) -> dict[str, str]:
    name, source = complete(code)
    return {name: source}


SHARED = {name: read_driver(f"java/{name}") for name in ("Driver.java", "Exchange.java")}
_SHARED = {**SHARED, "CompileServer.java": read_driver("java/CompileServer.java")}
_EXPORTS = tuple(
    f"--add-exports=jdk.compiler/com.sun.tools.javac.{part}=ALL-UNNAMED" for part in ("api", "code", "util")
)
"""What the resident compiler takes of javac's own. It is there from JDK 11 on."""
SERVER = ("{java}", "-XX:+UseSerialGC", "-Xmx512m", "-Xss16m", "-XX:-UsePerfData", "-XX:TieredStopAtLevel=1")
"""A virtual machine for a resident compiler. Its second compiler takes more time than it saves in the first
thousand programs."""
_JAVAC = ("{javac}", "-proc:none", "-nowarn", "-XDstringConcat=inline")
_CALL = r"\n".join(
    (
        "codemill",
        "solve",
        r"l i\tf\ts\tl i\tm s i",
        "m s l ?",
        "1",
        r"l2 i3 i1\tf2.5\ts61\tl1 i4\tm1 s61 i5",
        "",
    )
)


def _appended(*jars: str) -> str:
    """To what the machine itself loads, which costs less than a class path."""
    return f"-Xbootclasspath/a:{':'.join(jars)}"


def start_from_archive(*jars: str) -> tuple[str, ...]:
    """Options for a start from the archive: first the libraries that it was made with, then `driver.jar`
    where it is used."""
    return ("-XX:SharedArchiveFile={shared}/start.jsa", *((_appended(*jars),) if jars else ()))


_RUN = ("{java}", *FLAGS, "-Xss16m", *start_from_archive(), "-cp", ".")


def start_driver(*libraries: str) -> tuple[str, ...]:
    """Words that start the driver from the archive."""
    return (*start_from_archive(*libraries, "{shared}/driver.jar"), "Driver")


def jar_commands(*words: str) -> tuple[tuple[str, ...], ...]:
    """Make driver.jar from the shared files; `words` are its sources, and options of javac."""
    return (
        (*_JAVAC, "-d", "classes", *words),
        ("{jar}", "--create", "--file", "driver.jar", "-C", "classes", "."),
    )


def archive_commands(*libraries: str) -> tuple[tuple[str, ...], ...]:
    """Make the archive of the classes that the driver, the compiled sample and the libraries make the machine
    load; of their own classes only the libraries', for their places do not change.

    A class of another loader than the first would tie the archive to one class path: that is the one which is
    left out.
    """
    run = '"$0" -XX:+UseSerialGC -XX:DumpLoadedClassList=seen "$1" Driver 3>/dev/null'
    dump = (
        "-Xshare:dump",
        "-XX:+UseSerialGC",
        "-XX:SharedClassListFile=list",
        "-XX:SharedArchiveFile=start.jsa",
    )
    seen = _appended(*libraries, "driver.jar")
    return (
        ("/bin/sh", "-c", f"printf '{_CALL}' | {run} && grep -v cldr/provider seen > list", "{java}", seen),
        ("{java}", *dump, *([_appended(*libraries)] if libraries else [])),
    )


LANGUAGE = Language(
    name="java",
    file_name="Main.java",
    tools=("java", "javac", "jar"),
    version_arguments=("-version",),
    install="apt-get install -y default-jdk-headless",
    grammar="java",
    compile_command=("{javac}", "-proc:none", "-nowarn", "-d", ".", "Main.java"),
    run_command=(*_RUN, "Main"),
    runtime_mb=256,
    runtime_threads=32,
    data_limit=False,
    driver=Driver(
        files=_files,
        run_command=("{java}", *FLAGS, *start_driver()),
        shared={**_SHARED, "Solution.java": read_driver("java/Solution.java")},
        shared_commands=(*jar_commands(*_EXPORTS, *_SHARED), (*_JAVAC, "Solution.java"), *archive_commands()),
        compile_server=(*SERVER, *_EXPORTS, "-cp", "{shared}/driver.jar", "CompileServer"),
    ),
    render_signature=render_signature,
    find_signature=find_signature,
    gold=Gold(
        (
            "static long solve(List<Long> xs) {\n    long total = 0;\n    for (long x : xs) total += x;\n  "
            "  return total;\n}\n"
        ),
        ("l3 i1 i2 i3",),
        "i6",
    ),
    script=replace(JAVA, run_command=(*_RUN, "-ea", "CodemillScript")),
    controls=controls.JAVA,
    hello="""import java.util.Scanner;

public class Main {
    public static void main(String[] args) {
        Scanner in = new Scanner(System.in);
        long total = 0;
        while (in.hasNextLong()) total += in.nextLong();
        System.out.println(total);
    }
}
""",
)
