"""`codemill decontaminate` and `codemill dedup`: every row is kept or removed, with its reason, once."""

import gzip
import json
from collections.abc import Iterable
from pathlib import Path

import pyarrow
import pytest
from pyarrow import parquet
from typer.testing import CliRunner, Result

import posttrain.cli  # noqa: F401  # registers the commands
from synth.cli.app import app

QUESTION = (
    "A harbour master writes down the draught of every barge that enters and leaves. A barge may pass the "
    "sill only while the tide stands higher than its draught by two feet. Return how many barges wait."
)
ANSWER = """def waiting(draughts, tide):
    waits, hour = 0, 0
    for draught in draughts:
        began = hour
        while tide[hour] < draught + 2:
            hour += 1
        waits += hour - began > 3
    return waits
"""
OTHER = """def largest(rows):
    best = None
    for row in rows:
        if best is None or row > best:
            best = row
    return best
"""
RENAMED = ANSWER.replace("hour", "h")
ROWS: list[dict[str, object]] = [
    {"id": "clean", "instruction": "Find the largest row.", "output": OTHER, "language": "python"},
    {"id": "copied", "instruction": QUESTION.upper(), "output": "```python\npass\n```"},
    {
        "id": "answer",
        "instruction": "Count.",
        "output": f"Here:\n```python\n{RENAMED}```",
    },
    {"id": "again", "instruction": "Find the  largest row!", "output": OTHER, "language": "python"},
    {"id": "near", "instruction": "Find the largest row.", "output": OTHER + "# end\nlargest([])\n"},
]


def run(*words: object) -> Result:
    return CliRunner().invoke(app, [str(word) for word in words])


def write_lines(path: Path, rows: Iterable[object]) -> Path:
    path.write_text("".join(json.dumps(row) + "\n" for row in rows), encoding="utf-8")
    return path


def read_lines(path: Path) -> list[dict[str, object]]:
    return [json.loads(line) for line in path.read_text(encoding="utf-8").splitlines()]


@pytest.fixture
def benchmark(tmp_path: Path) -> Path:
    row = {"task_id": "Bench/7", "prompt": QUESTION, "canonical_solution": ANSWER}
    return write_lines(tmp_path / "bench.jsonl", [row])


def test_overlapping_rows_leave_with_their_evidence_and_the_others_keep_their_bytes(
    tmp_path: Path, benchmark: Path
) -> None:
    data = tmp_path / "data.jsonl"
    lines = [json.dumps(row, indent=None, separators=(" ,", ":  ")) + "\r\n" for row in ROWS]
    data.write_bytes("".join([*lines, "not json\n", "[]\n", '{"id": "empty"}']).encode())
    done = run("decontaminate", data, "--against", benchmark, "-o", tmp_path / "out")
    assert done.exit_code == 0, done.output
    assert (tmp_path / "out/kept/data.jsonl").read_bytes() == "".join([lines[0], *lines[3:]]).encode()
    removed = read_lines(tmp_path / "out/removed.jsonl")
    assert [(one["row"], one["id"], one["reason"]) for one in removed] == [
        (2, "copied", "contaminated"),
        (3, "answer", "contaminated"),
        (6, "", "unreadable"),
        (7, "", "unreadable"),
        (8, "empty", "unreadable"),
    ]
    assert [one["evidence"]["entry"] for one in removed[:2]] == ["Bench/7", "Bench/7"]  # type: ignore[index]
    assert removed[2]["value"] == "not json"
    report = json.loads((tmp_path / "out/report.json").read_text())
    assert report["reasons"] == {"contaminated": 2, "unreadable": 3}
    assert report["entries"] == {"Bench/7": 2}
    assert report["files"] == [{"file": "data.jsonl", "entered": 8, "kept": 3, "removed": 5}]
    assert "8 rows: 3 kept, 5 removed" in done.output


def test_the_first_row_of_each_cluster_stays(tmp_path: Path) -> None:
    data = write_lines(tmp_path / "data.jsonl", ROWS)
    assert run("dedup", data, "-o", tmp_path / "out", "--threshold", 0.6).exit_code == 0
    removed = read_lines(tmp_path / "out/removed.jsonl")
    assert [(one["id"], one["reason"], one["cluster"]) for one in removed] == [
        ("again", "exact_duplicate", "data.jsonl:1"),
        ("near", "near_duplicate", "data.jsonl:1"),
    ]
    report = json.loads((tmp_path / "out/report.json").read_text())
    assert (report["clusters"], report["largest"]) == (1, [{"kept": "data.jsonl:1", "duplicates": 2}])
    exact = run("dedup", data, "-o", tmp_path / "exact", "--exact", "--json")
    assert json.loads(exact.stdout)["reasons"] == {"exact_duplicate": 1}


def test_files_of_a_folder_come_back_in_their_layout(tmp_path: Path) -> None:
    folder = tmp_path / "set"
    (folder / "part").mkdir(parents=True)
    (folder / "a.jsonl.gz").write_bytes(gzip.compress(json.dumps(ROWS[0]).encode()))
    (folder / "b.json").write_text(json.dumps(ROWS[1:3]))
    table = pyarrow.Table.from_pylist(
        [{"n": pyarrow.scalar(n, pyarrow.int8()).as_py(), **row} for n, row in enumerate(ROWS)]
    )
    table = table.set_column(0, "n", table["n"].cast(pyarrow.int8()))
    parquet.write_table(table, folder / "part/c.parquet")
    assert run("dedup", folder, "-o", tmp_path / "out", "--exact").exit_code == 0
    kept = tmp_path / "out/kept"
    with gzip.open(kept / "a.jsonl.gz") as packed:
        assert json.loads(packed.read()) == ROWS[0]
    assert [row["id"] for row in read_lines(kept / "b.jsonl")] == ["copied", "answer"]
    left = parquet.read_table(kept / "part/c.parquet")
    assert left.schema == table.schema
    assert left["id"].to_pylist() == ["near"]
    clusters = [one["cluster"] for one in read_lines(tmp_path / "out/removed.jsonl")]
    assert clusters == ["a.jsonl.gz:1", "b.json:1", "b.json:2", "a.jsonl.gz:1"]


def test_named_columns_count_and_others_do_not(tmp_path: Path, benchmark: Path) -> None:
    rows = [
        {"key": n, "ask": text, "reply": "x", "note": QUESTION} for n, text in enumerate(["Add.", QUESTION])
    ]
    data = write_lines(tmp_path / "data.jsonl", rows)
    columns = ("--prompt", "ask", "--answer", "reply", "--id", "key", "--lang", "python")
    assert run("decontaminate", data, "--against", benchmark, "-o", tmp_path / "out", *columns).exit_code == 0
    assert [one["id"] for one in read_lines(tmp_path / "out/removed.jsonl")] == ["1"]


def test_mistakes_are_named_before_anything_is_written(tmp_path: Path, benchmark: Path) -> None:
    data = write_lines(tmp_path / "data.jsonl", [{"ask": "Add.", "reply": "x"}])
    (tmp_path / "data.csv").write_text("ask")
    (tmp_path / "empty").mkdir()
    out = tmp_path / "out"
    for words, said in (
        ((data, "-o", out), "it has ask, reply"),
        ((data, "-o", out, "--prompt", "asks"), "has no column asks"),
        ((tmp_path / "none.jsonl", "-o", out), "must be a file of rows"),
        ((tmp_path / "data.csv", "-o", out), "must end in one of"),
        ((tmp_path / "empty", "-o", out), "holds no file"),
        ((data, data, "-o", out, "--prompt", "ask"), "is the name of two files"),
        ((data, "-o", tmp_path, "--prompt", "ask"), "which is to be read"),
        ((data, "-o", out, "--prompt", "ask", "--lang", "pyton"), "write python"),
    ):
        done = run("dedup", *words)
        assert (done.exit_code, said in done.output) == (2, True), done.output
    assert not (out / "report.json").exists()
    assert not list(out.rglob("*.jsonl"))
    missing = run("decontaminate", data, "--against", tmp_path / "no.jsonl", "-o", out, "--prompt", "ask")
    assert missing.exit_code != 0
    assert "no.jsonl" in missing.output


def test_a_finished_folder_is_replaced_only_on_request(tmp_path: Path) -> None:
    data = write_lines(tmp_path / "data.jsonl", ROWS)
    assert run("dedup", data, "-o", tmp_path / "out").exit_code == 0
    assert run("dedup", data, "-o", tmp_path / "out").exit_code == 2
    assert run("dedup", data, "-o", tmp_path / "out", "--exact", "--fresh").exit_code == 0
    assert json.loads((tmp_path / "out/report.json").read_text())["settings"] == {"threshold": "1 (exact)"}


def test_a_file_that_breaks_in_the_middle_leaves_no_report(tmp_path: Path) -> None:
    cut = tmp_path / "cut.jsonl.gz"
    cut.write_bytes(gzip.compress(b"".join(json.dumps(row).encode() + b"\n" for row in ROWS))[:-20])
    done = run("dedup", cut, "-o", tmp_path / "out")
    assert done.exit_code == 2
    assert "cannot be read" in done.output
    assert [path for path in (tmp_path / "out").rglob("*") if path.is_file()] == []
