"""The opened runs, a row each: what they are, how far they came, what they kept, what they cost."""

from collections import defaultdict
from datetime import datetime
from typing import Any, Final

from synth.errors import CodemillError
from synth.inspector.database import Deadline
from synth.inspector.library import Library
from synth.inspector.opened_run import OpenedRun, ReadingProgress, RunKind
from synth.inspector.sources import OpenedFolder
from synth.products import PRODUCTS, SIDE_STAGES
from synth.records import SCHEMA_VERSION, Decision
from synth.roles import ROLES
from synth.store.figures import read_figures
from synth.store.run_folder import RunState
from synth.wire_record import Record

REFRESH_S: Final = 0.5
"""How long a page waits for new files; what is left is read by the next."""


class ProductCount(Record):
    """Units of one product that no stage rejected."""

    product: str
    kind: str
    count: int
    stage: str = ""
    """The stage that kept them; empty where they are counted as they were made."""


class RunSummary(Record):
    """One opened run."""

    key: str
    name: str
    kind: RunKind
    state: str
    """Of a run folder; `answers` and `export` for the others; `unreadable` without a run.json."""
    message: str = ""
    recipe: str = ""
    models: tuple[str, ...] = ()
    entered: int
    """Units that entered the first stage."""
    accepted: tuple[ProductCount, ...]
    tokens: int | None = None
    """Of all roles, as the endpoint counts them; None until the run has ended once."""
    usd: float | None = None
    started: datetime | None = None
    updated: datetime | None = None
    rows: int
    """Rows of its index."""
    reading: ReadingProgress
    damaged: int = 0
    """Files that were left out."""
    written_by: int | None = None
    """The schema version that wrote it, if that is not this one."""

    @property
    def share(self) -> float | None:
        """Accepted samples, or answers that pass, for each unit that entered; None where nothing entered, and
        of an export, whose rows were all accepted before."""
        if not self.entered or self.kind is RunKind.EXPORT:
            return None
        counted = (PRODUCTS[0].name, RunKind.ANSWERS)
        return sum(one.count for one in self.accepted if one.product in counted) / self.entered

    @property
    def is_live(self) -> bool:
        """Whether there is more to come: a run that goes on, or rows that are still to be read."""
        return self.state == RunState.RUNNING or not self.reading.is_whole


def is_live(run: OpenedRun) -> bool:
    """Whether there is more to come from it."""
    try:
        goes_on = isinstance(run, OpenedFolder) and run.info.state is RunState.RUNNING
    except CodemillError:
        return False
    return goes_on or not run.refresh(REFRESH_S).is_whole


def list_runs(library: Library) -> tuple[RunSummary, ...]:
    """The opened runs, in the order in which they were opened."""
    deadline = Deadline(REFRESH_S)
    return tuple(summarize(library, run, deadline.left) for run in library.runs)


def summarize(library: Library, run: OpenedRun, seconds: float = REFRESH_S) -> RunSummary:
    """One opened run, as far as it can be read in time; without any, as far as it was read before."""
    reading = run.refresh(seconds) if seconds else run.reading
    counts = _counts(library, run)
    found: dict[str, Any] = {"state": run.kind.value}
    if isinstance(run, OpenedFolder):
        found = _about(run)
    return RunSummary(
        key=run.key,
        name=run.name,
        kind=run.kind,
        entered=_entered(run, counts),
        accepted=_accepted(run, counts),
        rows=run.rows,
        reading=reading,
        damaged=len(run.damaged),
        **found,
    )


_Counts = dict[str, dict[tuple[str, str], int]]
"""By stage: how many units of a kind were decided how."""


def _counts(library: Library, run: OpenedRun) -> _Counts:
    sql = f"SELECT stage, kind, decision, sum(n)::BIGINT AS n FROM {run.counts} GROUP BY ALL"
    counts: defaultdict[str, dict[tuple[str, str], int]] = defaultdict(dict)
    for row in library.query(sql):
        counts[row["stage"]][row["kind"], row["decision"]] = int(row["n"])
    return dict(counts)


def _entered(run: OpenedRun, counts: _Counts) -> int:
    first = next((stage for stage in run.stages if stage in counts), None)
    return sum(counts[first].values()) if first is not None else 0


def _accepted(run: OpenedRun, counts: _Counts) -> tuple[ProductCount, ...]:
    """Units of a product that enter a stage of the flow are accepted by the last one; others as they were
    made."""
    if run.kind is RunKind.ANSWERS:
        kept = [
            (stage, kind, count)
            for stage, kinds in counts.items()
            for (kind, decision), count in kinds.items()
            if decision == Decision.KEPT
        ]
        return tuple(
            ProductCount(product=RunKind.ANSWERS, kind=kind, count=count, stage=stage)
            for stage, kind, count in kept
        )
    found = []
    for product in PRODUCTS:
        kind = product.model.kind
        flow = [stage for stage in run.stages if stage not in SIDE_STAGES]
        last = [stage for stage in flow if any(one == kind for one, _ in counts.get(stage, ()))]
        count = counts[last[-1]].get((kind, Decision.KEPT.value), 0) if last else run.made(kind)
        if count:
            stage = last[-1] if last else ""
            found.append(ProductCount(product=product.name, kind=kind, count=count, stage=stage))
    return tuple(found)


def _about(run: OpenedFolder) -> dict[str, Any]:
    try:
        info = run.info
    except CodemillError as error:
        return {"state": "unreadable", "message": error.problems[0].message}
    return {
        "state": info.state.value,
        "message": info.message,
        "recipe": str(info.recipe.get("name", "")),
        "models": _models(info.recipe),
        "started": info.started,
        "updated": info.updated,
        "written_by": None if info.schema_version == SCHEMA_VERSION else info.schema_version,
        **_spent(run),
    }


def _models(recipe: dict[str, Any]) -> tuple[str, ...]:
    """The policy, and the models of the engines: each once."""
    named = [part.get("model") for part in map(recipe.get, ("policy", *ROLES)) if isinstance(part, dict)]
    return tuple(dict.fromkeys(str(model) for model in named if model))


def _spent(run: OpenedFolder) -> dict[str, Any]:
    try:
        roles = read_figures(run.path)[-1].get("tokens", {}).values()
    except CodemillError:
        return {}
    usd = [role["usd"] for role in roles if "usd" in role]
    tokens = sum(role["prompt_tokens"] + role["completion_tokens"] for role in roles)
    return {"tokens": tokens, "usd": sum(usd) if usd else None}
