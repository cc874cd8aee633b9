"""Emacs Lisp in batch mode: stdin/stdout programs."""

from synth.languages.conformance import ConformancePrograms, ScriptPrograms, Stub
from synth.languages.spec import Language, Script
from synth.languages.support.scripts import appended

LANGUAGE = Language(
    name="elisp",
    aliases=("emacs lisp", "emacs-lisp", "emacs"),
    file_name="main.el",
    tools=("emacs",),
    install="apt-get install -y emacs-nox",
    display_name="Emacs Lisp",
    run_command=("{emacs}", "--batch", "--quick", "--script", "main.el"),
    paths=("/etc/emacs",),
    runtime_mb=128,
    runtime_threads=4,
    data_limit=False,
    script=Script(
        files=appended(
            "main.el", '(call-process "/bin/sh" nil nil nil "-c" (concat "printf \'" MARK "\' >&3"))'
        )
    ),
    hello="""(princ (apply #'+ (mapcar #'string-to-number (split-string (read-string "")))))
(terpri)
""",
    stubs=(
        Stub(
            head=r"\(defun\s+(?P<name>[^\s()]+)",
            again="(defun NAME (&rest _) VALUE)",
            untyped=(("0", "7919"), ("nil", "'(7919)"), ('""', '"codemill"')),
        ),
    ),
    samples=ConformancePrograms(
        wrong="(princ 5)\n",
        hanging="(while t)\n",
        crashing='(error "no")\n',
        broken="(princ (5)\n",
        script=ScriptPrograms(
            right="(defun twice (x) (+ x x))",
            wrong="(defun twice (x) (* x x x))",
            script="""(require 'cl-lib)
(cl-assert (= (twice 3) 6))
""",
            leaving=(
                "(kill-emacs 0)",
                "(defun twice (x) (kill-emacs 0))",
                '(princ "',
            ),
        ),
    ),
)
