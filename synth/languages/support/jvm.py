"""Shared by the languages of the Java virtual machine: flags, the place of Debian's libraries, a driver that
starts from a class archive, and the signs of memory exhaustion.

Place in the flow: used by the modules of Java, Clojure, Groovy, Kotlin and Scala. The one rule: nothing here
depends on a particular language.
"""

from synth.languages.spec import FailureWords

JARS = "/usr/share/java"
"""The folder of jar files from Debian's packages."""

FLAGS = (
    "-Xshare:auto",
    "-XX:TieredStopAtLevel=1",
    "-XX:+UseSerialGC",
    "-Xmx{heap_mb}m",
    "-XX:-UsePerfData",
    "-XX:+DisableAttachMechanism",
    "-XX:+UnlockDiagnosticVMOptions",
    "-XX:ArchiveRelocationMode=0",  # the class archive is used as it is in the file
)

RUN = ("{java}", *FLAGS, "-Xss{stack_mb}m")
"""A short-lived virtual machine with a deep stack."""
RUNTIME_STACK_MB = 56
"""Its frames are larger than a compiled program's: 64 MiB where others have 8."""

OUT_OF_MEMORY = "java.lang.OutOfMemoryError"
FAILURES = FailureWords(
    assertion=("AssertionError",),
    out_of_memory=(OUT_OF_MEMORY,),
    fatal_out_of_memory=(OUT_OF_MEMORY,),
    uncaught=(r'^Exception in thread "', r"^Caught: ", r"^(Syntax error|Execution error)"),
)

SERVER = ("{java}", "-XX:+UseSerialGC", "-Xmx512m", "-Xss16m", "-XX:-UsePerfData", "-XX:TieredStopAtLevel=1")
"""A virtual machine for a resident compiler. Its second compiler costs more time than it saves in the
first thousand programs."""
JAVAC = ("{javac}", "-proc:none", "-nowarn", "-XDstringConcat=inline")
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
    """Appends the jars to the boot class path, which costs less than a class path."""
    return f"-Xbootclasspath/a:{':'.join(jars)}"


def start_from_archive(*jars: str) -> tuple[str, ...]:
    """Options for a start from the archive: first the libraries that it was made with, then `driver.jar` if
    it is used."""
    return ("-XX:SharedArchiveFile={shared}/start.jsa", *((_appended(*jars),) if jars else ()))


def start_driver(*libraries: str) -> tuple[str, ...]:
    """Words that start the driver from the archive."""
    return (*start_from_archive(*libraries, "{shared}/driver.jar"), "Driver")


def jar_commands(*words: str) -> tuple[tuple[str, ...], ...]:
    """Make driver.jar from the shared files; `words` are its sources, and options of javac."""
    return (
        (*JAVAC, "-d", "classes", *words),
        ("{jar}", "--create", "--file", "driver.jar", "-C", "classes", "."),
    )


def archive_commands(*libraries: str) -> tuple[tuple[str, ...], ...]:
    """Make the archive of the classes loaded by the driver, the compiled sample and the libraries. Of their
    own classes only the libraries' are included, since their paths do not change.

    A class of any loader but the first would tie the archive to one class path, so it is left out.
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
