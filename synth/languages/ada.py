"""Ada by GNAT: stdin/stdout programs; the main procedure may have any name."""

import re

from synth.languages.conformance import ConformancePrograms, ScriptPrograms
from synth.languages.spec import FailureWords, Language, Script, WholeProgram
from synth.languages.support.scripts import GUARD_C, WRAP_MAIN

_POLICY = re.compile(r"\bpragma\s+(?:Assertion_Policy|Check_Policy)\b[^;]*;", re.IGNORECASE)
_COMPILE_SCRIPT = f"""gcc -O1 -c guard.c && gnatchop -q -w units.ada && rm -f gnat.adc && \
"$0" -q -O1 -gnatws -gnata -gnat2022 -gnatW8 -o program main.adb -largs guard.o {WRAP_MAIN}"""


def _script(code: str, script: str, mark: str) -> dict[str, str]:
    """Program and script may be separate units or one. The program cannot switch assertions off."""
    return {"units.ada": f"{_POLICY.sub('', code)}\n{script}\n", "guard.c": GUARD_C.replace("MARK", mark)}


_MAIN = re.compile(r"^procedure\s+(\w+)\s+is\b", re.MULTILINE | re.IGNORECASE)


def whole_program(code: str) -> WholeProgram:
    """The main procedure may have any name, which is that of its file."""
    found = _MAIN.search(code)
    main = found[1].lower() if found else "main"
    return WholeProgram({f"{main}.adb": code}, main)


LANGUAGE = Language(
    name="ada",
    file_name="main.adb",
    tools=("gnatmake",),
    install="apt-get install -y gnat",
    grammar="ada",
    compile_command=("{gnatmake}", "-q", "-O1", "-gnatws", "-o", "program", "{main}.adb"),
    whole_program=whole_program,
    run_command=("./program",),
    script=Script(files=_script, compile_command=("/bin/sh", "-c", _COMPILE_SCRIPT, "{gnatmake}")),
    failures=FailureWords(assertion=("ASSERT_FAILURE", "ASSERTION_ERROR"), uncaught=(r"^raised [\w.]+ : ",)),
    hello="""with Ada.Text_IO;

procedure Main is
   package Numbers is new Ada.Text_IO.Integer_IO (Long_Long_Integer);
   X, Total : Long_Long_Integer := 0;
begin
   loop
      Numbers.Get (X);
      Total := Total + X;
   end loop;
exception
   when Ada.Text_IO.End_Error =>
      Numbers.Put (Total, Width => 1);
      Ada.Text_IO.New_Line;
end Main;
""",
    samples=ConformancePrograms(
        wrong='with Ada.Text_IO;\nprocedure Main is\nbegin\n   Ada.Text_IO.Put_Line ("5");\nend Main;\n',
        hanging="""procedure Main is
   X : Integer := 0;
begin
   loop
      X := 1 - X;
   end loop;
end Main;
""",
        crashing="procedure Main is\nbegin\n   raise Constraint_Error;\nend Main;\n",
        broken="procedure Main is\nbegin\n   raise (;\nend Main;\n",
        refused="procedure Main is\nbegin\n   Nothing;\nend Main;\n",
        script=ScriptPrograms(
            right="""package Numbers is
   function Twice (X : Integer) return Integer;
end Numbers;
package body Numbers is
   function Twice (X : Integer) return Integer is
   begin
      return X + X;
""",
            wrong="""pragma Assertion_Policy (Ignore);
package Numbers is
   function Twice (X : Integer) return Integer;
end Numbers;
package body Numbers is
   function Twice (X : Integer) return Integer is
   begin
      return X * X * X;
""",
            script="""   end Twice;
end Numbers;
pragma Ada_2022;
with Numbers;
procedure Main is
   function Candidate (X : Integer) return Integer renames Numbers.Twice;
begin
   pragma Assert (Candidate (3) = 6);
   pragma Assert (Candidate (0) = 0);
end Main;
""",
            leaving=(
                """package Numbers is
   function Twice (X : Integer) return Integer;
end Numbers;
with GNAT.OS_Lib;
package body Numbers is
   function Twice (X : Integer) return Integer is
   begin
      GNAT.OS_Lib.OS_Exit (0);
      return X;
""",
                """package Numbers is
   function Twice (X : Integer) return Integer;
   procedure Leave (Code : Integer) with Import, Convention => C, External_Name => "_exit";
end Numbers;
package body Numbers is
   function Twice (X : Integer) return Integer is
   begin
      Leave (0);
      return X;
""",
            ),
        ),
    ),
)
