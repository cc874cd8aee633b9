"""Perl: called by perl/driver.pl; lists and tuples are array references, maps are hash references,
booleans are 1 and 0."""

from synth.languages.spec import (
    ConformancePrograms,
    Driver,
    Gold,
    Language,
    UnsupportedType,
    Zygote,
    parameter_names,
    read_driver,
)
from synth.languages.support import controls
from synth.languages.support.scripting import PERL
from synth.values import Signature, ValueType


def render_signature(entry_point: str, names: tuple[str, ...], signature: Signature) -> str:
    """`sub solve {` with a line that names the parameters."""
    written = ", ".join(f"${name}" for name in parameter_names(names, signature))
    return f"sub {entry_point} {{\n    my ({written}) = @_;"


def _check_keys(kind: ValueType) -> None:
    if kind.kind == "map" and kind.inner[0].kind not in ("int", "str", "any"):
        raise UnsupportedType(f"a Perl hash has no {kind.inner[0]} keys")
    for inner in kind.inner:
        _check_keys(inner)


def _files(code: str, entry_point: str, signature: Signature) -> dict[str, str]:
    for kind in (*signature.parameters, signature.result):
        _check_keys(kind)
    return {"solution.pl": code, "driver.pl": read_driver("perl/driver.pl")}


LANGUAGE = Language(
    name="perl",
    aliases=("pl",),
    file_name="main.pl",
    tools=("perl",),
    install="apt-get install -y perl",
    grammar="perl",
    environment={"PERL_HASH_SEED": "0", "PERL_PERTURB_KEYS": "0"},
    run_command=("{perl}", "main.pl"),
    driver=Driver(files=_files, run_command=("{perl}", "driver.pl")),
    zygote=Zygote(
        files={"driver.pl": read_driver("perl/driver.pl")}, opened_files={"driver.pl": "solution.pl"}
    ),
    script=PERL,
    render_signature=render_signature,
    gold=Gold(
        "sub solve {\n    my ($xs) = @_;\n    my $n = 0;\n    $n += $_ for @$xs;\n    return $n;\n}\n",
        ("l3 i1 i2 i3",),
        "i6",
    ),
    controls=controls.PERL,
    hello="""use strict;
my $total = 0;
$total += $_ for map { split } <STDIN>;
print $total, qq(
);
""",
    samples=ConformancePrograms(
        wrong="sub solve { my ($xs) = @_; return scalar @$xs; }\n",
        hanging="sub solve { while (1) {} }\n",
        crashing="sub solve { die 'no' }\n",
        broken="sub solve { ( ",
        identity="\n    return $x;\n}\n",
        mutator="sub solve { my ($xs, $k) = @_; push @$xs, $k; return $xs; }\n",
        honest="sub solve { my ($x) = @_; return $x * $x + 7; }\n",
    ),
)
