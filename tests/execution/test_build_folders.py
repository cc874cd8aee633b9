"""Builds that nobody else reaches: another user's attacks on them, what jobs leave for us to read, and what a
kill leaves."""

import contextlib
import os
import shutil
import signal
import stat
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest

from synth.errors import SandboxError
from synth.execution.isolation.folders import (
    BuildFolder,
    JobFolders,
    LockedBase,
    give,
    open_product,
    unfinished,
)
from synth.execution.isolation.launcher.slot import cache_folder
from synth.execution.isolation.process import Job, ProcessSandbox
from synth.execution.isolation.slots import host_id_of
from synth.records import Limits
from tests.execution.conftest import PYTHON

NOBODY = 65534
as_root = pytest.mark.skipif(os.geteuid() != 0, reason="only root can become another user")

ATTACK = """
import os, sys, time
work = sys.argv[1]
def attempt(what, act):
    try: act()
    except OSError: return
    print("REACHED", what)
def plant():
    os.symlink(sys.argv[2], work + "/program")
def forge():
    with open(work + "/forged", "w") as file: file.write("#!/bin/sh\\n")
    os.rename(work + "/forged", work + "/program")
attempt("the names", lambda: os.listdir(work))
attempt("the base's names", lambda: os.listdir(work + "/../.."))
attempt("the content", lambda: open(work + "/program").read())
attempt("another part", lambda: os.mkdir(work + "/../part"))
attempt("a rename", lambda: os.rename(work + "/program", work + "/moved"))
attempt("a link", plant)
attempt("a program of its own", forge)
attempt("another work folder", lambda: os.rename(work, work + "-moved"))
home = os.path.dirname(work)
attempt("another build", lambda: os.rename(home, home + "-moved"))
print("tried")
"""


RACE = """
import glob, os, sys
def attempt(act, *arguments):
    try: act(*arguments)
    except OSError: return
    print("REACHED", *arguments, flush=True)
while True:
    for depth in ("/*", "/*/*"):
        for found in glob.glob(sys.argv[1] + "/codemill-*" + depth):
            attempt(os.rename, found, found + "x")
            attempt(os.symlink, "/", found + "/program")
"""


def compile_in(sandbox: ProcessSandbox, folder: BuildFolder, script: str) -> None:
    result = sandbox.run(Job(("/bin/sh", "-c", script), {}, None, Limits(), {}, writable=folder.work))
    assert result.exit_code == 0, result


def run_in(sandbox: ProcessSandbox, folder: Path) -> bytes:
    job = Job(("./program",), {}, None, Limits(), {}, writable=folder, work_readonly=True)
    return sandbox.run(job).stdout.data


@pytest.fixture
def built(sandbox: ProcessSandbox) -> Iterator[BuildFolder]:
    folder = sandbox.make_build()
    compile_in(sandbox, folder, "printf '#!/bin/sh\\necho built\\n' > program; chmod 755 program")
    yield folder
    folder.remove()
    assert not folder.home.exists()


def attack_as_nobody(work: Path, target: Path) -> bytes:
    command = [*PYTHON, "-c", ATTACK, str(work), str(target)]
    return subprocess.run(
        command, user=NOBODY, group=NOBODY, extra_groups=[], capture_output=True, check=True
    ).stdout


@as_root
def test_another_user_cannot_reach_a_build_and_what_runs_is_what_was_built(
    sandbox: ProcessSandbox, built: BuildFolder, open_folder: Path
) -> None:
    assert attack_as_nobody(built.work, open_folder) == b"tried\n"
    assert run_in(sandbox, built.work) == b"built\n"
    part = built.make_empty("part")
    shutil.copy(built.work / "program", part / "program")
    assert run_in(sandbox, part) == b"built\n"
    assert attack_as_nobody(part, open_folder) == b"tried\n"


@as_root
def test_the_attack_works_on_a_folder_that_is_open_to_all(open_folder: Path) -> None:
    work = open_folder / "build" / "work"
    work.mkdir(parents=True)
    (work / "program").write_text("#!/bin/sh\n")
    for folder in (work, work.parent, open_folder):
        folder.chmod(0o777)
    assert attack_as_nobody(work, open_folder).count(b"REACHED") == 9


@as_root
def test_no_attacker_of_the_race_puts_a_program_in_the_place_of_one(
    sandbox: ProcessSandbox, temporary: Path
) -> None:
    """Another user looks for builds all the time."""
    attacker = subprocess.Popen(
        [*PYTHON, "-c", RACE, str(temporary)], user=NOBODY, group=NOBODY, stdout=subprocess.PIPE
    )
    try:
        for _ in range(20):
            folder = sandbox.make_build()
            compile_in(sandbox, folder, "printf '#!/bin/sh\\necho built\\n' > program; chmod 755 program")
            assert run_in(sandbox, folder.work) == b"built\n"
            folder.remove()
    finally:
        attacker.kill()
    assert attacker.communicate()[0] == b""


@pytest.mark.parametrize(
    "made",
    [
        "ln -s {decoy} program",
        "mkfifo program",
        "mkdir program",
        "ln -s program program",
        "true",
    ],
)
def test_what_is_no_regular_file_of_the_job_is_not_read(
    sandbox: ProcessSandbox, open_folder: Path, made: str
) -> None:
    decoy = open_folder / "decoy"
    decoy.write_text("secret")
    folder = sandbox.make_build()
    compile_in(sandbox, folder, made.format(decoy=decoy))
    with pytest.raises(OSError, match=r"\w"):
        open_product(folder.work, "program")
    folder.remove()
    assert decoy.read_text() == "secret"


@as_root
def test_a_file_of_somebody_else_and_a_linked_folder_are_not_read(open_folder: Path) -> None:
    work = open_folder / "work"
    work.mkdir()
    (work / "program").write_text("ours")
    os.close(open_product(work, "program"))
    os.chown(work / "program", NOBODY, NOBODY)
    (open_folder / "link").symlink_to(work)
    for folder in (work, open_folder / "link"):
        with pytest.raises(OSError, match=r"\w"):
            open_product(folder, "program")


def test_folders_of_builds_are_closed_to_others(sandbox: ProcessSandbox, built: BuildFolder) -> None:
    assert stat.S_IMODE(built.work.stat().st_mode) == 0o700
    for folder in (built.home, built.home.parent):
        mode = stat.S_IMODE(folder.stat().st_mode)
        assert folder.stat().st_uid == os.geteuid()
        assert mode == (0o711 if sandbox.level == "C" and os.geteuid() == 0 else 0o700)


# --- names that others take first ---


@pytest.fixture
def shared_room(monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    """A temporary folder as on a machine with several users."""
    with tempfile.TemporaryDirectory() as folder:
        room = Path(folder) / "tmp"
        room.mkdir()
        room.chmod(0o1777)
        Path(folder).chmod(0o755)
        monkeypatch.setattr(tempfile, "tempdir", str(room))
        yield room


@as_root
def test_names_that_another_user_has_taken_are_left_alone(shared_room: Path) -> None:
    theirs = shared_room / "codemill-jobs-theirs"
    (theirs / "inner").mkdir(parents=True)
    os.chown(theirs, NOBODY, NOBODY)
    ours = shared_room.parent / "ours"
    (ours / "kept").mkdir(parents=True)
    link = shared_room / "codemill-jobs-link"
    link.symlink_to(ours)
    os.lchown(link, NOBODY, NOBODY)
    with LockedBase() as base:
        assert base.path.parent == shared_room
    assert (theirs / "inner").exists() and (ours / "kept").exists() and link.is_symlink()
    assert not base.path.exists()


def test_a_temporary_folder_in_which_others_rename_is_refused(shared_room: Path) -> None:
    shared_room.chmod(0o777)
    with pytest.raises(SandboxError, match="lets them rename"):
        LockedBase()
    inner = shared_room / "inner"
    inner.mkdir(mode=0o700)
    tempfile.tempdir = str(inner)
    with pytest.raises(SandboxError, match="lets them rename"):
        LockedBase()


@pytest.mark.parametrize("squat", ["a link to our folder", "a folder of another user", "an open folder"])
def test_a_cache_folder_in_tmp_is_ours_or_refused(
    squat: str, shared_room: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("HOME")
    monkeypatch.delenv("XDG_CACHE_HOME", raising=False)
    place = shared_room / f"codemill-{os.geteuid()}"
    assert cache_folder() == place
    place.rmdir()
    if squat == "a link to our folder":
        (shared_room.parent / "ours").mkdir(mode=0o700)
        place.symlink_to(shared_room.parent / "ours")
    elif squat == "an open folder":
        place.mkdir()
        place.chmod(0o777)
    elif os.geteuid() == 0:
        place.mkdir()
        os.chown(place, NOBODY, NOBODY)
    else:
        pytest.skip("only root can make a folder of another user")
    with pytest.raises(SandboxError, match="by nobody else"):
        cache_folder()


@as_root
def test_no_slot_becomes_a_user_or_a_group_that_exists(monkeypatch: pytest.MonkeyPatch) -> None:
    def taken(*numbers: int) -> object:
        def look_up(number: int) -> str:
            if number not in numbers:
                raise KeyError(number)
            return "known"

        return look_up

    monkeypatch.setattr("pwd.getpwuid", taken(65000, 65001))
    monkeypatch.setattr("grp.getgrgid", taken(65002, 65499))
    host_id_of.cache_clear()
    try:
        assert [host_id_of(index) for index in (0, 3, 499)] == [65003, 65003, 65003]
    finally:
        host_id_of.cache_clear()


# --- what a kill leaves ---

KILLED = """
import sys, time
from pathlib import Path
from synth.execution.isolation.folders import unfinished
from synth.execution.isolation.process import Job, ProcessSandbox
from synth.records import Limits
sandbox = ProcessSandbox("C", highest_level=sys.argv[1])
folder = sandbox.make_build()
(folder.make_empty("part") / "program").write_text("half")
with unfinished(Path(sys.argv[2]), "driver") as made:
    (made / "half").write_text("half")
    print("ready", flush=True)
    while True:
        command = ("/bin/sh", "-c", "echo x > out; sleep 0.2")
        sandbox.run(Job(command, {}, None, Limits(), {}, writable=folder.work))
"""


@pytest.mark.parametrize("level", ["A", "C"])
def test_after_five_kills_the_next_start_leaves_nothing(level: str, shared_room: Path) -> None:
    cache = shared_room.parent / "cache"
    cache.mkdir()
    for _ in range(5):
        killed = subprocess.Popen(
            [sys.executable, "-c", KILLED, level, str(cache)],
            stdout=subprocess.PIPE,
            env={**os.environ, "TMPDIR": str(shared_room)},
        )
        assert killed.stdout is not None
        if killed.stdout.readline() != b"ready\n":
            pytest.skip(f"level {level} is not to be had here")
        killed.send_signal(signal.SIGKILL)
        killed.wait()
        killed.stdout.close()
    assert len(list(shared_room.iterdir())) >= 1
    with contextlib.closing(JobFolders()) as folders, unfinished(cache, "driver") as made:
        assert list(shared_room.iterdir()) == [folders.base]
        assert sorted(found.name for found in cache.iterdir()) == ["driver.lock", made.name]
    assert list(shared_room.iterdir()) == []
    assert [found.name for found in cache.iterdir()] == ["driver.lock"]


def test_two_that_live_do_not_sweep_each_other(shared_room: Path) -> None:
    with LockedBase() as first, LockedBase() as second:
        assert sorted(shared_room.iterdir()) == sorted([first.path, second.path])


@as_root
def test_what_a_lost_slot_left_in_a_build_is_the_next_ones(tmp_path: Path) -> None:
    outside, work = tmp_path / "outside", tmp_path / "work"
    (work / "deep").mkdir(parents=True)
    for file in (outside, work / "main.c", work / "deep" / "part"):
        file.write_text("")
    (work / "link").symlink_to(outside)
    give(work, 65001, to_read=False)
    give(work, 65002, to_read=False)
    found = (work, work / "main.c", work / "deep", work / "deep" / "part", work / "link")
    assert {path.lstat().st_uid for path in found} == {65002}
    assert outside.stat().st_uid == os.geteuid()
