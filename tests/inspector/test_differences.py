"""Differences: every text comes back whole, the shortest way is found, and hostile texts end soon."""

from hypothesis import given, settings
from hypothesis import strategies as st

from synth.inspector.differences import MOST_EDITS, Piece, diff_lines, diff_words, likeness

TEXTS = st.text(alphabet="ab \n(", max_size=40)


def sides(left: str, right: str) -> tuple[str, str]:
    rows = diff_lines(left, right)
    return (
        "\n".join(row.left.text for row in rows if row.left),
        "\n".join(row.right.text for row in rows if row.right),
    )


@given(TEXTS, TEXTS)
@settings(max_examples=300, deadline=None)
def test_both_texts_come_back_whole(left: str, right: str) -> None:
    assert sides(left, right) == (left, right)
    mine, yours = diff_words(left, right)
    assert ("".join(one.text for one in mine), "".join(one.text for one in yours)) == (left, right)


@given(TEXTS, TEXTS)
@settings(max_examples=200, deadline=None)
def test_what_is_not_marked_is_the_same_on_both_sides(left: str, right: str) -> None:
    mine, yours = diff_words(left, right)
    kept = ["".join(one.text for one in side if not one.is_changed) for side in (mine, yours)]
    assert kept[0] == kept[1]
    for row in diff_lines(left, right):
        if row.kind == "same":
            assert row.left is not None
            assert row.right is not None
            assert row.left.text == row.right.text


def test_a_line_that_changed_stands_beside_the_old_one_with_its_word_marked() -> None:
    rows = diff_lines("def f(x):\n    return x * x\n", "def f(x):\n    return x + x\n")
    assert [row.kind for row in rows] == ["same", "changed", "same"]
    changed = rows[1]
    assert changed.left is not None
    assert changed.left.number == 2
    assert changed.left.pieces == (
        Piece(text="    return x "),
        Piece(text="*", is_changed=True),
        Piece(text=" x"),
    )


def test_an_inserted_line_leaves_the_others_the_same() -> None:
    rows = diff_lines("a\nb\nc", "a\nnew\nb\nc")
    assert [row.kind for row in rows] == ["same", "added", "same", "same"]
    rows = diff_lines("a\nold\nb\nc", "a\nb\nc")
    assert [row.kind for row in rows] == ["same", "removed", "same", "same"]


def test_likeness_is_the_share_of_tokens() -> None:
    assert likeness(["a", "b", "c", "d"], ["a", "b", "c", "d"]) == 1
    assert likeness(["a", "b", "c", "d"], ["a", "b", "c", "x"]) == 0.75
    assert likeness([], []) == 1
    assert likeness(["a"], []) == 0


def test_a_text_that_has_nothing_in_common_ends_after_the_most_edits() -> None:
    left = "\n".join(f"left {number}" for number in range(2 * MOST_EDITS))
    right = "\n".join(f"right {number}" for number in range(2 * MOST_EDITS))
    rows = diff_lines(left, right)
    assert sides(left, right) == (left, right)
    assert {row.kind for row in rows} == {"changed"}


def test_a_line_of_ten_megabytes_is_one_change() -> None:
    left, right = "x " * 5_000_000, "y " * 5_000_000
    assert diff_words(left, right) == (
        (Piece(text=left, is_changed=True),),
        (Piece(text=right, is_changed=True),),
    )
