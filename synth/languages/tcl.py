"""Tcl: stdin/stdout programs. tclsh has no option that says its version: the name of its file does."""

from synth.languages.scripting import appended
from synth.languages.spec import ConformancePrograms, Language, Script

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
    samples=ConformancePrograms(
        wrong="puts 5\n",
        hanging="while {1} {}\n",
        crashing="error no\n",
        broken="puts [tcl::mathop::+ 1\nputs {\n",
    ),
)
