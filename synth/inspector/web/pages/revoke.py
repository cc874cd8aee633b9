"""The page of a revocation: what derives from a source, a file, a licence or a seed, as list and as patch."""

import json
from collections.abc import Iterator

from synth.errors import Problem, UserError
from synth.inspector.opened_run import OpenedRun, RunKind
from synth.inspector.web.page import Download, Page, Sent, Visit, linked
from synth.inspector.web.pages.rules import opened_run
from synth.records import Record
from synth.store.revoke import Revocation, Withdrawn, revoke

LISTED = 300
FIELDS = ("source", "file", "licence", "seed")


class ListedUnit(Record):
    """One unit that derives from what is withdrawn."""

    unit_id: str
    kind: str


class RevokeScreen(Record):
    """A form, and once something is stated, what derives from it."""

    run: str
    name: str
    what: Withdrawn
    found: Revocation | None = None
    units: tuple[ListedUnit, ...] = ()
    """At most LISTED of them."""
    patch_link: str = ""
    command: str = ""


def load(visit: Visit) -> RevokeScreen:
    """What the address states. Raises UserError for what the run does not have."""
    run, what = opened_run(visit), _what(visit)
    screen = RevokeScreen(run=run.key, name=run.name, what=what)
    if not what.words:
        return screen
    _check_kind(run)
    stated = [(name, visit.value(name)) for name in FIELDS if visit.value(name)]
    with revoke(run.path, what) as found:
        return screen.model_copy(
            update={
                "found": found.summary,
                "units": tuple(
                    ListedUnit(unit_id=unit_id, kind=kind) for unit_id, kind in found.units(LISTED)
                ),
                "patch_link": linked(f"{visit.address}/patch.jsonl", *stated),
                "command": f"codemill revoke {run.name} "
                + " ".join(f"--{name} {json.dumps(value)}" for name, value in stated),
            }
        )


def download(visit: Visit) -> Sent:
    """The patch, a line at a time."""
    run, what = opened_run(visit), _what(visit)
    _check_kind(run)

    def lines() -> Iterator[bytes]:
        with revoke(run.path, what) as found:
            for line in found.patch():
                yield json.dumps(line).encode() + b"\n"

    return Sent(f"revoke-{run.key}.jsonl", "application/jsonl", lines())


def _what(visit: Visit) -> Withdrawn:
    return Withdrawn(
        source=visit.value("source").strip(),
        file=visit.value("file").strip(),
        licence=visit.value("licence").strip(),
        unit=visit.value("seed").strip(),
    )


def _check_kind(run: OpenedRun) -> None:
    if run.kind is not RunKind.RUN:
        raise UserError(
            Problem(run.name, "is no run folder, so it says nothing of seeds", "open the run that made it")
        )


PAGES = (
    Page("/runs/{run}/revoke", "revoke.html", load),
    Download("/runs/{run}/revoke/patch.jsonl", download),
)
