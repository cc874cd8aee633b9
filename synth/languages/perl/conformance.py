"""Programs of Perl that show that its module works, and its controls."""

from synth.languages.conformance import ConformancePrograms, Controls, Gold, ScriptPrograms, Stub

GOLD = Gold(
    "sub solve {\n    my ($xs) = @_;\n    my $n = 0;\n    $n += $_ for @$xs;\n    return $n;\n}\n",
    ("l3 i1 i2 i3",),
    "i6",
)
HELLO = """use strict;
my $total = 0;
$total += $_ for map { split } <STDIN>;
print $total, qq(
);
"""
CONTROLS = Controls(
    body="\n    STATEMENT\n    return VALUE;\n}\n",
    zero={
        "int": "0",
        "float": "0",
        "bool": "0",
        "str": "''",
        "list": "[]",
        "map": "{}",
        "tuple": "[]",
        "": "undef",
    },
    nothing="undef",
    argument="$x",
    exit="exit(0);",
    shout='print "PASS\\n";',
)
STUBS = (
    Stub(
        head=r"\bsub\s+(?P<name>(?!new\b)\w+)\s*(?:\([^()]*\)\s*)?\{",
        early="return VALUE;",
        untyped=(("0", "7919"), ("''", "'codemill'"), ("[]", "[7919]")),
    ),
)
SAMPLES = ConformancePrograms(
    wrong="sub solve { my ($xs) = @_; return scalar @$xs; }\n",
    hanging="sub solve { while (1) {} }\n",
    crashing="sub solve { die 'no' }\n",
    broken="sub solve { ( ",
    identity="\n    return $x;\n}\n",
    mutator="sub solve { my ($xs, $k) = @_; push @$xs, $k; return $xs; }\n",
    honest="sub solve { my ($x) = @_; return $x * $x + 7; }\n",
    script=ScriptPrograms(
        right="sub twice { return $_[0] + $_[0] }",
        wrong="sub twice { return $_[0] ** 3 }",
        script="if (twice(3) == 6) { print 'ok!' } else { die 'assertion failed' }\n",
        forms={
            "Test::More": (
                "sub twice { return $_[0] + $_[0] }",
                """use Test::More;
is(twice(3), 6, 'three');
ok(twice(0) == 0);
done_testing();
""",
            ),
            "Test::More with a plan": (
                "sub twice { return $_[0] + $_[0] }",
                """use Test::More tests => 1;
is_deeply([twice(3)], [6]);
""",
            ),
        },
        leaving=(
            "exit 0;",
            "sub twice { exit 0 }",
            "__END__",
            "$SIG{__DIE__} = sub { exit 0 }; die;",
        ),
    ),
)
