"""Packages of Java: jar files of Debian's libraries on the class path of javac and java.

Place in the flow: stated by the language; planning asks `lacking`. The one rule: a library that programs use
is named by its jar file.
"""

import re
from collections.abc import Mapping
from pathlib import Path
from typing import Final

from synth.languages.package_use import ImportQuestion, MachinePackages, PackageUse

_PLACE: Final = "usr/share/java"
_IMPORT: Final = re.compile(r"^[ \t]*import[ \t]+(?:static[ \t]+)?([\w.]+)", re.MULTILINE)


def _environment(machine: MachinePackages, folder: str) -> Mapping[str, str]:
    """Without packages, both commands look into the folder of the program, as they do by default."""
    jars = (
        sorted(str(path) for path in Path(folder, _PLACE).glob("*.jar") if not path.is_symlink())
        if folder
        else []
    )
    return {"CLASSPATH": ":".join([".", *jars])} if jars else {}


def lacking(question: ImportQuestion) -> tuple[str, ...]:
    """The beginnings of imported names that a known library provides and whose jar file is not there."""
    imported = _IMPORT.findall(f"{question.code}\n{question.script}")
    return tuple(
        sorted(
            {
                module
                for name in imported
                for module, library in question.known.items()
                if f"{name}.".startswith(f"{module}.") and library not in question.present
            }
        )
    )


PACKAGES: Final = PackageUse(
    manager="debian",
    environment=_environment,
    lacking=lacking,
    debian_names=("lib{name}-java", "{name}"),
    place=_PLACE,
)
