"""Packages of Lua: Debian's libraries, found by `package.path`.

Place in the flow: stated by the language; planning asks `lacking`. The one rule: only a `require` at the
beginning of a line is read.
"""

import re
from collections.abc import Mapping
from typing import Final

from synth.languages.package_use import ImportQuestion, MachinePackages, PackageUse, missing_of

_PLACE: Final = "usr/share/lua/5.4"
_REQUIRE: Final = re.compile(
    r"""^[ \t]*(?:local[ \t]+)?(?:\w+[ \t]*=[ \t]*)?require[ \t]*\(?[ \t]*["'](\w+)[\w.]*["']""", re.MULTILINE
)
_STANDARD: Final = '["coroutine","debug","io","math","os","package","string","table","utf8"]'


def _environment(machine: MachinePackages, folder: str) -> Mapping[str, str]:
    if not folder:
        return {}
    place, libraries = f"{folder}/{_PLACE}", f"{folder}/usr/lib/x86_64-linux-gnu/lua/5.4"
    return {"LUA_PATH": f"{place}/?.lua;{place}/?/init.lua;;", "LUA_CPATH": f"{libraries}/?.so;;"}


def lacking(question: ImportQuestion) -> tuple[str, ...]:
    """What the tests require, or the program if a known package provides it, and nobody has."""
    return missing_of(question, _REQUIRE.findall)


PACKAGES: Final = PackageUse(
    manager="debian",
    environment=_environment,
    lacking=lacking,
    machine=(
        "/bin/sh",
        "-c",
        f'echo \'[[], ["/usr/local/share/lua/5.4", "/usr/share/lua/5.4"], {_STANDARD}]\'',
    ),
    debian_names=("lua-{name}", "{name}"),
    place=_PLACE,
)
