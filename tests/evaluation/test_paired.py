"""Two policies on the same tasks: their difference, and the table that says it."""

import pytest

from posttrain.evaluate.evaluation import Evaluation, QuestionResult, score
from posttrain.evaluate.paired import paired_difference
from posttrain.evaluate.table import difference_table, result_table


def answered(passed: list[int], greedy: list[bool], language: str = "python") -> tuple[QuestionResult, ...]:
    return tuple(
        QuestionResult(
            task_id=f"t{at}",
            language=language,
            n=4,
            passed=count,
            greedy=answer,
            outcomes={},
            tokens=100,
        )
        for at, (count, answer) in enumerate(zip(passed, greedy, strict=True))
    )


def evaluation(policy: str, results: tuple[QuestionResult, ...]) -> Evaluation:
    return Evaluation(
        policy=policy,
        fingerprint=policy,
        suite="suite",
        total=score(results, [1, 4]),
        languages={"python": score(results, [1, 4])},
        answered=results,
    )


def test_a_difference_is_between_tasks_that_both_were_judged_on() -> None:
    before = answered([0, 2, 4, 1], [False, True, True, False])
    after = answered([2, 2, 4], [True, True, True])
    found = paired_difference(before, after, 1)
    assert found is not None
    assert found.tasks == 3
    assert found.value == pytest.approx(1 / 6)
    assert found.low < found.value < found.high
    greedy = paired_difference(before, after, None)
    assert greedy is not None
    assert greedy.value == pytest.approx(1 / 3)
    assert paired_difference(before, (), 1) is None


def test_pairing_takes_out_how_hard_the_tasks_are() -> None:
    """Half of the tasks are never solved and half always: the figures overlap, their difference is clear."""
    before = answered([0] * 40 + [3] * 40, [False] * 80)
    after = answered([1] * 40 + [4] * 40, [False] * 80)
    found = paired_difference(before, after, 1)
    assert found is not None
    assert found.is_clear
    assert found.high - found.low < 0.03
    alone = score(after, [1]).pass_at[1]
    assert alone.high - alone.low > 0.15


def test_a_task_in_several_languages_is_one_task() -> None:
    before = answered([0, 4], [False, True]) + answered([2, 4], [True, True], "java")
    after = answered([4, 4], [True, True]) + answered([2, 4], [True, True], "java")
    found = paired_difference(before, after, 1)
    assert found is not None
    assert (found.tasks, found.value) == (2, 0.25)


def test_the_tables_show_each_policy_against_the_first_and_the_one_before_and_the_tokens() -> None:
    base, sft, dpo = (
        evaluation(name, answered([count] * 30, [count > 1] * 30))
        for name, count in (("base", 1), ("round 1 sft", 2), ("round 1 dpo", 3))
    )
    table = difference_table([base, sft, dpo])
    assert table is not None
    assert [row[:2] for row in table.rows] == [
        ["round 1 sft", "base"],
        ["round 1 dpo", "base"],
        ["round 1 dpo", "round 1 sft"],
    ]
    assert str(table.rows[1][3]).startswith("+50.0 [+")
    assert difference_table([base]) is None
    assert result_table([base]).heads[-1] == "tokens"
    assert result_table([base]).rows[0][-1] == "3,000"
