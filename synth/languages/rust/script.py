"""Script mode of Rust: a guard around `main`, and a `main` for scripts of test functions."""

import re

from synth.languages.spec import Script
from synth.languages.support.declarations import enclosing
from synth.languages.support.scripts import GUARD_C, WRAP_MAIN

_TEST = re.compile(r"#\[test\]\s*(?:pub\s+)?fn\s+(\w+)")


def _files(code: str, script: str, mark: str) -> dict[str, str]:
    """Where the script has test functions and no `main`, a `main` calls them."""
    text = f"{code}\n{script}\n"
    tests = list(_TEST.finditer(text))
    if tests and not re.search(r"\bfn\s+main\s*\(", text):
        modules = [enclosing(text, r"\bmod\s+(\w+)\s*(?=\{)", test.start()) for test in tests]
        calls = "".join(
            f"{f'{module}::' if module else ''}{test[1]}(); "
            for module, test in zip(modules, tests, strict=True)
        )
        text = _TEST.sub(r"pub fn \1", text).replace("#[cfg(test)]", "") + f"fn main() {{ {calls}}}\n"
    return {"main.rs": text, "guard.c": GUARD_C.replace("MARK", mark)}


SCRIPT = Script(files=_files, extra_compile_args=("-C", f"link-args={WRAP_MAIN} guard.c"))
