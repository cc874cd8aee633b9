"""COBOL by GnuCOBOL: stdin/stdout programs in free format."""

import re

from synth.languages.conformance import ConformancePrograms, ScriptPrograms
from synth.languages.spec import FailureWords, Language, Script

_GUARD = """long write(int, const void *, unsigned long);
int codemill_mark(void) {
    static const char mark[] = MARK;
    return write(3, mark, sizeof mark - 1) != sizeof mark - 1;
}
"""
_MARK = 'if return-code = 0 call "codemill_mark" end-if'
_END = re.compile(
    r"""("[^"\n]*"|'[^'\n]*'|\*>[^\n]*)|"""
    r"\b(?:stop\s+run|goback)\b(?!\s+(?:returning|giving|with|error|normal|[-+\d]))",
    re.IGNORECASE,
)
_PROGRAM = re.compile(r"^\s*program-id\.?\s+(?:is\s+)?['\"]?([\w-]+)", re.IGNORECASE | re.MULTILINE)
_LAST = re.compile(r"\n\s*end\s+program\b[^\n]*\s*\Z", re.IGNORECASE)


def _script(code: str, script: str, mark: str) -> dict[str, str]:
    """Every program ends with `stop run`, so each `stop run` in the script writes the mark; without one,
    the script's last line does. A script that is a complete program comes first, since the first one is
    the main program."""
    named = _PROGRAM.search(script)
    body, last = (script[: end.start()], end[0]) if (end := _LAST.search(script)) else (script, "")
    ended = _END.sub(lambda part: part[1] or f"{_MARK} {part[0]}", body)
    if not any(part[1] is None for part in _END.finditer(body)):
        ended = f"{body}\n{_MARK}\nstop run.\n"
    first = (
        f"{ended}{last or f'{chr(10)}end program {named[1]}.'}\n{code}\n"
        if named
        else f"{code}\n{ended}{last}\n"
    )
    return {"main.cob": first, "guard.c": _GUARD.replace("MARK", mark)}


LANGUAGE = Language(
    name="cobol",
    file_name="main.cob",
    tools=("cobc", "gcc"),
    install="apt-get install -y gnucobol3",
    display_name="COBOL",
    paths=("/etc/gnucobol",),
    compile_command=("{cobc}", "-x", "-free", "-w", "-o", "program", "main.cob"),
    run_command=("./program",),
    script=Script(files=_script, extra_compile_args=("guard.c",)),
    failures=FailureWords(uncaught=("^libcob: ",)),
    hello="""identification division.
program-id. total.
data division.
working-storage section.
01 line-text pic x(1000).
01 word pic x(20).
01 place pic 9(4) value 1.
01 total-sum pic s9(17) value 0.
01 shown pic -(17)9.
procedure division.
    accept line-text
    perform until place > 1000
        unstring line-text delimited by all space into word with pointer place
        if word not = spaces
            compute total-sum = total-sum + function numval(word)
        end-if
        move spaces to word
    end-perform
    move total-sum to shown
    display function trim(shown)
    stop run.
""",
    samples=ConformancePrograms(
        wrong="""identification division.
program-id. total.
procedure division.
    display "5"
    stop run.
""",
        hanging="""identification division.
program-id. total.
procedure division.
    perform until 1 = 2
        continue
    end-perform
    stop run.
""",
        crashing="identification division.\nprogram-id. total.\nprocedure division.\n    stop run 3.\n",
        broken="identification division.\nprogram-id. total.\nprocedure division.\n    display (\n",
        refused="""identification division.
program-id. total.
procedure division.
    display nothing
    stop run.
""",
        script=ScriptPrograms(
            right="""identification division.
program-id. twice.
data division.
linkage section.
01 x pic 9(4).
procedure division using x.
    compute x = x + x
    goback.
""",
            wrong="""identification division.
program-id. twice.
data division.
linkage section.
01 x pic 9(4).
procedure division using x.
    compute x = x * x * x
    goback.
""",
            script="""identification division.
program-id. tests.
data division.
working-storage section.
01 x pic 9(4) value 3.
procedure division.
main-part.
    call "twice" using x
    if x not = 6 perform failing end-if
    display "stop run comes next"
    stop run.
failing.
    display "assertion failed" upon syserr
    stop run returning 1.
""",
            leaving=(
                """identification division.
program-id. twice.
data division.
linkage section.
01 x pic 9(4).
procedure division using x.
    stop run.
""",
                """identification division.
program-id. twice.
data division.
linkage section.
01 x pic 9(4).
procedure division using x.
    call "exit" using by value 0
    goback.
""",
            ),
            forms={
                "statements that go on": (
                    """identification division.
program-id. sums.
data division.
working-storage section.
01 x pic 9(4) value 3.
01 y pic 9(4).
procedure division.
    compute y = x + x
""",
                    "    if y not = 6 stop run returning 1 end-if.\n",
                )
            },
        ),
    ),
)
