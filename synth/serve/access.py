"""Who may ask: everybody on this machine, and elsewhere who has the token.

Place in the flow: `app.py` asks before an endpoint sees the request. The one rule: without a token, only what
this machine's own programs send is answered: no page of a browser, and no name that leads here from outside.
"""

import hmac
import ipaddress
from collections.abc import Mapping
from urllib.parse import parse_qs, urlsplit


def is_loopback(host: str) -> bool:
    """Whether a server at this address is for its own machine only."""
    if host == "localhost":
        return True
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return False


def refusal(token: str, headers: Mapping[str, str], query: bytes) -> tuple[int, str] | None:
    """The status and the words for a request that may not be answered; None for one that may."""
    if token:
        given = headers.get("authorization", "").removeprefix("Bearer ").strip()
        given = given or parse_qs(query.decode("latin-1")).get("token", [""])[0]
        if hmac.compare_digest(given.encode(), token.encode()):
            return None
        return 401, "give the token: `Authorization: Bearer TOKEN`, or `?token=TOKEN` in the address"
    if "origin" in headers:
        return 403, "requests of web pages are not answered; start the server with a token for that"
    host = headers.get("host", "")
    try:
        name = urlsplit(f"//{host}").hostname or ""
    except ValueError:
        name = ""
    if is_loopback(name):
        return None
    return 403, f"the host {host[:60]!r} is not this machine's own; start the server with a token for others"
