"""The opened runs: what can be opened, a run that grows, and runs that are damaged, old, empty or gone."""

import json
import shutil
from pathlib import Path

import pytest

from synth.errors import UserError
from synth.inspector.database import StoppedError
from synth.inspector.library import Library, read_library
from synth.inspector.opened_run import RunKind
from synth.inspector.queries.runs import list_runs
from synth.inspector.sources import OpenedFolder
from synth.records import Decision, Outcome
from synth.store.export import ExportFormat, export
from synth.store.run_folder import RunFolder, read_info, write_info
from synth.verify.answers import CaseAnswer, VerifyResult
from tests.store.small_run import GOOD, build_small_run, commit, identity, row


def answer(number: int, verdict: Outcome, passed: int = 0) -> VerifyResult:
    return VerifyResult(
        id="HumanEval/0",
        row=number,
        key=f"{number:016x}",
        language="python",
        verdict=verdict,
        passed=passed,
        total=2,
        cases=(CaseAnswer(index=0, passed=passed > 0, status="returned", found="1"),),
        cpu_s=0.5,
        wall_s=1.0,
        peak_memory_mb=10.0,
        level="B",
        toolchain="3.12",
        trust="T2",
    )


def rows_of(library: Library, key: str) -> list[tuple[str, str, str]]:
    sql = f"SELECT unit_id, stage, decision FROM {library.run(key).table} ORDER BY ALL"
    return [(one["unit_id"], one["stage"], one["decision"]) for one in library.query(sql)]


def test_a_run_is_summarized(tmp_path: Path) -> None:
    (found,) = list_runs(read_library([build_small_run(tmp_path)]))
    assert (found.key, found.kind, found.state, found.recipe) == ("small", RunKind.RUN, "finished", "small")
    assert (found.entered, found.rows, found.damaged, found.models) == (2, 13, 0, ("pocket",))
    assert {one.product: one.count for one in found.accepted} == {"sft": 1, "pairs": 1, "fim": 1}
    assert found.share == 0.5
    assert found.reading.is_whole


def test_the_same_name_gets_another_key_and_the_same_path_does_not(tmp_path: Path) -> None:
    one, two = build_small_run(tmp_path / "a"), build_small_run(tmp_path / "b")
    library = Library([one, two, one])
    assert [run.key for run in library.runs] == ["small", "small-2"]
    with pytest.raises(UserError, match="small"):
        library.run("smal")


def test_a_path_that_is_no_run_is_refused(tmp_path: Path) -> None:
    (tmp_path / "notes.jsonl").write_text('{"a": 1}\n')
    for path in (tmp_path, tmp_path / "none", tmp_path / "notes.jsonl"):
        with pytest.raises(UserError):
            Library([path])


def test_a_run_that_grows_is_followed(tmp_path: Path) -> None:
    with RunFolder.create_or_resume(tmp_path, "growing", identity()) as folder:
        folder.declare_stages(("snippet", "reference"))
        library = Library([folder.path])
        assert list_runs(library)[0].rows == 0
        commit(folder, [row("snippet", "seed-1a")])
        assert list_runs(library)[0].entered == 1
        commit(folder, [row("snippet", "seed-2b", shard="0001")])
        commit(folder, [row("snippet", "seed-9z", Decision.REJECTED, "too_short")])  # shard 0000 once more
        assert list_runs(library)[0].state == "running"
    assert rows_of(library, "growing") == [
        ("seed-2b", "snippet", "kept"),
        ("seed-9z", "snippet", "rejected"),
    ]
    assert list_runs(library)[0].state == "finished"


def test_a_half_written_shard_is_left_out_and_named_until_it_is_whole(tmp_path: Path) -> None:
    run = build_small_run(tmp_path)
    index = run / "index" / "solve" / "0001-0000.parquet"
    whole = index.read_bytes()
    index.write_bytes(whole[:-20])
    library = read_library([run])
    assert [one.path for one in library.run("small").damaged] == ["index/solve/0001-0000.parquet"]
    assert len(rows_of(library, "small")) == 10
    index.write_bytes(whole)
    (found,) = list_runs(library)
    assert (found.rows, found.damaged) == (13, 0)


def test_one_wrong_bit_is_never_read(tmp_path: Path) -> None:
    run = build_small_run(tmp_path)
    index = run / "index" / "solve" / "0001-0000.parquet"
    data = bytearray(index.read_bytes())
    data[30] ^= 1
    index.write_bytes(data)
    (damaged,) = read_library([run]).run("small").damaged
    assert "SHA-256" in damaged.problem
    assert "fsck" in damaged.fix


def test_a_deleted_body_is_named_and_the_others_are_read(tmp_path: Path) -> None:
    run = build_small_run(tmp_path)
    (run / "bodies" / "solution" / "0001-0000@solve.parquet").unlink()
    library = read_library([run])
    opened = library.run("small")
    assert opened.read_bodies("solution", [GOOD.id]) == {}
    assert opened.read_bodies("verdict", [GOOD.id])[GOOD.id].fields["outcome"] == "pass"
    assert [one.path for one in opened.damaged] == ["bodies/solution/0001-0000@solve.parquet"]


def test_a_run_of_another_version_says_which(tmp_path: Path) -> None:
    run = build_small_run(tmp_path)
    write_info(run, read_info(run).model_copy(update={"schema_version": 1}))
    assert list_runs(read_library([run]))[0].written_by == 1


def test_an_empty_and_an_unreadable_run_are_rows_all_the_same(tmp_path: Path) -> None:
    with RunFolder.create_or_resume(tmp_path, "empty", identity()):
        pass
    broken = build_small_run(tmp_path, "broken")
    for name in ("run.json", "run.json.copy"):
        (broken / name).write_text("{")
    empty, unreadable = list_runs(read_library([tmp_path / "empty", broken]))
    assert (empty.rows, empty.entered, empty.share) == (0, 0, None)
    assert (unreadable.state, unreadable.rows) == ("unreadable", 13)
    assert unreadable.message


def test_nothing_is_written_into_a_run(tmp_path: Path) -> None:
    run = build_small_run(tmp_path)
    before = {path: path.stat().st_mtime_ns for path in run.rglob("*")}
    library = read_library([run])
    assert isinstance(library.run("small"), OpenedFolder)
    list_runs(library)
    library.run("small").read_bodies("solution", [GOOD.id])
    assert {path: path.stat().st_mtime_ns for path in run.rglob("*")} == before


def test_answers_open_as_a_run_and_grow(tmp_path: Path) -> None:
    file = tmp_path / "out.jsonl"
    lines = [
        answer(1, Outcome.PASS, 2),
        answer(2, Outcome.WRONG_ANSWER, 1),
        answer(3, Outcome.TOOLCHAIN_MISSING),
    ]
    file.write_text("".join(one.line() for one in lines[:2]) + lines[2].line()[:30])
    library = Library([file])
    (found,) = list_runs(library)
    assert (found.kind, found.state, found.entered) == (RunKind.ANSWERS, "answers", 2)
    with file.open("a") as more:
        more.write(lines[2].line()[30:])
    list_runs(library)
    assert rows_of(library, found.key) == [
        ("answer-0000001", "verify", "kept"),
        ("answer-0000002", "verify", "rejected"),
        ("answer-0000003", "verify", "failed"),
    ]
    body = library.run(found.key).read_bodies("answer", ["answer-0000002"])["answer-0000002"]
    assert VerifyResult.model_validate(body.fields) == lines[1]
    assert Library([tmp_path]).runs[0].kind is RunKind.ANSWERS


@pytest.mark.parametrize("layout", list(ExportFormat))
def test_an_export_opens_as_a_run(tmp_path: Path, layout: ExportFormat) -> None:
    out = export(build_small_run(tmp_path), layout, tmp_path / "out").folder
    (found,) = list_runs(read_library([out]))
    assert (found.kind, found.rows) == (RunKind.EXPORT, 3)
    assert {one.product: one.count for one in found.accepted} == {"sft": 1, "pairs": 1, "fim": 1}
    opened = read_library([out]).run("out")
    assert opened.read_bodies("pair", ["pair-7a"])["pair-7a"].fields["language"] == "python"


def test_a_changed_export_is_left_out(tmp_path: Path) -> None:
    out = export(build_small_run(tmp_path), ExportFormat.JSONL, tmp_path / "out").folder
    changed = json.loads((out / "sft.jsonl").read_text()) | {"language": "rust"}
    (out / "sft.jsonl").write_text(json.dumps(changed) + "\n")
    library = read_library([out])
    assert [one.path for one in library.run("out").damaged] == ["sft.jsonl"]
    assert len(rows_of(library, "out")) == 2


def test_a_run_that_goes_away_is_empty(tmp_path: Path) -> None:
    run = build_small_run(tmp_path)
    library = read_library([run])
    shutil.rmtree(run)
    (found,) = list_runs(library)
    assert (found.state, found.rows) == ("unreadable", 0)


def test_a_server_that_ends_waits_for_no_query(tmp_path: Path) -> None:
    library = Library([build_small_run(tmp_path)])
    rows = library.database.stream("SELECT * FROM range(1_000_000)")
    assert next(rows) == {"range": 0}
    library.database.stop()
    with pytest.raises(StoppedError):
        list(rows)
    with pytest.raises(StoppedError):
        library.query("SELECT 1")


def test_many_runs_share_the_time_of_one_page(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    library = Library([build_small_run(tmp_path, f"run-{at}") for at in range(3)])
    monkeypatch.setattr("synth.inspector.queries.runs.REFRESH_S", 0)
    assert [one.reading.is_whole for one in list_runs(library)] == [False, False, False]
    monkeypatch.setattr("synth.inspector.queries.runs.REFRESH_S", 60)
    assert [one.reading.is_whole for one in list_runs(library)] == [True, True, True]


def test_a_text_is_looked_for_in_the_files_that_are_left(tmp_path: Path) -> None:
    run = build_small_run(tmp_path)
    library = read_library([run])
    opened = library.runs[0]
    assert "task-2b" in opened.find_text("Double a number", 60).ids
    for file in (run / "bodies" / "task").iterdir():
        file.unlink()
    found = opened.find_text("Double a", 60)
    assert found.is_whole and "task-2b" not in found.ids


def test_lines_that_are_no_answers_are_counted_and_said(tmp_path: Path) -> None:
    file = tmp_path / "out.jsonl"
    broken = b'not json\n{"row": 2, "verdict": "\xff\xfe"}\n[1]\n{"row": 7'
    file.write_bytes(answer(1, Outcome.PASS, 2).line().encode() + broken)
    library = Library([file])
    assert list_runs(library)[0].damaged == 1
    (left_out,) = library.runs[0].damaged
    assert left_out.path == "3 lines of out.jsonl"
    file.write_text(answer(1, Outcome.PASS, 2).line())
    assert list_runs(library)[0].damaged == 0
