"""Pascal by Free Pascal: stdin/stdout programs."""

import re

from synth.languages.conformance import ConformancePrograms, ScriptPrograms, Stub
from synth.languages.spec import TESTLIB_REFUSALS, FailureWords, Language, Script
from synth.languages.support.scripts import without_exit

_UNIT = """unit codemill;
interface
procedure CodemillMark;
implementation
uses BaseUnix;
procedure CodemillMark;
const mark: ansistring = MARK;
begin
  if ExitCode = 0 then fpWrite(3, mark[1], length(mark));
end;
end.
"""
_HEADER = re.compile(r"\s*(?:program\s+\w+\s*;)?\s*(?:uses\b[^;]*;)?", re.IGNORECASE)
_END = re.compile(r"\{[^}]*\}|\(\*.*?\*\)|//[^\n]*|'[^'\n]*'|\b(end)\s*\.", re.IGNORECASE | re.DOTALL)


def _script(code: str, script: str, mark: str) -> dict[str, str]:
    """The mark is the last statement before the script's `end.`; the script's heading moves to the top. If
    the program switches assertions off, that affects only itself."""
    heading = _HEADER.match(script)
    head = heading[0] if heading and heading[0].strip() else ""
    ends = [found.start() for found in _END.finditer(script) if found[1]]
    body = script[len(head) : ends[-1]] if ends else script[len(head) :]
    body = without_exit(body, r"halt(?:\s*\(\s*0\s*\))?\s*;?", r"exit\s*;?")
    last = f"; CodemillMark {script[ends[-1] :]}" if ends else ""
    text = mark.replace("\\n", "'#10'").replace('"', "'")
    return {
        "main.pas": f"{head}{code}\n{{$ASSERTIONS ON}}\n{body}{last}\n",
        "codemill.pas": _UNIT.replace("MARK", text),
    }


LANGUAGE = Language(
    name="pascal",
    aliases=("fpc", "delphi"),
    file_name="main.pas",
    tools=("fpc",),
    version_arguments=("-iV",),
    install="apt-get install -y fp-compiler fp-units-fcl fp-units-math",
    paths=("/etc/fpc.cfg", "/etc/fpc-3.2.2.cfg"),
    compile_command=("{fpc}", "-O1", "-v0", "-Mobjfpc", "-Sh", "-Cro", "-oprogram", "main.pas"),
    run_command=("./program",),
    script=Script(files=_script, extra_compile_args=("-Sa", "-Cr-", "-Co-", "-Facodemill")),
    failures=FailureWords(refusals=TESTLIB_REFUSALS),
    hello="""program Total;

var
  x, sum: Int64;

begin
  sum := 0;
  while not SeekEof do
  begin
    read(x);
    sum := sum + x;
  end;
  writeln(sum);
end.
""",
    stubs=(
        Stub(
            head=r"\bfunction\s+(?P<name>\w+)\s*(?:\([^()]*\))?\s*:\s*(?P<type>\w+)\s*;[^;]{0,99}?\bbegin\b",
            early=" exit(VALUE);",
            typed=(
                ("(?i:integer|longint|int64|word|byte|cardinal|real|double|single)", "0", "79"),
                ("(?i:boolean)", "false", "true"),
                ("(?i:string|ansistring)", "''", "'codemill'"),
            ),
            untyped=(("Default(TYPE)", "Default(TYPE)"),),
        ),
    ),
    samples=ConformancePrograms(
        wrong="program Total;\nbegin\n  writeln(5);\nend.\n",
        hanging="program Total;\nbegin\n  while true do;\nend.\n",
        crashing="program Total;\nbegin\n  RunError(3);\nend.\n",
        broken="program Total;\nbegin\n  writeln((;\nend.\n",
        refused="program Total;\nbegin\n  writeln(nothing);\nend.\n",
        script=ScriptPrograms(
            right="""{$ASSERTIONS OFF}
function twice(x: integer): integer;
begin
  twice := x + x;
end;
""",
            wrong="""{$ASSERTIONS OFF}
function twice(x: integer): integer;
begin
  twice := x * x * x;
end;
""",
            script="""program Tests;
uses SysUtils;
procedure check;
begin
  Assert(twice(3) = 6, 'end.');
  Assert(IntToStr(twice(0)) = '0')
end;

begin
  check;
  halt(0)
end. // end.
""",
            leaving=(
                """function twice(x: integer): integer;
begin
  halt(0);
end;
""",
                """function twice(x: integer): integer;
begin
  twice := x;
end;
begin
end.
""",
                """procedure leave;
begin
  halt(0);
end;
function twice(x: integer): integer;
begin
  ExitProc := @leave;
  RunError(3);
end;
""",
            ),
            hiding="""{$C-}
function twice(x: integer): integer;
begin
  twice := x * x * x;
end;
""",
            forms={
                "statements": (
                    """program sums;
function twice(x: integer): integer;
begin
  twice := x + x;
end;
""",
                    """begin
  if twice(3) <> 6 then halt(1)
end.
""",
                )
            },
        ),
    ),
)
