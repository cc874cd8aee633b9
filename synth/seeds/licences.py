"""The licence of a source file, as far as the source itself states it, and whether the recipe's policy lets
it in.

A statement in the file (`SPDX-License-Identifier:`) counts before the licence text nearest to it, in its
folder or above. The one rule: nothing is guessed from code or a project's fame; empty means unknown, and the
card counts unknown licences.
"""

import re
from collections.abc import Iterable, Mapping
from fnmatch import fnmatchcase
from functools import cache
from pathlib import Path
from typing import Final

from synth.config import LicencesConfig
from synth.filters.protocol import Reject

_PHRASES = (
    ("Apache-2.0", "apache license"),
    ("AGPL-3.0", "gnu affero general public license version 3"),
    ("LGPL-3.0", "gnu lesser general public license version 3"),
    ("LGPL-2.1", "gnu lesser general public license version 2.1"),
    ("GPL-3.0", "gnu general public license version 3"),
    ("GPL-2.0", "gnu general public license version 2"),
    ("MPL-2.0", "mozilla public license"),
    ("EPL-2.0", "eclipse public license - v 2.0"),
    ("BSL-1.0", "boost software license"),
    ("CC0-1.0", "cc0 1.0 universal"),
    ("MIT", "permission is hereby granted, free of charge"),
    ("BSD-2-Clause", "redistribution and use in source and binary forms"),
    ("ISC", "permission to use, copy, modify, and/or distribute"),
    ("Unlicense", "this is free and unencumbered software"),
    ("Zlib", "this software is provided 'as-is', without any express or implied warranty"),
)
"""A licence text is the one whose phrase comes first: some licences name others further down."""
_BSD_3: Final = "neither the name of"
_FILES: Final = re.compile(r"(?i)(licen[cs]e|copying|unlicense)")
_MOST_CHARACTERS: Final = 1 << 20
_HEADER: Final = re.compile(r"SPDX-License-Identifier:[ \t]*([A-Za-z0-9.+()\- \t]{2,120})")
_HEADER_LINES: Final = 40


def find_licence(source: str, root: Path, relative: str) -> str:
    """SPDX name of the licence of `root/relative`, or empty."""
    if source == "stdlib":
        return "PSF-2.0"
    if source == "site-packages":
        return _package_licences(root).get(relative.split("/")[0].removesuffix(".py"), "")
    folder = root / relative
    while folder != root:
        folder = folder.parent
        if found := _folder_licence(folder):
            return found
    return ""


def stated_in(text: str) -> str:
    """The SPDX expression in the head of a file; empty if it has none."""
    for line in text.split("\n", _HEADER_LINES)[:_HEADER_LINES]:
        if found := _HEADER.search(line):
            return found[1].strip()
    return ""


@cache
def _folder_licence(folder: Path) -> str:
    """The licence, from the licence text in a folder."""
    try:
        paths = sorted(path for path in folder.iterdir() if _FILES.match(path.name))
    except OSError:
        return ""
    for path in paths:
        if path.is_file() and not path.is_symlink() and (found := _read_licence(path)):
            return found
    return ""


def _read_licence(path: Path) -> str:
    try:
        with path.open(encoding="utf-8", errors="replace") as file:
            text = " ".join(file.read(_MOST_CHARACTERS).lower().split())
    except OSError:
        return ""
    places = {name: text.find(phrase) for name, phrase in _PHRASES}
    found = min((at, name) for name, at in {**places, "": len(text)}.items() if at >= 0)[1]
    return "BSD-3-Clause" if found == "BSD-2-Clause" and _BSD_3 in text else found


@cache
def _package_licences(root: Path) -> dict[str, str]:
    """The licence of each top-level package, from its distribution's metadata."""
    found: dict[str, str] = {}
    for info in sorted(root.glob("*.dist-info")):
        licence = _stated_licence(info / "METADATA")
        for name in _top_level(info):
            found.setdefault(name, licence)
    return found


def _top_level(info: Path) -> set[str]:
    """Names of the top-level packages and modules in a distribution's record of files."""
    try:
        lines = (info / "RECORD").read_text(encoding="utf-8", errors="replace").splitlines()
    except OSError:
        return set()
    return {line.split(",")[0].split("/")[0].removesuffix(".py") for line in lines if ".py," in line}


def _stated_licence(metadata: Path) -> str:
    try:
        head = metadata.read_text(encoding="utf-8", errors="replace").split("\n\n")[0]
    except OSError:
        return ""
    for pattern in (
        r"^License-Expression: (.+)$",
        r"^Classifier: License :: OSI Approved :: (.+)$",
        r"^License: (.{1,60})$",
    ):
        if match := re.search(pattern, head, re.MULTILINE):
            return match.group(1).strip()
    return ""


# --- columns ------------------------------------------------------------------------------------------------

COLUMNS: Final = (
    "license",
    "licence",
    "licenses",
    "licences",
    "detected_licenses",
    "max_stars_repo_licenses",
    "repo_license",
    "repository_license",
    "spdx_license",
)
"""Columns of data sets that state licences, the first that is filled counts."""


def from_columns(row: Mapping[str, object]) -> str:
    """What a row states, as an SPDX expression: several licences bind together. Empty if it states none."""
    for name in COLUMNS:
        value = row.get(name)
        names = [str(one).strip() for one in value] if isinstance(value, list | tuple) else []
        names += [value.strip()] if isinstance(value, str) else []
        if filled := [one for one in dict.fromkeys(names) if one]:
            several = len(filled) > 1
            return " AND ".join(f"({one})" if several and " " in one else one for one in filled)
    return ""


# --- the policy ---------------------------------------------------------------------------------------------

_NONE: Final = frozenset(
    ("", "none", "unknown", "other", "noassertion", "no license", "no_license", "no licence", "unlicensed")
)
_OTHER_NAMES: Final = {
    "mit license": "mit",
    "the mit license": "mit",
    "apache license 2.0": "apache-2.0",
    "apache license, version 2.0": "apache-2.0",
    "apache license version 2.0": "apache-2.0",
    "apache software license": "apache-2.0",
    "apache 2.0": "apache-2.0",
    "apache2": "apache-2.0",
    "apache": "apache-2.0",
    "bsd license": "bsd",
    "the unlicense": "unlicense",
    "isc license (iscl)": "isc",
    "isc license": "isc",
    "python software foundation license": "psf-2.0",
    "mozilla public license 2.0 (mpl 2.0)": "mpl-2.0",
    "gnu general public license v2 (gplv2)": "gpl-2.0",
    "gnu general public license v3 (gplv3)": "gpl-3.0",
    "gnu general public license v3 or later (gplv3+)": "gpl-3.0-or-later",
    "gnu lesser general public license v3 (lgplv3)": "lgpl-3.0",
    "gnu affero general public license v3": "agpl-3.0",
}
"""Names that package metadata and data sets use, in lower case, as SPDX spells them."""
_WORDS: Final = re.compile(r"\s+(AND|OR|and|or)\s+")


def check_licence(licence: str, policy: LicencesConfig) -> Reject | None:
    """Why the policy keeps this licence out, or None. Of `A OR B` one is enough; of `A AND B` both count, and
    AND binds tighter, as in SPDX."""
    why = _refuse(licence.strip(), policy)
    return Reject("licence", {"licence": licence or "unknown", "why": why}) if why else None


def _refuse(expression: str, policy: LicencesConfig) -> str:
    """The words of a refusal; empty if there is none."""
    if expression.strip().lower() in _OTHER_NAMES:
        return _refuse_one(expression, policy)
    alternatives = _split(expression, "or")
    if len(alternatives) > 1:
        found = [_refuse(one, policy) for one in alternatives]
        return found[0] if all(found) else ""
    return next(filter(None, (_refuse_part(one, policy) for one in _split(expression, "and"))), "")


def _refuse_part(part: str, policy: LicencesConfig) -> str:
    inner = part.strip()
    if inner.startswith("(") and inner.endswith(")"):
        return _refuse(inner[1:-1], policy)
    return _refuse_one(inner, policy)


def _split(expression: str, word: str) -> list[str]:
    """The parts between this word, outside parentheses."""
    parts, depth, begin = list[str](), 0, 0
    for found in re.finditer(r"[()]|" + _WORDS.pattern, expression):
        if found[0] in "()":
            depth += 1 if found[0] == "(" else -1
        elif depth == 0 and found[1].lower() == word:
            parts.append(expression[begin : found.start()])
            begin = found.end()
    return [*parts, expression[begin:]]


def _refuse_one(name: str, policy: LicencesConfig) -> str:
    plain = name.strip().lower().split(" with ")[0].removesuffix("+")
    if plain in _NONE:
        return "states no licence" if policy.unknown == "reject" else ""
    plain = _OTHER_NAMES.get(plain, plain)
    if _is_among(plain, policy.deny):
        return f"{name.strip()} is denied"
    return "" if not policy.allow or _is_among(plain, policy.allow) else f"{name.strip()} is not allowed"


def _is_among(name: str, patterns: Iterable[str]) -> bool:
    """Whether a name, or its form without `-only` and `-or-later`, is one of the patterns."""
    names = {name, name.removesuffix("-only").removesuffix("-or-later")}
    return any(fnmatchcase(one, pattern.lower()) for one in names for pattern in patterns)
