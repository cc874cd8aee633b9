"""The folders of packages that were built, and what a sandbox takes from them.

Place in the flow: `build.py` fills a folder, `factory.py` hands a `ChosenPackages` to the sandbox, which asks
it for each language's toolchain. The one rule: a folder never changes once it has its name, which follows
from what was asked for; what is in it is stated by its digest.
"""

import hashlib
import os
import threading
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import NamedTuple

from pydantic import BaseModel, ConfigDict, ValidationError

from synth.errors import Problem, UserError
from synth.execution.isolation.launcher.slot import cache_folder
from synth.ids import content_hash
from synth.languages.registry import get_language
from synth.languages.toolchain import Toolchain, with_packages
from synth.packages_config import DEFAULT, PackagesConfig, ready_sets

SEE = "docs/architecture/packages.md"


class Manifest(BaseModel):
    """What a folder of packages is."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    language: str
    names: tuple[str, ...]
    toolchain: str
    """The version that it was built for."""
    installed: tuple[str, ...]
    """Names and versions, those of dependencies among them."""
    digest: str


class BuiltPackages(NamedTuple):
    """A folder of packages, and what it is."""

    folder: Path
    manifest: Manifest

    @property
    def files(self) -> Path:
        """What programs see."""
        return self.folder / "files"


def packages_home() -> Path:
    """Where built packages lie. Raises SandboxError."""
    return cache_folder() / "packages"


def folder_of(language: str, names: tuple[str, ...]) -> Path:
    """The place of these packages, built or not."""
    return packages_home() / f"{language}-{content_hash(language, sorted(names))}"


def find_built(language: str, names: tuple[str, ...]) -> BuiltPackages | None:
    """These packages, if they were built."""
    return read_built(folder_of(language, names))


def read_built(folder: Path) -> BuiltPackages | None:
    """What a folder of packages holds; None where there is none."""
    try:
        text = (folder / "manifest.json").read_text(encoding="utf-8")
        return BuiltPackages(folder, Manifest.model_validate_json(text))
    except (OSError, ValidationError):
        return None


def digest_of(files: Path) -> str:
    """The hash of names and contents of all files but compiled ones, which hold times."""
    total = hashlib.sha256()
    for place, folders, names in os.walk(files):
        folders[:] = sorted(name for name in folders if name != "__pycache__")
        for name in sorted(names):
            path = Path(place, name)
            total.update(f"{path.relative_to(files)}\0".encode("utf-8", "surrogateescape"))
            total.update(str(path.readlink()).encode() if path.is_symlink() else _file_digest(path))
    return total.hexdigest()[:12]


def _file_digest(path: Path) -> bytes:
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").digest()


def built_of(name: str) -> dict[str, BuiltPackages]:
    """What was built of a ready-made set, by language."""
    found = {language: find_built(language, names) for language, names in ready_sets()[name].items()}
    return {language: built for language, built in found.items() if built is not None}


def widest_of(names: Iterable[str]) -> dict[str, BuiltPackages]:
    """For each language the packages of that ready-made set which has the most of those that were built."""
    found: dict[str, BuiltPackages] = {}
    for name in names:
        for language, built in built_of(name).items():
            if language not in found or len(built.manifest.names) > len(found[language].manifest.names):
                found[language] = built
    return found


def words_of_missing(name: str) -> str:
    """What of a ready-made set was not built, with the command that builds it; empty if all of it was."""
    missing = sorted(ready_sets()[name].keys() - built_of(name).keys())
    if not missing:
        return ""
    command = f"codemill packages build --packages {name}"
    return (
        f"packages of {name} have not been built ({', '.join(missing)}): "
        f"programs that import them are judged after `{command}`"
    )


class ChosenPackages:
    """The packages of one sandbox: those that were asked for. If none were, for each language those of the
    usual sets, such as a benchmark's, or else of the default set, where they were built."""

    def __init__(self, asked: PackagesConfig | None = None, usual: Iterable[str] = ()) -> None:
        """Raises UserError if one that was asked for has not been built."""
        names = asked.names() if asked is not None else {}
        self._built = _all_built(names) if names else {**built_of(DEFAULT), **widest_of(usual)}
        self._asked = bool(names)
        self._known: dict[tuple[str, str], Toolchain] = {}
        self._lock = threading.Lock()

    def extend(self, language: str, found: Toolchain) -> Toolchain:
        """The toolchain with the packages of its language. Raises UserError if they were built for another
        version of it; a default set is then left alone."""
        built = self._built.get(language)
        if built is None:
            return found
        if built.manifest.toolchain != found.version:
            if not self._asked:
                return found
            was = f"were built for {built.manifest.toolchain}, and this machine has {found.version}"
            raise UserError(Problem(f"packages of {language}", was, "codemill packages build --again", SEE))
        with self._lock:
            key = (language, found.digest)
            if key not in self._known:
                digest = built.manifest.digest
                self._known[key] = with_packages(get_language(language), found, str(built.files), digest)
            return self._known[key]


def _all_built(names: Mapping[str, tuple[str, ...]]) -> dict[str, BuiltPackages]:
    found = {language: find_built(language, packages) for language, packages in names.items()}
    missing = [language for language, built in found.items() if built is None]
    if missing:
        raise UserError(
            *(
                Problem(
                    f"packages of {language}",
                    f"have not been built: {', '.join(names[language])}",
                    "run `codemill packages build` with the same --packages, or with the recipe",
                    SEE,
                )
                for language in missing
            )
        )
    return {language: built for language, built in found.items() if built is not None}
