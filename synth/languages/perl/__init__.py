"""Perl: called by perl/driver.pl; lists and tuples are array references, maps are hash references,
booleans are 1 and 0."""

from synth.languages.perl.conformance import CONTROLS, GOLD, HELLO, SAMPLES, STUBS
from synth.languages.spec import (
    Driver,
    FailureWords,
    Language,
    Script,
    Zygote,
    parameter_names,
)
from synth.languages.support.composing import check_keys
from synth.languages.support.scripts import appended
from synth.languages.support.sources import read_source
from synth.values import Signature


def render_signature(entry_point: str, names: tuple[str, ...], signature: Signature) -> str:
    """`sub solve {` with a line that names the parameters."""
    written = ", ".join(f"${name}" for name in parameter_names(names, signature))
    return f"sub {entry_point} {{\n    my ({written}) = @_;"


def _files(code: str, entry_point: str, signature: Signature) -> dict[str, str]:
    check_keys(signature, "a Perl hash")
    return {"solution.pl": code, "driver.pl": read_source("perl/driver.pl")}


_MARK = ';open(my $codemill, ">&=", 3) or die $!; print {$codemill} MARK; close($codemill);'

LANGUAGE = Language(
    name="perl",
    aliases=("pl",),
    file_name="main.pl",
    tools=("perl",),
    install="apt-get install -y perl",
    grammar="perl",
    environment={"PERL_PERTURB_KEYS": "0"},
    hash_seed="PERL_HASH_SEED",
    comment_signs=("#",),
    run_command=("{perl}", "main.pl"),
    driver=Driver(files=_files, run_command=("{perl}", "driver.pl")),
    zygote=Zygote(
        files={"driver.pl": read_source("perl/driver.pl")}, opened_files={"driver.pl": "solution.pl"}
    ),
    script=Script(files=appended("main.pl", _MARK)),
    render_signature=render_signature,
    failures=FailureWords(fatal_out_of_memory=("Out of memory",)),
    gold=GOLD,
    hello=HELLO,
    controls=CONTROLS,
    stubs=STUBS,
    samples=SAMPLES,
)
