"""Pascal by Free Pascal: stdin/stdout programs."""

from synth.languages.spec import Language, Samples

LANGUAGE = Language(
    name="pascal",
    aliases=("fpc", "delphi"),
    file_name="main.pas",
    tools=("fpc",),
    version_arguments=("-iV",),
    install="apt-get install -y fp-compiler fp-units-fcl fp-units-math",
    grammar="pascal",
    paths=("/etc/fpc.cfg", "/etc/fpc-3.2.2.cfg"),
    compile_command=("{fpc}", "-O1", "-v0", "-Mobjfpc", "-Sh", "-Cro", "-oprogram", "main.pas"),
    run_command=("./program",),
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
    samples=Samples(
        wrong="program Total;\nbegin\n  writeln(5);\nend.\n",
        hanging="program Total;\nbegin\n  while true do;\nend.\n",
        crashing="program Total;\nbegin\n  RunError(3);\nend.\n",
        broken="program Total;\nbegin\n  writeln((;\nend.\n",
        refused="program Total;\nbegin\n  writeln(nothing);\nend.\n",
    ),
)
