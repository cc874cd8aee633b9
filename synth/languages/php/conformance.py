"""Programs of PHP that show that its module works, and its controls."""

from synth.languages.conformance import PARENTHESES, ConformancePrograms, Controls, Gold, ScriptPrograms, Stub

GOLD = Gold(
    "<?php\nfunction solve(array $xs): int {\n    return array_sum($xs);\n}\n", ("l3 i1 i2 i3",), "i6"
)
HELLO = """<?php
echo array_sum(array_map('intval', preg_split('/ /', trim(stream_get_contents(STDIN))))), PHP_EOL;
"""
CONTROLS = Controls(
    body=" {\n    STATEMENT\n    return VALUE;\n}\n",
    zero={
        "int": "0",
        "float": "0.0",
        "bool": "false",
        "str": "''",
        "list": "[]",
        "map": "[]",
        "tuple": "[]",
        "": "null",
    },
    argument="$x",
    exit="exit(0);",
    shout='echo "PASS\\n";',
    program="<?php STATEMENT",
    part="<?php STATEMENT",
)
STUBS = (
    Stub(
        head=r"\bfunction\s+&?\s*(?P<name>(?!__construct\b)\w+)\s*"
        + PARENTHESES
        + r"\s*(?::\s*(?P<type>\??[\w|\\]+)\s*)?\{",
        early="return VALUE;",
        typed=(
            (r"\??int", "0", "7919"),
            (r"\??float", "0.0", "7919.5"),
            (r"\??bool", "false", "true"),
            (r"\??string", "''", "'codemill'"),
            (r"\??array|iterable", "[]", "[7919]"),
            ("void|never", "", ""),
            (r"\?.*", "null", "null"),
        ),
        untyped=(("0", "7919"), ("''", "'codemill'"), ("[]", "[7919]")),
    ),
)
SAMPLES = ConformancePrograms(
    wrong="<?php\nfunction solve($xs) { return count($xs); }\n",
    hanging="<?php\nfunction solve($xs) { while (true) {} }\n",
    crashing="<?php\nfunction solve($xs) { return intdiv(1, 0); }\n",
    broken="<?php function ( {",
    identity=" {\n    return $x;\n}\n",
    mutator="<?php\nfunction solve(array &$xs, int $k): array { $xs[] = $k; return $xs; }\n",
    honest="<?php\nfunction solve($x) { return $x * $x + 7; }\n",
    script=ScriptPrograms(
        right="""<?php
function twice($x) { return $x + $x; }""",
        wrong="""<?php
function twice($x) { return $x * $x * $x; }""",
        script="""function test(): void { if (twice(3) !== 6) { throw new Exception('assertion failed'); } }
test();
""",
        forms={
            "assert": (
                "<?php\nfunction twice($x) { return $x + $x; }",
                """function check() {
    assert(twice(0) === 0);
    assert(twice(3) === 6, 'three');
}
check();
""",
            ),
            "assert after a page": (
                "<?php\nfunction twice($x) { return $x + $x; }\n?>\n",
                """<?php assert(twice(3) === 6);
""",
            ),
            "assert that the program switches off": (
                "<?php\nini_set('zend.assertions', '0');\nfunction twice($x) { return $x + $x; }",
                """assert(twice(3) === 6);
""",
            ),
        },
        leaving=(
            "<?php exit(0);",
            "<?php function twice($x) { exit(0); }",
            "<?php return; ?>",
            "<?php __halt_compiler();",
            "<?php set_exception_handler(function () {}); throw new Exception;",
        ),
    ),
)
