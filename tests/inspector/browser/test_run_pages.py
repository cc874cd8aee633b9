"""The pages of a run, of its units and of help, in a real browser: what each page must hold, and journeys."""

import re
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from synth.inspector.library import Library
from synth.store.run_folder import RunFolder
from tests.inspector.browser.windows import check_page, served, window
from tests.inspector.shown_run import STAGES, add_round, shown_identity

if TYPE_CHECKING:
    from playwright.sync_api import Browser

_UNITS = "/runs/harvest/units?q=stage%3Aexecute+reason%3Awrong_answer"


@pytest.mark.parametrize(
    ("name", "path"),
    [
        ("run", "/runs/harvest"),
        ("units", _UNITS),
        ("filter-suggestion", "/runs/harvest/units?q=langg%3Arust+reason%3Atimeuot"),
        ("help", "/help"),
        ("problem", "/runs/harvets"),
    ],
)
def test_the_page_is_sound(chromium: "Browser", address: str, name: str, path: str) -> None:
    height = 600 if name == "units" else 800
    check_page(chromium, address, name, path, wanted=404 if name == "problem" else 200, height=height)


def test_axe_sees_a_fault(chromium: "Browser", address: str) -> None:
    with window(chromium, address) as opened:
        opened.open("/help").evaluate(
            "document.querySelector('main').innerHTML += '<img src=/static/favicon.svg>'"
        )
        assert any("image-alt" in one for one in opened.serious_findings())


def test_a_request_elsewhere_is_seen_and_refused(chromium: "Browser", address: str) -> None:
    with pytest.raises(AssertionError, match="elsewhere"), window(chromium, address) as opened:
        opened.open("/help")
        opened.page.evaluate(
            "document.body.append(Object.assign(new Image(), {src: 'http://elsewhere.example/'}))"
        )
        opened.page.evaluate("location = 'http://elsewhere.example/'")
        opened.page.wait_for_timeout(300)


def test_from_the_runs_to_a_unit_and_back_without_javascript(chromium: "Browser", address: str) -> None:
    with window(chromium, address, javascript=False) as opened:
        page = opened.open("/")
        page.get_by_role("link", name="harvest", exact=True).click()
        page.locator(".funnel tr", has_text="execute").get_by_role(
            "link", name=re.compile("wrong answer")
        ).click()
        assert "reason%3Awrong_answer" in page.url
        found = int(page.locator(".said b").inner_text())
        assert page.locator("tbody tr").count() == min(found, 50)
        page.locator(".facets").get_by_role("link", name=re.compile("^rust")).click()
        narrowed = int(page.locator(".said b").inner_text())
        assert 0 < narrowed < found
        page.get_by_label("Filter", exact=True).fill("lang:go decision:kept")
        page.get_by_role("button", name="Filter").click()
        assert "in go" in page.locator(".said").inner_text()
        page.go_back()
        assert int(page.locator(".said b").inner_text()) == narrowed
        page.go_back()
        assert int(page.locator(".said b").inner_text()) == found


def test_pages_by_key_show_each_row_once(chromium: "Browser", address: str) -> None:
    with window(chromium, address) as opened:
        page = opened.open("/runs/harvest/units?q=stage%3Aexecute&limit=100")
        total, seen = int(page.locator(".said b").inner_text()), list[str]()
        while True:
            seen += page.locator("td.name a").all_inner_texts()
            if not page.get_by_role("link", name="Next 100").count():
                break
            page.get_by_role("link", name="Next 100").click()
        assert len(seen) == len(set(seen)) == total


def test_a_deep_link_shows_the_same_page_in_another_window(chromium: "Browser", address: str) -> None:
    with window(chromium, address) as opened:
        page = opened.open(_UNITS)
        page.get_by_role("link", name="slowest").click()
        page.locator(".facets").get_by_role("link", name=re.compile("^python")).click()
        url, rows = page.url, page.locator("td.name a").all_inner_texts()
    with window(chromium, address) as other:
        other.page.goto(url)
        assert other.page.locator("td.name a").all_inner_texts() == rows


def test_the_suggestion_for_an_unknown_word_is_a_link_that_works(chromium: "Browser", address: str) -> None:
    with window(chromium, address) as opened:
        page = opened.open("/runs/harvest/units?q=reason%3Awrong_answr")
        page.get_by_role("link", name="reason:wrong_answer").click()
        assert int(page.locator(".said b").inner_text()) > 0


@pytest.mark.parametrize("javascript", [True, False])
def test_a_run_that_grows_is_followed_while_it_is_watched(
    chromium: "Browser", tmp_path: Path, javascript: bool
) -> None:
    with RunFolder.create_or_resume(tmp_path, "growing", shown_identity("growing")) as run:
        run.declare_stages(STAGES)
        library = Library([run.path])
        with served(library) as address, window(chromium, address, javascript=javascript) as opened:
            page = opened.open("/runs/growing")
            assert "No unit has entered a stage yet" in page.locator("main").inner_text()
            add_round(run, 1, seeds=3)
            page.locator(".funnel tr", has_text="execute").wait_for()
            assert page.locator(".pill").inner_text() == "running"


def test_the_reasons_of_a_run_that_grows_are_followed(chromium: "Browser", tmp_path: Path) -> None:
    with RunFolder.create_or_resume(tmp_path, "growing", shown_identity("growing")) as run:
        run.declare_stages(STAGES)
        with served(Library([run.path])) as address, window(chromium, address) as opened:
            page = opened.open("/runs/growing/reasons")
            assert "Nothing was rejected so far" in page.locator("main").inner_text()
            add_round(run, 1, seeds=3)
            page.locator("#reasons tr", has_text="execute").first.wait_for()


def test_what_is_fetched_again_moves_nothing_and_keeps_the_focus(chromium: "Browser", tmp_path: Path) -> None:
    with RunFolder.create_or_resume(tmp_path, "growing", shown_identity("growing")) as run:
        run.declare_stages(STAGES)
        add_round(run, 1, seeds=3)
        with served(Library([run.path])) as address, window(chromium, address) as opened:
            page = opened.open("/runs/growing")
            tab = page.get_by_role("link", name="Units", exact=True)
            tab.focus()
            before = page.locator(".funnel").bounding_box()
            with page.expect_response(lambda answer: answer.url.endswith("/runs/growing")):
                pass
            page.wait_for_timeout(200)
            assert page.locator(".funnel").bounding_box() == before
            assert page.evaluate("document.activeElement.textContent") == "Units"
