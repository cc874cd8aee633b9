"""Two runs beside each other: recipes, funnels, what became of the same seeds, tasks that only one solved.

Place in the flow: the indexes of two opened runs -> the page of the comparison. The one rule: seeds are the
same if their ids are, since an id is made of the code; tasks are compared by the seed they were made from.
"""

from collections.abc import Mapping
from typing import Any, Final

from synth.errors import CodemillError
from synth.inspector.library import Library
from synth.inspector.opened_run import OpenedRun
from synth.inspector.sources import OpenedFolder
from synth.records import Decision
from synth.store.run_folder import Difference, differences
from synth.wire_record import Record

LISTED: Final = 200
SOLVED: Final = "accepted"
_KEPT: Final = f"decision = '{Decision.KEPT}'"


class StageTotals(Record):
    """One stage over all rounds, in one run."""

    decided: int
    kept: int


class StagePair(Record):
    """One stage in both runs; None where a run does not have it."""

    stage: str
    left: StageTotals | None
    right: StageTotals | None


class Transition(Record):
    """So many seeds ended so in the left run and so in the right one."""

    left: str
    right: str
    count: int
    examples: tuple[str, ...]


class SolvedTask(Record):
    """The task of one seed in one language that one run solved and the other did not. Passed and tried
    programs."""

    seed: str
    language: str
    solved_by: str
    """`left` or `right`."""
    left_passed: int
    left_tried: int
    right_passed: int
    right_tried: int
    left_task: str
    right_task: str


class RunComparison(Record):
    """Two runs."""

    left: str
    right: str
    """Their keys."""
    recipe: tuple[Difference, ...]
    stages: tuple[StagePair, ...]
    seeds_left: int
    seeds_right: int
    seeds_both: int
    transitions: tuple[Transition, ...]
    """Those that differ first, the largest first."""
    both_solved: int
    neither_solved: int
    only_left: int
    only_right: int
    tasks: tuple[SolvedTask, ...]
    """At most LISTED of those that only one solved, the clearest first."""


def compare_runs(library: Library, left: OpenedRun, right: OpenedRun) -> RunComparison:
    """Compare them as far as they have been read."""
    counts = [_stages(library, run) for run in (left, right)]
    order = list(dict.fromkeys([*left.stages, *right.stages, *counts[0], *counts[1]]))
    seeds = library.query(_SEEDS.format(left=_fates(left), right=_fates(right)))[0]
    solved = library.query(_SOLVED.format(left=_tasks(left), right=_tasks(right)))
    groups: dict[str, int] = {"both": 0, "neither": 0, "left": 0, "right": 0}
    for row in solved:
        groups[row["solved"]] += 1
    only = [row for row in solved if row["solved"] in ("left", "right")]
    only.sort(
        key=lambda row: (-abs(_share(row, "left") - _share(row, "right")), row["seed"], row["language"])
    )
    return RunComparison(
        left=left.key,
        right=right.key,
        recipe=_recipe(left, right),
        stages=tuple(
            StagePair(stage=stage, left=counts[0].get(stage), right=counts[1].get(stage))
            for stage in order
            if stage in counts[0] or stage in counts[1]
        ),
        seeds_left=int(seeds["left_seeds"]),
        seeds_right=int(seeds["right_seeds"]),
        seeds_both=int(seeds["both_seeds"]),
        transitions=_transitions(library, left, right),
        both_solved=groups["both"],
        neither_solved=groups["neither"],
        only_left=groups["left"],
        only_right=groups["right"],
        tasks=tuple(_task(row) for row in only[:LISTED]),
    )


def _recipe(left: OpenedRun, right: OpenedRun) -> tuple[Difference, ...]:
    if not isinstance(left, OpenedFolder) or not isinstance(right, OpenedFolder):
        return ()
    try:
        return tuple(differences(left.info, right.info))
    except CodemillError:
        return ()


def _stages(library: Library, run: OpenedRun) -> dict[str, StageTotals]:
    sql = f"SELECT stage, count(*) AS n, count(*) FILTER ({_KEPT}) AS kept FROM {run.table} GROUP BY stage"
    return {
        row["stage"]: StageTotals(decided=int(row["n"]), kept=int(row["kept"])) for row in library.query(sql)
    }


def _fates(run: OpenedRun) -> str:
    """SQL: each seed with what became of it: the first stage that turned it or its task away, with the
    reason; or that its task counts."""
    stages = ", ".join(f"'{_name(stage)}'" for stage in run.stages)
    return f"""(WITH lines AS (
        SELECT CASE WHEN kind = 'task' THEN parents[1] ELSE unit_id END AS seed,
            round, stage, decision, reason FROM {run.table}
        WHERE kind IN ('seed', 'reference', 'problem', 'task') AND NOT contains(unit_id, '.'))
        SELECT seed, coalesce(
            min_by(stage || ': ' || reason, round * 1000 + coalesce(list_position([{stages}], stage), 999))
                FILTER (NOT ({_KEPT})), '{SOLVED}') AS fate
        FROM lines WHERE seed IS NOT NULL GROUP BY seed)"""


def _name(stage: str) -> str:
    """Stages are names of folders; those that no stage of ours could have are not asked for."""
    return stage if stage.replace("_", "").isalnum() else ""


_SEEDS: Final = """SELECT count(l.seed) AS left_seeds, count(r.seed) AS right_seeds,
    count(*) FILTER (l.seed IS NOT NULL AND r.seed IS NOT NULL) AS both_seeds
    FROM {left} AS l FULL JOIN {right} AS r ON l.seed = r.seed"""
_MOVED: Final = """SELECT l.fate AS left_fate, r.fate AS right_fate, count(*) AS n,
    list_slice(list_sort(list(l.seed)), 1, 3) AS examples
    FROM {left} AS l JOIN {right} AS r ON l.seed = r.seed
    GROUP BY ALL ORDER BY n DESC, left_fate, right_fate"""


def _transitions(library: Library, left: OpenedRun, right: OpenedRun) -> tuple[Transition, ...]:
    rows = library.query(_MOVED.format(left=_fates(left), right=_fates(right)))
    found = [
        Transition(
            left=row["left_fate"],
            right=row["right_fate"],
            count=int(row["n"]),
            examples=tuple(row["examples"]),
        )
        for row in rows
    ]
    return tuple(sorted(found, key=lambda one: (one.left == one.right, -one.count)))


def _tasks(run: OpenedRun) -> str:
    """SQL: passed and tried programs by seed and language, and a task of it."""
    return f"""(WITH made AS (
            SELECT DISTINCT unit_id AS task, parents[1] AS seed FROM {run.table}
            WHERE kind = 'task' AND len(parents) > 0 AND NOT contains(unit_id, '.'))
        SELECT seed, language, count(*) AS tried, count(*) FILTER ({_KEPT}) AS passed, min(task) AS task
        FROM {run.table} JOIN made ON parents[1] = task
        WHERE (stage LIKE '%execute' OR stage = 'verdict') AND kind = 'solution' GROUP BY seed, language)"""


_SOLVED: Final = """SELECT l.seed AS seed, l.language AS language,
    l.passed AS left_passed, l.tried AS left_tried, r.passed AS right_passed, r.tried AS right_tried,
    l.task AS left_task, r.task AS right_task,
    CASE WHEN l.passed > 0 AND r.passed > 0 THEN 'both' WHEN l.passed > 0 THEN 'left'
        WHEN r.passed > 0 THEN 'right' ELSE 'neither' END AS solved
    FROM {left} AS l JOIN {right} AS r ON l.seed = r.seed AND l.language = r.language"""


def _share(row: Mapping[str, Any], side: str) -> float:
    return float(row[f"{side}_passed"] / row[f"{side}_tried"])


def _task(row: Mapping[str, Any]) -> SolvedTask:
    return SolvedTask(
        seed=row["seed"],
        language=row["language"],
        solved_by=row["solved"],
        left_passed=int(row["left_passed"]),
        left_tried=int(row["left_tried"]),
        right_passed=int(row["right_passed"]),
        right_tried=int(row["right_tried"]),
        left_task=row["left_task"],
        right_task=row["right_task"],
    )
