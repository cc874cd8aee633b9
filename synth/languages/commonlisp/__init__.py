"""Common Lisp by SBCL: called by commonlisp/driver.lisp; lists and tuples are lists, maps are hash
tables, NIL is false."""

from synth.languages.commonlisp.conformance import GOLD, HELLO, SAMPLES, STUBS
from synth.languages.spec import Driver, FailureWords, Language, Script, Zygote, parameter_names
from synth.languages.support.sources import read_source
from synth.values import Signature


def render_signature(entry_point: str, names: tuple[str, ...], signature: Signature) -> str:
    """`(defun solve (xs k)`."""
    return f"(defun {entry_point} ({' '.join(parameter_names(names, signature))})"


def _files(code: str, entry_point: str, signature: Signature) -> dict[str, str]:
    return {"solution.lisp": code, "driver.lisp": read_source("commonlisp/driver.lisp")}


_ZYGOTE = read_source("commonlisp/zygote.lisp")
_RUN = ("{sbcl}", "--dynamic-space-size", "{heap_mb}MB", "--control-stack-size", "{stack_mb}MB", "--script")
_MARK = (
    "(let ((c (sb-sys:make-fd-stream 3 :output t :buffering :full))) (write-string MARK c) (finish-output c))"
)


def _script(code: str, script: str, mark: str) -> dict[str, str]:
    """Its strings have no escapes: new lines are written literally."""
    plain = mark.replace("\\n", "\n")
    return {"main.lisp": f"{code}\n{script}\n{_MARK.replace('MARK', plain)}\n"}


LANGUAGE = Language(
    name="commonlisp",
    aliases=("lisp", "sbcl", "common lisp", "cl"),
    file_name="main.lisp",
    tools=("sbcl",),
    install="apt-get install -y sbcl",
    grammar="commonlisp",
    display_name="Common Lisp",
    run_command=(*_RUN, "main.lisp"),
    runtime_mb=128,
    runtime_threads=4,
    runtime_stack_mb=56,
    data_limit=False,
    driver=Driver(files=_files, run_command=(*_RUN, "driver.lisp"), big_integers=True),
    zygote=Zygote(
        {"main.lisp": _ZYGOTE, "zygote.lisp": _ZYGOTE, "driver.lisp": read_source("commonlisp/driver.lisp")},
        serves_itself=True,
    ),
    script=Script(files=_script),
    render_signature=render_signature,
    failures=FailureWords(
        out_of_memory=("HEAP-EXHAUSTED-ERROR",),
        fatal_out_of_memory=("Heap exhausted",),
        uncaught=(r"^Unhandled \S+ in thread ",),
    ),
    gold=GOLD,
    hello=HELLO,
    stubs=STUBS,
    samples=SAMPLES,
)
