"""C by gcc: stdin/stdout programs and scripts; no driver for typed calls yet."""

from synth.languages.scripting import C
from synth.languages.spec import Language

LANGUAGE = Language(
    name="c",
    file_name="main.c",
    tools=("gcc",),
    install="apt-get install -y gcc",
    grammar="c",
    compile_command=(
        "{gcc}",
        "-std=gnu17",
        "-O1",
        "-fwrapv",
        "-ftrivial-auto-var-init=pattern",
        "-w",
        "{linker}",
        "-o",
        "program",
        "main.c",
        "-lm",
    ),
    run_command=("./program",),
    script=C,
    hello="""#include <stdio.h>

int main(void) {
    long long x, total = 0;
    while (scanf("%lld", &x) == 1) total += x;
    printf("%lld", total);
    return 0;
}
""",
)
