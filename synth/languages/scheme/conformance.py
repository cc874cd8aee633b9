"""Programs of Scheme that show that its module works, and its controls."""

from synth.languages.conformance import ConformancePrograms, Gold, ScriptPrograms, Stub

GOLD = Gold("(define (solve xs)\n  (apply + xs))\n", ("l3 i1 i2 i3",), "i6")
HELLO = """(use-modules (ice-9 rdelim))
(display (apply + (map string->number (string-tokenize (read-line)))))
(newline)
"""
STUBS = (
    Stub(
        head=r"^\(define\s+\(?(?P<name>[^\s()]+)(?=[ \t)]|\s+\(lambda)",
        again="(define (NAME . _) VALUE)",
        untyped=(("0", "7919"), ('""', '"codemill"'), ("'()", "'(7919)")),
    ),
)
SAMPLES = ConformancePrograms(
    wrong="(define (solve xs) (length xs))\n",
    hanging="(define (solve xs) (let loop () (loop)))\n",
    crashing="(define (solve xs) (list-ref xs 99))\n",
    broken="(define (solve xs) (length xs)\n",
    identity="\n  x)\n",
    mutator="(define (solve xs k) (append xs (list k)))\n",
    honest="(define (solve x) (+ (* x x) 7))\n",
    script=ScriptPrograms(
        right="(define (twice x) (+ x x))",
        wrong="(define (twice x) (* x x x))",
        script='(if (not (= (twice 3) 6)) (error "assertion failed" (twice 3)))\n',
        leaving=(
            "(exit 0)",
            "(define (twice x) (primitive-_exit 0))",
            "#|",
            """(define (error . words) (exit 0))
(define (twice x) 0)""",
        ),
    ),
)
