"""Reopens what is damaged in a run.

Place in the flow: `codemill fsck RUN --repair`, with what `fsck.py` has found. The one rule: nothing is
deleted. What is damaged, and what was decided from it, is moved to `damaged/<n>/` in the run folder, so that
the command that made the run makes it again.
"""

import os
import shutil
from collections.abc import Sequence
from itertools import pairwise
from pathlib import Path

from synth.errors import CodemillError, Problem, StoreError
from synth.store.atomic import make_private_folder, sync_folder, write_bytes
from synth.store.checkpoints import MANIFEST, read_checkpoint
from synth.store.fsck import DamagedFile, FileKind, is_good, read_run_file, read_stages
from synth.store.lock import take_lock
from synth.store.run_folder import RunState, write_info
from synth.store.seals import RUN_COPY, RUN_FILE
from synth.store.shards import ShardKey, body_key, entered_key, index_path

ASIDE = "damaged"
"""Below the run folder: where damaged files are moved to."""


def repair_run(run: Path, damaged: Sequence[DamagedFile]) -> list[str]:
    """Move aside what is damaged and what was decided from it. Returns what was done and what will be made
    again, as sentences. Raises RunFolderError while another process works in the run, StoreError where
    nothing says any more what made the run."""
    lock = take_lock(run)
    try:
        return _Repair(run).repair(damaged)
    finally:
        os.close(lock)


class _Repair:
    """One repair of one run, with its folder for what is moved."""

    def __init__(self, run: Path) -> None:
        self._run = run
        number = next(number for number in range(1, 10_000) if not (run / ASIDE / str(number)).exists())
        self._aside = run / ASIDE / str(number)
        self._done: list[str] = []
        self._is_open = False
        """Whether the command has to make something again."""

    def repair(self, damaged: Sequence[DamagedFile]) -> list[str]:
        by_kind = {kind: [self._run / one.path for one in damaged if one.kind is kind] for kind in FileKind}
        self._restore_info(by_kind[FileKind.RUN])
        order = read_stages(self._run)
        for kind in (FileKind.ENTERED, FileKind.INDEX, FileKind.BODIES):
            for path in by_kind[kind]:
                self._reopen_shard(path, _shard_of(kind, path), order)
        for path in by_kind[FileKind.PRODUCT]:
            self._move_and_say(path, "is written again from the shards")
        for path in by_kind[FileKind.EVALUATION]:
            self._move_and_say(path, "the policy is evaluated again, with the answers of the journal")
        for path in (*by_kind[FileKind.JOURNAL], *by_kind[FileKind.FIGURES]):
            self._drop_lines(path)
        for name in sorted({self._name_of(path) for path in by_kind[FileKind.CHECKPOINT]}):
            self._reopen_checkpoint(name, by_kind[FileKind.CHECKPOINT])
        self._save_state()
        return self._done

    def _restore_info(self, broken: Sequence[Path]) -> None:
        names = {path.name for path in broken}
        if names == {RUN_FILE, RUN_COPY} or (names == {RUN_FILE} and not (self._run / RUN_COPY).exists()):
            expected = "and its copy are damaged, so nothing says what made this run"
            fix = (
                f"restore {RUN_FILE} from a backup, or run the recipe with --fresh; the answers stay in "
                f"{self._run.name}.old-1/journal, which the engine `recorded` reads"
            )
            raise StoreError(Problem(str(self._run / RUN_FILE), expected, fix))
        for path in broken:
            other = self._run / (RUN_COPY if path.name == RUN_FILE else RUN_FILE)
            if path.exists():
                self._move(path)
            write_bytes(path, other.read_bytes())
            self._done.append(f"{path.name}: restored from {other.name}; the damaged file was set aside")

    def _reopen_shard(self, path: Path, key: ShardKey, order: Sequence[str]) -> None:
        """Move the damaged file, and the decisions of its stage and of those after it."""
        if path.exists():
            self._move(path)
        found = [place.name for place in sorted(self._run.glob("index/*")) if place.is_dir()]
        after = order[order.index(key.stage) :] if key.stage in order else found
        again = [stage for stage in after if index_path(self._run, key._replace(stage=stage)).exists()]
        for stage in again:
            self._move(index_path(self._run, key._replace(stage=stage)))
        stages = list(dict.fromkeys((key.stage, *again)))
        self._say(path, f"shard {key.shard} of round {key.round} is decided again by {', '.join(stages)}")

    def _drop_lines(self, path: Path) -> None:
        """Write a file of lines again without those that are damaged."""
        lines = path.read_bytes().splitlines(keepends=True)
        good = [line for line in lines if is_good(line)]
        self._move(path)
        write_bytes(path, b"".join(line if line.endswith(b"\n") else line[:-1] + b"\n" for line in good))
        lost = len(lines) - len(good)
        if path.name.startswith("responses-"):
            words = f"{lost} damaged lines left out; answers that a step still needs are asked and paid anew"
            self._done.append(f"{path.relative_to(self._run)}: {words}")
        else:
            self._say(path, f"{lost} damaged lines left out; the command writes its figures again")

    def _name_of(self, path: Path) -> str:
        return path.relative_to(self._run / "checkpoints").parts[0]

    def _reopen_checkpoint(self, name: str, damaged: Sequence[Path]) -> None:
        folder = self._run / "checkpoints" / name
        states = [path for path in damaged if path.parent == folder / "trainer"]
        if states and not (folder / MANIFEST).exists():
            for state in states:
                self._move_and_say(state, "the training goes on from the state before, or begins again")
            return
        for one in self._descendants(name):
            why = "is trained again" if one != "base" else "is prepared again"
            self._move_and_say(self._run / "checkpoints" / one, why)
        self._reopen_rounds_after(name)

    def _descendants(self, name: str) -> list[str]:
        """The checkpoint, and those that were trained from it."""
        found, grown = [name], True
        while grown:
            grown = False
            for path in sorted(self._run.glob(f"checkpoints/*/{MANIFEST}")):
                parents = _parents(path.parent)
                if path.parent.name not in found and any(one in parents for one in found if one != "base"):
                    found.append(path.parent.name)
                    grown = True
        return found

    def _reopen_rounds_after(self, name: str) -> None:
        """What later rounds decided came from answers of this policy."""
        number = name.split("-")[1] if name.startswith("round-") else ""
        if not number.isdecimal():
            return
        for index in sorted(self._run.glob("index/*/*.parquet")):
            key = entered_key(index)
            if key.round > int(number):
                self._move_and_say(index, f"round {key.round} is decided again by the policy trained anew")

    def _save_state(self) -> None:
        if not self._is_open or not (self._run / RUN_FILE).exists():
            return
        info, _ = read_run_file(self._run / RUN_FILE)
        message = "repaired: rerun the same command"
        write_info(self._run, info.model_copy(update={"state": RunState.INTERRUPTED, "message": message}))

    def _move_and_say(self, path: Path, what: str) -> None:
        self._move(path)
        self._say(path, what)

    def _say(self, path: Path, what: str) -> None:
        self._is_open = True
        self._done.append(f"{path.relative_to(self._run)}: {what}")

    def _move(self, path: Path) -> None:
        target = self._aside / path.relative_to(self._run)
        make_private_folder(target.parent)
        shutil.move(path, target)
        sync_folder(path.parent)


def _parents(folder: Path) -> set[str]:
    """Names of the checkpoints of the same run that one was trained from; its name is a part of the path."""
    try:
        found = read_checkpoint(folder)
    except CodemillError:
        return set()
    parts = Path(found.manifest.parent).parts if found is not None else ()
    return {name for before, name in pairwise(parts) if before == "checkpoints"}


def _shard_of(kind: FileKind, path: Path) -> ShardKey:
    return body_key(path) if kind is FileKind.BODIES else entered_key(path)
