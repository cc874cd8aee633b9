"""The licence of a source file, as far as the source itself states it: an SPDX name, or empty.

The one rule: nothing is guessed from file contents or a project's fame; empty means unknown, and the card
counts unknown licences.
"""

import re
from functools import cache
from pathlib import Path

_PHRASES = (
    ("Apache-2.0", "apache license"),
    ("GPL-3.0", "gnu general public license version 3"),
    ("MPL-2.0", "mozilla public license"),
    ("MIT", "permission is hereby granted, free of charge"),
    ("BSD-3-Clause", "neither the name of"),
    ("BSD-2-Clause", "redistribution and use in source and binary forms"),
    ("ISC", "permission to use, copy, modify, and/or distribute"),
    ("Unlicense", "this is free and unencumbered software"),
)


def find_licence(source: str, root: Path, relative: str) -> str:
    """SPDX name of the licence of `root/relative`, or empty."""
    if source == "stdlib":
        return "PSF-2.0"
    if source == "site-packages":
        return _package_licences(root).get(relative.split("/")[0].removesuffix(".py"), "")
    return _folder_licence(root)


@cache
def _folder_licence(root: Path) -> str:
    """The licence, from the licence text at the top of a checkout."""
    for path in sorted(root.iterdir()):
        if (
            re.match(r"(?i)(licen[cs]e|copying|unlicense)", path.name)
            and path.is_file()
            and not path.is_symlink()
        ):
            text = " ".join(path.read_text(encoding="utf-8", errors="replace").lower().split())
            return next((name for name, phrase in _PHRASES if phrase in text), "")
    return ""


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
