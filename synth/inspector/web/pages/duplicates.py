"""The pages of duplicates and of contamination."""

from synth.inspector.queries.duplicates import (
    ClusterList,
    ClusterView,
    ContaminationList,
    ContaminationView,
    list_clusters,
    list_contamination,
    show_cluster,
    show_contamination,
)
from synth.inspector.web.page import Page, Visit
from synth.inspector.web.pages.rules import opened_run
from synth.records import Record


class ClustersScreen(Record):
    """The clusters of one run."""

    run: str
    name: str
    view: ClusterList


class ClusterScreen(Record):
    """One cluster of one run."""

    run: str
    name: str
    view: ClusterView


class ContaminationScreen(Record):
    """The entries that units of one run overlap with; with one of them, these units."""

    run: str
    name: str
    view: ContaminationList


class EntryScreen(Record):
    """One entry, and the units of one run that overlap with it."""

    run: str
    name: str
    view: ContaminationView


def load_clusters(visit: Visit) -> ClustersScreen:
    """The clusters, the largest first."""
    run = opened_run(visit)
    return ClustersScreen(run=run.key, name=run.name, view=list_clusters(visit.library, run))


def load_cluster(visit: Visit) -> ClusterScreen:
    """The cluster of the address."""
    run = opened_run(visit)
    view = show_cluster(visit.library, run, visit.parts["stage"], visit.parts["twin"])
    return ClusterScreen(run=run.key, name=run.name, view=view)


def load_contamination(visit: Visit) -> ContaminationScreen:
    """The entries, those with the most units first."""
    run = opened_run(visit)
    return ContaminationScreen(run=run.key, name=run.name, view=list_contamination(visit.library, run))


def load_entry(visit: Visit) -> EntryScreen:
    """The entry of the address."""
    run = opened_run(visit)
    view = show_contamination(visit.library, run, visit.parts["entry"])
    return EntryScreen(run=run.key, name=run.name, view=view)


PAGES = (
    Page("/runs/{run}/duplicates", "clusters.html", load_clusters),
    Page("/runs/{run}/duplicates/{stage}/{twin}", "cluster.html", load_cluster),
    Page("/runs/{run}/contamination", "contamination.html", load_contamination),
    Page("/runs/{run}/contamination/{entry:path}", "entry.html", load_entry),
)
