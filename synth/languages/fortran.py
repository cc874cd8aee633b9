"""Fortran by gfortran: stdin/stdout programs in free form."""

from synth.languages.conformance import ConformancePrograms, ScriptPrograms
from synth.languages.spec import Language, Script
from synth.languages.support.scripts import GUARD_C, WRAP_MAIN


def _script(code: str, script: str, mark: str) -> dict[str, str]:
    return {"main.f90": f"{code}\n{script}\n", "guard.c": GUARD_C.replace("MARK", mark)}


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
