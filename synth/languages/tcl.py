"""Tcl: stdin/stdout programs. tclsh has no version option, so its file name gives the version."""

from synth.languages.conformance import ConformancePrograms, ScriptPrograms, Stub
from synth.languages.spec import Language, Script
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
        ),
    ),
)
