"""The page of runs in a real browser."""

from typing import TYPE_CHECKING

from tests.inspector.browser.windows import check_page, window

if TYPE_CHECKING:
    from playwright.sync_api import Browser


def test_the_page_of_runs_is_sound(chromium: "Browser", address: str) -> None:
    check_page(chromium, address, "runs", "/runs")


def test_the_page_of_runs_works_without_javascript(chromium: "Browser", address: str) -> None:
    with window(chromium, address, javascript=False) as opened:
        page = opened.open("/")
        assert page.title() == "Runs · codemill"
        page.get_by_label("Compare harvest", exact=True).check()
        page.get_by_label("Compare second-harvest").check()
        assert page.locator("tbody tr").count() == 2
