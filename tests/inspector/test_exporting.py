"""Exports hold the whole filter in each format, and what people marked changes the training rows."""

import io
import json
import zipfile
from pathlib import Path

import pyarrow.parquet as pq
import pytest

from synth.errors import UserError
from synth.inspector.exporting import (
    UnitsFormat,
    file_name,
    marked_rows,
    marks_patch,
    write_units,
)
from synth.inspector.filter_language import parse_filter
from synth.inspector.marks import Marks, judgement_of
from synth.store.export import ExportFormat, export
from synth.store.patch import read_patch, swap_sides
from tests.inspector.judged_run import WRONG_CODE, build_judged_run, opened, pair


@pytest.fixture
def run(tmp_path: Path) -> Path:
    return build_judged_run(tmp_path, pairs=tuple(pair(f"pair-{number}") for number in range(4)))


def exported(run: Path, format: UnitsFormat, query: str = "") -> bytes:
    return b"".join(write_units(*opened(run), parse_filter(query), format))


def unpacked(data: bytes) -> dict[str, bytes]:
    with zipfile.ZipFile(io.BytesIO(data)) as packed:
        return {name: packed.read(name) for name in packed.namelist()}


def test_json_lines_hold_every_row_of_the_filter_with_its_record_and_marks(run: Path) -> None:
    Marks(run).judge("solution-4d", "bad")
    lines = exported(run, UnitsFormat.JSONL, "stage:execute decision:rejected").splitlines()
    rows = [json.loads(line) for line in lines]
    assert [(row["unit_id"], row["reason"], row["marks"]) for row in rows] == [
        ("solution-4d", "wrong_answer", ["bad"]),
        ("solution-5e", "parse_error", []),
    ]
    assert json.loads(rows[0]["record"])["code"] == WRONG_CODE
    assert json.loads(rows[0]["evidence"])["passed"] == 1


def test_parquet_holds_the_same_rows(run: Path, tmp_path: Path) -> None:
    file = tmp_path / "units.parquet"
    file.write_bytes(exported(run, UnitsFormat.PARQUET))
    rows = pq.read_table(file).to_pylist()
    lines = [json.loads(line) for line in exported(run, UnitsFormat.JSONL).splitlines()]
    assert rows == lines
    assert len(rows) == 9


def test_training_rows_are_those_made_of_the_filters_units(run: Path) -> None:
    files = unpacked(exported(run, UnitsFormat.TRL, "id:solution-4d"))
    rows = [json.loads(line) for line in files["pairs.jsonl"].splitlines()]
    assert [row["id"] for row in rows] == ["pair-0", "pair-1", "pair-2", "pair-3"]
    assert rows[0]["chosen"][0]["role"] == "assistant"
    assert "4 rows" in files["README.md"].decode()
    with pytest.raises(UserError, match="would be empty"):
        exported(run, UnitsFormat.TRL, "id:solution-5e")


def test_marks_are_applied_to_training_rows(run: Path) -> None:
    for number, word in enumerate(("agree", "flip", "tie", "drop")):
        Marks(run).judge(f"pair-{number}", judgement_of(word))
    files = unpacked(exported(run, UnitsFormat.DATASETS))
    rows = pq.read_table(io.BytesIO(files["pairs/train.parquet"])).to_pylist()
    assert [(row["id"], row["chosen_id"], row["rejected_id"]) for row in rows] == [
        ("pair-0", "solution-3c", "solution-4d"),
        ("pair-1", "solution-4d", "solution-3c"),
    ]
    assert "path: pairs/train.parquet" in files["README.md"].decode()


def test_who_marks_a_program_or_a_task_as_bad_removes_what_was_made_of_it(run: Path) -> None:
    Marks(run).judge("task-2b", "bad")
    removed, swapped = marked_rows(*opened(run))
    assert {"pair-0", "pair-1", "pair-2", "pair-3"} < removed
    assert swapped == frozenset()


def test_the_patch_is_what_codemill_export_reads(run: Path, tmp_path: Path) -> None:
    marks = Marks(run)
    marks.judge("pair-0", "drop")
    marks.judge("pair-1", "flip")
    marks.comment("pair-1", "the rejected one is right\n\x1b[2J")
    marks.judge("pair-2", "agree")
    file = tmp_path / "marks.jsonl"
    file.write_bytes(b"".join(marks_patch(*opened(run))))
    assert [json.loads(line) for line in file.read_text("utf-8").splitlines()] == [
        {"remove": "pair-0", "mark": "drop"},
        {"swap": "pair-1", "mark": "flip comment", "comment": "the rejected one is right\n\x1b[2J"},
        {"note": "pair-2", "mark": "agree"},
    ]
    export(run, ExportFormat.JSONL, tmp_path / "out", read_patch(file))
    rows = [json.loads(line) for line in (tmp_path / "out" / "pairs.jsonl").read_text("utf-8").splitlines()]
    assert [(row["id"], row["chosen_id"]) for row in rows] == [
        ("pair-1", "solution-4d"),
        ("pair-2", "solution-3c"),
        ("pair-3", "solution-3c"),
    ]


def test_swapping_twice_is_nothing_and_leaves_no_side_behind() -> None:
    row = pair().model_dump(mode="json")
    turned = swap_sides(row)
    assert (turned["chosen"], turned["rejected_pass"]) == (row["rejected"], row["chosen_pass"])
    assert swap_sides(turned) == row


def test_an_empty_filter_result_is_a_users_mistake(run: Path) -> None:
    for format in (UnitsFormat.JSONL, UnitsFormat.PARQUET):
        with pytest.raises(UserError, match="would be empty: no unit fits"):
            exported(run, format, "id:nothing*")


def test_each_format_has_a_file_name(run: Path) -> None:
    names = {file_name(opened(run)[1], format) for format in UnitsFormat}
    assert names == {
        "judged-units.jsonl",
        "judged-units.parquet",
        "judged-trl.zip",
        "judged-datasets.zip",
    }
