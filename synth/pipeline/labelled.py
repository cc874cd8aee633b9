"""The labelled answers of a round: every sample that survived as a good one, every candidate that failed as a
bad one, for KTO.

Place in the flow: the committed shards of a round -> here -> the KTO job. Written only for a recipe that
trains on them. The one rule: a candidate is bad if its program failed the tests of a task that counts; what
was never judged, and what is equal but for its layout to a program that passed, is neither good nor bad.
"""

from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any, Final, NamedTuple

from synth.languages.code_tokens import normalize_code
from synth.products import Sample
from synth.records import Message, Outcome, Solution, Task
from synth.stages.context import Context
from synth.stages.evidence import read_judgements
from synth.stages.pair import contaminated_tasks
from synth.stages.select import answer_messages
from synth.stages.shard_state import ShardState, StageResult
from synth.stages.solve import render_solve
from synth.stages.unit_stage import Stage
from synth.store.parquet import write_rows
from synth.store.products import GROUP_ROWS, without_lone_surrogates
from synth.store.shards import StageCommit

FOLDER: Final = "labelled"
_NO_LABEL: Final = frozenset(
    (Outcome.PASS, Outcome.VACUOUS, Outcome.INFRASTRUCTURE, Outcome.TOOLCHAIN_MISSING)
)
"""Outcomes that do not show that a program is wrong."""


class LabelledSet(NamedTuple):
    """The labelled answers of one round."""

    path: Path
    rows: int


def write_labelled(
    context: Context,
    run: Path,
    commits: StageCommit,
    stages: Sequence[Stage],
    round_: int,
    shards: Sequence[str],
) -> LabelledSet:
    """Write `labelled/round-<r>.parquet` in TRL's columns, with one shard in memory at a time; the same
    shards give the same bytes. Raises StoreError."""
    import pyarrow

    turns = pyarrow.list_(pyarrow.struct([("role", pyarrow.string()), ("content", pyarrow.string())]))
    names = ("id", "task_id", "language", "outcome")
    schema = pyarrow.schema(
        [(name, pyarrow.string()) for name in names]
        + [("prompt", turns), ("completion", turns), ("label", pyarrow.bool_())]
    )
    states = (_state(commits, stages, round_, shard) for shard in shards)
    rows = (row for state in states for row in labelled_answers(context, state))
    clean = ({key: without_lone_surrogates(value) for key, value in row.items()} for row in rows)
    path = run / FOLDER / f"round-{round_}.parquet"
    return LabelledSet(path, write_rows(path, schema, clean, group_rows=GROUP_ROWS).rows)


def labelled_answers(context: Context, state: ShardState) -> Iterator[dict[str, Any]]:
    """The rows of one shard: of each task that counts first the good answers, then the bad ones."""
    assert context.prompts is not None
    judged, tainted = read_judgements(state), contaminated_tasks(state)
    good = {sample.solution_id for sample in state.survivors(Sample)}
    for task in state.survivors(Task):
        if task.id in tainted:
            continue
        solutions = [one for one in judged.solutions[task.id] if one.id in judged.verdicts]
        seen = {
            _text(one) for one in solutions if judged.verdicts[one.id].outcome in _NO_LABEL
        }  # what passed is no bad answer, however it is laid out
        for solution in [one for one in solutions if one.id in good]:
            yield _row(context, task, solution, Outcome.PASS)
        for solution in solutions:
            outcome = judged.verdicts[solution.id].outcome
            if outcome not in _NO_LABEL and _text(solution) not in seen:
                seen.add(_text(solution))
                yield _row(context, task, solution, outcome)


def _row(context: Context, task: Task, solution: Solution, outcome: Outcome) -> dict[str, Any]:
    assert context.prompts is not None
    return {
        "id": solution.id,
        "task_id": task.id,
        "language": solution.language,
        "outcome": outcome.value,
        "prompt": _turns(render_solve(context.prompts, task, solution.language)),
        "completion": _turns(answer_messages(solution)),
        "label": outcome is Outcome.PASS,
    }


def _turns(messages: Sequence[Message]) -> list[dict[str, str]]:
    return [message.model_dump() for message in messages]


def _text(solution: Solution) -> tuple[str, str]:
    return solution.language, normalize_code(solution.code, solution.language)


def _state(commits: StageCommit, stages: Sequence[Stage], round_: int, shard: str) -> ShardState:
    """What the stages committed about one shard."""
    state = ShardState(round_, shard)
    for stage in stages:
        rows = commits.read_index(stage.name, round_, shard)
        made = [
            record
            for model in stage.makes
            for record in commits.read_bodies(stage.name, round_, shard, model)
        ]
        state.add(stage.name, StageResult(tuple(rows), tuple(made)))
    return state
