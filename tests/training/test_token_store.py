"""The token store: the same ids as the encoder's, each row once, whatever was killed in between."""

import json
import os
import pickle
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING

import numpy
import psutil
import pyarrow
import pytest
from pyarrow import parquet

from posttrain.core.rows import sft_row
from posttrain.core.tokens import Encoder
from posttrain.core.trl_trainers import row_lengths
from posttrain.tokens import parts
from posttrain.tokens.build import Tokenizing, Wanted, store_name, token_store
from posttrain.tokens.encodings import encode_row
from posttrain.tokens.parts import cut, read_part
from posttrain.tokens.selection import tokenizer_identity
from posttrain.tokens.store import TokenStore
from synth.errors import DatasetError
from tests.training.conftest import WriteRows
from tests.training.tiny import Row, build_tokenizer, chat_rows, pair_rows

if TYPE_CHECKING:
    from transformers import PreTrainedTokenizerBase

LIMIT = 512


@pytest.fixture(autouse=True)
def small_parts(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(parts, "LEAST_BYTES", 600)


@pytest.fixture
def encoder(tokenizer: "PreTrainedTokenizerBase") -> Encoder:
    return Encoder(tokenizer)


def rows_of_all_forms(count: int) -> list[Row]:
    texts: list[Row] = [{"text": f"<|fim_prefix|>a<|fim_suffix|>c<|fim_middle|>{n}é"} for n in range(count)]
    plain: list[Row] = [{"prompt": f"# {n}\n", "completion": "x = <|im_end|>"} for n in range(count)]
    return [row for group in zip(chat_rows(count), texts, plain, strict=True) for row in group]


def store_of(file: Path, encoder: Encoder, home: Path, kind: str = "sft", workers: int = 1) -> TokenStore:
    return token_store(home, Wanted(file, kind, LIMIT), Tokenizing(encoder, "tiny", workers))


def test_the_ids_are_those_of_the_encoder(write_rows: WriteRows, encoder: Encoder, tmp_path: Path) -> None:
    rows = rows_of_all_forms(20)
    store = store_of(write_rows("rows", rows), encoder, tmp_path / "tokens")
    assert len(store.manifest.shards) > 3
    expected = [encode_row(encoder, sft_row("", row)) for row in rows]
    found = store.dataset
    assert [(row["input_ids"], row["labels"]) for row in found] == [(one.ids, one.labels) for one in expected]
    assert store.lengths.tolist() == [len(one.ids) for one in expected] == row_lengths(found).tolist()


def test_pairs_are_as_long_as_their_parts_together(
    write_rows: WriteRows, encoder: Encoder, tmp_path: Path
) -> None:
    store = store_of(write_rows("pairs", pair_rows(9)), encoder, tmp_path / "tokens", "dpo")
    sums = [sum(map(len, row.values())) for row in store.dataset]
    assert store.lengths.tolist() == sums == row_lengths(store.dataset).tolist()


def test_two_processes_make_what_one_makes(write_rows: WriteRows, encoder: Encoder, tmp_path: Path) -> None:
    file = write_rows("rows", [*rows_of_all_forms(20), {"text": "x" * 600}])
    one, two = (store_of(file, encoder, tmp_path / str(number), workers=number) for number in (1, 2))
    assert one.manifest == two.manifest and one.manifest.rejected == {"too_long": 1}
    assert list(one.rejected()) == list(two.rejected())
    for path in one.folder.glob("*.arrow"):
        assert path.read_bytes() == (two.folder / path.name).read_bytes()


def test_a_finished_store_is_read_without_encoding(
    write_rows: WriteRows, encoder: Encoder, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    file = write_rows("rows", chat_rows(30))
    first = store_of(file, encoder, tmp_path / "tokens")
    monkeypatch.delattr("posttrain.tokens.build.write_shard")
    again = store_of(file, encoder, tmp_path / "tokens")
    assert again == first and isinstance(again.lengths, numpy.memmap)


def test_the_name_follows_data_tokenizer_template_and_limit(write_rows: WriteRows) -> None:
    file = write_rows("rows", chat_rows(3))
    tokenizer, other = build_tokenizer(), build_tokenizer()
    other.chat_template += "{# another #}"
    identity = tokenizer_identity(tokenizer)
    names = {
        store_name(Wanted(file, "sft", LIMIT), identity),
        store_name(Wanted(file, "sft", LIMIT), tokenizer_identity(other)),
        store_name(Wanted(file, "sft", LIMIT - 1), identity),
        store_name(Wanted(file, "dpo", LIMIT), identity),
    }
    file.write_text(file.read_text() + json.dumps(chat_rows(1)[0]))
    assert len(names | {store_name(Wanted(file, "sft", LIMIT), identity)}) == 5


# --- parts --------------------------------------------------------------------------------------------------


def as_lines(rows: list[Row], file: Path) -> None:
    file.write_text("\n\n".join(map(json.dumps, rows)))


def as_parquet(rows: list[Row], file: Path) -> None:
    parquet.write_table(pyarrow.Table.from_pylist(rows), file, row_group_size=7)


def as_arrow(rows: list[Row], file: Path) -> None:
    table = pyarrow.Table.from_pylist(rows)
    with pyarrow.OSFile(str(file), "wb") as sink, pyarrow.ipc.new_stream(sink, table.schema) as stream:
        stream.write_table(table, max_chunksize=7)


@pytest.mark.parametrize(
    ("write", "ending"), [(as_lines, "jsonl"), (as_parquet, "parquet"), (as_arrow, "arrow")]
)
def test_parts_have_every_row_once_with_its_number(write: object, ending: str, tmp_path: Path) -> None:
    file = tmp_path / f"rows.{ending}"
    assert callable(write)
    write([{"id": f"r{number}", "text": "x" * (number % 50), "none": None} for number in range(100)], file)
    pieces = list(cut([file]))
    assert len(pieces) > 3
    found = [row for piece in pieces for row in read_part(piece)]
    assert [row.where for row in found] == [f"{file}: row {n} (r{n - 1})" for n in range(1, 101)]
    assert all(isinstance(row.row, dict) and set(row.row) == {"id", "text"} for row in found)


def test_a_line_across_the_border_of_parts_is_read_once(tmp_path: Path) -> None:
    file = tmp_path / "rows.jsonl"
    as_lines([{"text": "x" * 2000}, {"text": "short"}, {"text": "y" * 2000}], file)
    assert [len(list(read_part(piece))) for piece in cut([file])] == [1, 2]


def test_a_file_that_is_no_table_is_refused(tmp_path: Path) -> None:
    for ending in ("parquet", "arrow"):
        file = tmp_path / f"rows.{ending}"
        file.write_bytes(b"PAR1 and no more")
        with pytest.raises(DatasetError, match=r"cannot be read|not a whole Parquet file"):
            list(cut([file]))


# --- killed -------------------------------------------------------------------------------------------------

KILLED = """
import os, pickle, signal, sys
from pathlib import Path
from posttrain.tokens import parts
from posttrain.tokens.build import Tokenizing, Wanted, token_store

def after(done, _all):
    if done == 3:
        os.kill(os.getpid(), signal.SIGKILL)

if __name__ == "__main__":
    file, home, encoder = map(Path, sys.argv[1:])
    parts.LEAST_BYTES = 600
    tokenizing = Tokenizing(pickle.loads(encoder.read_bytes()), "tiny", 2)
    token_store(home, Wanted(file, "sft", 512), tokenizing, after)
"""


def spawned_from(script: Path) -> Iterator[psutil.Process]:
    for process in psutil.process_iter(["cmdline", "environ"]):
        if (process.info["environ"] or {}).get("STARTED_BY") == str(script):
            yield process


def test_after_a_kill_no_row_is_there_twice_and_finished_shards_stay(
    write_rows: WriteRows, encoder: Encoder, tmp_path: Path
) -> None:
    rows = rows_of_all_forms(60)
    file, script, home = write_rows("rows", rows), tmp_path / "script.py", tmp_path / "tokens"
    script.write_text(KILLED)
    (tmp_path / "encoder").write_bytes(pickle.dumps(encoder))
    words = [sys.executable, str(script), str(file), str(home), str(tmp_path / "encoder")]
    environment = {**os.environ, "STARTED_BY": str(script), "PYTHONPATH": str(Path(__file__).parents[2])}
    killed = subprocess.run(words, env=environment, capture_output=True, text=True, timeout=60)
    assert killed.returncode == -signal.SIGKILL, killed.stderr
    deadline = time.monotonic() + 10
    while list(spawned_from(script)) and time.monotonic() < deadline:
        time.sleep(0.1)
    assert list(spawned_from(script)) == []
    before = {path: path.stat().st_mtime_ns for path in home.rglob("part-*.json")}
    assert len(before) >= 3
    store = store_of(file, encoder, home)
    assert len(store.manifest.shards) > len(before)
    assert {path: path.stat().st_mtime_ns for path in before} == before
    expected = [encode_row(encoder, sft_row("", row)).ids for row in rows]
    assert list(store.dataset["input_ids"]) == expected
    assert not list(home.rglob("*.tmp"))
