"""Perl: stdin/stdout programs and scripts; no driver for typed calls yet."""

from synth.languages.scripting import PERL
from synth.languages.spec import Language

LANGUAGE = Language(
    name="perl",
    aliases=("pl",),
    file_name="main.pl",
    tools=("perl",),
    install="apt-get install -y perl",
    grammar="perl",
    run_command=("{perl}", "main.pl"),
    script=PERL,
    hello="""use strict;
my $total = 0;
$total += $_ for map { split } <STDIN>;
print $total, qq(
);
""",
)
