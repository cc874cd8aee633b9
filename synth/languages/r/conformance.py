"""Programs of R that show that its module works, and its controls."""

from synth.languages.conformance import PARENTHESES, ConformancePrograms, ScriptPrograms, Stub

HELLO = """numbers <- scan(file("stdin"), quiet = TRUE)
cat(sum(numbers), "\\n")
"""
STUBS = (
    Stub(
        head=r"(?P<name>[\w.]+)\s*(?:<-|=)\s*function\s*" + PARENTHESES + r"\s*\{",
        early="return(VALUE);",
        untyped=(("0", "7919"), ("''", "'codemill'"), ("c()", "c(7919, 7919)")),
    ),
    Stub(
        head=r"(?P<name>[\w.]+)\s*(?:<-|=)\s*function\s*" + PARENTHESES + r"(?!\s*\{)",
        early=" if (TRUE) VALUE else",
        untyped=(("0", "7919"), ("''", "'codemill'"), ("c()", "c(7919, 7919)")),
    ),
)
SAMPLES = ConformancePrograms(
    wrong="cat(5)\n",
    hanging="while (TRUE) {}\n",
    crashing='stop("no")\n',
    broken="cat(5\n",
    script=ScriptPrograms(
        right="twice <- function(x) x + x",
        wrong="twice <- function(x) x^3",
        script="if (!identical(twice(3), 6)) stop('assertion failed')\n",
        leaving=(
            "quit(status = 0)",
            "twice <- function(x) quit(save = 'no', status = 0)",
            """options(error = quote(quit(status = 0)))
stop('no')""",
        ),
    ),
)
