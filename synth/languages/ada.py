"""Ada by GNAT: stdin/stdout programs; the main procedure is called Main."""

from synth.languages.spec import Language, Samples

LANGUAGE = Language(
    name="ada",
    file_name="main.adb",
    tools=("gnatmake",),
    install="apt-get install -y gnat",
    grammar="ada",
    compile_command=("{gnatmake}", "-q", "-O1", "-gnatws", "-o", "program", "main.adb"),
    run_command=("./program",),
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
    samples=Samples(
        wrong='with Ada.Text_IO;\nprocedure Main is\nbegin\n   Ada.Text_IO.Put_Line ("5");\nend Main;\n',
        hanging="procedure Main is\n   X : Integer := 0;\nbegin\n   loop\n      X := 1 - X;\n   end loop;\nend Main;\n",
        crashing="procedure Main is\nbegin\n   raise Constraint_Error;\nend Main;\n",
        broken="procedure Main is\nbegin\n   raise (;\nend Main;\n",
        refused="procedure Main is\nbegin\n   Nothing;\nend Main;\n",
    ),
)
