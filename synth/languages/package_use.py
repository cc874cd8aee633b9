"""Packages of a language: what the machine offers to its programs, and how a folder of packages is shown to
them.

Place in the flow: a `Language` states its `PackageUse`; `toolchain` finds what the machine has, and
`with_packages` adds a built folder (`packages/`). The one rule: what programs can import is a part
of the toolchain's digest.
"""

import hashlib
import json
import os
import subprocess
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from typing import Final, Literal, NamedTuple


class MachinePackages(NamedTuple):
    """What the machine itself offers to programs of a language."""

    standard_path: tuple[str, ...] = ()
    """Where the standard library lies."""
    folders: tuple[str, ...] = ()
    """Folders of installed packages, in the order of search."""
    modules: frozenset[str] = frozenset()
    """The standard library's top-level modules."""

    @property
    def digest(self) -> str:
        """Changes when a package is installed, removed or replaced."""
        marks = [f"{entry.name}:{_mark(entry)}" for folder in self.folders for entry in _entries(folder)]
        return hashlib.sha256("\n".join([*self.folders, *sorted(marks)]).encode()).hexdigest()[:12]


NOTHING: Final = MachinePackages()


def modules_in(folders: Iterable[str]) -> frozenset[str]:
    """The top-level modules in folders of packages: files, folders and libraries up to their first dot."""
    return frozenset(entry.name.split(".")[0] for folder in folders for entry in _entries(folder))


def no_variables(machine: MachinePackages, folder: str) -> Mapping[str, str]:
    """For languages whose compilers find packages by words."""
    return {}


def no_words(folder: str) -> tuple[str, ...]:
    """For languages whose compilers find packages by variables."""
    return ()


class ImportQuestion(NamedTuple):
    """A program and its tests, and what they can import."""

    code: str
    script: str
    """Empty where the tests are no code of the language."""
    present: frozenset[str]
    """Modules that can be imported, and the names of the files beside the program."""
    known: Mapping[str, str]
    """Modules that a known package provides, and which: the program's import of another one is its own
    fault."""


@dataclass(frozen=True, slots=True)
class PackageUse:
    """How programs of a language come to their packages. docs/architecture/packages.md says more."""

    manager: Literal["pip", "npm", "debian"]
    lacking: Callable[[ImportQuestion], tuple[str, ...]]
    """The modules that the imports ask for and nobody has, as a rule of the text alone: no program runs."""
    environment: Callable[[MachinePackages, str], Mapping[str, str]] = no_variables
    """(the machine's packages, a folder of packages or an empty text) -> variables of programs and
    compilers."""
    machine: tuple[str, ...] = ()
    """A command that prints the fields of `MachinePackages` as JSON; empty if the machine's packages are seen
    without help or not at all."""
    debian_names: tuple[str, ...] = ()
    """For Debian: patterns of its package names, with `{name}`. The first that exists is taken."""
    place: str = ""
    """Where in a folder of packages the modules lie; their names are known from there."""
    modules: Callable[[Iterable[str]], frozenset[str]] = modules_in
    """(such places) -> the names of their modules."""
    compile_script: str = ""
    """For Debian: a file beside the languages' modules, which makes libraries of unpacked sources, where the
    archive ships these."""
    compile_tools: tuple[str, ...] = ()
    """The tools that are its words."""
    compile_words: Callable[[str], tuple[str, ...]] = no_words
    """(a folder of packages) -> words after a program's compile command."""


def missing_of(question: ImportQuestion, imports: Callable[[str], Iterable[str]]) -> tuple[str, ...]:
    """What the tests import, or the program if a known package provides it, and nobody has."""
    of_program = set(imports(question.code)) & question.known.keys()
    return tuple(sorted((set(imports(question.script)) | of_program) - question.present))


def read_machine(command: tuple[str, ...]) -> MachinePackages:
    """What the command prints; nothing if it fails."""
    try:
        done = subprocess.run(
            command, capture_output=True, text=True, timeout=30, stdin=subprocess.DEVNULL, check=True
        )
        path, folders, modules = json.loads(done.stdout)
    except (OSError, subprocess.SubprocessError, ValueError):
        return NOTHING
    return MachinePackages(tuple(path), tuple(folders), frozenset(modules))


def _entries(folder: str) -> list["os.DirEntry[str]"]:
    try:
        with os.scandir(folder) as found:
            return list(found)
    except OSError:
        return []


def _mark(entry: "os.DirEntry[str]") -> str:
    try:
        found = entry.stat()
    except OSError:
        return "gone"
    return f"{found.st_size}:{found.st_mtime_ns}"
