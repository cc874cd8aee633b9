"""Agreement calibrated on tasks whose truth is known."""

import asyncio
from pathlib import Path

import pytest

from synth.calibration import Vote, measure, vote_again
from synth.config import LocalSandboxConfig
from synth.execution.factory import create_sandbox
from synth.records import Case, Limits, TestSuite
from synth.rules.agreement import Ballot
from synth.rules.calibration import CalibrationPoint, choose_threshold, tabulate
from synth.store.shards import StageCommit
from tests.builders import build_solution, build_suite


def points(*found: tuple[float, int, int]) -> list[CalibrationPoint]:
    """(share, right, wrong)"""
    return [
        CalibrationPoint(share, at < right) for share, right, wrong in found for at in range(right + wrong)
    ]


def test_the_threshold_is_the_smallest_that_is_precise_enough_from_there_on() -> None:
    found = choose_threshold(points((0.9, 98, 0), (0.6, 60, 0), (0.3, 10, 40)), precision=0.95)
    assert found is not None
    assert (found.threshold, found.accepted, found.right) == (0.35, 158, 158)
    assert found.precision.low > 0.95


@pytest.mark.parametrize("found", [(0.9, 10, 0), (0.9, 500, 100)])
def test_few_tasks_or_wrong_ones_give_no_threshold(found: tuple[float, int, int]) -> None:
    assert choose_threshold(points(found), precision=0.95) is None


def test_a_threshold_that_accepts_nothing_has_no_figures() -> None:
    assert [figures.threshold for figures in tabulate(points((0.1, 1, 0)))] == [0.0, 0.05, 0.1]
    assert tabulate([]) == []


def vote(*outputs: tuple[str, ...]) -> Vote:
    suite = build_suite()
    cases = (Case(arguments=("l0",), expected="i0"), Case(arguments=("l1 i5",), expected="i5"))
    ballots = [Ballot(f"v{at}", "python", row) for at, row in enumerate(outputs)]
    return Vote(suite.model_copy(update={"cases": cases}), ballots)


def test_a_vote_is_right_if_its_first_behaviour_is_the_references() -> None:
    right, wrong = ("i0", "i5"), ("i0", "i6")
    votes = [vote(right, right, wrong), vote(wrong, wrong, right), vote(right, wrong)]
    assert measure(votes, "count") == [CalibrationPoint(2 / 3, True), CalibrationPoint(2 / 3, False)]


async def _votes(run: Path) -> list[Vote]:
    sandbox = create_sandbox(LocalSandboxConfig(workers=1))
    return await vote_again(run, sandbox, Limits(cpu_s=2))


def test_the_candidates_of_a_run_vote_again(tmp_path: Path) -> None:
    suite: TestSuite = build_suite()
    codes = ("def solve(xs): return sum(xs)", "def solve(xs): return len(xs)", "")
    solutions = [build_solution(f"s{at}", code, index=at) for at, code in enumerate(codes)]
    commits = StageCommit(tmp_path)
    commits.commit("inputs", 1, "00000", [], [suite])
    commits.commit("solve", 1, "00000", [], solutions)
    (found,) = asyncio.run(_votes(tmp_path))
    assert found.suite == suite
    assert [len(ballot.outputs) for ballot in found.ballots] == [len(suite.cases)] * 2
    assert found.ballots[0].outputs == tuple(case.expected for case in suite.cases)
    assert found.ballots[1].outputs != found.ballots[0].outputs
