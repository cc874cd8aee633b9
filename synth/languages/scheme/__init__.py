"""Scheme by Guile: called by scheme/driver.scm; lists and tuples are lists, maps are association
lists."""

from synth.languages.scheme.conformance import GOLD, HELLO, SAMPLES, STUBS
from synth.languages.spec import Driver, FailureWords, Language, Script, parameter_names
from synth.languages.support.scripts import appended
from synth.languages.support.sources import read_source
from synth.values import Signature


def render_signature(entry_point: str, names: tuple[str, ...], signature: Signature) -> str:
    """`(define (solve xs k)`."""
    return f"(define ({' '.join([entry_point, *parameter_names(names, signature)])})"


def _files(code: str, entry_point: str, signature: Signature) -> dict[str, str]:
    return {"solution.scm": code, "driver.scm": read_source("scheme/driver.scm")}


_RUN = ("{guile}", "--no-auto-compile", "-s")

LANGUAGE = Language(
    name="scheme",
    aliases=("guile", "scm"),
    file_name="main.scm",
    tools=("guile",),
    install="apt-get install -y guile-3.0",
    run_command=(*_RUN, "main.scm"),
    environment={"GUILE_AUTO_COMPILE": "0", "GC_MARKERS": "1"},
    runtime_mb=64,
    runtime_threads=8,
    data_limit=False,
    driver=Driver(
        files=_files,
        run_command=(*_RUN, "driver.scm"),
        unsupported_values=frozenset({"lone surrogates"}),
        big_integers=True,
        slow=True,
    ),
    script=Script(files=appended("main.scm", '(let ((c (fdopen 3 "w"))) (display MARK c) (force-output c))')),
    render_signature=render_signature,
    failures=FailureWords(uncaught=("^Backtrace:$",)),
    gold=GOLD,
    hello=HELLO,
    stubs=STUBS,
    samples=SAMPLES,
)
