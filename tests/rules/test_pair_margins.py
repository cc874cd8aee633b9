"""What a task's pairs would have needed: the figures by which another margin can be tried."""

from random import Random

import pytest

from synth.config import PairsConfig
from synth.records import EvidenceRank, Outcome, Solution, Verdict
from synth.rules.pairing import JudgedSolution, make_pairs
from tests.store.small_run import TASK

RIGHT, NEAR, FAR = "def double(x):\n    return 2 * x\n", "return 3 * x", "return 9 * x"


def judged(code: str, passed: int) -> JudgedSolution:
    solution = Solution(
        id=f"s{passed}-{len(code)}", task_id=TASK.id, language="python", code=code, index=passed, policy="p"
    )
    outcome = Outcome.PASS if passed == 10 else Outcome.WRONG_ANSWER
    rank = EvidenceRank.REFERENCE
    verdict = Verdict(
        solution_id=solution.id, task_id=TASK.id, outcome=outcome, passed=passed, total=10, rank=rank
    )
    return JudgedSolution(solution, verdict)


@pytest.mark.parametrize(
    ("wrong", "fitting", "clear"),
    [
        ([(RIGHT.replace("2", "3"), 9)], 0.1, None),  # of equal length, but nearly right
        ([("y" * 3, 2)], None, 2.3671),  # clearly wrong, but a tenth as long
        ([(RIGHT.replace("2", "3"), 9), ("y" * 3, 2)], 0.1, 2.3671),  # one falls short in each
    ],
)
def test_a_margin_counts_only_answers_that_fall_short_in_nothing_else(
    wrong: list[tuple[str, int]], fitting: float | None, clear: float | None
) -> None:
    solutions = [judged(RIGHT, 10), *(judged(code, passed) for code, passed in wrong)]
    (result,) = make_pairs(TASK, solutions, PairsConfig(), Random(0))
    assert result.reject is not None and result.reject.reason == "pair_margin"
    assert result.reject.evidence.get("fitting_gap") == fitting
    assert result.reject.evidence.get("clear_log_ratio") == clear


def test_pairs_have_the_same_figures_as_the_tasks_without() -> None:
    solutions = [judged(RIGHT, 10), judged(RIGHT.replace("2", "3"), 4)]
    (result,) = make_pairs(TASK, solutions, PairsConfig(), Random(0))
    assert result.pairs
    assert result.margins == {
        "gap": 0.6,
        "fitting_gap": 0.6,
        "log_length_ratio": 0.0,
        "clear_log_ratio": 0.0,
    }
