"""Groovy: called by groovy/driver.groovy; a tuple is a list, a decimal fraction is a float."""

from synth.languages.groovy.conformance import GOLD, HELLO, SAMPLES, STUBS
from synth.languages.spec import Driver, Language, Script, parameter_names
from synth.languages.support.jvm import FAILURES, JARS, RUN, RUNTIME_STACK_MB
from synth.languages.support.scripts import appended
from synth.languages.support.sources import read_source
from synth.values import Signature


def render_signature(entry_point: str, names: tuple[str, ...], signature: Signature) -> str:
    """`def solve(xs, k)`."""
    return f"def {entry_point}({', '.join(parameter_names(names, signature))})"


def _files(code: str, entry_point: str, signature: Signature) -> dict[str, str]:
    return {"solution.groovy": code, "driver.groovy": read_source("groovy/driver.groovy")}


_RUN = (
    *RUN,
    "-cp",
    f"{JARS}/groovy-all.jar:{JARS}/groovy.jar:{JARS}/asm.jar:{JARS}/antlr.jar",
    "groovy.ui.GroovyMain",
)

_MARK = """
java.lang.reflect.Field codemillField = sun.misc.Unsafe.class.getDeclaredField('theUnsafe')
codemillField.setAccessible(true)
FileDescriptor codemillChannel = new FileDescriptor()
codemillField.get(null).with {
    it.putInt(codemillChannel, it.objectFieldOffset(FileDescriptor.class.getDeclaredField('fd')), 3)
}
new FileOutputStream(codemillChannel).write(MARK.getBytes('US-ASCII'))"""

LANGUAGE = Language(
    name="groovy",
    file_name="main.groovy",
    tools=("groovy", "java"),
    install="apt-get install -y groovy default-jdk-headless",
    run_command=(*_RUN, "main.groovy"),
    runtime_mb=256,
    runtime_threads=32,
    runtime_stack_mb=RUNTIME_STACK_MB,
    data_limit=False,
    script=Script(files=appended("main.groovy", _MARK)),
    driver=Driver(files=_files, run_command=(*_RUN, "driver.groovy"), big_integers=True, slow=True),
    render_signature=render_signature,
    failures=FAILURES,
    gold=GOLD,
    hello=HELLO,
    stubs=STUBS,
    samples=SAMPLES,
)
