"""Octave: stdin/stdout programs."""

from synth.languages.scripting import appended
from synth.languages.spec import Language, Samples, Script

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
    script=Script(files=appended("main.m", "system('printf MARK >&3');")),
    hello="""numbers = sscanf(fgetl(stdin), "%d");
printf("%d\\n", sum(numbers));
""",
    samples=Samples(
        wrong='printf("5");\n',
        hanging="while true\nend\n",
        crashing='error("no");\n',
        broken="printf((;\n",
    ),
)
