"""Commands that build packages: run with a limit, and what they said of a failure.

Place in the flow: the package managers of this folder call it. The one rule: a failure is a PackageError in
the words of the command.
"""

import os
import re
import subprocess
from collections.abc import Sequence
from pathlib import Path
from typing import Final

from synth.errors import CodemillError, Problem
from synth.packages.store import SEE

BUILD_S: Final = 3600.0
_SHOWN: Final = 700
_LONGEST_LINE: Final = 300
_ERROR: Final = re.compile(r"(?i)(?:npm )?(?:err(?:or)?|E)\b(?:\[\w+\])?[:!]?")


class PackageError(CodemillError):
    """Packages cannot be built; what was built before is as it was."""


def lacks(where: str, tool: str, fix: str) -> PackageError:
    """The error for a machine without a tool."""
    return PackageError(Problem(where, f"need {tool}, which this machine does not have", fix, SEE))


def run(command: Sequence[str], where: str, folder: Path, fix: str = "correct the names") -> str:
    """What a command says on stdout. Raises PackageError with its last words."""
    environment = {**os.environ, "LC_ALL": "C.UTF-8", "DEBIAN_FRONTEND": "noninteractive"}
    try:
        done = subprocess.run(
            command,
            cwd=folder,
            env=environment,
            capture_output=True,
            text=True,
            errors="replace",
            stdin=subprocess.DEVNULL,
            timeout=BUILD_S,
            check=False,
        )
    except (OSError, subprocess.TimeoutExpired) as error:
        raise PackageError(Problem(where, f"cannot be built: {error}", "try it again", SEE)) from error
    if done.returncode != 0:
        said = _words(done.stderr or done.stdout)
        raise PackageError(Problem(where, f"cannot be built: {said}", fix, SEE))
    return done.stdout


def _words(said: str) -> str:
    """The errors in what a command said, or its end. The last ones say most: pip begins with versions that it
    ignored."""
    lines = [line.strip() for line in said.splitlines() if line.strip()]
    errors = [line for line in lines if _ERROR.match(line)]
    shown = [line[:_LONGEST_LINE] for line in errors or lines[-5:]]
    return " ".join(shown)[-_SHOWN:] or "it said nothing"
