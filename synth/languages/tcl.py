"""Tcl: stdin/stdout programs. tclsh has no version option, so its file name gives the version."""

from synth.languages.conformance import ConformancePrograms, ScriptPrograms
from synth.languages.spec import FailureWords, Language, Script
from synth.languages.support.scripts import appended

LANGUAGE = Language(
    name="tcl",
    file_name="main.tcl",
    tools=("tclsh",),
    version_arguments=(),
    install="apt-get install -y tcl",
    run_command=("{tclsh}", "main.tcl"),
    runtime_threads=4,
    script=Script(files=appended("main.tcl", "exec /bin/sh -c {printf MARK >&3}")),
    failures=FailureWords(
        # an `error` of the script itself, or of a procedure of its that compares
        assertion=(
            r'while executing\n"error\b(?:(?!\(procedure)[\s\S])*\Z',
            r'\(procedure "[^"\n]*(?i:assert|check|expect|test)',
        ),
        fatal_out_of_memory=("unable to alloc", "unable to realloc"),
    ),
    hello="""puts [tcl::mathop::+ {*}[gets stdin]]
""",
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
        ),
    ),
)
