"""Packages of Rust: crates that cargo compiled from Debian's sources, named to rustc.

Place in the flow: stated by the language; planning asks `lacking`. The one rule: a text names a crate by
`use`, `extern crate` or a path, outside of comments and texts; its own modules are no crates.
"""

import re
from pathlib import Path
from typing import Final

from synth.languages.package_use import ImportQuestion, PackageUse

_EXTERNS: Final = "externs"
_NO_CODE: Final = re.compile(r"//[^\n]*|/\*.*?\*/|\"(?:\\.|[^\"\\])*\"", re.DOTALL)
_EXTERN: Final = re.compile(r"\bextern\s+crate\s+(\w+)")
_USE: Final = re.compile(r"^[ \t]*(?:pub[ \t]+)?use[ \t]+(?:::)?(\w+)[ \t]*(?:::|;|as\b)", re.MULTILINE)
_PATH: Final = re.compile(r"(?<![\w:.])(?:::)?([a-z]\w*)::")
_OWN: Final = re.compile(r"\bmod\s+(\w+)")
_SYSROOT: Final = frozenset({"std", "core", "alloc", "proc_macro", "test", "self"})


def _compile_words(folder: str) -> tuple[str, ...]:
    """Each crate by its name, and where those lie that they need."""
    links = sorted(Path(folder, _EXTERNS).iterdir())
    named = [word for link in links for word in ("--extern", f"{link.name}={link.resolve()}")]
    return (*named, "-L", f"dependency={folder}/libraries")


def lacking(question: ImportQuestion) -> tuple[str, ...]:
    """The crates that a text names and nobody has: known ones, and any that the tests call external."""
    code, script = (_NO_CODE.sub('""', text) for text in (question.code, question.script))
    both = f"{code}\n{script}"
    named = {name for pattern in (_EXTERN, _USE, _PATH) for name in pattern.findall(both)}
    missing = (named & question.known.keys()) | set(_EXTERN.findall(script))
    return tuple(sorted(missing - question.present - set(_OWN.findall(both)) - _SYSROOT))


PACKAGES: Final = PackageUse(
    manager="debian",
    lacking=lacking,
    debian_names=("librust-{name}-dev", "{name}"),
    place=_EXTERNS,
    compile_script="rust/packages.sh",
    compile_tools=("rustc", "cargo"),
    compile_words=_compile_words,
)
