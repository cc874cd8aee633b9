"""AWK by mawk or gawk: stdin/stdout programs."""

from synth.languages.conformance import ConformancePrograms, ScriptPrograms, Stub
from synth.languages.spec import FailureWords, Language, Script
from synth.languages.support.scripts import appended

_END = """BEGIN { codemill_begun = 1 }
END { if (codemill_begun) system("printf '" MARK "' >&3") }"""
"""`exit` continues with the END rules, so the end of BEGIN must also have been reached."""


LANGUAGE = Language(
    name="awk",
    aliases=("gawk", "mawk"),
    file_name="main.awk",
    tools=("awk",),
    version_arguments=("-W", "version"),
    install="apt-get install -y gawk",
    display_name="AWK",
    run_command=("{awk}", "-f", "main.awk"),
    script=Script(files=appended("main.awk", _END)),
    failures=FailureWords(uncaught=(r"^\w*awk: ",)),
    hello="""{ for (i = 1; i <= NF; i++) total += $i }
END { print total + 0 }
""",
    stubs=(
        Stub(
            head=r"\bfunction\s+(?P<name>\w+)\s*\([^()]*\)\s*\{",
            early="return VALUE;",
            untyped=(("0", "7919"), ('""', '"codemill"')),
        ),
    ),
    samples=ConformancePrograms(
        wrong="END { print 5 }\n",
        hanging="BEGIN { while (1) {} }\n",
        crashing="BEGIN { exit 3 }\n",
        broken="{ print ( \n",
        script=ScriptPrograms(
            right="function twice(x) { return x + x }",
            wrong="function twice(x) { return x * x * x }",
            script="""BEGIN { if (twice(3) != 6) { print "assertion failed" > "/dev/stderr"; exit 1 } }
END { if (twice(1) != 2) exit 1 }
""",
            leaving=(
                "BEGIN { exit 0 }",
                "function twice(x) { exit 0 }",
                """END { exit 0 }
function twice(x) { return 6 }""",
                'function twice(x) { return "',
            ),
            forms={
                "rules of BEGIN alone": (
                    "function twice(x) { return x + x }",
                    "BEGIN { if (twice(3) != 6) exit 1 }",
                )
            },
        ),
    ),
)
