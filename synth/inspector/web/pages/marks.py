"""What people do on pages: marks of units and pairs, saved views, and the marks as a patch to a data set."""

from typing import Final
from urllib.parse import quote

from synth.errors import Problem, UserError
from synth.inspector.exporting import marks_patch
from synth.inspector.marks import PAIR_JUDGEMENTS, UNIT_JUDGEMENTS, Marks, SavedView, judgement_of
from synth.inspector.web.page import Action, Download, Page, Pairs, Sent, Visit
from synth.products import Pair
from synth.records import Record

_FLAG, _COMMENT = "flag", "comment"
_MOST_ID: Final = 500


class ViewsScreen(Record):
    """The saved views of a run."""

    run: str
    run_name: str
    views: tuple[SavedView, ...]


def mark(visit: Visit, fields: Pairs) -> str:
    """Set one mark, or take it back. Raises UserError for a mark that is none of this kind of unit."""
    run, form = visit.library.run(visit.parts["run"]), dict(fields)
    unit, word, marks = form.get("unit", ""), form.get("set", ""), Marks(run.path)
    if not unit or len(unit) > _MOST_ID:
        raise UserError(Problem("the form", "names no unit", "mark it on its page"))
    known = PAIR_JUDGEMENTS if unit.startswith(f"{Pair.kind}-") else UNIT_JUDGEMENTS
    if word == _FLAG:
        marks.flag(unit)
    elif word == _COMMENT:
        marks.comment(unit, form.get("comment", ""))
    elif word in known:
        marks.judge(unit, judgement_of(word))
    else:
        words = f"must be one of: {', '.join((*known, _FLAG, _COMMENT))}"
        raise UserError(Problem(f"mark {word[:40]!r}", words, "choose one of them"))
    return form.get("back") or f"/runs/{quote(run.key)}"


def save_view(visit: Visit, fields: Pairs) -> str:
    """Save a view under a name, or forget it."""
    run, form = visit.library.run(visit.parts["run"]), dict(fields)
    if "forget" in form:
        Marks(run.path).drop_view(form["forget"])
    else:
        Marks(run.path).save_view(form.get("name", ""), form.get("query", ""))
    return form.get("back") or f"/runs/{quote(run.key)}/views"


def load_views(visit: Visit) -> ViewsScreen:
    """The saved views."""
    run = visit.library.run(visit.parts["run"])
    return ViewsScreen(run=run.key, run_name=run.name, views=tuple(Marks(run.path).views()))


def download_patch(visit: Visit) -> Sent:
    """The marks as JSON Lines."""
    run = visit.library.run(visit.parts["run"])
    return Sent(f"{run.key}-marks.jsonl", "application/jsonl", marks_patch(visit.library, run))


PAGES = (
    Action("/runs/{run}/mark", mark),
    Action("/runs/{run}/views/save", save_view),
    Page("/runs/{run}/views", "views.html", load_views),
    Download("/runs/{run}/marks.jsonl", download_patch),
)
