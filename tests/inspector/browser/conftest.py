"""A real Chromium, and the built runs that the journeys look at."""

import shutil
from collections.abc import Iterator
from typing import TYPE_CHECKING

import pytest

from synth.inspector.library import Library
from tests.inspector.browser.windows import served
from tests.inspector.shown_run import build_shown_run

if TYPE_CHECKING:
    from playwright.sync_api import Browser


@pytest.fixture(scope="module")
def chromium() -> Iterator["Browser"]:
    """The browser. Of each module, because Playwright's event loop is in the way of other tests' own."""
    found = shutil.which("chromium")
    if found is None:
        pytest.skip("chromium is not installed: apt-get install -y chromium")
    from playwright.sync_api import sync_playwright

    with sync_playwright() as started:
        browser = started.chromium.launch(executable_path=found, args=["--no-sandbox", "--disable-lcd-text"])
        yield browser
        browser.close()


@pytest.fixture(scope="session")
def shown(tmp_path_factory: pytest.TempPathFactory) -> Library:
    """Two finished runs: `harvest` and `second-harvest`."""
    folder = tmp_path_factory.mktemp("shown")
    return Library([build_shown_run(folder), build_shown_run(folder, "second-harvest")])


@pytest.fixture(scope="module")
def address(shown: Library) -> Iterator[str]:
    """Where they are served."""
    with served(shown) as address:
        yield address
