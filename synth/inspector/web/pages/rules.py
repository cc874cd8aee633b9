"""The pages of the rules: all reasons of a run, and one reason with its threshold."""

from synth.errors import Problem, UserError
from synth.inspector.opened_run import OpenedRun
from synth.inspector.queries.rules import ReasonView, RuleLine, explain_reason, list_rules, stages_of
from synth.inspector.queries.runs import REFRESH_S, is_live
from synth.inspector.web.page import Page, Visit
from synth.records import Record


class ReasonsScreen(Record):
    """All that rejected something in one run."""

    run: str
    name: str
    is_live: bool
    lines: tuple[RuleLine, ...]


class ReasonScreen(Record):
    """One reason of one run at one stage. `stages`: all that rejected for it."""

    run: str
    name: str
    stages: tuple[str, ...]
    measure: str
    """The number whose limit is tried; empty if none is."""
    tried: float | None
    view: ReasonView


def opened_run(visit: Visit) -> OpenedRun:
    """The run of the address, in step with its folder. Raises UserError."""
    run = visit.library.run(visit.parts["run"])
    run.refresh(REFRESH_S)
    return run


def load_list(visit: Visit) -> ReasonsScreen:
    """The reasons, by stage."""
    run = opened_run(visit)
    lines = list_rules(visit.library, run)
    return ReasonsScreen(run=run.key, name=run.name, is_live=is_live(run), lines=lines)


def load(visit: Visit) -> ReasonScreen:
    """The reason of the address, with the limit that is tried."""
    run, reason = opened_run(visit), visit.parts["reason"]
    stages = stages_of(visit.library, run, reason)
    if not stages and not run.stages:
        words = "was given by no stage: nothing of this run has been read"
        raise UserError(Problem(f"reason {reason[:40]!r}", words, "look at the run"))
    stage = visit.value("stage") or (stages[0] if stages else next(iter(run.stages), ""))
    measure, tried = visit.value("measure"), read_number(visit, "try")
    view = explain_reason(
        visit.library,
        run,
        stage,
        reason,
        {measure: tried} if measure and tried is not None else None,
        visit.number("seed", 1, 1_000_000),
    )
    return ReasonScreen(run=run.key, name=run.name, stages=stages, measure=measure, tried=tried, view=view)


def read_number(visit: Visit, name: str) -> float | None:
    """A parameter that is a number; None if it is empty. Raises UserError."""
    text = visit.value(name).strip()
    try:
        found = float(text) if text else None
    except ValueError:
        found = float("nan")
    if found is not None and not -1e12 < found < 1e12:
        raise UserError(Problem(f"{name}={text[:40]}", "must be a number", f"{name}=0.8"))
    return found


PAGES = (
    Page("/runs/{run}/reasons", "reasons.html", load_list),
    Page("/runs/{run}/reasons/{reason}", "reason.html", load),
)
