"""Windows of a real Chromium before the inspector's own server: what every journey uses.

The one rule: a request to any other host is refused and counted, and what the content security policy
turned down is a complaint; a window closes with none of either.
"""

import os
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Final

from axe_playwright_python.sync_playwright import Axe

from synth.inspector.library import Library
from synth.inspector.web.server import create_server
from synth.serve.server import Address, open_socket

if TYPE_CHECKING:
    from playwright.sync_api import Browser, BrowserContext, ConsoleMessage, Page, Route

SCREENSHOTS: Final = Path(__file__).resolve().parents[3] / "docs" / "inspector"
"""Written when CODEMILL_SCREENSHOTS is set, so that a test run changes no file of the repository."""
_MOST_BYTES: Final = 150_000


@contextmanager
def served(library: Library, token: str = "") -> Iterator[str]:
    """The address of a server in a thread, without a slash at its end."""
    server = create_server(library, token)
    with open_socket(Address("127.0.0.1", 0, token)) as listener:
        thread = threading.Thread(target=server.run, args=([listener],), daemon=True)
        thread.start()
        while not server.started:
            time.sleep(0.01)
        yield f"http://127.0.0.1:{listener.getsockname()[1]}"
        server.should_exit = True
        thread.join(20)


class Window:
    """One window: a page, and what it was refused."""

    def __init__(self, context: "BrowserContext", address: str) -> None:
        self.address = address
        self.elsewhere: list[str] = []
        self.complaints: list[str] = []
        context.route("**/*", self._answer)
        self.page = context.new_page()
        self.page.on("console", self._listen)
        self.page.on("pageerror", lambda error: self.complaints.append(str(error)))

    def open(self, path: str, wanted: int = 200) -> "Page":
        """The page at that path of our server, once it is loaded, with the status that is wanted."""
        answer = self.page.goto(self.address + path)
        assert answer is not None and answer.status == wanted
        if wanted != 200:
            self.complaints.clear()  # the browser's own, about the status
        return self.page

    def is_wider_than_its_window(self) -> bool:
        """Whether the page scrolls sideways."""
        return bool(self.page.evaluate("document.documentElement.scrollWidth > innerWidth"))

    def serious_findings(self, *only: str) -> list[str]:
        """What axe calls serious or critical, with where it stands; of some rules only, where they are
        named."""
        options = {"resultTypes": ["violations"], **({"runOnly": list(only)} if only else {})}
        found = Axe().run(self.page, options=options).response["violations"]
        return [
            f"{one['id']}: {node['html'][:200]}"
            for one in found
            if one["impact"] in ("serious", "critical")
            for node in one["nodes"]
        ]

    def _answer(self, route: "Route") -> None:
        if route.request.url.startswith(self.address + "/"):
            route.continue_()
        else:
            self.elsewhere.append(route.request.url)
            route.abort()

    def _listen(self, message: "ConsoleMessage") -> None:
        if message.type == "error":
            self.complaints.append(message.text)


@contextmanager
def window(
    chromium: "Browser", address: str, *, width: int = 1280, dark: bool = False, javascript: bool = True
) -> Iterator[Window]:
    """A window of its own. It must end with no request elsewhere, no script error and nothing that the
    content security policy refused."""
    context = chromium.new_context(
        viewport={"width": width, "height": 800},
        color_scheme="dark" if dark else "light",
        java_script_enabled=javascript,
        reduced_motion="reduce",
    )
    context.set_default_timeout(15_000)
    try:
        opened = Window(context, address)
        yield opened
        assert opened.elsewhere == [], "a request elsewhere"
        assert opened.complaints == []
    finally:
        context.close()


def check_page(
    chromium: "Browser", address: str, name: str, path: str, wanted: int = 200, height: int = 800
) -> None:
    """What holds for every page: one heading, no serious finding of axe in light and dark, no sideways
    scrolling at 1280 and at 400 pixels, no request elsewhere. Takes the page's screenshots, each under 150
    kB."""
    with window(chromium, address) as opened:
        page = opened.open(path, wanted)
        assert page.locator("h1").count() == 1
        for scheme, width in (("light", 1280), ("dark", 1280), ("light", 400)):
            page.emulate_media(color_scheme="dark" if scheme == "dark" else "light")
            page.set_viewport_size({"width": width, "height": height if width == 1280 else 800})
            assert not opened.is_wider_than_its_window(), f"{name} at {width}"
            if width == 1280:
                only = ("color-contrast",) if scheme == "dark" else ()  # no other rule depends on colours
                assert opened.serious_findings(*only) == [], f"{name} in {scheme}"
            taken = page.screenshot()
            assert len(taken) < _MOST_BYTES, f"{name}: {len(taken)} bytes"
            if os.environ.get("CODEMILL_SCREENSHOTS"):
                SCREENSHOTS.mkdir(exist_ok=True)
                (SCREENSHOTS / f"{name}-{scheme}-{width}.png").write_bytes(taken)
