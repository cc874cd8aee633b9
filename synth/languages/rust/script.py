"""Script mode of Rust: a guard around `main`, the script's own or that of rustc's test program."""

import re

from synth.languages.spec import Script
from synth.languages.support.scripts import GUARD_C, WRAP_MAIN

_TEST = re.compile(r"^\s*#\[(?:\w+::)*test\]", re.MULTILINE)
_MAIN = re.compile(r"(#\[(?:\w+::)*test\][^{};]*)?\bfn\s+main\s*\(")
"""Group 1: it is a test function of that name, and no `main` of the program."""


def _files(code: str, script: str, mark: str) -> dict[str, str]:
    """A script of test functions is compiled as rustc's own test program, whose `main` ends well if all tests
    passed; a `main` of the program then tests nothing."""
    has_main = any(found[1] is None for found in _MAIN.finditer(script))
    is_tested = _TEST.search(script) is not None and not has_main
    return {
        "main.rs": f"{code}\n{script}\n",
        "guard.c": GUARD_C.replace("MARK", mark),
        "options": "--test\n" if is_tested else "",
    }


SCRIPT = Script(
    files=_files,
    extra_compile_args=("-C", "debug-assertions=on", "-C", f"link-args={WRAP_MAIN} guard.c", "@options"),
)
