"""Files of rows: what streams, what is held, and that every reader keeps within the limit."""

import gzip
import json
import os
from collections.abc import Callable
from pathlib import Path

import pyarrow
import pytest
from pyarrow import parquet

from synth import table_files
from synth.audit import data_files
from synth.errors import UserError
from synth.filters.benchmarks import read_benchmark
from synth.table_files import TableFileError, read_rows
from synth.unpacking import MB
from synth.verify.formats.registry import get_format
from synth.verify.formats.tables import Problems

KINDS = ("jsonl", "jsonl.gz", "json", "json.gz", "parquet", "arrow")
READERS: dict[str, Callable[[Path], object]] = {
    "rows": lambda path: list(read_rows(path)),
    "audit": lambda path: list(data_files.read_rows(path)),
    "benchmarks": lambda path: list(read_benchmark(path)),
    "problems": lambda path: Problems(path, get_format("humaneval")).find("0", "s.jsonl:1"),
}


def write(path: Path, rows: list[dict[str, str]]) -> Path:
    text = json.dumps(rows) if ".json" in path.suffixes else "".join(json.dumps(row) + "\n" for row in rows)
    if path.suffix == ".parquet":
        parquet.write_table(pyarrow.Table.from_pylist(rows), path)
    elif path.suffix == ".arrow":
        table = pyarrow.Table.from_pylist(rows)
        options = pyarrow.ipc.IpcWriteOptions(compression="zstd")
        with pyarrow.ipc.new_stream(str(path), table.schema, options=options) as out:
            out.write_table(table)
    else:
        path.write_bytes(gzip.compress(text.encode()) if path.suffix == ".gz" else text.encode())
    return path


@pytest.mark.parametrize("kind", KINDS)
def test_a_row_is_the_same_in_every_kind_of_file(kind: str, tmp_path: Path) -> None:
    rows = [{"task_id": str(n), "test": f"line\u2028{n}"} for n in range(40)]
    assert list(read_rows(write(tmp_path / f"p.{kind}", rows))) == list(enumerate(rows, start=1))


@pytest.mark.parametrize(
    ("text", "numbers"),
    [
        ('[{"a": 1}, {"a": 2}]', [1, 2]),
        ('{"rows": [{"a": 1}]}', [1]),
        ('{"x": {"a": 1}, "y": {"a": 2}}', [1, 2]),
        ('{"a": 1}\n\n{"a": 2}\n', [1, 3]),
    ],
)
def test_a_document_of_json_may_hold_its_rows_in_any_usual_way(
    text: str, numbers: list[int], tmp_path: Path
) -> None:
    (tmp_path / "p.json").write_text(text)
    assert [number for number, _ in read_rows(tmp_path / "p.json")] == numbers


@pytest.mark.parametrize("reader", READERS)
@pytest.mark.parametrize("kind", ["jsonl.gz", "json.gz", "parquet"])
def test_no_reader_unpacks_more_than_the_limit(
    reader: str, kind: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(table_files, "MOST_HELD", 4 * MB)
    path = write(tmp_path / f"p.{kind}", [{"task_id": str(n), "test": "0" * MB} for n in range(8)])
    assert path.stat().st_size < MB
    with pytest.raises((UserError, TableFileError), match="more than 4 MB unpacked") as caught:
        READERS[reader](path)
    assert str(path) in str(caught.value)


@pytest.mark.parametrize("reader", READERS)
def test_two_gigabytes_in_one_document_are_refused_before_they_are_read(reader: str, tmp_path: Path) -> None:
    (tmp_path / "big.json").touch()
    os.truncate(tmp_path / "big.json", 2 << 30)
    with pytest.raises((UserError, TableFileError), match="1024 MB"):
        READERS[reader](tmp_path / "big.json")


@pytest.mark.parametrize("reader", READERS)
def test_a_line_that_never_ends_is_refused(
    reader: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(table_files, "MOST_HELD", 4 * MB)
    (tmp_path / "p.jsonl").touch()
    os.truncate(tmp_path / "p.jsonl", 2 << 30)
    with pytest.raises((UserError, TableFileError), match="4 MB"):
        READERS[reader](tmp_path / "p.jsonl")


@pytest.mark.parametrize("reader", READERS)
@pytest.mark.parametrize("data", [b"{", b"\xff\xfe", b"[1]\n", b"1\n"])
def test_what_is_no_row_is_an_error_that_names_the_file(reader: str, data: bytes, tmp_path: Path) -> None:
    if reader == "rows" and data in (b"[1]\n", b"1\n"):
        pytest.skip("any value of JSON is a row of the file; its readers ask for objects")
    (tmp_path / "p.jsonl").write_bytes(data)
    with pytest.raises((UserError, TableFileError)) as caught:
        READERS[reader](tmp_path / "p.jsonl")
    assert "p.jsonl" in str(caught.value)
