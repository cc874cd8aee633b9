"""Clojure: called by clojure/driver.clj; lists and tuples are vectors."""

from dataclasses import replace

from synth.languages.clojure.conformance import GOLD, HELLO, SAMPLES, STUBS
from synth.languages.spec import Driver, Language, Script, parameter_names
from synth.languages.support.jvm import FAILURES, JARS, RUN, RUNTIME_STACK_MB
from synth.languages.support.sources import read_source
from synth.values import Signature


def render_signature(entry_point: str, names: tuple[str, ...], signature: Signature) -> str:
    """`(defn solve [xs k]`."""
    return f"(defn {entry_point} [{' '.join(parameter_names(names, signature))}]"


def _files(code: str, entry_point: str, signature: Signature) -> dict[str, str]:
    return {"solution.clj": code, "driver.clj": read_source("clojure/driver.clj")}


_JARS = ":".join(f"{JARS}/{name}.jar" for name in ("clojure", "spec.alpha", "core.specs.alpha"))
_RUN = (*RUN, "-cp", _JARS, "clojure.main")

_COUNTED = (
    "(require 'clojure.test) (def codemill-failed (atom 0)) (alter-var-root #'clojure.test/do-report "
    "(fn [report] "
    "(fn [m] (when (#{:fail :error} (:type m)) (swap! codemill-failed inc)) (report m))))\n"
)
_END = """
(in-ns 'user)
(when (and (resolve 'user/codemill-failed) (pos? @(var-get (resolve 'user/codemill-failed)))) (System/exit 1))
(let [field (doto (.getDeclaredField sun.misc.Unsafe "theUnsafe") (.setAccessible true))
      ^sun.misc.Unsafe unsafe (.get field nil)
      channel (java.io.FileDescriptor.)]
  (.putInt unsafe channel
           (long (.objectFieldOffset unsafe (.getDeclaredField java.io.FileDescriptor "fd"))) (int 3))
  (.write (java.io.FileOutputStream. channel) (.getBytes MARK "US-ASCII")))
"""


def _script(code: str, script: str, mark: str) -> dict[str, str]:
    """Failed tests of clojure.test do not end the process, so they are counted."""
    text = f"{code}\n{script}\n"
    return {"main.clj": f"{_COUNTED if 'clojure.test' in text else ''}{text}{_END.replace('MARK', mark)}"}


LANGUAGE = Language(
    name="clojure",
    aliases=("clj",),
    file_name="main.clj",
    tools=("clojure", "java"),
    version_arguments=("-e", "(clojure-version)"),
    install="apt-get install -y clojure default-jdk-headless",
    run_command=(*_RUN, "main.clj"),
    runtime_mb=256,
    runtime_threads=32,
    runtime_stack_mb=RUNTIME_STACK_MB,
    data_limit=False,
    script=Script(files=_script),
    driver=Driver(files=_files, run_command=(*_RUN, "driver.clj"), big_integers=True, slow=True),
    render_signature=render_signature,
    failures=replace(FAILURES, assertion=(*FAILURES.assertion, "^FAIL in ")),
    gold=GOLD,
    hello=HELLO,
    stubs=STUBS,
    samples=SAMPLES,
)
