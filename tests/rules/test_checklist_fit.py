"""Weights of the checklist: planted ones are found again, whatever the order of the rows."""

from math import exp
from random import Random

import pytest

from synth.checklist_config import MEASURED_POINTS
from synth.rules.checklist_fit import LabelledPoints, area_under_curve, fit_weights

PLANTED = {"difficulty": 1.0, "naming_and_layout": 3.0, "comments": 6.0}


def drawn(count: int, seed: int, planted: dict[str, float]) -> list[LabelledPoints]:
    """Rows whose label is drawn by the logistic of the planted weights."""
    random = Random(seed)
    rows = []
    for _ in range(count):
        points = dict.fromkeys(MEASURED_POINTS, 1.0) | {name: random.random() for name in PLANTED}
        score = sum(weight * (points[name] - 0.5) for name, weight in planted.items())
        rows.append(LabelledPoints(points, random.random() < 1 / (1 + exp(-score))))
    return rows


def test_planted_weights_are_found_again() -> None:
    found = fit_weights(drawn(600, 1, PLANTED))
    assert set(found.weights) == set(PLANTED)
    assert found.weights["comments"] == pytest.approx(0.6, abs=0.12)
    assert found.weights["naming_and_layout"] == pytest.approx(0.3, abs=0.1)
    assert sum(found.weights.values()) == pytest.approx(1, abs=0.001)
    assert 0.75 < found.auc < 0.95


def test_a_point_that_speaks_against_a_sample_gets_no_weight() -> None:
    found = fit_weights(drawn(400, 2, {"comments": 6.0, "difficulty": -6.0}))
    assert "difficulty" not in found.weights
    assert found.weights["comments"] > 0.8


def test_the_order_of_rows_changes_nothing() -> None:
    rows = drawn(60, 3, PLANTED)
    shuffled = rows.copy()
    Random(0).shuffle(shuffled)
    assert fit_weights(rows) == fit_weights(shuffled)


def test_labels_without_a_reason_are_worth_chance() -> None:
    found = fit_weights(drawn(300, 4, {"comments": 0.0, "difficulty": 0.05}))
    assert found.auc == pytest.approx(0.5, abs=0.1)


def test_too_few_rows_of_a_kind_are_refused() -> None:
    rows = [row._replace(good=True) for row in drawn(50, 5, PLANTED)]
    with pytest.raises(ValueError, match="50 good and 0 bad rows: each kind needs 10"):
        fit_weights(rows)


def test_rows_that_no_point_tells_apart_are_refused() -> None:
    same = dict.fromkeys(MEASURED_POINTS, 0.5)
    with pytest.raises(ValueError, match="no point is higher"):
        fit_weights([LabelledPoints(same, at % 2 == 0) for at in range(40)])


def test_the_area_counts_level_rows_half() -> None:
    assert area_under_curve([(1, True), (0, False)]) == 1
    assert area_under_curve([(0, True), (1, False)]) == 0
    assert area_under_curve([(0, True), (0, False)]) == 0.5
    assert area_under_curve([(2, True), (1, False), (1, True), (0, False)]) == 0.875
