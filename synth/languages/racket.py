"""Racket: called by drivers/racket_driver.rkt; lists and tuples are lists, maps are immutable hashes."""

from synth.languages.spec import Driver, Gold, Language, Samples, Script, parameter_names, read_driver
from synth.values import Signature


def render_signature(entry_point: str, names: tuple[str, ...], signature: Signature) -> str:
    """`(define (solve xs k)`."""
    return f"(define ({' '.join([entry_point, *parameter_names(names, signature)])})"


def _files(code: str, entry_point: str, signature: Signature) -> dict[str, str]:
    solution = code if "#lang" in code or "(module " in code else f"#lang racket {code}"
    return {"solution.rkt": solution, "driver.rkt": read_driver("racket_driver.rkt")}


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
"""What is around the script: it runs its submodules too, and asks rackunit, whose failed checks end nothing."""


def _script(code: str, script: str, mark: str) -> dict[str, str]:
    text = f"{code}\n{script}\n"
    return {"main.rkt": text if "#lang" in code else f"#lang racket {text}", "guard.rkt": _GUARD.replace("MARK", mark)}


LANGUAGE = Language(
    name="racket",
    aliases=("rkt",),
    file_name="main.rkt",
    tools=("racket",),
    install="apt-get install -y racket",
    grammar="racket",
    paths=("/etc/racket",),
    run_command=("{racket}", "main.rkt"),
    runtime_mb=256,
    data_limit=False,
    driver=Driver(
        files=_files,
        run_command=("{racket}", "driver.rkt"),
        lacks=frozenset({"lone surrogates"}),
        big_integers=True,
        slow=True,
    ),
    script=Script(files=_script, run_command=("{racket}", "guard.rkt")),
    render_signature=render_signature,
    gold=Gold("#lang racket\n\n(define (solve xs)\n  (apply + xs))\n", ("l3 i1 i2 i3",), "i6"),
    hello="""#lang racket/base
(require racket/string)
(displayln (apply + (map string->number (string-split (read-line)))))
""",
    samples=Samples(
        wrong="(define (solve xs) (length xs))\n",
        hanging="(define (solve xs) (let loop () (loop)))\n",
        crashing="(define (solve xs) (list-ref xs 99))\n",
        broken="#lang racket\n(define (solve xs) (length xs)\n",
        identity="\n  x)\n",
        mutator="(define (solve xs k) (append xs (list k)))\n",
        honest="#lang racket\n(define (solve x) (+ (* x x) 7))\n(module+ main (exit 1))\n",
        cheats={
            "an empty stub": "(define (solve x) (void))",
            "exit zero": "(exit 0)",
            "exit zero when called": "(define (solve x) (exit 0))",
            "a handler of exits": "(exit-handler (lambda (code) (void)))\n(define (solve x) (exit 0))",
            "equal to everything": "(struct e () #:property prop:equal+hash (list (lambda (a b c) #t) (lambda (a c) 0) (lambda (a c) 0)))\n"
            "(define (solve x) (e))",
            "forged lines": "(require ffi/unsafe/port)\n(define c (unsafe-file-descriptor->port 3 'c '(write)))\n"
            '(for ([n 6]) (fprintf c "NONCE ~a returned i0\\n" n))\n(fprintf c "NONCE finished\\n")\n(flush-output c)\n(exit 0)',
            "an exception that lies": '(define (solve x) (raise "returned i8"))',
            "a float that is equal": "(define (solve x) (exact->inexact (+ (* x x) 7)))",
            "a string that looks right": "(define (solve x) (number->string (+ (* x x) 7)))",
        },
    ),
)
