"""The pages of reasons, duplicates, comparison, training, blame, maps and revocation in a real browser."""

import shutil
from collections.abc import Iterator
from typing import TYPE_CHECKING

import pytest

from synth.inspector.library import Library
from tests.inspector.browser.windows import check_page, served, window
from tests.inspector.traced_run import ENTRY, TWIN, build_traced_run

if TYPE_CHECKING:
    from playwright.sync_api import Browser

PAGES = {
    "reasons": "/runs/traced/reasons",
    "reason": "/runs/traced/reasons/near_duplicate?measure=similarity&try=0.95",
    "duplicates": "/runs/traced/duplicates",
    "cluster": f"/runs/traced/duplicates/near_dedup/{TWIN}",
    "contamination": "/runs/traced/contamination",
    "entry": f"/runs/traced/contamination/{ENTRY}",
    "compare": "/compare?run=traced&run=again",
    "training": "/runs/traced/training",
    "wrong": "/runs/traced/blame/round-1-dpo",
    "blame": "/runs/traced/blame/round-1-dpo/0",
    "coverage": "/runs/traced/coverage",
    "revoke": "/runs/traced/revoke?source=examples",
}


@pytest.fixture(scope="module")
def traced(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """Where two such runs are served."""
    folder = tmp_path_factory.mktemp("traced")
    path = build_traced_run(folder)
    with served(Library([path, shutil.copytree(path, folder / "again")])) as address:
        yield address


@pytest.mark.parametrize("name", list(PAGES))
def test_the_page_is_sound(chromium: "Browser", traced: str, name: str) -> None:
    check_page(chromium, traced, name, PAGES[name])


def test_another_threshold_is_tried_and_the_way_back_works(chromium: "Browser", traced: str) -> None:
    with window(chromium, traced) as opened:
        page = opened.open("/runs/traced/reasons")
        page.get_by_role("link", name="near duplicate").click()
        page.get_by_label("Another threshold").fill("0.85")
        page.get_by_role("button", name="Try it on what is stored").click()
        assert "try=0.85" in page.url
        assert "1 fewer" in page.get_by_role("status").inner_text()
        page.get_by_role("link", name="sample-93").first.wait_for()
        page.go_back()
        assert page.get_by_role("status").count() == 0


def test_a_wrong_answer_leads_to_near_rows_without_javascript(chromium: "Browser", traced: str) -> None:
    with window(chromium, traced, javascript=False) as opened:
        page = opened.open("/runs/traced/training")
        page.get_by_role("link", name="look into them").last.click()
        page.get_by_role("link", name="blame").click()
        assert page.locator("article").count() > 0
        assert "-= value" in page.locator("main").inner_text()


def test_two_runs_are_ticked_and_compared(chromium: "Browser", traced: str) -> None:
    with window(chromium, traced) as opened:
        page = opened.open("/runs")
        page.get_by_label("Compare traced", exact=True).check()
        page.get_by_label("Compare again").check()
        page.get_by_role("button", name="Compare the ticked runs").click()
        assert page.get_by_role("heading", level=1).inner_text() == "traced and again"
        page.get_by_role("link", name="Change sides").click()
        assert page.get_by_role("heading", level=1).inner_text() == "again and traced"


def test_the_patch_of_a_revocation_is_downloaded(chromium: "Browser", traced: str) -> None:
    with window(chromium, traced) as opened:
        page = opened.open("/runs/traced/revoke")
        page.get_by_label("Source").fill("examples")
        page.get_by_role("button", name="Find what derives from it").click()
        with page.expect_download() as started:
            page.get_by_role("link", name="Download the patch").click()
        assert started.value.suggested_filename == "revoke-traced.jsonl"
