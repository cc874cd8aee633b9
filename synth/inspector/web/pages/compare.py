"""The page that compares two runs: `/compare?run=KEY&run=KEY`, as the ticks of the list of runs ask for."""

from synth.inspector.queries.comparing import RunComparison, compare_runs
from synth.inspector.queries.runs import REFRESH_S
from synth.inspector.web.page import Page, Visit
from synth.records import Record


class RunChoice(Record):
    """A run that can be compared."""

    key: str
    name: str
    is_chosen: bool


class CompareScreen(Record):
    """Two runs beside each other; without two keys, what can be chosen."""

    choices: tuple[RunChoice, ...]
    left_name: str = ""
    right_name: str = ""
    view: RunComparison | None = None


def load(visit: Visit) -> CompareScreen:
    """The first two runs that the address names. Raises UserError for an unknown key."""
    asked = visit.values("run")[:2]
    runs = [visit.library.run(key) for key in asked]
    choices = tuple(
        RunChoice(key=one.key, name=one.name, is_chosen=one.key in asked) for one in visit.library.runs
    )
    if len(runs) < 2:
        return CompareScreen(choices=choices)
    for run in runs:
        run.refresh(REFRESH_S)
    left, right = runs
    view = compare_runs(visit.library, left, right)
    return CompareScreen(choices=choices, left_name=left.name, right_name=right.name, view=view)


PAGES = (Page("/compare", "compare.html", load),)
