"""What a page is: an address, a function that returns a record, and the template that shows it.

Place in the flow: each module in `pages/` states its `PAGES`, and `app.py` makes routes of them. The one
rule: the address is the whole state, and the record is all that a template shows, so that `.json` says the
same.
"""

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, NamedTuple
from urllib.parse import urlencode

from synth.errors import Problem, UserError
from synth.wire_record import Record

if TYPE_CHECKING:
    from synth.inspector.library import Library
    from synth.inspector.opened_run import OpenedRun

Pairs = tuple[tuple[str, str], ...]
"""The parameters of an address in their order; a name may occur several times."""


class NotFoundError(UserError):
    """An address that leads to nothing: answered with 404."""


@dataclass(frozen=True, slots=True)
class Visit:
    """One request for a page."""

    library: "Library"
    address: str
    """The path of the address, without `.json`."""
    parts: Mapping[str, str]
    """The named parts of the path: `{run}`."""
    query: Pairs

    def value(self, name: str, default: str = "") -> str:
        """The first value of a parameter."""
        return next((value for key, value in self.query if key == name), default)

    def values(self, name: str) -> tuple[str, ...]:
        """All values of a parameter."""
        return tuple(value for key, value in self.query if key == name)

    def number(self, name: str, default: int, most: int) -> int:
        """A parameter that is a number from 1 to `most`. Raises UserError."""
        text = self.value(name)
        if not text:
            return default
        if text.isascii() and text.isdecimal() and len(text) <= 9 and 1 <= int(text) <= most:
            return int(text)
        raise UserError(
            Problem(f"{name}={text[:40]}", f"must be a number from 1 to {most}", f"{name}={default}")
        )

    def link(self, **changes: object) -> str:
        """This address with some parameters changed; None takes one away."""
        kept = [(key, value) for key, value in self.query if key not in changes]
        added = [(key, str(value)) for key, value in changes.items() if value is not None]
        return linked(self.address, *kept, *added)

    def kept_query(self, *names: str) -> str:
        """These parameters alone, as a query string."""
        return urlencode([one for one in self.query if one[0] in names and one[1]], errors="replace")

    @property
    def json_link(self) -> str:
        """Where the same record stands as JSON."""
        return linked(f"{self.address}.json", *self.query)


def find_run(visit: Visit) -> "OpenedRun":
    """The run that the address names. Raises NotFoundError with the nearest names."""
    try:
        return visit.library.run(visit.parts["run"])
    except UserError as error:
        raise NotFoundError(*error.problems) from error


def linked(address: str, *query: tuple[str, str]) -> str:
    """An address with its parameters."""
    return f"{address}?{urlencode(query, errors='replace')}" if query else address


class Page(NamedTuple):
    """A page for GET. `load` runs in a thread of its own; what it raises is shown as a page."""

    address: str
    """For example `/runs/{run}/units`; `.json` behind it gives the record."""
    template: str
    load: Callable[[Visit], Record]


class Action(NamedTuple):
    """A change for POST, by a form of our own pages only."""

    address: str
    act: Callable[[Visit, Pairs], str]
    """Takes the fields of the form and returns the address to show next."""


class Sent(NamedTuple):
    """A file that is sent to be saved."""

    name: str
    media_type: str
    chunks: Iterable[bytes]


class Download(NamedTuple):
    """A file for GET, made while it is sent."""

    address: str
    make: Callable[[Visit], Sent]


Route = Page | Action | Download
