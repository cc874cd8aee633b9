"""Programs of Racket that show that its module works, and its controls."""

from synth.languages.conformance import ConformancePrograms, Gold, ScriptPrograms, Stub

GOLD = Gold("#lang racket\n\n(define (solve xs)\n  (apply + xs))\n", ("l3 i1 i2 i3",), "i6")
HELLO = """#lang racket/base
(require racket/string)
(displayln (apply + (map string->number (string-split (read-line)))))
"""
STUBS = (
    Stub(
        head=r"^(?=\(define\s+\((?P<name>[^\s()]+)[\s)])",
        early="(define (NAME . codemill) VALUE) #;",
        untyped=(("0", "7919"), ('""', '"codemill"'), ("'()", "'(7919)")),
    ),
)
SAMPLES = ConformancePrograms(
    wrong="(define (solve xs) (length xs))\n",
    hanging="(define (solve xs) (let loop () (loop)))\n",
    crashing="(define (solve xs) (list-ref xs 99))\n",
    broken="#lang racket\n(define (solve xs) (length xs)\n",
    identity="\n  x)\n",
    mutator="(define (solve xs k) (append xs (list k)))\n",
    honest="#lang racket\n(define (solve x) (+ (* x x) 7))\n(module+ main (exit 1))\n",
    script=ScriptPrograms(
        right="""#lang racket
(define (twice x) (+ x x))
""",
        wrong="""#lang racket
(define (twice x) (* x x x))
""",
        script="""(require rackunit)
(check-equal? (twice 0) 0)
(module+ test
  (check-equal? (twice 3) 6))
""",
        leaving=(
            """#lang racket
(exit 0)
""",
            """#lang racket
(define (twice x) (exit 0))
""",
            """#lang racket
(exit-handler void)
(exit 1)
""",
            """#lang racket
#|
""",
        ),
    ),
)
