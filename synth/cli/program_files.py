"""Programs in files that options name: their text, and their language by the name of the file. The one rule:
what cannot be read is an error that says where."""

import sys
from pathlib import Path

from synth.errors import Problem, UserError

_SEE = "docs/architecture/verify.md"


def read_text(path: Path, what: str) -> str:
    """The text of a file, or of our own stdin for `-`. Raises UserError if it cannot be read as UTF-8."""
    try:
        data = sys.stdin.buffer.read() if str(path) == "-" else path.read_bytes()
    except OSError as error:
        raise UserError(
            Problem(
                f"{what} {path}",
                f"cannot be read: {error.strerror}",
                "correct the path",
                _SEE,
            )
        ) from None
    try:
        return data.decode("utf-8")
    except UnicodeDecodeError as error:
        line = data.count(b"\n", 0, error.start) + 1
        found = f"byte 0x{data[error.start]:02x} at {error.start}, in line {line}"
        raise UserError(
            Problem(f"{what} {path}", f"is not UTF-8 text: {found}", "save it as UTF-8", _SEE)
        ) from None


def find_language(path: Path, named: str | None) -> str:
    """The named language, or the language of the file's extension. Raises UserError."""
    from synth.languages.registry import all_languages, get_language

    if named is not None:
        return get_language(named).name
    found = [
        language.name
        for language in all_languages()
        if path.suffix in language.source_extensions or path.suffix.removeprefix(".") in language.aliases
    ]
    if not found:
        listed = ", ".join(language.name for language in all_languages())
        raise UserError(
            Problem(
                f"{path}: extension {path.suffix!r}",
                "does not belong to a known language",
                f"give --lang with one of {listed}",
                _SEE,
            )
        )
    return found[0]
