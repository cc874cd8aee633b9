"""Reads the cheating programs of a language: `synth/languages/<language>/cheats.txt`, each program under a
heading `=== what it tries`.

Place in the flow: test_cheats.py runs what this returns. The one rule: a program stands as it is, without
escapes; blank lines at its end do not count.
"""

from pathlib import Path
from typing import Final

LANGUAGES: Final = Path(__file__).resolve().parents[2] / "synth" / "languages"
_HEADING: Final = "=== "


def read_cheats(text: str) -> dict[str, str]:
    """Programs by what they try. Raises ValueError for a heading that comes twice, no heading, and text
    before the first one."""
    before, *parts = f"\n{text}".split(f"\n{_HEADING}")
    if before.strip() or not parts:
        raise ValueError(f"cheats must start with a line `{_HEADING}what it tries`")
    programs: dict[str, str] = {}
    for heading, _, program in (part.partition("\n") for part in parts):
        if heading.strip() in programs or not heading.strip():
            raise ValueError(f"the heading {heading.strip()!r} is empty or comes twice")
        programs[heading.strip()] = f"{program.rstrip()}\n" if program.strip() else ""
    return programs


def cheats_of(language: str) -> dict[str, str]:
    """The programs of one language; none where it has no file."""
    path = LANGUAGES / language / "cheats.txt"
    return read_cheats(path.read_text(encoding="utf-8")) if path.exists() else {}
