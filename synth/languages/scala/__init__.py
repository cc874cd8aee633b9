"""Scala: the driver is compiled once; each program is compiled with an object that starts its function."""

import re
from collections.abc import Sequence

from synth.languages.scala.conformance import GOLD, HELLO, SAMPLES, STUBS
from synth.languages.spec import Driver, Language, Script, UnsupportedType, WholeProgram
from synth.languages.support.composing import Terms
from synth.languages.support.declarations import enclosing
from synth.languages.support.jvm import FAILURES, JARS, RUN, RUNTIME_STACK_MB
from synth.languages.support.mains import outer_types, preferred, without_package
from synth.languages.support.scripts import last_in_script
from synth.languages.support.sources import read_source
from synth.values import Signature

_SCALARS = {"int": "Long", "float": "Double", "str": "String", "bool": "Boolean", "null": "Unit"}


def _tuple(inner: Sequence[str]) -> str:
    if len(inner) > 4:
        raise UnsupportedType("tuples of Scala are known up to four items")
    return f"({', '.join(inner)})" if len(inner) > 1 else f"Tuple1[{', '.join(inner)}]"


_TYPES = Terms("Scala", _SCALARS, "List[{}]", "Map[{}, {}]", _tuple)
_PACKAGE = re.compile(r"^\s*package\s+[\w.]+\s*$", re.MULTILINE)
_OWNER = re.compile(r"^(?:case\s+)?(object|class)\s+(\w+)", re.MULTILINE)


def render_signature(entry_point: str, names: tuple[str, ...], signature: Signature) -> str:
    """`def solve(xs: List[Long], k: Long): Long`."""
    written = ", ".join(f"{name}: {kind}" for name, kind in _TYPES.pairs(names, signature))
    return f"def {entry_point}({written}): {_TYPES.compose(signature.result)}"


def _owner(code: str, entry_point: str) -> str | None:
    """The function's owner: the last object or class before it. None for a function at the beginning
    of a line."""
    found = list(re.finditer(rf"^(\s*)[^\n]*?\bdef\s+{re.escape(entry_point)}\b", code, re.MULTILINE))
    owners = [owner for owner in _OWNER.finditer(code) if found and owner.start() < found[-1].start()]
    if not owners or not found[-1][1].strip("\n"):
        return None
    return owners[-1][2] if owners[-1][1] == "object" else f"new {owners[-1][2]}()"


def _files(code: str, entry_point: str, signature: Signature) -> dict[str, str]:
    """Bare functions are put into an object `Solution`; line numbers stay."""
    _TYPES.check(signature)
    code = _PACKAGE.sub("", code)
    owner = _owner(code, entry_point)
    solution = code if owner else f"object Solution {{ {code}\n}}"
    if len(signature.parameters) > 6:
        raise UnsupportedType("functions of Scala are known up to six parameters")
    call = f"codemill.Driver.f{len(signature.parameters)}(({owner or 'Solution'}).{entry_point} _)"
    start = (
        f"object CodemillStart {{ def main(words: Array[String]): Unit = codemill.Driver.drive({call}) }}\n"
    )
    return {"Solution.scala": solution, "CodemillStart.scala": start}


_LIBRARY = f"{JARS}/scala-library.jar"

_END = """
object CodemillScript {
  def main(words: Array[String]): Unit = {
    MAIN.main(words)
    val field = classOf[sun.misc.Unsafe].getDeclaredField("theUnsafe")
    field.setAccessible(true)
    val unsafe = field.get(null).asInstanceOf[sun.misc.Unsafe]
    val channel = new java.io.FileDescriptor
    val number = classOf[java.io.FileDescriptor].getDeclaredField("fd")
    unsafe.putInt(channel, unsafe.objectFieldOffset(number), 3)
    new java.io.FileOutputStream(channel).write(MARK.getBytes)
  }
}
"""
_APP = re.compile(r"\bobject\s+(\w+)\s+extends\s+(?:scala\.)?App\b")
_MAIN = re.compile(r"\bdef\s+main\s*\(")


def _script(code: str, script: str, mark: str) -> dict[str, str]:
    """Wraps the `main` of the script's object. Without one, program and script become the statements of
    a single object."""
    code = _PACKAGE.sub("", code)
    text = f"{code}\n{_PACKAGE.sub('', script)}\n"
    main, app = last_in_script(_MAIN, code, text), last_in_script(_APP, code, text)
    around = enclosing(text, _APP.pattern, len(code))
    owner = enclosing(text, r"\bobject\s+(\w+)", main.start()) if main else app[1] if app else around
    text = text if owner else f"object CodemillMain extends App {{ {text}\n}}\n"
    return {"Main.scala": text + _END.replace("MAIN", owner or "CodemillMain").replace("MARK", mark)}


_OBJECT = re.compile(r"\bobject\s+(\w+)")


def whole_program(code: str) -> WholeProgram:
    """An object with `main`, or one that is an `App`; a program without objects becomes one."""
    code = without_package(code)
    objects = outer_types(code, _OBJECT)
    if not objects and not _OBJECT.search(code):
        return WholeProgram({"Main.scala": f"object Main extends App {{ {code}\n}}\n"}, "Main")
    starts = [one for one in objects if _MAIN.search(one.body) or _APP.search(one.heading)]
    start = preferred(starts) or preferred(objects)
    return WholeProgram({"Main.scala": code}, start.name if start else "Main")


LANGUAGE = Language(
    name="scala",
    file_name="Main.scala",
    tools=("scalac", "java"),
    version_arguments=("-version",),
    install="apt-get install -y scala default-jdk-headless",
    grammar="scala",
    compile_command=("{scalac}", "-nowarn", "-d", ".", "Main.scala"),
    comment_signs=("//",),
    run_command=(*RUN, "-cp", f".:{_LIBRARY}", "{main}"),
    whole_program=whole_program,
    script=Script(files=_script, run_command=(*RUN, "-cp", f".:{_LIBRARY}", "CodemillScript")),
    runtime_mb=256,
    runtime_threads=32,
    runtime_stack_mb=RUNTIME_STACK_MB,
    data_limit=False,
    driver=Driver(
        files=_files,
        shared={"driver.scala": read_source("scala/driver.scala")},
        shared_commands=(("{scalac}", "-nowarn", "-d", ".", "driver.scala"),),
        compile_command=(
            "{scalac}",
            "-nowarn",
            "-cp",
            "{shared}",
            "-d",
            ".",
            "Solution.scala",
            "CodemillStart.scala",
        ),
        run_command=(*RUN, "-cp", f".:{{shared}}:{_LIBRARY}", "CodemillStart"),
        slow=True,
    ),
    render_signature=render_signature,
    failures=FAILURES,
    gold=GOLD,
    hello=HELLO,
    stubs=STUBS,
    samples=SAMPLES,
)
