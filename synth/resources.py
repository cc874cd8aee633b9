"""Finds the data folders `recipes/` and `prompts/`: in the checkout first, then inside the installed package.

The one rule: no other module computes a path to those folders, so a wheel and a checkout behave alike.
"""

from pathlib import Path
from typing import Literal

from synth.errors import Problem, UserError

ResourceKind = Literal["recipes", "prompts"]

_PACKAGE = Path(__file__).resolve().parent


def resource_folder(kind: ResourceKind, package: Path = _PACKAGE) -> Path:
    """The folder of that kind. `package` is the folder of the `synth` package.

    A checkout is recognised by the project file beside the package, so that a stray `recipes` folder in
    site-packages is never taken. Raises UserError when the installation holds neither.
    """
    checkout = package.parent
    if (checkout / "pyproject.toml").is_file() and (checkout / kind).is_dir():
        return checkout / kind
    if (package / "_resources" / kind).is_dir():
        return package / "_resources" / kind
    problem = Problem(
        where=f"the installation of codemill in {package}",
        message=f"has no {kind} folder, neither beside the package (a checkout) nor inside it (a wheel)",
        fix="install codemill again",
        see="README.md",
    )
    raise UserError(problem)
