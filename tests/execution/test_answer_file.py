"""The file of answers: nothing that stands in it is lost or asked again."""

import json
from pathlib import Path

import pytest

from synth.errors import UserError
from synth.records import Outcome
from synth.verify.answer_file import AnswerFile
from synth.verify.answers import VerifyResult


def answer(row: int, verdict: Outcome = Outcome.PASS) -> VerifyResult:
    return VerifyResult(
        id=f"a\ud800{row}",
        row=row,
        key=f"{1000 + row:016x}",
        language="python",
        verdict=verdict,
        passed=1,
        total=1,
        cases=(),
        cpu_s=0.1,
        wall_s=0.1,
        peak_memory_mb=9,
        level="A",
        toolchain="python 3",
        trust="T1",
    )


def write(path: Path, *answers: VerifyResult) -> None:
    file = AnswerFile(path)
    for one in answers:
        file.append(one)
    file.close()


def reopened(path: Path, rows: range = range(1, 6)) -> list[int]:
    file = AnswerFile(path)
    found = [row for row in rows if file.has(row, 1000 + row, f"row {row}")]
    file.close()
    return found


def test_answers_are_found_again_in_any_order(tmp_path: Path) -> None:
    write(tmp_path / "out", answer(4), answer(1))
    write(tmp_path / "out", answer(2))
    assert reopened(tmp_path / "out") == [1, 2, 4]
    assert [json.loads(line)["row"] for line in (tmp_path / "out").read_text().splitlines()] == [4, 1, 2]


@pytest.mark.parametrize("cut", [1, 20, 200])
def test_a_last_line_that_was_cut_off_goes_and_the_others_stay(tmp_path: Path, cut: int) -> None:
    path = tmp_path / "out"
    write(path, answer(1), answer(2))
    path.write_bytes(path.read_bytes()[:-cut])
    assert reopened(path) == [1]
    write(path, answer(2))
    assert reopened(path) == [1, 2]
    assert len(path.read_text().splitlines()) == 2


def test_faults_are_asked_again_and_leave_the_file(tmp_path: Path) -> None:
    path = tmp_path / "out"
    write(
        path,
        answer(1),
        answer(2, Outcome.INFRASTRUCTURE),
        answer(3, Outcome.TOOLCHAIN_MISSING),
        answer(4, Outcome.TIMEOUT),
    )
    file = AnswerFile(path)
    assert file.again == 2
    file.append(answer(2))
    file.close()
    assert reopened(path) == [1, 2, 4]
    assert [path.name for path in tmp_path.iterdir()] == ["out"]


def test_behind_a_link_the_file_is_written_and_the_link_stays(tmp_path: Path) -> None:
    link, path = tmp_path / "link", tmp_path / "folder" / "out"
    path.parent.mkdir()
    link.symlink_to(Path("folder", "out"))
    write(link, answer(1), answer(2, Outcome.INFRASTRUCTURE))
    file = AnswerFile(link)
    file.append(answer(3))
    file.close()
    assert link.is_symlink()
    assert [json.loads(line)["row"] for line in path.read_text().splitlines()] == [1, 3]
    assert reopened(link) == [1, 3]
    assert [found.name for found in path.parent.iterdir()] == ["out"]


def test_a_changed_row_is_refused_and_the_file_stays(tmp_path: Path) -> None:
    path = tmp_path / "out"
    write(path, answer(1))
    file = AnswerFile(path)
    with pytest.raises(UserError, match="belongs to another row or other limits than rows:1"):
        file.has(1, 77, "rows:1")
    file.close()
    assert reopened(path) == [1]


def test_a_second_writer_is_refused(tmp_path: Path) -> None:
    first = AnswerFile(tmp_path / "out")
    with pytest.raises(UserError, match="another `codemill verify`"):
        AnswerFile(tmp_path / "out")
    first.close()
    AnswerFile(tmp_path / "out").close()


@pytest.mark.parametrize(
    "text", ["hello\n", '{"row": 1}\n', "[1]\n", '{"row": 1, "key": "zz", "verdict": "pass"}\n']
)
def test_a_file_that_holds_something_else_is_not_written_to(tmp_path: Path, text: str) -> None:
    path = tmp_path / "out"
    path.write_text(text)
    with pytest.raises(UserError, match="out:1"):
        AnswerFile(path)
    assert path.read_text() == text


def test_fresh_begins_again(tmp_path: Path) -> None:
    write(tmp_path / "out", answer(1))
    AnswerFile(tmp_path / "out", fresh=True).close()
    assert (tmp_path / "out").read_text() == ""


def test_a_folder_that_is_not_there_is_said(tmp_path: Path) -> None:
    with pytest.raises(UserError, match="cannot be written"):
        AnswerFile(tmp_path / "nothing" / "out")
