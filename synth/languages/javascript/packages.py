"""Packages of JavaScript: what npm installs, found by NODE_PATH.

Place in the flow: stated by the language; planning asks `lacking`. The one rule: `require` and `import` at
the beginning of a line are read; modules of node itself and paths are none of it.
"""

import re
from collections.abc import Mapping
from typing import Final

from synth.languages.package_use import ImportQuestion, MachinePackages, PackageUse, missing_of

_NAME: Final = r"""["']((?:@[\w.-]+/)?[A-Za-z][\w.-]*)[^"']*["']"""
_IMPORT: Final = re.compile(
    rf"^[ \t]*(?:(?:const|let|var)[ \t]+[^=\n]+=[ \t]*require[ \t]*\([ \t]*{_NAME}"
    rf"|import[ \t]+(?:[^'\"\n]+from[ \t]*)?{_NAME})",
    re.MULTILINE,
)


def _environment(machine: MachinePackages, folder: str) -> Mapping[str, str]:
    return {"NODE_PATH": f"{folder}/node_modules"} if folder else {}


def _imports(text: str) -> list[str]:
    return [required or imported for required, imported in _IMPORT.findall(text)]


def lacking(question: ImportQuestion) -> tuple[str, ...]:
    """What the tests import, or the program if a known package provides it, and nobody has."""
    return missing_of(question, _imports)


PACKAGES: Final = PackageUse(
    manager="npm",
    environment=_environment,
    lacking=lacking,
    machine=(
        "{node}",
        "-p",
        "JSON.stringify([[], ['/usr/share/nodejs', '/usr/lib/nodejs', '/usr/lib/node'], "
        "[...require('module').builtinModules, 'node']])",
    ),
    place="node_modules",
)
