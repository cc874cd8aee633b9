"""Marks: what people say of units survives, comes out as a filter, and a file that cannot be written
says so."""

import os
import sqlite3
from pathlib import Path

import pytest

from synth.errors import UserError
from synth.inspector import marks as module
from synth.inspector.marks import MARK_WORDS, MARKS_FILE, Marks, MarksError


def test_a_run_without_marks_has_none_and_reading_makes_no_file(tmp_path: Path) -> None:
    marks = Marks(tmp_path)
    assert (marks.all(), marks.of(["a"]), marks.views(), marks.ids_with("bad")) == ([], {}, [], [])
    assert list(tmp_path.iterdir()) == []


def test_a_mark_is_there_when_the_file_is_opened_again(tmp_path: Path) -> None:
    Marks(tmp_path).judge("solution-1", "bad")
    Marks(tmp_path).flag("solution-1")
    Marks(tmp_path).comment("solution-1", "off by one\n")
    found = Marks(tmp_path).of(["solution-1", "solution-2"])
    assert list(found) == ["solution-1"]
    assert found["solution-1"].words == ("bad", "flag", "comment")
    assert found["solution-1"].comment == "off by one"


def test_the_same_judgement_again_takes_it_back_and_another_replaces_it(tmp_path: Path) -> None:
    marks = Marks(tmp_path)
    assert marks.judge("a", "good").judgement == "good"
    assert marks.judge("a", "bad").judgement == "bad"
    assert marks.judge("a", "bad").judgement == ""
    assert marks.all() == []


def test_each_word_finds_its_units(tmp_path: Path) -> None:
    marks = Marks(tmp_path)
    for word in ("good", "bad", "agree", "flip", "tie", "drop"):
        marks.judge(f"unit-{word}", word)
    marks.flag("unit-flag")
    marks.comment("unit-comment", "why?")
    assert {word: marks.ids_with(word) for word in MARK_WORDS} == {
        word: [f"unit-{word}"] for word in MARK_WORDS
    }
    assert len(marks.ids_with("any")) == len(MARK_WORDS)


def test_an_unknown_word_is_a_users_mistake(tmp_path: Path) -> None:
    with pytest.raises(UserError, match="must be one of: any, flag, comment, good"):
        Marks(tmp_path).ids_with("' OR 1 --")


def test_hostile_text_is_stored_as_text(tmp_path: Path) -> None:
    marks = Marks(tmp_path)
    text = "'); DROP TABLE marks; --\0\ud800<script>"
    assert marks.comment("a", text).comment == "'); DROP TABLE marks; --?<script>"
    assert [one.unit_id for one in marks.all()] == ["a"]


def test_a_comment_that_is_too_long_is_refused(tmp_path: Path) -> None:
    with pytest.raises(UserError, match="at most 10,000"):
        Marks(tmp_path).comment("a", "x" * 10_001)


def test_more_units_than_one_question_takes_are_found(tmp_path: Path) -> None:
    marks = Marks(tmp_path)
    marks.judge("unit-1999", "good")
    assert list(marks.of(f"unit-{number}" for number in range(2000))) == ["unit-1999"]


def test_a_locked_file_says_so_and_can_still_be_read(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "WAIT_S", 0.05)
    marks = Marks(tmp_path)
    marks.judge("a", "good")
    other = sqlite3.connect(tmp_path / MARKS_FILE)
    other.execute("BEGIN IMMEDIATE")
    with pytest.raises(MarksError, match="another process has locked them"):
        marks.judge("b", "good")
    assert [one.unit_id for one in marks.all()] == ["a"]
    other.rollback()
    marks.judge("b", "good")
    other.close()


def test_a_file_that_is_no_database_says_so(tmp_path: Path) -> None:
    (tmp_path / MARKS_FILE).write_text("not a database, but long enough to be looked at " * 20)
    with pytest.raises(MarksError, match="damaged"):
        Marks(tmp_path).all()


@pytest.mark.skipif(os.geteuid() == 0, reason="root may write everywhere")
def test_a_read_only_folder_says_so_to_a_user(tmp_path: Path) -> None:
    tmp_path.chmod(0o500)
    try:
        with pytest.raises(MarksError, match="read-only"):
            Marks(tmp_path).judge("a", "good")
    finally:
        tmp_path.chmod(0o700)


def test_a_folder_in_which_nothing_can_be_made_says_so(tmp_path: Path) -> None:
    """As a read-only folder does, and for root as well."""
    with pytest.raises(MarksError, match="read-only"):
        Marks(tmp_path / "gone").judge("a", "good")


def test_a_view_is_saved_replaced_and_forgotten(tmp_path: Path) -> None:
    marks = Marks(tmp_path)
    marks.save_view("  slow   ones ", "q=ms>2000")
    marks.save_view("slow ones", "q=ms>3000")
    marks.save_view("bad", "q=mark:bad")
    assert [(one.name, one.query) for one in marks.views()] == [
        ("bad", "q=mark:bad"),
        ("slow ones", "q=ms>3000"),
    ]
    marks.drop_view("bad")
    assert [one.name for one in marks.views()] == ["slow ones"]
    with pytest.raises(UserError, match="must have a name"):
        marks.save_view(" ", "q=")


def test_a_file_that_a_full_disk_left_empty_holds_no_marks(tmp_path: Path) -> None:
    (tmp_path / MARKS_FILE).write_bytes(b"")
    marks = Marks(tmp_path)
    assert marks.all() == [] and marks.views() == [] and marks.ids_with("any") == []
    marks.judge("solution-1", "good")
    assert marks.ids_with("any") == ["solution-1"]
