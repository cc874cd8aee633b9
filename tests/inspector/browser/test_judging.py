"""Judging in a real browser: the pages of a unit and of a pair, every key with its button, marks that survive
a reload, twenty units by keyboard alone, and hostile content that stays text."""

import json
import re
import sqlite3
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING
from urllib.parse import quote

import pytest

from synth.inspector.library import Library
from synth.inspector.marks import MARKS_FILE, Marks
from synth.inspector.web.keys import KEYS
from synth.records import Message
from tests.inspector.browser.windows import Window, check_page, served, window
from tests.inspector.judged_run import WRONG_CODE, build_judged_run, pair
from tests.inspector.shown_run import build_shown_run

if TYPE_CHECKING:
    from playwright.sync_api import Browser, Page

UNIT = "/runs/judged/units/solution-4d"
PAIR = "/runs/judged/pairs/pair-01"
HOSTILE = (
    'def double(x):\n    return \'</code></pre><script>document.title="owned"</script>'
    "<img src=x onerror=\"document.title='owned'\">'\n"
    "    # \x1b]0;owned\x07 \x1b[2J \u202e\u2066 esrever \x00 \ufeff \u200b {{ 7*7 }}\n"
    "    y = '" + "x" * 10_000_000 + "'\n"
)


@pytest.fixture(scope="module")
def runs(tmp_path_factory: pytest.TempPathFactory) -> list[Path]:
    """A run to judge, with three pairs; one that is hostile; one with many units."""
    folder = tmp_path_factory.mktemp("judged")
    pairs = tuple(pair(f"pair-{number:02d}") for number in range(1, 4))
    hostile_pair = pair(rejected=(Message(role="assistant", content=HOSTILE),))
    hostile = build_judged_run(folder / "other", wrong_code=HOSTILE, pairs=(hostile_pair,))
    return [
        build_judged_run(folder, pairs=pairs),
        hostile.rename(folder / "hostile"),
        build_shown_run(folder, "many", rounds=1, seeds=24),
    ]


@pytest.fixture(scope="module")
def judging(runs: list[Path]) -> Iterator[str]:
    """Where they are served."""
    library = Library(runs)
    for run in library.runs:
        run.refresh()
    with served(library) as address:
        yield address


@pytest.fixture
def opened(chromium: "Browser", judging: str) -> Iterator[Window]:
    """A window, and what it is to end without."""
    with window(chromium, judging) as found:
        yield found


def pressed(page: "Page", word: str) -> bool:
    return page.locator(f'button[value="{word}"]').get_attribute("aria-pressed") == "true"


@pytest.mark.parametrize(
    ("name", "path"),
    [
        ("unit", UNIT),
        ("pair", PAIR),
        ("pairs", "/runs/judged/pairs"),
        ("export", "/runs/judged/export"),
        ("views", "/runs/judged/views"),
    ],
)
def test_every_page_is_sound(chromium: "Browser", judging: str, name: str, path: str) -> None:
    check_page(chromium, judging, name, path)


def test_every_tab_has_an_address_and_no_serious_finding(opened: Window) -> None:
    for tab in ("output", "prompt", "answer", "decisions", "record"):
        check_tab(opened, tab)


def check_tab(opened: Window, tab: str) -> None:
    page = opened.open(f"{UNIT}?tab={tab}")
    shown = page.locator(".tabs [aria-current]").get_attribute("href") or ""
    assert shown.endswith(f"tab={tab}#part")
    assert opened.serious_findings() == []


def test_the_tests_open_at_the_first_failure(opened: Window) -> None:
    page = opened.open(UNIT)
    assert page.locator("details.case[open]").get_attribute("id") == "case-1"
    assert page.locator("#case-1 .found mark").text_content() == "9"
    page.keyboard.press("]")
    assert page.locator("details.case[open]").get_attribute("id") == "case-2"
    page.keyboard.press("[")
    assert page.locator("details.case[open]").get_attribute("id") == "case-1"


def test_marks_are_set_by_keys_and_survive_a_reload(opened: Window, runs: list[Path]) -> None:
    page = opened.open(UNIT)
    for key, word in (("b", "bad"), ("f", "flag")):
        with page.expect_navigation():
            page.keyboard.press(key)
        assert pressed(page, word)
    page.keyboard.press("c")
    page.keyboard.type("g is typed and marks nothing")
    with page.expect_navigation():
        page.keyboard.press("Enter")
    page.reload()
    assert (pressed(page, "bad"), pressed(page, "good"), pressed(page, "flag")) == (True, False, True)
    assert page.get_by_label("Comment").input_value() == "g is typed and marks nothing"
    assert Marks(runs[0]).ids_with("bad") == ["solution-4d"]
    with page.expect_navigation():
        page.keyboard.press("b")
    assert not pressed(page, "bad")


@pytest.mark.parametrize(("key", "word"), [("a", "agree"), ("w", "flip"), ("t", "tie"), ("x", "drop")])
def test_a_pair_is_judged_by_one_key(opened: Window, key: str, word: str) -> None:
    page = opened.open(PAIR)
    with page.expect_navigation():
        page.keyboard.press(key)
    assert pressed(page, word)
    assert page.locator(f'button[value="{word}"] kbd').text_content() == key


def test_n_and_p_walk_through_the_pairs_of_the_choice_and_u_goes_back_to_the_row(opened: Window) -> None:
    page = opened.open("/runs/judged/pairs?language=python")
    page.keyboard.press("j")
    page.keyboard.press("j")
    page.keyboard.press("Enter")
    page.wait_for_url("**/pairs/pair-02?language=python")
    page.keyboard.press("n")
    page.wait_for_url("**/pairs/pair-03?language=python")
    assert page.locator(".walk span[aria-disabled]").text_content() == "nnext"
    page.keyboard.press("p")
    page.wait_for_url("**/pairs/pair-02?language=python")
    page.go_back()
    page.wait_for_url("**/pairs/pair-03?language=python")
    page.keyboard.press("u")
    page.wait_for_url("**/pairs?language=python#pair-03")
    assert page.evaluate("document.activeElement.textContent") == "pair-03"


def test_d_changes_how_the_difference_is_shown_and_the_address_says_so(opened: Window) -> None:
    page = opened.open(PAIR)
    seen = []
    for _ in range(3):
        with page.expect_navigation():
            page.keyboard.press("d")
        seen.append((page.locator(".modes [aria-current]").text_content(), "diff=" in page.url))
    assert seen == [("unified", True), ("only changes", True), ("side by side", True)]


def test_y_copies_the_link_and_e_exports_a_file_that_needs_no_server(
    chromium: "Browser", judging: str, tmp_path: Path
) -> None:
    with window(chromium, judging) as opened:
        opened.page.context.grant_permissions(["clipboard-read", "clipboard-write"])
        page = opened.open(UNIT)
        page.keyboard.press("y")
        page.get_by_text("copied").wait_for()
        assert page.evaluate("navigator.clipboard.readText()") == page.url
        with page.expect_download() as download:
            page.keyboard.press("e")
        file = tmp_path / download.value.suggested_filename
        download.value.save_as(file)
    text = file.read_text("utf-8")
    assert "Wrong answer" in text
    assert "return x * x" in re.sub(r"<[^>]*>", "", text)
    assert not re.search(r"<script|\b(?:src|href)=", text)


def test_every_key_that_the_help_names_is_carried_by_a_page(opened: Window) -> None:
    carried = {"Enter"}  # the browser's own
    for path in (UNIT, PAIR, "/runs/many/units", "/runs/judged/pairs"):
        shown = opened.open(path).locator("[data-key]").all()
        carried |= {one.get_attribute("data-key") or "" for one in shown}
    assert carried == {one.key for one in KEYS}


def test_the_keys_of_a_list_walk_filter_and_lead_to_the_help(opened: Window) -> None:
    page = opened.open("/runs/many/units")
    for key in "jjk":
        page.keyboard.press(key)
    rows = page.locator("[data-row]").all_inner_texts()
    focused = page.evaluate("document.activeElement.closest('[data-row]').innerText")
    assert rows[0].split() == focused.split()
    page.keyboard.press("/")
    page.keyboard.type(" reason:timeout")
    with page.expect_navigation():
        page.keyboard.press("Enter")
    assert "reason%3Atimeout" in page.url
    with page.expect_navigation():
        page.keyboard.press("?")
    assert page.url.endswith("/help")


def test_a_flag_a_comment_and_a_failing_test_on_a_pair(opened: Window) -> None:
    page = opened.open(f"{PAIR}?language=python")
    with page.expect_navigation():
        page.keyboard.press("f")
    assert pressed(page, "flag")
    page.keyboard.press("c")
    page.keyboard.type("chosen is longer")
    with page.expect_navigation():
        page.keyboard.press("Enter")
    assert page.get_by_label("Comment").input_value() == "chosen is longer"
    for key in "][":
        page.keyboard.press(key)
        assert page.evaluate("!!document.activeElement.closest('[data-failing]')")


def test_every_key_has_a_visible_button(opened: Window) -> None:
    for path, keys in ((UNIT, "u p n y e g b f c [ ] ?"), (PAIR, "u p n y e a w t x f c d [ ] ?")):
        page = opened.open(path)
        shown = [one for one in page.locator("[data-key]").all() if one.is_visible()]
        found = {one.get_attribute("data-key") for one in shown}
        missing = set(keys.split()) - found
        assert missing <= {"p", "n"}, path
        for key in missing:
            assert page.locator(f'.walk [aria-disabled] kbd:text-is("{key}")').is_visible()


def test_twenty_units_are_judged_by_keyboard_alone(
    chromium: "Browser", judging: str, runs: list[Path]
) -> None:
    wanted = "stage:execute decision:rejected"
    with window(chromium, judging) as opened:
        page = opened.open(f"/runs/many/units?q={quote(wanted)}")
        page.keyboard.press("j")
        with page.expect_navigation():
            page.keyboard.press("Enter")
        seen = list[str]()
        for number in range(20):
            seen.append(page.url.split("/units/")[1].split("?")[0])
            with page.expect_navigation():
                page.keyboard.press("g" if number % 2 else "b")
            assert pressed(page, "good" if number % 2 else "bad")
            with page.expect_navigation():
                page.keyboard.press("n")
        with page.expect_navigation():
            page.keyboard.press("u")
        assert page.evaluate("!!document.activeElement.closest('[data-row]')")
    assert len(set(seen)) == 20
    assert {mark.unit_id for mark in Marks(runs[2]).all()} == set(seen)


def test_a_view_is_saved_under_a_name_and_opens_again(opened: Window, runs: list[Path]) -> None:
    page = opened.open(f"/runs/many/units?q={quote('reason:timeout')}&after=1/a/b/c")
    page.get_by_label("Name of the view").fill("<b>slow</b>")
    page.get_by_role("button", name="Save view").click()
    page.get_by_role("link", name="<b>slow</b>").click()
    page.wait_for_url("**/runs/many/units?q=reason%3Atimeout")
    page.keyboard.press("e")
    page.wait_for_url("**/runs/many/export?q=reason%3Atimeout")
    page.go_back()
    page.go_back()
    page.get_by_role("button", name="forget").click()
    page.get_by_text("No view was saved yet").wait_for()
    assert Marks(runs[2]).views() == []


def test_it_works_without_javascript(chromium: "Browser", judging: str) -> None:
    with window(chromium, judging, javascript=False) as opened:
        page = opened.open("/runs/judged/units/solution-3c")
        page.get_by_role("button", name="good").click()
        assert pressed(page, "good")
        page.get_by_role("link", name="Raw answer").click()
        assert "return 2 * x" in (page.get_by_role("region", name="raw answer").text_content() or "")


@pytest.mark.parametrize(
    "path",
    [
        *(f"/runs/hostile/units/solution-4d?tab={tab}" for tab in ("tests", "answer", "record")),
        *(f"/runs/hostile/pairs/pair-7a?diff={mode}" for mode in ("side+by+side", "unified")),
    ],
)
def test_hostile_content_is_inert(opened: Window, path: str) -> None:
    page = opened.open(path)
    assert "owned" not in page.title()
    assert page.locator("main script, main img").count() == 0
    text = page.locator("main").text_content() or ""
    assert "onerror" in text
    assert not re.search("[\x00-\x08\x0b-\x1f\x7f\u202e\u2066\ufeff\u200b]", text)
    assert "49" not in re.findall(r"\{\{ (.*?) \}\}", text)
    assert len(page.content()) < 2_000_000
    assert re.search(r"10,000,\d\d\d", text)
    assert not opened.is_wider_than_its_window()


def test_a_hostile_address_is_a_page_that_says_so(opened: Window) -> None:
    for path in (
        "/runs/judged/units/..%2f..%2fetc%2fpasswd",
        "/runs/judged/units/%3Cscript%3E",
        "/runs/..%2f/units/x",
    ):
        answer = opened.page.request.get(opened.address + path)
        assert answer.status in (400, 404)
        assert "<script>" not in answer.text().replace("<script src=", "")


def test_marks_that_cannot_be_written_are_a_page_that_says_so(chromium: "Browser", tmp_path: Path) -> None:
    run = build_judged_run(tmp_path)
    (run / MARKS_FILE).write_bytes(b"not a database " * 100)
    with served(Library([run])) as address, window(chromium, address) as opened:
        page = opened.open(UNIT)
        assert "damaged" in (page.locator(".notice.bad").text_content() or "")
        assert page.locator('button[value="good"]').is_disabled()
        assert "return x * x" in (page.locator(".code").first.text_content() or "")


def test_marks_that_another_program_holds_are_a_page_that_says_so(
    chromium: "Browser", tmp_path: Path
) -> None:
    run = build_judged_run(tmp_path)
    Marks(run).flag("solution-4d")
    held = sqlite3.connect(run / MARKS_FILE, isolation_level=None)
    held.execute("BEGIN EXCLUSIVE")
    with served(Library([run])) as address, window(chromium, address) as opened:
        page = opened.open(UNIT)
        assert "locked" in (page.locator(".notice.bad").text_content() or "")
        assert "return x * x" in (page.locator(".code").first.text_content() or "")
    held.close()


def test_bytes_that_are_no_text_are_shown_as_replaced(chromium: "Browser", tmp_path: Path) -> None:
    run = build_judged_run(tmp_path, wrong_code="x = '\udc80\udcff'\n")
    with served(Library([run])) as address, window(chromium, address) as opened:
        page = opened.open(UNIT)
        assert "x = '\ufffd\ufffd'" in (page.locator(".code").first.text_content() or "")


def test_the_page_says_the_same_as_json(opened: Window) -> None:
    found = json.loads(opened.page.request.get(f"{opened.address}{UNIT}.json").text())
    assert found["unit"]["id"] == "solution-4d"
    assert found["unit"]["code"]["text"] == WRONG_CODE
    shown = json.loads(opened.page.request.get(f"{opened.address}{PAIR}.json").text())
    assert [row["rejected"]["state"] for row in shown["pair"]["matrix"]] == [
        "right",
        "wrong",
        "wrong",
        "unrun",
    ]
