"""COBOL by GnuCOBOL: stdin/stdout programs in free format."""

from synth.languages.spec import Language, Samples

LANGUAGE = Language(
    name="cobol",
    file_name="main.cob",
    tools=("cobc", "gcc"),
    install="apt-get install -y gnucobol3",
    written="COBOL",
    paths=("/etc/gnucobol",),
    compile_command=("{cobc}", "-x", "-free", "-w", "-o", "program", "main.cob"),
    run_command=("./program",),
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
    samples=Samples(
        wrong='identification division.\nprogram-id. total.\nprocedure division.\n    display "5"\n    stop run.\n',
        hanging="identification division.\nprogram-id. total.\nprocedure division.\n    perform until 1 = 2\n"
        "        continue\n    end-perform\n    stop run.\n",
        crashing="identification division.\nprogram-id. total.\nprocedure division.\n    stop run 3.\n",
        broken="identification division.\nprogram-id. total.\nprocedure division.\n    display (\n",
        refused="identification division.\nprogram-id. total.\nprocedure division.\n    display nothing\n    stop run.\n",
    ),
)
