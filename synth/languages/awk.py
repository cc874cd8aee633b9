"""AWK by mawk or gawk: stdin/stdout programs."""

from synth.languages.spec import Language, Samples

LANGUAGE = Language(
    name="awk",
    aliases=("gawk", "mawk"),
    file_name="main.awk",
    tools=("awk",),
    version_arguments=("-W", "version"),
    install="apt-get install -y gawk",
    written="AWK",
    run_command=("{awk}", "-f", "main.awk"),
    hello="""{ for (i = 1; i <= NF; i++) total += $i }
END { print total + 0 }
""",
    samples=Samples(
        wrong="END { print 5 }\n",
        hanging="BEGIN { while (1) {} }\n",
        crashing="BEGIN { exit 3 }\n",
        broken="{ print ( \n",
    ),
)
