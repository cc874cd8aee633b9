"""Rows of data sets as files of code: what each kind of row becomes, and what each kind of bad input becomes,
from every source."""

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from synth.config import HubSeedsConfig, JsonlSeedsConfig, SourceTreeSeedsConfig
from synth.errors import OutageError, RecipeError
from synth.records import FunctionContract, Seed
from synth.seeds.hub import Patience, open_hub
from synth.seeds.protocol import FileCut, SeedRejection
from synth.seeds.reader import read_files, read_seeds
from synth.seeds.rows import DataRow, read_row_cuts

GOOD = "def f(a):\n    b = a + 1\n    return b\n"
METHODS = "class Box:\n    def one(self, a):\n        b = a + 1\n        return b\n\n" + GOOD
HUGE = "x = 1\n" * 200_000
MINIFIED = "x = '" + "a" * 3000 + "'\n"
UNPARSEABLE = "def g(:\n    return ((\n" * 4

Cuts = list[FileCut]
ReadAs = Callable[[Path, list[bytes]], Cuts]
"""Reads these contents of Python files from one kind of source, in their order."""


def read(folder: Path, config: Any, round_: int = 1, seed: int = 7) -> Cuts:  # noqa: ANN401
    return list(read_files(config, recipe_folder=folder, random_seed=seed, round_=round_))


def as_tree(folder: Path, contents: list[bytes]) -> Cuts:
    (folder / "tree").mkdir()
    for at, content in enumerate(contents):
        (folder / "tree" / f"m{at:02}.py").write_bytes(content)
    return read(folder, SourceTreeSeedsConfig(paths=("tree",), shuffle=False))


def as_lines(folder: Path, contents: list[bytes]) -> Cuts:
    # bytes that are no UTF-8 stand as they are between the quotes
    lines = [
        b'{"language": "python", "code": "' + json.dumps(c.decode("latin-1"))[1:-1].encode() + b'"}'
        if not is_text(c)
        else json.dumps({"code": c.decode(), "language": "python"}).encode()
        for c in contents
    ]
    raw = [
        line if is_text(c) else line.replace(b"\\u00ff", b"\xff")
        for line, c in zip(lines, contents, strict=True)
    ]
    (folder / "rows.jsonl").write_bytes(b"\n".join(raw))
    return read(folder, JsonlSeedsConfig(path="rows.jsonl", shuffle=False))


def as_parquet(folder: Path, contents: list[bytes]) -> Cuts:
    import pyarrow as pa
    import pyarrow.parquet as pq

    pytest.importorskip("datasets")
    (folder / "set").mkdir()
    texts = [c if not is_text(c) else c.decode() for c in contents]
    codes = [text if isinstance(text, str) else None for text in texts]
    pq.write_table(pa.table({"content": codes}), folder / "set" / "train.parquet")
    return read(folder, HubSeedsConfig(dataset="set", shuffle=False))


def is_text(content: bytes) -> bool:
    try:
        content.decode()
    except UnicodeDecodeError:
        return False
    return True


SOURCES = pytest.mark.parametrize("read_as", [as_tree, as_lines, as_parquet])


@SOURCES
def test_every_kind_of_bad_content_is_a_row_with_its_reason_and_reading_goes_on(
    read_as: ReadAs, tmp_path: Path
) -> None:
    bad = {
        b"a\0b\n" * 40: "unreadable",
        b"\xff\xfe mixed": "unreadable",
        HUGE.encode(): "too_long",
        MINIFIED.encode(): "generated_file",
        b"  \n\n": "too_short",
    }
    cuts = read_as(tmp_path, [*bad, UNPARSEABLE.encode(), GOOD.encode()])
    assert [cut.reject.reason if cut.reject else "" for cut in cuts] == [*bad.values(), "", ""]
    assert all(cut.reject.evidence for cut in cuts if cut.reject)
    assert len({cut.ref.id for cut in cuts}) == len(cuts)
    assert not cuts[-2].units, "no function of a text that does not parse is whole"
    [seed] = cuts[-1].units
    assert isinstance(seed, Seed)
    assert seed.code.strip() == GOOD.strip()


@SOURCES
def test_all_functions_of_a_row_are_cut_by_the_same_filters(read_as: ReadAs, tmp_path: Path) -> None:
    stub = "\ndef later(a):\n    pass\n"
    [cut] = read_as(tmp_path, [(METHODS + stub).encode()])
    found = [unit.code.split("(")[0] if isinstance(unit, Seed) else unit.reject.reason for unit in cut.units]
    assert found == ["class Box:\n    def one", "def f", "stub_body"]


def test_a_row_says_its_language_or_its_path_does(tmp_path: Path) -> None:
    rows: list[dict[str, object]] = [
        {"code": GOOD, "language": "Python"},
        {"code": GOOD, "path": "src/a.py"},
        {"code": GOOD, "language": "Batchfile"},
        {"code": GOOD, "path": "a.xyz"},
        {"code": "function f(a) {\n  const b = a + 1;\n  return b;\n}\n", "language": "JavaScript"},
    ]
    (tmp_path / "r.jsonl").write_text("\n".join(map(json.dumps, rows)))
    cuts = read(tmp_path, JsonlSeedsConfig(path="r.jsonl", shuffle=False))
    assert [cut.reject.reason if cut.reject else cut.ref.language for cut in cuts] == [
        "python",
        "python",
        "unknown_language",
        "unknown_language",
        "javascript",
    ]
    assert cuts[2].reject is not None
    assert cuts[2].reject.evidence == {"language": "batchfile", "column": "language"}
    named = read(tmp_path, JsonlSeedsConfig(path="r.jsonl", shuffle=False, languages=("js", "python")))
    assert [cut.ref.language for cut in named] == ["python", "python", "", "javascript"]


def test_a_row_that_is_one_snippet_stays_one(tmp_path: Path) -> None:
    helper = "def g(a):\n    return a\n\ndef f(a):\n    return g(a) + 1\n"
    rows = [
        {"code": helper, "language": "python", "entry_point": "g"},
        {"code": helper, "language": "python", "entry_point": "f", "signature": "( int )->int"},
        {"code": helper, "language": "python", "entry_point": "f", "signature": "Callable"},
        {"code": "x = 1\n" * 2000, "language": "python", "entry_point": "f"},
    ]
    (tmp_path / "r.jsonl").write_text("\n".join(map(json.dumps, rows)))
    units = list(
        read_seeds(
            JsonlSeedsConfig(path="r.jsonl", shuffle=False), recipe_folder=tmp_path, random_seed=0, round_=1
        )
    )
    seeds = [unit for unit in units if isinstance(unit, Seed)]
    assert [(seed.code, seed.entry_point) for seed in seeds] == [(helper, "g"), (helper, "f"), (helper, "f")]
    contract = FunctionContract(entry_point="f", signature="(int) -> int")
    assert [seed.contract for seed in seeds] == [None, contract, None]
    assert isinstance(units[3], SeedRejection)
    assert units[3].reject.reason == "too_long"


def test_a_line_is_held_only_up_to_a_limit(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("synth.seeds.jsonl.MAX_LINE_BYTES", 500)
    good = json.dumps({"code": GOOD, "language": "python"})
    (tmp_path / "r.jsonl").write_text(f"{good}\n{'x' * 5000}\n{good}")
    cuts = read(tmp_path, JsonlSeedsConfig(path="r.jsonl", shuffle=False))
    assert [cut.ref.row for cut in cuts] == ["r.jsonl:1", "r.jsonl:2", "r.jsonl:3"]
    assert cuts[1].reject is not None
    assert (cuts[1].reject.reason, cuts[1].reject.evidence["bytes"]) == ("too_long", 5001)


# --- order and limits ---------------------------------------------------------------------------------------


def write_many(path: Path, count: int, languages: tuple[str, ...] = ("python",)) -> None:
    rows = (
        json.dumps({"code": GOOD.replace("f(", f"f{at}("), "language": languages[at % len(languages)]})
        for at in range(count)
    )
    path.write_text("\n".join(rows))


def test_rows_come_in_another_order_in_each_round_and_each_once(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("synth.seeds.jsonl.BLOCK_LINES", 10)
    write_many(tmp_path / "r.jsonl", 95)
    config = JsonlSeedsConfig(path="r.jsonl")
    first, again, second = ([cut.ref.row for cut in read(tmp_path, config, round_)] for round_ in (1, 1, 2))
    assert first == again != second
    assert sorted(first) == sorted(second) == sorted(f"r.jsonl:{at}" for at in range(1, 96))
    few = JsonlSeedsConfig(path="r.jsonl", limit=20)
    drawn = [{cut.ref.row for cut in read(tmp_path, few, round_)} for round_ in (1, 2)]
    assert [len(rows) for rows in drawn] == [20, 20]
    assert len(drawn[0] & drawn[1]) < 15


def test_languages_have_limits_of_their_own(tmp_path: Path) -> None:
    write_many(tmp_path / "r.jsonl", 90, ("python", "ruby", "lua"))
    config = JsonlSeedsConfig(path="r.jsonl", languages=("python", "ruby"), limits={"py": 4, "ruby": 9})
    found = [cut.ref.language for cut in read(tmp_path, config)]
    assert (found.count("python"), found.count("ruby"), len(found)) == (4, 9, 13)


def save_folders(folder: Path, **counts: int) -> None:
    datasets = pytest.importorskip("datasets")
    for language, count in counts.items():
        (folder / "data" / language).mkdir(parents=True)
        rows = [{"content": GOOD.replace("f(", f"f{at}("), "lang": language} for at in range(count)]
        datasets.Dataset.from_list(rows).to_parquet(str(folder / "data" / language / "a.parquet"))


def test_folders_of_a_data_set_are_read_in_turn(tmp_path: Path) -> None:
    save_folders(tmp_path / "set", python=40, ruby=40, lua=40)
    config = HubSeedsConfig(
        dataset="set", language_column="lang", data_dirs=("data/python", "data/lua"), limit=20
    )
    found = [cut.ref.language for cut in read(tmp_path, config)]
    assert len(found) == 20
    assert 4 <= found.count("python") <= 16
    plain = read(tmp_path, config.model_copy(update={"shuffle": False}))
    assert [cut.ref.language for cut in plain] == ["python", "lua"] * 10
    assert [cut.ref.row for cut in plain[:3]] == ["data/python/0:1", "data/lua/0:1", "data/python/0:2"]


def test_a_later_round_begins_further_on(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Also where a part is longer than what is held to shuffle."""
    monkeypatch.setattr("synth.seeds.order.shuffled.__kwdefaults__", {"most": 5, "most_size": 1 << 20})
    save_folders(tmp_path / "set", python=60)
    config = HubSeedsConfig(dataset="set", limit=20)
    rounds = [{cut.ref.row for cut in read(tmp_path, config, round_)} for round_ in (1, 2, 3, 4)]
    assert [len(rows) for rows in rounds] == [20] * 4
    assert len(rounds[0] & rounds[1]) <= 5
    assert len(set().union(*rounds[:3])) > 50
    whole = read(tmp_path, config.model_copy(update={"limit": 1000}), 3)
    assert len({cut.ref.row for cut in whole}) == len(whole) == 60


# --- columns and the network --------------------------------------------------------------------------------


def test_a_column_that_no_row_can_have_is_an_error_before_anything_is_read(tmp_path: Path) -> None:
    save_folders(tmp_path / "set", python=3)
    for config, key in (
        (HubSeedsConfig(dataset="set", code_column="contents"), "code_column"),
        (HubSeedsConfig(dataset="set", language_column="language"), "language_column"),
    ):
        with pytest.raises(RecipeError, match=rf"{key}(.|\n)*is no column of set, which has content, lang"):
            read(tmp_path, config)
    (tmp_path / "r.jsonl").write_text('{"text": "x", "language": "python"}\n' * 3)
    with pytest.raises(RecipeError, match=r"is no column of r\.jsonl, which has text, language"):
        read(tmp_path, JsonlSeedsConfig(path="r.jsonl"))


class BrokenStream:
    """A part of a data set that breaks at some of its rows, each as often as it is told."""

    num_shards, column_names = 1, None

    def __init__(self, rows: int, breaks: dict[int, list[Exception]], at: int = 0) -> None:
        self.rows, self.breaks, self.at = rows, breaks, at

    def skip(self, count: int) -> "BrokenStream":
        return BrokenStream(self.rows, self.breaks, self.at + count)

    def __iter__(self) -> Any:  # noqa: ANN401
        for at in range(self.at, self.rows):
            if waiting := self.breaks.get(at):
                raise waiting.pop(0)
            yield {"content": GOOD.replace("f(", f"f{at}(")}


def read_broken(
    monkeypatch: pytest.MonkeyPatch, breaks: dict[int, list[Exception]], pauses: list[float]
) -> list[DataRow]:
    monkeypatch.setattr("synth.seeds.hub._open", lambda *_: BrokenStream(6, breaks))
    _, streams = open_hub(HubSeedsConfig(dataset="far/away"), Path(), 1, Patience(30, pauses.append))
    return [row for part in streams[0] for row in part.read()]


def test_a_network_that_comes_back_costs_no_row(monkeypatch: pytest.MonkeyPatch) -> None:
    import httpx

    pauses: list[float] = []
    faults: dict[int, list[Exception]] = {
        2: [ConnectionResetError("gone"), httpx.ReadError("gone")],
        4: [TimeoutError()],
    }
    rows = read_broken(monkeypatch, faults, pauses)
    assert [row.number for row in rows] == [1, 2, 3, 4, 5, 6]
    assert all(isinstance(row.values, dict) for row in rows)
    assert pauses == [1.0, 2.0, 1.0]


def test_a_network_that_stays_away_is_an_outage_and_not_the_end(monkeypatch: pytest.MonkeyPatch) -> None:
    pauses: list[float] = []
    with pytest.raises(OutageError, match="cannot be read on after row 3: OSError: no route"):
        read_broken(monkeypatch, {3: [OSError("no route")] * 99}, pauses)
    assert 30 <= sum(pauses) < 45
    assert max(pauses) == 10


def test_a_damaged_part_is_a_rejection(monkeypatch: pytest.MonkeyPatch) -> None:
    rows = read_broken(monkeypatch, {3: [ValueError("bad magic bytes")]}, [])
    assert [row.number for row in rows] == [1, 2, 3, 4]
    config = HubSeedsConfig(dataset="far/away")
    reader, _ = open_hub(config, Path())
    cuts = list(read_row_cuts(reader, [], random_seed=0, round_=1)) or [reader.cut(row) for row in rows]
    last = cuts[-1].reject
    assert last is not None
    assert (last.reason, last.evidence["error"]) == ("unreadable", "ValueError: bad magic bytes")
