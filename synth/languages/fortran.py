"""Fortran by gfortran: stdin/stdout programs in free form."""

import re
from typing import Final

from synth.languages.conformance import ConformancePrograms, ScriptPrograms, Stub
from synth.languages.spec import Language, Script
from synth.languages.support.scripts import GUARD_C, WRAP_MAIN

_PROGRAM: Final = re.compile(r"^[ \t]*program[ \t]+(\w+)", re.IGNORECASE | re.MULTILINE)
_CONTAINS: Final = re.compile(r"^[ \t]*contains[ \t]*$", re.IGNORECASE | re.MULTILINE)
_END: Final = re.compile(r"^[ \t]*end[ \t]*(?:program\b[^\n]*)?$", re.IGNORECASE | re.MULTILINE)


def _script(code: str, script: str, mark: str) -> dict[str, str]:
    """The script after the code; before it where the script is a program that is still open: then the code is
    its internal procedures, and may end it."""
    program = _PROGRAM.search(script)
    if program and _CONTAINS.search(script) and not _END.search(script):
        ended = re.search(r"\bend[ \t]*program\b[^\n]*$", code.rstrip(), re.IGNORECASE)
        text = f"{script}\n{code}\n" + ("" if ended else f"end program {program[1]}\n")
    else:
        text = f"{code}\n{script}\n"
    return {"main.f90": text, "guard.c": GUARD_C.replace("MARK", mark)}


_NAMED: Final = r"^[^!\n']*\bfunction[ \t]+(?P<name>\w+)[ \t]*\([^()]*\)[ \t]*"
_DECLARED: Final = (
    r"\n(?:[ \t]*(?:(?:![^\n]*)?|(?:implicit|use|integer|real|logical|character|complex|double|type|"
    r"dimension|parameter|intent)\b[^\n]*)\n)*"
)
"""What stands before the first statement of a function; a line of it does not go on on the next."""
_VALUES: Final = (("0", "7919"), ("''", "'codemill'"), (".false.", ".true."))

LANGUAGE = Language(
    name="fortran",
    aliases=("f90",),
    file_name="main.f90",
    tools=("gfortran",),
    install="apt-get install -y gfortran",
    grammar="fortran",
    compile_command=("{gfortran}", "-O1", "-w", "-fcheck=bounds", "-o", "program", "main.f90"),
    run_command=("./program",),
    script=Script(files=_script, extra_compile_args=("guard.c", WRAP_MAIN)),
    hello="""program total
  implicit none
  character(len=4096) :: line
  integer(8) :: values(1000)
  integer :: n, status
  read (*, '(a)') line
  n = 0
  do
    read (line, *, iostat=status) values(1:n + 1)
    if (status /= 0) exit
    n = n + 1
  end do
  print '(i0)', sum(values(1:n))
end program total
""",
    stubs=(
        Stub(
            head=rf"(?i){_NAMED}result[ \t]*\([ \t]*(?P<type>\w+)[ \t]*\)[^\n]*{_DECLARED}",
            early="TYPE = VALUE; return\n",
            untyped=_VALUES,
        ),
        Stub(head=rf"(?i){_NAMED}{_DECLARED}", early="NAME = VALUE; return\n", untyped=_VALUES),
    ),
    samples=ConformancePrograms(
        wrong="program total\n  print '(i0)', 5\nend program total\n",
        hanging="""program total
  integer :: n
  n = 0
  do
    n = ieor(n, 1)
    if (n > 2) exit
  end do
  print *, n
end program total
""",
        crashing="program total\n  error stop 3\nend program total\n",
        broken="program total\n  print *, (\nend program total\n",
        refused="program total\n  implicit none\n  n = 1\nend program total\n",
        script=ScriptPrograms(
            right="""integer function twice(x)
  integer :: x
  twice = x + x
end function
""",
            wrong="""integer function twice(x)
  integer :: x
  twice = x**3
end function
""",
            script="""program test
  integer, external :: twice
  if (twice(3) /= 6) error stop 'assertion failed'
end program
""",
            forms={
                "a script whose program is open for the code": (
                    """function twice(x) result(y)
  integer, intent(in) :: x
  integer :: y
  y = x + x
end function twice
""",
                    """program main
  implicit none
  call assert(twice(3) == 6)
contains
subroutine assert(condition)
  logical, intent(in) :: condition
  if (.not. condition) then
    write(*, *) 'Assertion failed!'
    stop
  end if
end subroutine assert
""",
                )
            },
            leaving=(
                """integer function twice(x)
  integer :: x
  twice = x
  stop
end function
""",
                """program first
end program
""",
            ),
        ),
    ),
)
