"""`codemill fsck`: what is damaged is found, the advice of each message is followed to the letter, and the
same command then makes the same products."""

import random
import shlex
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import NamedTuple

import pytest

from benchmarks.resume.command import Ended, hash_products, run_to_end
from posttrain.core.checkpoints import (
    begin_checkpoint,
    complete_checkpoint,
    finished_checkpoint,
    last_trainer_state,
)
from synth.errors import CodemillError, RunFolderError, StoreError
from synth.store.checkpoints import read_checkpoint
from synth.store.fsck import FileKind, check_run
from synth.store.lock import take_lock
from synth.store.repair import repair_run
from synth.store.run_folder import RunState, read_info, write_info
from synth.store.seals import open_json, seal_folder
from synth.store.views import conservation_problems
from tests.store.small_run import build_small_run

NAME = "replay"


class Whole(NamedTuple):
    """A finished run of the recipe `replay`, and its products."""

    run: Path
    products: dict[str, str]


@pytest.fixture(scope="module")
def whole(tmp_path_factory: pytest.TempPathFactory) -> Whole:
    folder = tmp_path_factory.mktemp("whole")
    ended = codemill(folder, f"codemill run {NAME} --runs-dir {folder}")
    assert ended.code == 0, ended.output
    return Whole(folder / NAME, hash_products(folder / NAME))


@pytest.fixture
def run(whole: Whole, tmp_path: Path) -> Path:
    """A copy to damage."""
    return Path(shutil.copytree(whole.run, tmp_path / NAME))


def codemill(folder: Path, command: str) -> Ended:
    """Run a command as a person types it."""
    return run_to_end(shlex.split(command)[1:], folder / "log")


def flip(path: Path) -> None:
    """One wrong bit somewhere in the file."""
    seed = random.SystemRandom().randrange(1 << 32)
    print(f"seed {seed}")
    data = bytearray(path.read_bytes())
    place = random.Random(seed).randrange(len(data) * 8)
    data[place // 8] ^= 1 << place % 8
    path.write_bytes(data)


def cut(path: Path) -> None:
    path.write_bytes(path.read_bytes()[: path.stat().st_size // 2])


def reopen(run: Path) -> None:
    """As if the run had been interrupted."""
    write_info(run, read_info(run).model_copy(update={"state": RunState.INTERRUPTED}))


def go_on(run: Path) -> str:
    return f"codemill run {NAME} --runs-dir {run.parent}"


def export(run: Path) -> str:
    return f"codemill export {NAME} --runs-dir {run.parent} -o {run.parent / 'out'}"


ALL = (flip, cut, Path.unlink)
CASES = [
    *(("bodies/suite/*.parquet", damage, export) for damage in ALL),
    *(("bodies/solution/*.parquet", damage, export) for damage in ALL),
    *(("index/execute/*.parquet", damage, export) for damage in ALL[:2]),
    ("index/snippet/*.parquet", flip, export),
    ("entered/solve/*.parquet", flip, export),
    ("sft/*.parquet", flip, export),
    ("pairs/*.parquet", cut, export),
    ("run.json", flip, go_on),
    ("run.json", cut, export),
    ("logs/figures.jsonl", flip, go_on),
    ("journal/responses-*.jsonl", flip, go_on),
]


@pytest.mark.parametrize(("pattern", "damage", "command"), CASES)
def test_the_advice_followed_to_the_letter_brings_the_same_products_back(
    whole: Whole, run: Path, pattern: str, damage: Callable[[Path], None], command: Callable[[Path], str]
) -> None:
    if pattern.startswith("journal"):
        reopen(run)
    damage(sorted(run.glob(pattern))[0])
    refused = codemill(run.parent, command(run))
    assert refused.code in (1, 2), refused.output
    advice = next(line for line in refused.output.splitlines() if line.strip().startswith("fix: "))
    fix = advice.split("fix: ")[1].split("        see")[0]
    assert fix == f"codemill fsck {NAME} --runs-dir {run.parent} --repair"
    repaired = codemill(run.parent, fix)
    assert repaired.code == 0, repaired.output
    assert codemill(run.parent, go_on(run)).code == 0
    assert hash_products(run) == whole.products
    assert check_run(run).damaged == []
    assert conservation_problems(run) == []
    assert codemill(run.parent, export(run)).code == 0


def test_a_whole_run_has_nothing_to_say(run: Path) -> None:
    ended = codemill(run.parent, f"codemill fsck {NAME} --runs-dir {run.parent}")
    assert ended.code == 0
    assert "nothing is damaged" in ended.output
    report = check_run(run)
    assert report.unsealed == 0
    assert all(report.counts[kind] for kind in FileKind if kind not in ("eval", "checkpoints"))


def test_without_repair_nothing_is_changed_and_the_exit_code_is_1(run: Path) -> None:
    victim = sorted(run.glob("index/execute/*.parquet"))[0]
    flip(victim)
    before = {path: path.read_bytes() for path in run.rglob("*") if path.is_file()}
    ended = codemill(run.parent, f"codemill fsck {NAME} --runs-dir {run.parent}")
    assert ended.code == 1
    assert victim.name in ended.output
    assert {path: path.read_bytes() for path in run.rglob("*") if path.is_file()} == before


def test_what_is_damaged_is_set_aside_and_not_deleted(run: Path) -> None:
    victim = sorted(run.glob("bodies/solution/*.parquet"))[0]
    flip(victim)
    wrong = victim.read_bytes()
    done = repair_run(run, check_run(run).damaged)
    assert (run / "damaged" / "1" / victim.relative_to(run)).read_bytes() == wrong
    assert any("decided again by solve, " in line for line in done)
    assert read_info(run).state is RunState.INTERRUPTED


def test_a_run_json_is_restored_from_its_copy_and_both_gone_is_said(run: Path) -> None:
    before = (run / "run.json").read_bytes()
    flip(run / "run.json")
    repair_run(run, check_run(run).damaged)
    assert (run / "run.json").read_bytes() == before
    flip(run / "run.json")
    flip(run / "run.json.copy")
    with pytest.raises(StoreError, match="--fresh"):
        repair_run(run, check_run(run).damaged)


def test_damaged_lines_of_a_journal_are_said_to_be_paid_anew(run: Path) -> None:
    [journal] = run.glob("journal/*.jsonl")
    lines = journal.read_bytes().splitlines(keepends=True)
    journal.write_bytes(lines[0][:50] + b"\x00" + lines[0][51:] + b"".join(lines[1:]))
    [line] = repair_run(run, check_run(run).damaged)
    assert "1 damaged lines left out" in line
    assert "paid anew" in line
    assert journal.read_bytes() == b"".join(lines[1:])
    assert read_info(run).state is RunState.FINISHED


def test_a_run_of_an_older_version_is_read_and_its_files_are_counted(tmp_path: Path) -> None:
    """Files without seals: nothing is known of them, which is said."""
    run = build_small_run(tmp_path)
    before = check_run(run).unsealed
    (run / "run.json").write_bytes(open_json((run / "run.json").read_bytes()))
    report = check_run(run)
    assert report.unsealed == before + 1
    assert report.damaged == []
    assert read_info(run).name == run.name


def test_a_finished_run_without_one_of_its_index_shards_is_damaged(run: Path) -> None:
    gone = sorted(run.glob("index/pair/*.parquet"))[0]
    gone.unlink()
    assert [one.path for one in check_run(run).damaged] == [str(gone.relative_to(run))]


def test_a_repair_waits_for_nobody_who_works_in_the_run(run: Path) -> None:
    flip(sorted(run.glob("index/pair/*.parquet"))[0])
    damaged = check_run(run).damaged
    take_lock(run)
    with pytest.raises(RunFolderError, match=r"process \d+ on "):
        repair_run(run, damaged)


def build_checkpoint(run: Path, name: str, parent: str) -> Path:
    """A complete checkpoint with some bytes for weights."""
    folder = run / "checkpoints" / name
    (folder / "merged").mkdir(parents=True)
    (folder / "merged" / "model.safetensors").write_bytes(random.Random(name).randbytes(2000))
    (folder / "merged" / "config.json").write_text("{}")
    seal_folder(folder / "merged")
    manifest = read_checkpoint(next(run.glob("checkpoints/*/policy.json")).parent)
    assert manifest is not None
    changes = {"name": name, "parent": parent, "sealed": ("merged",), "job_hash": "job"}
    complete_checkpoint(folder, manifest.manifest.model_copy(update=changes))
    return folder


@pytest.mark.parametrize("file", ["merged/model.safetensors", "merged/hashes.json", "policy.json"])
def test_a_damaged_checkpoint_takes_what_was_trained_from_it_along(tmp_path: Path, file: str) -> None:
    run = build_small_run(tmp_path)
    first = build_checkpoint(run, "round-1-coarse", "pocket")
    build_checkpoint(run, "round-1-dpo", str(first / "merged"))
    build_checkpoint(run, "round-2-coarse", str(run / "checkpoints" / "round-1-dpo" / "merged"))
    apart = build_checkpoint(run, "other", "pocket")
    flip(first / file)
    with pytest.raises(CodemillError, match=r"codemill fsck small --runs-dir .* --repair"):
        finished_checkpoint(first, "job")
    done = "\n".join(repair_run(run, check_run(run).damaged))
    for name in ("round-1-coarse", "round-1-dpo", "round-2-coarse"):
        assert f"checkpoints/{name}: is trained again" in done
        assert not (run / "checkpoints" / name).exists()
        assert (run / "damaged" / "1" / "checkpoints" / name / "policy.json").exists()
    assert finished_checkpoint(apart, "job") is not None
    assert check_run(run).damaged == []


def test_a_damaged_state_of_a_trainer_is_left_out(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    begin_checkpoint(tmp_path, "job")
    for step in (2, 4):
        state = tmp_path / "trainer" / f"checkpoint-{step}"
        state.mkdir()
        (state / "optimizer.pt").write_bytes(bytes(100))
        seal_folder(state)
    (tmp_path / "trainer" / "checkpoint-6").mkdir()  # killed before it was complete
    assert last_trainer_state(tmp_path) == tmp_path / "trainer" / "checkpoint-4"
    flip(tmp_path / "trainer" / "checkpoint-4" / "optimizer.pt")
    assert last_trainer_state(tmp_path) == tmp_path / "trainer" / "checkpoint-2"
    assert "checkpoint-4 is not used" in capsys.readouterr().err
