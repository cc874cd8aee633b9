"""Turns source text into runnable programs: the driver's shared files, and one build for several candidates.

Place in the flow: `language_runner.py` asks for a build before it runs a plan that names a compiler. The one
rule: compilers read hostile text, so they also run in the sandbox, and their output is never run outside it.
What they make is bounded, and read as what a stranger left: `isolation/folders.py`.
"""

import os
import re
import subprocess
import threading
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from functools import cache
from pathlib import Path
from tempfile import gettempdir
from typing import Final

from synth.errors import Problem, SandboxError
from synth.execution.isolation.folders import BuildFolder, Folders, measure, open_product, unfinished
from synth.execution.isolation.job import Job
from synth.execution.isolation.launcher.slot import cache_folder
from synth.execution.isolation.policy.namespaces import INODES, room
from synth.execution.isolation.process import ProcessSandbox
from synth.execution.programs.header_sets import HeaderSets
from synth.execution.programs.program_plan import (
    COMPILE_LIMITS,
    COMPILER_ENVIRONMENT,
    SHARED,
    BuildOutcome,
    ProgramPlan,
    fill_placeholders,
    prepared_headers,
)
from synth.execution.programs.result_channel import compiler_messages
from synth.ids import content_hash
from synth.languages.spec import Batch, Driver
from synth.languages.toolchain import Toolchain, find_tool
from synth.records import Limits

PROGRAM: Final = "program"
"""The file that a shared build produces."""


LARGEST_SHARED: Final = 32 << 20
"""Maximum bytes of a program that several candidates share; above it, each is built alone."""
_SHARED_LIMITS: Final = COMPILE_LIMITS.model_copy(update={"file_bytes": LARGEST_SHARED})


@dataclass(slots=True)
class Build:
    """The result of building some candidates: a folder or files to run, and messages for
    the rejected ones."""

    folder: BuildFolder | None = None
    files: Mapping[str, bytes] = field(default_factory=dict)
    refused: dict[int, str] = field(default_factory=dict)
    positions: dict[int, int] = field(default_factory=dict)
    """Each candidate's number in the build: the `{index}` of the run command."""
    part: Callable[[int], bytes | bytearray] | None = None
    """Of several candidates: the program of one, by its number, without the code of the others."""
    needs_solo_builds: bool = False
    """The shared build failed and no candidate could be blamed: each has to be built alone."""
    infrastructure: str | None = None

    def folder_of(self, candidate: int) -> Path | None:
        """The folder that the candidate's program sees. A part is written when it is asked for, and takes the
        place of the one before. Raises OSError."""
        if self.folder is None or self.part is None:
            return self.folder.work if self.folder else None
        own = self.folder.make_empty("part")
        with (own / PROGRAM).open("xb") as file:
            file.write(self.part(self.positions[candidate]))
            os.fchmod(file.fileno(), 0o755)
        return own

    def outcome(self, candidate: int) -> BuildOutcome:
        """The build's result for one candidate."""
        return BuildOutcome(self.refused.get(candidate), self.infrastructure)

    def remove(self) -> None:
        """Delete the folder. May be called twice."""
        if self.folder is not None:
            self.folder.remove()


@cache
def linker_flag() -> str:
    """mold links in a few milliseconds; without it, the system's linker."""
    return "-fuse-ld=mold" if find_tool("mold") else ""


def encoded(files: Mapping[str, str]) -> dict[str, bytes]:
    """The bytes of a program's files, whose text may contain lone surrogates."""
    return {name: text.encode("utf-8", "surrogatepass") for name, text in files.items()}


_PREPARING = threading.Lock()


def prepare_shared(driver: Driver, toolchain: Toolchain, name: str) -> Path | None:
    """The folder of the driver's shared files, made on first use and named by content. Raises SandboxError.

    This is our own text, so it is built outside the sandbox. If two processes prepare at once, one waits
    for the other.
    """
    if not driver.shared:
        return None
    root = cache_folder() / "drivers"
    digest = toolchain.digest_alone or toolchain.digest
    folder = root / f"{name}-{content_hash(sorted(driver.shared.items()), driver.shared_commands, digest)}"
    try:
        with _PREPARING:
            root.mkdir(exist_ok=True)
            if not folder.is_dir():
                with unfinished(root, name) as made:
                    if not folder.is_dir():  # made by another process meanwhile
                        _fill_shared(driver, toolchain, made)
                        made.rename(folder)
    except OSError as error:
        fix = "free some space there, or set XDG_CACHE_HOME to another folder"
        raise SandboxError(
            Problem(f"driver folder {root}", f"cannot be prepared: {error.strerror}", fix)
        ) from error
    return folder


def _fill_shared(driver: Driver, toolchain: Toolchain, folder: Path) -> None:
    for path, text in driver.shared.items():
        (folder / path).write_text(text, encoding="utf-8")
    for command in driver.shared_commands:
        done = subprocess.run(
            fill_placeholders(command, toolchain, linker=linker_flag()),
            cwd=folder,
            capture_output=True,
            text=True,
            timeout=600,
            check=False,
        )
        if done.returncode != 0:
            said = (done.stderr or done.stdout).strip()
            short = said if len(said) < 600 else f"{said[:300]} […] {said[-300:]}"
            fix = "run `codemill doctor`, and reinstall the toolchain if it is broken"
            full = [str(place) for place in (folder, gettempdir()) if _free_bytes(place) < _LITTLE_ROOM]
            if full:
                short, fix = f"no room in {' and '.join(full)}", "make room, or set TMPDIR to another folder"
            raise SandboxError(
                Problem(f"command that prepares the driver: {' '.join(command)}", f"failed: {short}", fix)
            )
    for made in [folder, *folder.rglob("*")]:
        made.chmod(0o755 if made.is_dir() else 0o644)


class Builder:
    """Builds the programs of one compiled language. Thread-safe. `shared` is the folder of the
    driver's shared files."""

    def __init__(
        self,
        sandbox: ProcessSandbox,
        toolchain: Toolchain,
        shared: Path | None,
        header_sets: HeaderSets | None = None,
    ) -> None:
        self.sandbox, self.toolchain, self._shared = sandbox, toolchain, shared
        self._header_sets = header_sets

    def build(self, plan: ProgramPlan) -> Build:
        """One program."""
        files = {**encoded(plan.files), **plan.beside}
        folder = self._headers(plan)
        prepared = prepared_headers(plan.headers) if plan.headers else ""
        command = tuple(folder if word == prepared else word for word in plan.compile_command)
        build = self._compile(files, command, plan.compile_limits, 1)
        build.refused = {at: _as_included(text, folder) for at, text in build.refused.items()}
        if build.infrastructure is None and not build.refused:
            build.positions = {0: 0}
        return build

    def build_together(self, plans: Sequence[ProgramPlan], batch: Batch) -> Build:
        """Candidates of one contract; those that the compiler rejects are left out of the build and
        named in `refused`."""
        candidates = [plan.driven for plan in plans if plan.driven is not None]
        left, refused = list(range(len(candidates))), dict[int, str]()
        while left:
            codes = [candidates[index].code for index in left]
            first = candidates[left[0]]
            files = batch.files(codes, first.entry_point, first.signature)
            limits = _SHARED_LIMITS if len(left) > 1 else COMPILE_LIMITS
            build = self._compile(encoded(files), plans[0].compile_command, limits, len(left))
            if build.infrastructure is not None:
                return build
            if not build.refused:
                build.positions = {candidate: position for position, candidate in enumerate(left)}
                build.refused = refused
                return _split(build, batch) if len(left) > 1 else build
            blamed = batch.blame(build.refused[0], codes) if len(left) > 1 else {0: build.refused[0]}
            refused |= {left[position]: text for position, text in blamed.items()}
            if not blamed:
                return Build(needs_solo_builds=True)
            left = [candidate for position, candidate in enumerate(left) if position not in blamed]
        return Build(refused=refused)

    def _headers(self, plan: ProgramPlan) -> str:
        """The folder of the headers that the program includes first: its own set's, if that is precompiled on
        this machine. Empty if its compiler looks for none."""
        if plan.headers is None:
            return ""
        wanted, sets = plan.headers.wanted, self._header_sets
        folder = sets.folder(wanted) if sets is not None and wanted else None
        return (
            prepared_headers(plan.headers).replace(SHARED, str(self._shared))
            if folder is None
            else str(folder)
        )

    def _compile(
        self, files: Mapping[str, bytes], command: Sequence[str], limits: Limits, count: int
    ) -> Build:
        shared = [] if self._shared is None else [str(self._shared)]
        shared += [] if self._header_sets is None else [str(self._header_sets.room)]
        try:
            folder = self.sandbox.make_build()
        except (OSError, SandboxError) as error:
            return Build(infrastructure=str(error))
        job = Job(
            argv=tuple(word.replace(SHARED, str(self._shared)) for word in command),
            files=files,
            stdin=None,
            limits=limits.model_copy(update={"cpu_s": limits.cpu_s + 2.0 * count}),
            env=COMPILER_ENVIRONMENT,
            readonly=(*self.toolchain.readonly, *shared),
            writable=folder.work,
            data_limit=False,
        )
        result = self.sandbox.run(job)
        if result.is_clean:
            return Build(folder)
        messages = compiler_messages(result)
        fault = result.infrastructure or _no_room(folder, messages)
        folder.remove()
        return Build(infrastructure=fault) if fault else Build(refused={0: messages})


def _as_included(messages: str, folder: str) -> str:
    """A compiler's messages as if the program had included the real headers, and not those of our folder."""
    return re.sub(rf" from {re.escape(folder)}/[^\n]*,\n +from ", " from ", messages) if folder else messages


_LITTLE_ROOM: Final = 4 << 20
_ENOUGH_ROOM: Final = room(COMPILE_LIMITS, {})
"""What one build may write at most."""
_SAYS_FULL: Final = re.compile(r"no space left|disk full|\bENOSPC\b|bus error", re.IGNORECASE)


def _no_room(folder: BuildFolder, messages: str) -> str | None:
    """The message if a build failed because the disk is full: then it says nothing about the program. Called
    before the folder is emptied: what the build itself holds is its own fault.

    A linker that maps its output dies by SIGBUS. A program that prints such messages itself counts only if
    the disk is nearly full.
    """
    found, own = os.statvfs(folder.home), measure(Folders(folder.home, folder.work, folder.work), INODES)
    free = found.f_bavail * found.f_frsize
    is_full = free < _LITTLE_ROOM or (found.f_files > 0 and found.f_favail == 0)
    had_enough = free + own.size >= _ENOUGH_ROOM and (
        found.f_files == 0 or found.f_favail + own.entries >= INODES
    )
    if had_enough or not (is_full or _SAYS_FULL.search(messages)):
        return None
    return (
        f"no room to build: {free >> 20} MiB free in {folder.home.parent}; make room, or set TMPDIR to "
        f"another folder"
    )


def _free_bytes(place: Path | str) -> int:
    found = os.statvfs(place)
    return found.f_bavail * found.f_frsize


def _split(build: Build, batch: Batch) -> Build:
    """Give each candidate its own program. If that is impossible, each has to be built alone."""
    assert build.folder is not None, "it was built"
    try:
        build.part = batch.split_binary(_read_shared(build.folder), len(build.positions))
    except (ValueError, OSError):
        build.remove()
        return Build(needs_solo_builds=True)
    return build


def _read_shared(folder: BuildFolder) -> bytes:
    """The program that several candidates share. Raises ValueError and OSError."""
    with open(open_product(folder.work, PROGRAM), "rb") as file:  # noqa: PTH123
        data = file.read(LARGEST_SHARED + 1)
    if len(data) > LARGEST_SHARED:
        raise ValueError("too large to be shared")
    return data
