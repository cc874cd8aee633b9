"""The inspector answers this machine's own browser, and who has the token; a page of somebody else gets
nothing."""

import pytest
from starlette.testclient import TestClient

from synth.errors import UserError
from synth.inspector.library import Library
from synth.inspector.web.app import create_app
from synth.inspector.web.security import refusal
from synth.inspector.web.server import check_address
from synth.serve.server import Address
from tests.store.small_run import build_small_run

HOST = "127.0.0.1:8000"
OWN = {"host": HOST, "origin": f"http://{HOST}", "sec-fetch-site": "same-origin"}


def status_of(method: str, token: str = "", query: tuple[tuple[str, str], ...] = (), **headers: str) -> int:
    """200 for a request that is answered."""
    named = {name.replace("_", "-"): value for name, value in headers.items()}
    refused = refusal(method, {"host": HOST, **named}, query, token)
    return 200 if refused is None else refused.status


@pytest.mark.parametrize("host", ["127.0.0.1:8000", "localhost:8000", "[::1]:8000", "localhost"])
def test_the_own_names_of_the_machine_are_answered(host: str) -> None:
    assert status_of("GET", host=host) == 200


@pytest.mark.parametrize(
    "host",
    ["evil.example", "evil.example:8000", "192.168.0.7:8000", "127.0.0.1.evil.example", "", "[", "[::1"],
)
def test_a_name_that_leads_here_from_outside_is_refused(host: str) -> None:
    assert status_of("GET", host=host) == 403


@pytest.mark.parametrize(
    "origin",
    [
        "http://evil.example",
        "null",
        "",
        "http://127.0.0.1:9000",
        "http://[",
        "file://127.0.0.1:8000",
        "//127.0.0.1:8000",
    ],
)
def test_another_sites_page_can_neither_read_nor_change(origin: str) -> None:
    assert status_of("GET", origin=origin) == 403
    assert status_of("POST", origin=origin) == 403


def test_a_change_needs_a_form_of_our_own() -> None:
    assert status_of("POST", origin=f"http://{HOST}") == 200
    assert status_of("POST") == 403
    assert status_of("POST", origin=f"http://{HOST}", sec_fetch_site="cross-site") == 403


def test_another_sites_link_may_be_followed_but_nothing_of_ours_be_embedded() -> None:
    assert status_of("GET", sec_fetch_site="cross-site", sec_fetch_mode="navigate") == 200
    assert status_of("GET", sec_fetch_site="cross-site", sec_fetch_mode="no-cors") == 403
    assert status_of("GET", sec_fetch_site="same-site", sec_fetch_mode="cors") == 403


@pytest.mark.parametrize("method", ["PUT", "DELETE", "OPTIONS", "TRACE", "CONNECT", "get"])
def test_other_methods_are_refused(method: str) -> None:
    assert status_of(method, origin=f"http://{HOST}") == 405


def test_with_a_token_any_name_is_answered_and_nobody_without_it() -> None:
    host = "box.example:8000"
    assert status_of("GET", "secret", host=host) == 401
    assert status_of("GET", "secret", host=host, authorization="Bearer secret") == 200
    assert status_of("GET", "secret", host=host, cookie="a=b; codemill-token=secret") == 200
    assert status_of("GET", "secret", (("token", "secret"),), host=host) == 200
    for wrong in ("Bearer Secret", "Bearer ", "secre", "Bearer sécret"):
        assert status_of("GET", "secret", host=host, authorization=wrong) == 401
    assert status_of("GET", "secret", host=host, cookie="codemill-token") == 401


def test_an_address_that_others_reach_needs_a_token() -> None:
    check_address(Address("127.0.0.1", 0, ""))
    check_address(Address("::1", 0, ""))
    check_address(Address("0.0.0.0", 0, "secret"))
    with pytest.raises(UserError, match="loopback"):
        check_address(Address("0.0.0.0", 0, ""))


@pytest.fixture(scope="module")
def library(tmp_path_factory: pytest.TempPathFactory) -> Library:
    return Library([build_small_run(tmp_path_factory.mktemp("runs"))])


@pytest.mark.parametrize(
    "path", ["/runs", "/runs.json", "/nowhere", "/static/style.css", "/static/nothing.css"]
)
def test_every_answer_has_the_strict_headers(library: Library, path: str) -> None:
    headers = TestClient(create_app(library), base_url=f"http://{HOST}").get(path).headers
    policy = headers["content-security-policy"]
    assert "default-src 'none'" in policy and "unsafe" not in policy and "http" not in policy
    assert headers["x-content-type-options"] == "nosniff"
    assert headers["x-frame-options"] == "DENY"


def test_a_refusal_has_the_strict_headers_too(library: Library) -> None:
    answer = TestClient(create_app(library), base_url="http://evil.example").get("/runs")
    assert answer.status_code == 403
    assert "codemill" not in answer.text.replace("--token-file", "")
    assert answer.headers["x-frame-options"] == "DENY"


def test_the_token_of_the_address_becomes_a_cookie_and_leaves_the_address(library: Library) -> None:
    client = TestClient(create_app(library, "secret"), base_url="http://box.example")
    assert client.get("/runs").status_code == 401
    answer = client.get("/runs?token=secret&limit=5", follow_redirects=False)
    assert (answer.status_code, answer.headers["location"]) == (303, "/runs?limit=5")
    assert "HttpOnly" in answer.headers["set-cookie"] and "SameSite=strict" in answer.headers["set-cookie"]
    assert client.get("/runs").status_code == 200


def test_a_path_cannot_lead_to_another_host(library: Library) -> None:
    client = TestClient(create_app(library, "secret"), base_url="http://box.example")
    answer = client.get("http://box.example//evil.example/?token=secret", follow_redirects=False)
    assert answer.headers["location"] == "/evil.example/"


@pytest.mark.parametrize(
    "path",
    [
        "/static/../app.py",
        "/static/%2e%2e%2fapp.py",
        "/static/..%2f..%2f..%2f..%2fetc%2fpasswd",
        "/runs/..%2f..%2fetc",
        "/runs/%2fetc%2fpasswd",
    ],
)
def test_no_path_of_this_machine_comes_from_an_address(library: Library, path: str) -> None:
    answer = TestClient(create_app(library), base_url=f"http://{HOST}").get(path)
    assert answer.status_code == 404
    assert "root:" not in answer.text
