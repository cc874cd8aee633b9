"""The pages of a run's trainings, of blame, and of its maps."""

from synth.inspector.queries.blame import BlameView, WrongList, blame, list_wrong
from synth.inspector.queries.coverage import CoverageView, show_coverage
from synth.inspector.queries.runs import is_live
from synth.inspector.queries.training import TrainingView, show_training
from synth.inspector.web.page import Page, Visit
from synth.inspector.web.pages.rules import opened_run
from synth.records import Record


class TrainingScreen(Record):
    """The trainings and evaluations of one run."""

    run: str
    name: str
    is_live: bool
    view: TrainingView


class WrongScreen(Record):
    """The wrong answers of one evaluation."""

    run: str
    name: str
    view: WrongList


class BlameScreen(Record):
    """One wrong answer and the training rows near it."""

    run: str
    name: str
    view: BlameView


class CoverageScreen(Record):
    """The maps of one run."""

    run: str
    name: str
    view: CoverageView


def load_training(visit: Visit) -> TrainingScreen:
    """The trainings, in the order in which they followed."""
    run = opened_run(visit)
    view = show_training(visit.library, run)
    return TrainingScreen(run=run.key, name=run.name, is_live=is_live(run), view=view)


def load_wrong(visit: Visit) -> WrongScreen:
    """The wrong answers of the evaluation that the address names."""
    run = opened_run(visit)
    return WrongScreen(run=run.key, name=run.name, view=list_wrong(run, visit.parts["evaluation"]))


def load_blame(visit: Visit) -> BlameScreen:
    """One of them, with the nearest rows."""
    run = opened_run(visit)
    view = blame(visit.library, run, visit.parts["evaluation"], int(visit.parts["question"]))
    return BlameScreen(run=run.key, name=run.name, view=view)


def load_coverage(visit: Visit) -> CoverageScreen:
    """The coverage map and the synergy between languages."""
    run = opened_run(visit)
    return CoverageScreen(run=run.key, name=run.name, view=show_coverage(run))


PAGES = (
    Page("/runs/{run}/training", "training.html", load_training),
    Page("/runs/{run}/blame/{evaluation}", "wrong.html", load_wrong),
    Page("/runs/{run}/blame/{evaluation}/{question:int}", "blame.html", load_blame),
    Page("/runs/{run}/coverage", "coverage.html", load_coverage),
)
