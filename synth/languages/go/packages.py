"""Packages of Go: archives made of Debian's sources, named to the compiler and the linker beside the standard
library's.

Place in the flow: stated by the language; planning asks `lacking`. The one rule: an import path whose first
part has a dot is a package, every other one is the standard library's.
"""

import contextlib
import re
from collections.abc import Iterable
from pathlib import Path
from typing import Final

from synth.languages.package_use import ImportQuestion, PackageUse

_IMPORT: Final = re.compile(r"^[ \t]*import[ \t]*(?:\(([^)]*)\)|([^\n;(]*))", re.MULTILINE)
_PATH: Final = re.compile(r"""["`]([\w-]+\.[\w./-]+)["`]""")
_COMMENT: Final = re.compile(r"//[^\n]*|/\*.*?\*/", re.DOTALL)
_NAMED: Final = re.compile(r"^packagefile ([^=]+)=", re.MULTILINE)


def _modules(folders: Iterable[str]) -> frozenset[str]:
    """The import paths of the packages."""
    found = set[str]()
    for folder in folders:
        with contextlib.suppress(OSError):
            found.update(_NAMED.findall(Path(folder, "imports").read_text(encoding="utf-8")))
    return frozenset(found)


def _imports(text: str) -> set[str]:
    found = _IMPORT.findall(_COMMENT.sub(" ", text)) if "import" in text else []
    return {path for many, one in found for path in _PATH.findall(many or one)}


def _repository(path: str) -> str:
    """The part of an import path that is fetched as one."""
    parts = path.split("/")
    return "/".join(parts[: 2 if parts[0] == "gopkg.in" else 3])


def lacking(question: ImportQuestion) -> tuple[str, ...]:
    """What the tests import, or the program if a known package provides it, and nobody has: the import path
    that is known, or the repository."""
    missing = set[str]()
    for text, is_test in ((question.code, False), (question.script, True)):
        for path in _imports(text) - question.present:
            known = [module for module in question.known if f"{path}/".startswith(f"{module}/")]
            missing.update(known or ([_repository(path)] if is_test else []))
    return tuple(sorted(missing))


PACKAGES: Final = PackageUse(
    manager="debian",
    lacking=lacking,
    debian_names=("golang-{name}-dev", "{name}"),
    modules=_modules,
    compile_script="go/packages.sh",
    compile_tools=("go",),
    compile_words=lambda folder: (f"packages={folder}",),
)
