"""The page of all opened runs."""

from datetime import datetime

from synth.inspector.library import Library
from synth.inspector.web.page import Page, Visit
from synth.records import Record
from synth.store import views
from synth.store.run_folder import RunState, read_info


class RunLine(Record):
    """One run, in a line."""

    key: str
    name: str
    state: str
    recipe: str
    models: tuple[str, ...]
    entered: int
    accepted: int
    quality: int
    policy: int
    infrastructure: int
    waiting: int
    tokens: int
    updated: datetime


class RunsPage(Record):
    """All opened runs."""

    runs: tuple[RunLine, ...]
    is_live: bool


def load(visit: Visit) -> RunsPage:
    """The runs, in the order in which they were given."""
    lines = tuple(_line(visit.library, run.key) for run in visit.library.runs)
    return RunsPage(runs=lines, is_live=any(line.state == RunState.RUNNING for line in lines))


def _line(library: Library, key: str) -> RunLine:
    path = library.run(key).path
    info, rows = read_info(path), views.funnel(path)
    lost = dict.fromkeys(("quality", "policy", "infrastructure", "unknown"), 0)
    for row in rows:
        for reason in row.reasons:
            lost[reason.reason_class] += reason.count
    return RunLine(
        key=key,
        name=info.name,
        state=info.state.value,
        recipe=str(info.recipe.get("name", "")),
        models=(),
        entered=rows[0].entered if rows else 0,
        accepted=rows[-1].kept if rows else 0,
        quality=lost["quality"],
        policy=lost["policy"],
        infrastructure=lost["infrastructure"],
        waiting=sum(row.waiting for row in rows),
        tokens=sum(row.tokens for row in rows),
        updated=info.updated,
    )


PAGES = (Page("/runs", "runs.html", load),)
