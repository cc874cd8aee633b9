"""Racket: called by racket/driver.rkt; lists and tuples are lists, maps are immutable hashes."""

from synth.languages.racket.conformance import GOLD, HELLO, SAMPLES, STUBS
from synth.languages.spec import Driver, FailureWords, Language, Script, parameter_names
from synth.languages.support.sources import read_source
from synth.values import Signature


def render_signature(entry_point: str, names: tuple[str, ...], signature: Signature) -> str:
    """`(define (solve xs k)`."""
    return f"(define ({' '.join([entry_point, *parameter_names(names, signature)])})"


def _files(code: str, entry_point: str, signature: Signature) -> dict[str, str]:
    solution = code if "#lang" in code or "(module " in code else f"#lang racket {code}"
    return {"solution.rkt": solution, "driver.rkt": read_source("racket/driver.rkt")}


_GUARD = """#lang racket/base
(require ffi/unsafe/port)
(define program (build-path (current-directory) "main.rkt"))
(dynamic-require program #f)
(for ([part '(main test)])
  (define name (list 'submod program part))
  (when (module-declared? name #t) (dynamic-require name #f)))
(define failed (if (module-declared? 'rackunit/log #f) (car ((dynamic-require 'rackunit/log 'test-log))) 0))
(unless (zero? failed) (exit 1))
(define channel (unsafe-file-descriptor->port 3 'channel '(write)))
(write-string MARK channel)
(flush-output channel)
"""
"""Wraps the script: also runs its submodules, and queries rackunit, whose failed checks do not
end the process."""


def _script(code: str, script: str, mark: str) -> dict[str, str]:
    text = f"{code}\n{script}\n"
    return {
        "main.rkt": text if "#lang" in code else f"#lang racket {text}",
        "guard.rkt": _GUARD.replace("MARK", mark),
    }


LANGUAGE = Language(
    name="racket",
    aliases=("rkt",),
    file_name="main.rkt",
    tools=("racket",),
    install="apt-get install -y racket",
    paths=("/etc/racket",),
    run_command=("{racket}", "main.rkt"),
    runtime_mb=256,
    data_limit=False,
    driver=Driver(
        files=_files,
        run_command=("{racket}", "driver.rkt"),
        unsupported_values=frozenset({"lone surrogates"}),
        big_integers=True,
        slow=True,
    ),
    script=Script(files=_script, run_command=("{racket}", "guard.rkt")),
    render_signature=render_signature,
    failures=FailureWords(assertion=("^FAILURE$",), uncaught=(r"^\s+context\.\.\.:$",)),
    gold=GOLD,
    hello=HELLO,
    stubs=STUBS,
    samples=SAMPLES,
)
