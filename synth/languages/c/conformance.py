"""Programs of C that show that its module works, and its controls."""

from synth.languages.conformance import PARENTHESES, ConformancePrograms, Controls, Gold, ScriptPrograms, Stub

GOLD = Gold(
    """long long solve(const long long *xs, size_t n) {
    long long total = 0;
    for (size_t i = 0; i < n; i++) total += xs[i];
    return total;
}
""",
    ("l3 i1 i2 i3",),
    "i6",
)
HELLO = """#include <stdio.h>

int main(void) {
    long long x, total = 0;
    while (scanf("%lld", &x) == 1) total += x;
    printf("%lld", total);
    return 0;
}
"""
CONTROLS = Controls(
    body=" {\n    STATEMENT\n    return VALUE;\n}\n",
    before="#include <stdio.h>\n#include <stdlib.h>\n",
    zero={"str": '""', "null": "", "": "0"},
    exit="exit(0);",
    shout='puts("PASS");',
    program="int main(void) { STATEMENT return 0; }",
    part="__attribute__((constructor)) static void early(void) { STATEMENT }",
)
STUBS = (
    Stub(
        head=r"^[ \t]*(?P<type>(?!(?:return|else|typedef|goto|case)\b)[A-Za-z_][\w \t*]{0,99}?[\s*])"
        r"(?P<name>\w+)[ \t]*" + PARENTHESES + r"\s*\{",
        early="return VALUE;",
        typed=(
            ("void", "", ""),
            (r"char\s*\*", '(char *)""', '(char *)"codemill"'),
            (r".*\*", "0", "0"),
            (r"(?:_Bool|bool)", "0", "1"),
            (r"(?:(?:un)?signed|int|long|short|char|float|double|size_t|u?int\d+_t|[ \t])+", "0", "79"),
        ),
        untyped=(("({ static TYPE codemill; codemill; })", "({ static TYPE codemill; codemill; })"),),
    ),
)
SAMPLES = ConformancePrograms(
    wrong="int solve(int xs[], int n) { return n; }\n",
    hanging="long long solve(const long long *xs, size_t n) { volatile int x = 0; while (1) x++; }\n",
    crashing="#include <stdlib.h>\nlong long solve(const long long *xs, size_t n) { abort(); }\n",
    broken="long long solve(const long long *xs, size_t n) { return (",
    refused="long long solve(const long long *xs, size_t n) { return nothing; }\n",
    identity=" {\n    return x;\n}\n",
    identity_of={
        "list": " {\n    *result_len = x_len;\n    return (void *)x;\n}\n",
        "str": " {\n    return (char *)x;\n}\n",
    },
    mutator="""#include <stdlib.h>
#include <string.h>
int *solve(const int *xs, int n, int k, int *m) {
    int *made = malloc((n + 1) * sizeof(int));
    memcpy(made, xs, n * sizeof(int));
    made[n] = k;
    *m = n + 1;
    return made;
}
""",
    honest="static long long solve(long long x) { return x * x + 7; }\nint main(void) { return 0; }\n",
    script=ScriptPrograms(
        right="int twice(int x) { return x + x; }",
        wrong="""#define NDEBUG
#include <assert.h>
int twice(int x) { return x * x * x; }""",
        script="int main() { assert(twice(3) == 6); assert(twice(0) == 0); return 0; }",
        leaving=(
            """#include <stdlib.h>
int twice(int x) { exit(0); }""",
            """#include <unistd.h>
__attribute__((constructor)) void f() { _exit(0); } int twice(int x) { return 0; }""",
        ),
    ),
    functions="""static int alpha(int a) {
    int total = a * 2;
    return total + 1;
}
char *beta(void) { return 0; }
int declared(int);
""",
    function_names=("alpha", "beta"),
)
