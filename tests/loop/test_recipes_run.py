"""The recipe that needs no model, run whole on the code of this machine: small, but every part of it real."""

import json
import os
import re
import time
from pathlib import Path

import pyarrow.parquet as pq
import pytest

from benchmarks.resume.command import Command, Ended, hash_products, kill_after, run_to_end
from synth.config import SourceTreeSeedsConfig
from synth.filters.protocol import Reject
from synth.products import FimSample
from synth.recipe import load_recipe
from synth.seeds.files import find_files
from synth.seeds.screen import screen_text
from synth.store.run_folder import RunState, read_info
from synth.store.views import conservation_problems, funnel
from synth.token_estimate import estimate_tokens
from tests.loop.test_resume import QUICK_END_S, contents, moments

NAME = "source-tree"
FILES = 60
SETTING = f"data.seeds.max_files={FILES}"
FILE_FORMAT = re.compile(
    r"<\|fim_prefix\|>(.*)<\|fim_suffix\|>(.*)<\|fim_middle\|>(.*)<\|endoftext\|>", re.DOTALL
)


def arguments(runs_dir: Path) -> list[str]:
    return ["run", NAME, "--runs-dir", str(runs_dir), "--set", SETTING]


@pytest.fixture(scope="module")
def ended(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, Ended]:
    """The run folder, and how the command ended."""
    folder = tmp_path_factory.mktemp("tree")
    return folder / NAME, run_to_end(arguments(folder), folder / "log")


@pytest.fixture(scope="module")
def run(ended: tuple[Path, Ended]) -> Path:
    path, end = ended
    assert end.code == 0, end.output
    return path


@pytest.fixture(scope="module")
def texts() -> dict[str, tuple[str, str]]:
    """The files that the recipe draws and does not reject: path and whole text as it is used, by id."""
    loaded = load_recipe(NAME, [SETTING])
    assert loaded.recipe.data is not None
    seeds = loaded.recipe.data.seeds
    assert isinstance(seeds, SourceTreeSeedsConfig)
    refs = find_files(seeds, loaded.source.parent, loaded.recipe.seed, 1)
    whole = {ref.id: (ref, Path(ref.path).read_bytes().decode("utf-8", "replace")) for ref in refs}
    screened = {key: screen_text(text, ref.language, seeds.screen) for key, (ref, text) in whole.items()}
    return {
        key: (whole[key][0].relative, found.text)
        for key, found in screened.items()
        if not isinstance(found, Reject)
    }


@pytest.fixture(scope="module")
def samples(run: Path) -> list[FimSample]:
    return [
        FimSample.model_validate(row) for row in pq.read_table(run / "fim" / "round-1.parquet").to_pylist()
    ]


def test_the_run_reads_the_files_runs_the_seeds_and_its_books_balance(
    ended: tuple[Path, Ended], run: Path
) -> None:
    rows = {row.stage: row for row in funnel(run)}
    assert list(rows) == ["snippet", "reference", "fim"]
    assert rows["snippet"].entered > FILES
    assert rows["reference"].entered > FILES
    assert rows["reference"].kept > 0, "some functions of real code are self-contained and can be run"
    reasons = {one.reason: one.count for one in rows["fim"].reasons}
    with_seeds = rows["fim"].entered - reasons.get("no_accepted_seed", 0)
    assert rows["fim"].kept > 0.8 * with_seeds > 0.2 * FILES
    assert all(row.entered == row.kept + row.rejected + row.failed for row in rows.values())
    assert conservation_problems(run) == []
    assert ended[1].survivors == ()


def test_prefix_middle_and_suffix_are_the_file_byte_for_byte(
    samples: list[FimSample], texts: dict[str, tuple[str, str]]
) -> None:
    """Or, of a file that is too long for a row, whole lines of it."""
    whole = 0
    for sample in samples:
        path, text = texts[sample.source_id]
        piece = sample.prefix + sample.middle + sample.suffix
        assert f"\n{piece}" in f"\n{text}", path
        assert piece == text or piece.endswith("\n") or f"{piece}\n" in text, path
        assert sample.middle.strip()
        assert estimate_tokens(piece) <= 4096
        whole += piece == text
    assert whole > len(samples) / 3


def test_both_formats_are_made_and_say_nothing_but_the_files(
    samples: list[FimSample], texts: dict[str, tuple[str, str]]
) -> None:
    known = {f"{path}\n{text}{'' if text.endswith(chr(10)) else chr(10)}" for path, text in texts.values()}
    heads: list[str] = []
    for sample in samples:
        head, mark, rest = sample.text.partition("<|fim_prefix|>")
        found = FILE_FORMAT.fullmatch(mark + rest)
        assert found is not None
        assert found.groups() == (sample.prefix, sample.suffix, sample.middle)
        heads.append(head)
        if head:
            repository, *files = head.split("<|file_sep|>")
            assert repository.startswith("<|repo_name|>") and repository.endswith("\n")
            assert files[-1] == texts[sample.source_id][0] + "\n"
            assert len(files) > 1 and known.issuperset(files[:-1])
    assert 5 < sum(head == "" for head in heads) < len(heads) - 5


def test_the_data_set_can_be_exported_with_its_card(
    run: Path, samples: list[FimSample], tmp_path: Path
) -> None:
    out = tmp_path / "exported"
    ended = run_to_end(
        ["export", NAME, "--runs-dir", str(run.parent), "-o", str(out), "--json"], tmp_path / "log"
    )
    assert ended.code == 0, ended.output
    counts = json.loads(ended.output)["counts"]
    exported = pq.read_table(out / "fim" / "train.parquet").to_pylist()
    assert counts["fim"] == len(exported) == len(samples)
    assert {row["id"]: row["text"] for row in exported} == {sample.id: sample.text for sample in samples}
    assert "source-tree" in (out / "README.md").read_text()


def test_the_command_after_the_end_does_nothing(run: Path, tmp_path: Path) -> None:
    before = contents(run)
    ended = run_to_end(arguments(run.parent), tmp_path / "log")
    assert ended.code == 0, ended.output
    assert contents(run) == before


def test_a_run_that_is_killed_ends_with_the_same_data(
    run: Path, ended: tuple[Path, Ended], tmp_path: Path
) -> None:
    for number, moment in enumerate(moments(2, ended[1].seconds)):
        kill_after(arguments(tmp_path), tmp_path / f"log-{number}", moment)
    last = run_to_end(arguments(tmp_path), tmp_path / "log")
    assert last.code == 0, last.output
    assert hash_products(tmp_path / NAME) == hash_products(run)
    assert conservation_problems(tmp_path / NAME) == []


def test_no_process_that_cuts_files_outlives_its_run_or_speaks_when_it_is_interrupted(tmp_path: Path) -> None:
    """An idle worker of a pool of processes waits for ever when its parent is killed, unless somebody sees to
    it."""
    long = [*arguments(tmp_path)[:-1], "data.seeds.max_files=5000"]
    first = Command(long, tmp_path / "log-1")
    wait_for_workers(first, min(2, len(os.sched_getaffinity(0))), at_work_s=1.0)
    assert first.kill().survivors == ()
    second = Command(long, tmp_path / "log-2")
    wait_for_workers(second, 1, at_work_s=0.0)  # it is still importing, and would be interrupted there
    pressed = time.monotonic()
    second.interrupt()
    interrupted = second.wait(120)
    assert (interrupted.code, interrupted.survivors) == (130, ()), interrupted.output
    assert time.monotonic() - pressed < QUICK_END_S
    assert "Traceback" not in interrupted.output
    assert read_info(tmp_path / NAME).state is RunState.INTERRUPTED


def wait_for_workers(command: Command, count: int, at_work_s: float) -> None:
    """Until so many processes that cut files have been there for a while."""
    deadline = time.monotonic() + 120
    while sum("spawn_main" in line for line in command.processes()) < count:
        assert time.monotonic() < deadline and command.is_running, command.output
        time.sleep(0.01)
    time.sleep(at_work_s)
