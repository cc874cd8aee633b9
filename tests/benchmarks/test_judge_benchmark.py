"""The planted judge: what both orders are worth."""

from benchmarks.method.judge import JUDGES, PlantedJudge, serves, tally
from synth.proportions import wilson_interval


def test_both_orders_are_right_more_often_than_one_beyond_the_intervals() -> None:
    judge = PlantedJudge("biased", bias=0.3, noise=0.2)
    one, both = (tally(judge, plan, 1000, 0) for plan in ("one order", "both orders"))
    above = wilson_interval(one.right / one.decided, one.decided).high
    assert wilson_interval(both.right / both.decided, both.decided).low > above
    assert both.decided < one.decided


def test_constant_judges_decide_nothing_in_both_orders_and_do_not_serve() -> None:
    constant = [judge for judge in JUDGES if judge.always is not None]
    assert len(constant) == 3
    for judge in constant:
        assert tally(judge, "both orders", 50, 0).decided == 0
        assert not serves(judge, 0)


def test_an_exact_judge_serves() -> None:
    assert serves(JUDGES[0], 0)
