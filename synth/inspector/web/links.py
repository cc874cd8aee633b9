"""Addresses of the pages that others link to: one home for how a list, a unit and a pair are addressed.

The one rule: a list's filter and order travel with a link to one of its rows, so that the row knows its
neighbours and the way back.
"""

from typing import NamedTuple
from urllib.parse import quote

from synth.inspector.web.page import Visit, linked
from synth.products import Pair


class ListPlace(NamedTuple):
    """A place in a list of units: its filter and order, the key that its page starts after, and the key of
    the row."""

    filter: str = ""
    sort: str = ""
    after: str = ""
    key: str = ""

    @property
    def query(self) -> tuple[tuple[str, str], ...]:
        """As parameters of an address; empty ones are left out."""
        named = (("q", self.filter), ("sort", self.sort), ("after", self.after), ("at", self.key))
        return tuple((name, value) for name, value in named if value)


def place_of(visit: Visit) -> ListPlace:
    """The place that an address names."""
    return ListPlace(visit.value("q"), visit.value("sort"), visit.value("after"), visit.value("at"))


def units_link(run: str, place: ListPlace | None = None) -> str:
    """The list of units; with a row's key, at that row."""
    shown = place or ListPlace()
    address = linked(f"/runs/{quote(run)}/units", *shown._replace(key="").query)
    if not shown.key:
        return address
    _, stage, _, unit_id = shown.key.split("/", 3)
    return f"{address}#{quote(f'{stage}-{unit_id}')}"


def unit_link(run: str, unit_id: str, place: ListPlace | None = None) -> str:
    """One unit; a pair has a page of its own."""
    folder = "pairs" if unit_id.startswith(f"{Pair.kind}-") else "units"
    return linked(f"/runs/{quote(run)}/{folder}/{quote(unit_id)}", *(place or ListPlace()).query)


def pairs_link(run: str, *query: tuple[str, str]) -> str:
    """The list of pairs."""
    return linked(f"/runs/{quote(run)}/pairs", *query)


def pair_link(run: str, pair_id: str, *query: tuple[str, str]) -> str:
    """One pair."""
    return linked(f"/runs/{quote(run)}/pairs/{quote(pair_id)}", *query)


def share_link(run: str, unit_id: str) -> str:
    """One unit or pair as a file that needs no server."""
    return f"/runs/{quote(run)}/share/{quote(unit_id)}"
