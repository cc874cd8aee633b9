"""Revocation: from where code came from to everything that was made of it."""

import json
from pathlib import Path

import pytest

from synth.errors import UserError
from synth.records import Origin, Solution, Task
from synth.store.export import ExportFormat, export
from synth.store.exports_made import EXPORTS, exports_made
from synth.store.patch import read_patch
from synth.store.revoke import RevokedUnit, Withdrawn, revoke
from synth.store.run_folder import RunFolder
from tests.store.small_run import GOOD, SEED, TASK, build_small_run, commit, identity, row

EVERYTHING = {
    "seed": 1,
    "task": 1,
    "solution": 3,
    "sample": 1,
    "pair": 1,
    "fim": 1,
}


@pytest.fixture
def run(tmp_path: Path) -> Path:
    return build_small_run(tmp_path)


def _counts(run: Path, what: Withdrawn) -> dict[str, int]:
    with revoke(run, what) as found:
        return {one.kind: one.count for one in found.summary.kinds}


def _add_another_seed(run: Path) -> None:
    """A seed of another source and without a licence; its task; a solution that another policy wrote."""
    seed = SEED.model_copy(
        update={"id": "seed-9c", "origin": Origin(source="tree", path="a/b.py", row="0:7")}
    )
    task: Task = TASK.model_copy(update={"id": "task-9d", "seed_id": "seed-9c"})
    solution: Solution = GOOD.model_copy(update={"id": "solution-9e", "task_id": "task-9d", "policy": "f1"})
    with RunFolder.create_or_resume(run.parent, run.name, identity()) as folder:
        commit(folder, [row("snippet", "seed-9c", shard="0001")], [seed])
        commit(folder, [row("instruct", "task-9d", parents=("seed-9c",), shard="0001")], [task])
        commit(folder, [row("solve", "solution-9e", parents=("task-9d",), shard="0001")], [solution])


@pytest.mark.parametrize(
    "what",
    [
        Withdrawn(source="pocket"),
        Withdrawn(licence="Apache-2.0"),
        Withdrawn(unit="seed-1a"),
        Withdrawn(unit="1a", licence="Apache-2.0", source="pocket"),
    ],
)
def test_all_that_grew_from_a_seed_is_found_and_nothing_of_another(run: Path, what: Withdrawn) -> None:
    _add_another_seed(run)
    assert _counts(run, what) == EVERYTHING


@pytest.mark.parametrize(
    "what",
    [
        Withdrawn(file="a/b.py"),
        Withdrawn(file="0:7", source="tree"),
        Withdrawn(licence="unknown"),
        Withdrawn(unit="seed-9c"),
    ],
)
def test_a_file_a_row_and_a_missing_licence_lead_to_their_own_units(run: Path, what: Withdrawn) -> None:
    _add_another_seed(run)
    assert _counts(run, what) == {"seed": 1, "task": 1, "solution": 1}


def test_a_later_unit_takes_only_what_was_made_of_it(run: Path) -> None:
    with revoke(run, Withdrawn(unit="solution-4d")) as found:
        assert found.units() == [RevokedUnit("solution-4d", "solution"), RevokedUnit("pair-7a", "pair")]
        assert [one.name for one in found.summary.checkpoints if one.revoked] == ["r1-dpo"]


def test_data_sets_and_checkpoints_say_how_many_of_their_rows_are_revoked(run: Path) -> None:
    _add_another_seed(run)
    with revoke(run, Withdrawn(source="pocket")) as found:
        summary = found.summary
    assert {one.data_set: (one.rows, one.revoked) for one in summary.data_sets} == {
        "fim/r1.parquet": (1, 1),
        "pairs/r1.parquet": (1, 1),
        "sft/r1-coarse.parquet": (1, 1),
    }
    trained = {one.name: (one.rows, one.revoked, one.solutions) for one in summary.checkpoints}
    assert trained == {"r1-dpo": (2, 1, 1), "r1-sft": (2, 2, 1)}
    assert summary.decisions == 11


def test_a_policy_that_started_from_one_with_revoked_rows_is_named_with_it(run: Path) -> None:
    first = json.loads((run / "checkpoints/r1-dpo/policy.json").read_text())
    later = first | {"name": "r2-sft", "fingerprint": "f2", "parent_fingerprint": "f1", "data": []}
    (run / "checkpoints/r1-sft/policy.json").unlink()
    (run / "checkpoints/r2-sft").mkdir()
    (run / "checkpoints/r2-sft/policy.json").write_text(json.dumps(later))
    with revoke(run, Withdrawn(source="pocket")) as found:
        assert [(one.name, one.revoked, one.through) for one in found.summary.checkpoints] == [
            ("r1-dpo", 1, ""),
            ("r2-sft", 0, "r1-dpo"),
        ]


def test_a_patch_takes_the_rows_out_of_the_next_export(run: Path, tmp_path: Path) -> None:
    first = export(run, ExportFormat.JSONL, tmp_path / "first")
    with revoke(run, Withdrawn(unit="solution-4d")) as found:
        lines = list(found.patch())
        assert [(Path(one.folder).name, one.revoked, one.found) for one in found.summary.exports] == [
            ("first", 1, True)
        ]
    patch = tmp_path / "patch.jsonl"
    patch.write_text("".join(json.dumps(line) + "\n" for line in lines))
    assert lines[0] == {
        "withdrawn": {"source": "", "file": "", "licence": "", "unit": "solution-4d"},
        "run": "small",
    }
    assert lines[1] == {"data_set": "pairs/r1.parquet", "remove": "pair-7a"}
    assert {"checkpoint": "r1-dpo", "train_again": True, "revoked": 1} in lines
    second = export(run, ExportFormat.JSONL, tmp_path / "second", read_patch(patch))
    assert first.counts == {"sft": 1, "pairs": 1, "fim": 1}
    assert second.counts == {"sft": 1, "pairs": 0, "fim": 1}
    assert (tmp_path / "second/pairs.jsonl").read_text() == ""


def test_an_export_that_was_moved_away_is_said_to_be_gone(run: Path, tmp_path: Path) -> None:
    export(run, ExportFormat.DATASETS, tmp_path / "out")
    (tmp_path / "out").rename(tmp_path / "elsewhere")
    with (run / EXPORTS).open("a") as lines:
        lines.write("{broken\n")
    with revoke(run, Withdrawn(source="pocket")) as found:
        assert [(one.found, one.rows, one.revoked) for one in found.summary.exports] == [(False, 3, 0)]
        assert any("write_again" in line for line in found.patch())
    assert len(exports_made(run)) == 1


@pytest.mark.parametrize(
    ("what", "words"),
    [
        (Withdrawn(), "what to revoke"),
        (Withdrawn(source="pockets"), "expected one of: pocket"),
        (Withdrawn(licence="Apache"), "expected one of: Apache-2.0"),
        (Withdrawn(unit="seed-77"), "nearest: seed-"),
    ],
)
def test_what_the_run_does_not_have_is_an_error_with_the_nearest_names(
    run: Path, what: Withdrawn, words: str
) -> None:
    with pytest.raises(UserError, match=words), revoke(run, what):
        pass


def test_conditions_that_hold_for_no_unit_together_are_an_error(run: Path) -> None:
    _add_another_seed(run)
    both = Withdrawn(source="pocket", licence="unknown")
    with pytest.raises(UserError, match="has no seed, problem or source file"), revoke(run, both):
        pass


def test_a_patch_that_is_none_is_a_users_mistake(tmp_path: Path) -> None:
    for text in ("[1]\n", "not json\n", "7\n"):
        (tmp_path / "patch").write_text(text)
        with pytest.raises(UserError, match="cannot be read"):
            read_patch(tmp_path / "patch")
    with pytest.raises(UserError, match="cannot be read"):
        read_patch(tmp_path / "missing")
