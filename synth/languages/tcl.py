"""Tcl: stdin/stdout programs. tclsh has no version option, so its file name gives the version."""

from synth.languages.conformance import ConformancePrograms, ScriptPrograms, Stub
from synth.languages.spec import FailureWords, Language, Script

_COUNTED = """catch {package require tcltest}
proc codemill_count {name at how} {
    if {$at eq "Failed" && $::tcltest::numTests(Failed) > 0} { set ::codemill_failed 1 }
}
trace add variable ::tcltest::numTests write codemill_count
"""
_END = """if {[info exists ::codemill_failed]} { puts stderr "assertion failed: see tcltest"; exit 1 } else {
    exec /bin/sh -c {printf MARK >&3}
}
"""


def _script(code: str, script: str, mark: str) -> dict[str, str]:
    """tcltest counts failures, forgets the count as it prints it, and ends nothing."""
    before = _COUNTED if "tcltest" in script else ""
    return {"main.tcl": f"{code}\n{before}{script}\n{_END.replace('MARK', mark)}"}


LANGUAGE = Language(
    name="tcl",
    file_name="main.tcl",
    tools=("tclsh",),
    version_arguments=(),
    install="apt-get install -y tcl",
    run_command=("{tclsh}", "main.tcl"),
    runtime_threads=4,
    script=Script(files=_script),
    failures=FailureWords(
        # an `error` of the script itself, or of a procedure of its that compares
        assertion=(
            r'while executing\n"error\b(?:(?!\(procedure)[\s\S])*\Z',
            r'\(procedure "[^"\n]*(?i:assert|check|expect|test)',
        ),
        fatal_out_of_memory=("unable to alloc", "unable to realloc"),
        uncaught=(r'^    \(file "main\.tcl" line \d+\)$',),
    ),
    hello="""puts [tcl::mathop::+ {*}[gets stdin]]
""",
    stubs=(
        Stub(
            head=r"\bproc\s+(?P<name>[\w:]+)\s+(?:\w+|\{(?:[^{}]|\{[^{}]*\}){0,99}\})\s+\{",
            early="return VALUE;",
            untyped=(("0", "7919"), ("{}", "codemill")),
        ),
    ),
    samples=ConformancePrograms(
        wrong="puts 5\n",
        hanging="while {1} {}\n",
        crashing="error no\n",
        broken="puts [tcl::mathop::+ 1\nputs {\n",
        script=ScriptPrograms(
            right="proc twice {x} { expr {$x + $x} }",
            wrong="proc twice {x} { expr {$x ** 3} }",
            script='if {[twice 3] != 6} { error "assertion failed" }\n',
            leaving=(
                "exit 0",
                "proc twice {x} { exit 0 }",
                "return",
                """rename error {}; proc error {text} { exit 0 }
proc twice {x} { return 0 }""",
            ),
            forms={
                "tcltest": (
                    "proc twice {x} { expr {$x + $x} }",
                    """package require tcltest
namespace import ::tcltest::*
test twice-1 {three} -body { twice 3 } -result 6
test twice-2 {none} { twice 0 } 0
cleanupTests
""",
                )
            },
        ),
    ),
)
