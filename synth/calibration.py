"""Calibrates agreement on a run: the candidates of tasks with a reference vote as if there were none, and the
reference says whether they were right.

The one rule: the votes are counted by the very function that decides in a run, on the inputs of the suites.
"""

from collections import defaultdict
from collections.abc import Sequence
from pathlib import Path
from typing import NamedTuple

from synth.comparison import is_right
from synth.execution.protocol import Sandbox
from synth.filters.protocol import Reject
from synth.ids import unit_id
from synth.records import (
    EvidenceRank,
    ExecutionRequest,
    FunctionContract,
    Limits,
    Solution,
    TestSuite,
)
from synth.rules.agreement import Ballot, find_consensus, make_ballot
from synth.rules.behaviour_ranks import RankingMethod
from synth.rules.calibration import CalibrationPoint
from synth.rules.canonical import without_long_outputs
from synth.stages.running import run_each
from synth.store.shards import StageCommit


class Vote(NamedTuple):
    """A task that has a reference, and what its candidates answered."""

    suite: TestSuite
    ballots: list[Ballot]


async def vote_again(run: Path, sandbox: Sandbox, limits: Limits) -> list[Vote]:
    """The votes on the tasks of a run that have a reference, their candidates run once more. A task with a
    candidate that could not be run is left out, as in a run."""
    commits = StageCommit(run)
    suites = {
        suite.task_id: suite
        for suite in commits.iter_bodies(TestSuite)
        if suite.rank is EvidenceRank.REFERENCE and isinstance(suite.contract, FunctionContract)
    }
    voters = [one for one in commits.iter_bodies(Solution) if one.code and one.task_id in suites]
    programs = [
        ExecutionRequest(
            id=unit_id("calibrate", one.id),
            language=one.language,
            code=one.code,
            call=suites[one.task_id].call(),
            limits=limits,
        )
        for one in voters
    ]
    await sandbox.start()
    try:
        seen = await run_each(sandbox, programs, lambda _, one: without_long_outputs(one))
    finally:
        await sandbox.close()
    ballots, faulty = defaultdict[str, list[Ballot]](list), set[str]()
    for solution, observation in zip(voters, seen, strict=True):
        if observation.infrastructure or observation.toolchain_missing:
            faulty.add(solution.task_id)
        suite = suites[solution.task_id]
        assert isinstance(suite.contract, FunctionContract)
        ballot = make_ballot(solution, observation, suite.contract.signature, len(suite.cases))
        ballots[solution.task_id].append(ballot)
    return [Vote(suites[task], found) for task, found in ballots.items() if task not in faulty]


def measure(votes: Sequence[Vote], method: RankingMethod) -> list[CalibrationPoint]:
    """One point for each task on which the voters could decide at all."""
    points = []
    for suite, ballots in votes:
        several = len({ballot.language for ballot in ballots}) > 1
        found = find_consensus(ballots, threshold=0.0, method=method, across_languages=several)
        if not isinstance(found, Reject):
            right = all(
                output is None or is_right(output, case, suite.compare, suite.contract)
                for output, case in zip(found.outputs, suite.cases, strict=True)
            )
            points.append(CalibrationPoint(found.share, right))
    return points
