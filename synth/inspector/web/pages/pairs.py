"""The list of pairs, and the page of one: what a person looks at to agree, flip, tie or drop."""

from typing import Final

from synth.inspector.queries.length_bias import LengthBias, length_bias
from synth.inspector.queries.pair import (
    PairChoiceOf,
    PairList,
    PairNeighbours,
    PairView,
    list_pairs,
    neighbours_of_pair,
    read_pair,
)
from synth.inspector.queries.runs import REFRESH_S
from synth.inspector.web.links import pair_link, pairs_link
from synth.inspector.web.page import Page, Visit
from synth.records import Record

MODES: Final = ("side by side", "unified", "only changes")
"""How the difference is shown; `d` goes to the next."""


class PairsScreen(Record):
    """A page of pairs under a choice."""

    pairs: PairList
    lengths: LengthBias | None
    """Over all pairs of the run."""
    language: str
    outcome: str
    mark: str
    kept: tuple[tuple[str, str], ...]
    """The choice, as parameters of an address."""
    first_link: str = ""
    next_link: str = ""


class PairScreen(Record):
    """One pair in its list. Links are empty where there is nothing to go to."""

    pair: PairView
    mode: str
    modes: tuple[str, ...] = MODES
    next_mode: str
    near: PairNeighbours
    list_link: str
    previous_link: str = ""
    next_link: str = ""


def load_list(visit: Visit) -> PairsScreen:
    """The pairs of the address."""
    visit.library.run(visit.parts["run"]).refresh(REFRESH_S)
    run, choice = visit.library.run(visit.parts["run"]), _choice(visit)
    found = list_pairs(visit.library, run, choice, visit.value("after"))
    return PairsScreen(
        pairs=found,
        lengths=length_bias(visit.library, run),
        language=choice.language,
        outcome=choice.outcome,
        mark=choice.mark,
        kept=tuple((name, value) for name, value in visit.query if name != "after" and value),
        first_link=visit.link(after=None) if visit.value("after") else "",
        next_link=visit.link(after=found.next_key) if found.next_key else "",
    )


def load(visit: Visit) -> PairScreen:
    """The pair of the address."""
    visit.library.run(visit.parts["run"]).refresh(REFRESH_S)
    run, choice = visit.library.run(visit.parts["run"]), _choice(visit)
    pair = read_pair(visit.library, run, visit.parts["pair"])
    near = neighbours_of_pair(visit.library, run, choice, pair.id)
    asked = visit.value("diff")
    mode = asked if asked in MODES else MODES[0]
    kept = tuple((name, value) for name, value in visit.query if name != "after")
    start = (("after", near.page_start),) if near.page_start else ()
    choices = tuple((name, value) for name, value in kept if name != "diff")
    return PairScreen(
        pair=pair,
        mode=mode,
        next_mode=MODES[(MODES.index(mode) + 1) % len(MODES)],
        near=near,
        list_link=f"{pairs_link(run.key, *choices, *start)}#{pair.id}",
        previous_link=pair_link(run.key, near.before, *kept) if near.before else "",
        next_link=pair_link(run.key, near.after, *kept) if near.after else "",
    )


def _choice(visit: Visit) -> PairChoiceOf:
    return PairChoiceOf(visit.value("language"), visit.value("outcome"), visit.value("mark"))


PAGES = (
    Page("/runs/{run}/pairs", "pairs.html", load_list),
    Page("/runs/{run}/pairs/{pair:path}", "pair.html", load),
)
