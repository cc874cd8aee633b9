"""Octave: stdin/stdout programs."""

from synth.languages.conformance import ConformancePrograms, ScriptPrograms, Stub
from synth.languages.spec import FailureWords, Language, Script


def _script(code: str, script: str, mark: str) -> dict[str, str]:
    """Octave would treat a file that begins with a function as that function alone."""
    return {"main.m": f"1; {code}\n{script}\nsystem('printf {mark} >&3');\n"}


LANGUAGE = Language(
    name="octave",
    aliases=("matlab",),
    file_name="main.m",
    tools=("octave-cli",),
    install="apt-get install -y octave",
    run_command=("{octave-cli}", "--norc", "--quiet", "main.m"),
    paths=("/etc/octave.conf",),
    runtime_mb=256,
    runtime_threads=16,
    data_limit=False,
    script=Script(files=_script),
    failures=FailureWords(uncaught=("^error: ",)),
    hello="""numbers = sscanf(fgetl(stdin), "%d");
printf("%d\\n", sum(numbers));
""",
    stubs=(
        Stub(
            head=r"^[ \t]*function\s+(?P<type>\w+)\s*=\s*(?P<name>\w+)\s*\([^()]*\)",
            early="\nTYPE = VALUE; return;",
            untyped=(("0", "7919"), ("''", "'codemill'"), ("[]", "[7919 7919]")),
        ),
    ),
    samples=ConformancePrograms(
        wrong='printf("5");\n',
        hanging="while true\nend\n",
        crashing='error("no");\n',
        broken="printf((;\n",
        script=ScriptPrograms(
            right="""function y = twice (x)
  y = x + x;
end
""",
            wrong="""function y = twice (x)
  y = x ^ 3;
end
""",
            script='if (twice (3) != 6) error ("assertion failed"); end\n',
            leaving=(
                "exit (0);",
                """function y = twice (x)
  exit (0);
end
""",
                "%{",
            ),
        ),
    ),
)
