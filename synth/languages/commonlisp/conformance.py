"""Programs of Common Lisp that show that its module works, and its controls."""

from synth.languages.conformance import ConformancePrograms, Gold, ScriptPrograms, Stub

GOLD = Gold("(defun solve (xs)\n  (reduce #'+ xs))\n", ("l3 i1 i2 i3",), "i6")
HELLO = """(let ((line (make-string-input-stream (read-line))))
  (format t "~d~%" (loop for number = (read line nil) while number sum number)))
"""
STUBS = (
    Stub(
        head=r"\(defun\s+(?P<name>[^\s()]+)",
        again="(defun NAME (&rest all) (declare (ignore all)) VALUE)",
        untyped=(("0", "7919"), ("nil", "'(7919)"), ('""', '"codemill"')),
    ),
)
SAMPLES = ConformancePrograms(
    wrong="(defun solve (xs) (length xs))\n",
    hanging="(defun solve (xs) (declare (ignore xs)) (loop))\n",
    crashing="(defun solve (xs) (elt xs 99))\n",
    broken="(defun solve (xs) (length xs)\n",
    identity="\n  x)\n",
    mutator="(defun solve (xs k) (nconc xs (list k)))\n",
    honest="(defun solve (x)\n  (+ (* x x) 7))\n",
    script=ScriptPrograms(
        right="(defun twice (x) (+ x x))",
        wrong="(defun twice (x) (* x x x))",
        script="""(assert (= (twice 3) 6))
(assert (= (twice 0) 0))
""",
        leaving=(
            "(sb-ext:exit :code 0)",
            "(defun twice (x) (declare (ignore x)) (sb-ext:exit :code 0 :abort t))",
            (
                "(setf sb-ext:*invoke-debugger-hook* (lambda (c h) (declare (ignore c h)) "
                "(sb-ext:exit :code 0 :abort t)))"
            ),
            "#|",
        ),
    ),
)
