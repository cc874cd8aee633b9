"""Seals: whatever single bit of a sealed file is wrong, it is refused or reads the same."""

import json
import random
import subprocess
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from synth.errors import CodemillError, StoreError
from synth.store.parquet import read_rows, read_sealed, write_rows
from synth.store.seals import (
    Damage,
    check_files,
    check_folder,
    check_parquet,
    check_sums,
    damaged,
    open_json,
    open_line,
    read_json,
    seal_folder,
    seal_json,
    seal_line,
)

SCHEMA = pa.schema([("id", pa.string()), ("n", pa.int64())])
ROWS = [{"id": f"unit-{at}", "n": at} for at in range(20)]
OBJECTS = ('{"a": 1}', "{}", '{\n "a": {"b": "加 }"},\n "c": [1, 2]\n}', '{"sha256_of": "x"}')


def flips(data: bytes) -> list[bytes]:
    """The data with each of its bits wrong in turn."""
    return [
        data[:at] + bytes([data[at] ^ 1 << bit]) + data[at + 1 :]
        for at in range(len(data))
        for bit in range(8)
    ]


@pytest.mark.parametrize("text", OBJECTS)
def test_a_sealed_object_is_json_and_opens_as_it_was(text: str) -> None:
    sealed = seal_json(text)
    assert list(json.loads(sealed))[-1] == "sha256_of_the_rest"
    assert json.loads(open_json(sealed)) == json.loads(text)
    assert seal_json(text) == sealed


@pytest.mark.parametrize("text", OBJECTS)
def test_any_wrong_bit_in_a_sealed_object_is_seen(text: str) -> None:
    for wrong in flips(seal_json(text)):
        with pytest.raises(Damage):
            open_json(wrong)


def test_json_without_a_seal_is_read_as_it_is() -> None:
    assert open_json(b'{"a": 1}') == b'{"a": 1}'


def read_lines(data: bytes) -> list[object]:
    found = [open_line(line) for line in data.splitlines(keepends=True)]
    return [json.loads(line) for line in found if line is not None]


def test_any_wrong_bit_in_sealed_lines_is_seen_or_changes_nothing() -> None:
    data = seal_line('{"a":1}') + seal_line('{"b":"two"}')
    whole = read_lines(data)
    silent = []
    for wrong in flips(data):
        try:
            silent += [wrong] if read_lines(wrong) != whole else []
        except Damage:
            continue
    assert silent == []


def test_a_line_without_its_end_was_never_written() -> None:
    line = seal_line('{"a":1}')
    assert open_line(line[:-1]) is None
    assert open_line(line[:-9]) is None


def test_parquet_with_a_seal_is_the_same_bytes_again_and_any_tool_reads_it(tmp_path: Path) -> None:
    one, two = tmp_path / "one.parquet", tmp_path / "two.parquet"
    written = write_rows(one, SCHEMA, ROWS, notes={"note": "x"})
    write_rows(two, SCHEMA, ROWS, notes={"note": "x"})
    assert one.read_bytes() == two.read_bytes()
    assert pq.read_table(one).to_pylist() == ROWS
    found = read_sealed(one)
    assert (found.rows, found.notes["note"], found.sha256) == (ROWS, "x", written.sha256)


def test_any_wrong_bit_in_a_parquet_file_is_seen(tmp_path: Path) -> None:
    path = tmp_path / "one.parquet"
    write_rows(path, SCHEMA, ROWS)
    for wrong in flips(path.read_bytes()):
        with pytest.raises(Damage):
            check_parquet(wrong)


def test_pages_have_checksums_of_their_own(tmp_path: Path) -> None:
    """Other tools check those: pyarrow refuses a wrong page without our seal."""
    path = tmp_path / "one.parquet"
    write_rows(path, SCHEMA, ROWS)
    data = bytearray(path.read_bytes())
    column = pq.ParquetFile(path).metadata.row_group(0).column(1)
    start = column.dictionary_page_offset or column.data_page_offset
    data[start + column.total_compressed_size - 1] ^= 1
    path.write_bytes(data)
    with pytest.raises(OSError, match=r"CRC|checksum"):
        pq.ParquetFile(path, page_checksum_verification=True).read()


def test_a_parquet_file_of_another_tool_is_read_as_it_is(tmp_path: Path) -> None:
    path = tmp_path / "foreign.parquet"
    pq.write_table(pa.Table.from_pylist(ROWS, schema=SCHEMA.with_metadata({"pandas": "{}"})), path)
    assert read_rows(path) == ROWS
    assert read_sealed(path).sha256 == ""


@pytest.mark.parametrize("length", [0, 3, 40, -1, -70])
def test_a_cut_file_is_damaged(tmp_path: Path, length: int) -> None:
    path = tmp_path / "one.parquet"
    write_rows(path, SCHEMA, ROWS)
    path.write_bytes(path.read_bytes()[:length])
    for read in (read_rows, lambda file: check_files([file])):
        with pytest.raises(StoreError, match=r"one\.parquet"):
            read(path)


def test_a_folder_knows_its_files(tmp_path: Path) -> None:
    (tmp_path / "a").write_bytes(random.Random(0).randbytes(100))
    (tmp_path / "b").write_text("b")
    seal_folder(tmp_path)
    check_folder(tmp_path)
    (tmp_path / "b").write_text("c")
    with pytest.raises(StoreError, match="SHA-256"):
        check_folder(tmp_path)
    (tmp_path / "b").unlink()
    with pytest.raises(StoreError, match="missing"):
        check_folder(tmp_path)


def test_the_hashes_of_an_export_are_those_that_sha256sum_checks(tmp_path: Path) -> None:
    (tmp_path / "a.jsonl").write_text("{}\n")
    sums = subprocess.run(["sha256sum", "a.jsonl"], cwd=tmp_path, capture_output=True, check=True).stdout
    (tmp_path / "SHA256SUMS").write_bytes(sums)
    check_sums(tmp_path / "a.jsonl")
    (tmp_path / "a.jsonl").write_text("[]\n")
    with pytest.raises(Damage, match="SHA256SUMS"):
        check_sums(tmp_path / "a.jsonl")


def test_the_advice_names_the_run_as_a_shell_takes_it(tmp_path: Path) -> None:
    run = tmp_path / "my runs" / "r"
    (run / "index").mkdir(parents=True)
    (run / "run.json").write_text("{}")
    error: CodemillError = damaged(run / "index" / "x.parquet", "is wrong")
    assert f"codemill fsck r --runs-dir '{tmp_path}/my runs' --repair" in str(error)


def test_json_that_was_cut_anywhere_is_refused(tmp_path: Path) -> None:
    """Without its end it has no seal, as a file of an older version has none."""
    path, whole = tmp_path / "base.json", seal_json('{"policy": "base", "answered": [1, 2]}')
    for length in range(1, len(whole)):
        path.write_bytes(whole[:length])
        with pytest.raises(StoreError, match=r"no whole JSON|seal"):
            read_json(path)
    path.write_bytes(b'{"policy": "base"}')
    assert read_json(path) == b'{"policy": "base"}'
