"""Emacs Lisp in batch mode: stdin/stdout programs."""

from synth.languages.conformance import ConformancePrograms, ScriptPrograms, Stub
from synth.languages.spec import Language, Script
from synth.languages.support.scripts import without_exit

_END = """(when (featurep 'ert)
  (when (> (ert-stats-completed-unexpected (ert-run-tests-batch)) 0)
    (message "assertion failed: see ert") (kill-emacs 1)))
(call-process "/bin/sh" nil nil nil "-c" (concat "printf '" MARK "' >&3"))
"""


def _script(code: str, script: str, mark: str) -> dict[str, str]:
    """Tests of ert are defined by the script and run here."""
    script = without_exit(script, r"\(ert-run-tests-batch-and-exit[^()]*\)")
    return {"main.el": f"{code}\n{script}\n{_END.replace('MARK', mark)}"}


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
    script=Script(files=_script),
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
            forms={
                "ert": (
                    "(defun twice (x) (funcall (quote + ) x x))",
                    """(require 'ert)
(ert-deftest twice-three () (should (= (twice 3) 6)))
""",
                ),
                "ert with its exit": (
                    "(defun twice (x) (funcall (quote + ) x x))",
                    """(require 'ert)
(ert-deftest twice-three () (should (equal (twice 3) 6)))
(ert-run-tests-batch-and-exit)
""",
                ),
            },
        ),
    ),
)
