"""The page of all opened runs."""

from synth.inspector.queries.losses import Losses, count_losses
from synth.inspector.queries.runs import RunSummary, list_runs
from synth.inspector.web.page import Page, Visit
from synth.records import Record


class RunLine(Record):
    """One run, and what it lost."""

    summary: RunSummary
    losses: Losses


class RunsPage(Record):
    """The opened runs, in the order in which they were given."""

    runs: tuple[RunLine, ...]

    @property
    def is_live(self) -> bool:
        """Whether the page is worth fetching again."""
        return any(run.summary.is_live for run in self.runs)


def load(visit: Visit) -> RunsPage:
    """All opened runs."""
    library = visit.library
    return RunsPage(
        runs=tuple(
            RunLine(summary=one, losses=count_losses(library, library.run(one.key)))
            for one in list_runs(library)
        )
    )


PAGES = (Page("/runs", "runs.html", load),)
