"""Samples are scored point by point, and no point makes up for a program that does not pass."""

import pytest
from pydantic import ValidationError

from synth.checklist_config import MEASURED_POINTS, ChecklistConfig
from synth.products import Sample
from synth.records import Decision, Outcome
from synth.rules.checklist import measure_points, score_points
from synth.stages.checklist import ChecklistStage
from tests.builders import build_sample, build_verdict
from tests.stages.harness import (
    StagePlace,
    StageRun,
    build_context,
    build_shard,
    describe_stage,
    run_stage,
)

GOOD = '''def total(values: list[int]) -> int:
    """The sum of the values."""
    result = 0
    for value in values:
        result += value
    return result'''
BARE = GOOD.replace('    """The sum of the values."""\n', "")
SHORT_NAMES = GOOD.replace("values", "q").replace("value", "v").replace("result", "r")
ONE_LINE = GOOD.replace("    result = 0\n", "    result = 0; other = 1; result = other - 1\n")


def score(code: str, **weights: float) -> float:
    return score_points(measure_points(code, "python", 0.5, passed=True), weights)


def check(sample: Sample, outcome: Outcome = Outcome.PASS, **config: object) -> StageRun:
    shard = build_shard(sample, build_verdict(sample.solution_id, outcome))
    return run_stage(ChecklistStage(build_context({"checklist": config})), shard)


@pytest.mark.parametrize("damaged", [BARE, SHORT_NAMES, ONE_LINE])
def test_a_damaged_copy_scores_less(damaged: str) -> None:
    assert score(damaged) < score(GOOD)


def test_weights_say_which_points_count() -> None:
    assert score(BARE, comments=1) == 0
    assert score(BARE, naming_and_layout=1) == score(GOOD, naming_and_layout=1) == 1


def test_nothing_and_comments_alone_score_nothing() -> None:
    assert score("") == score("# a comment\n") == 0


def test_it_follows_selection() -> None:
    place = StagePlace("checklist", Sample, ("select",))
    assert describe_stage(ChecklistStage(build_context({"checklist": {}}))) == place


def test_a_low_score_is_rejected_with_all_points_as_evidence() -> None:
    run = check(build_sample(code=BARE), min_score=0.9)
    assert run.decision("sample-1") == (Decision.REJECTED, "low_score")
    assert set(run.evidence("sample-1")) == {"score", *MEASURED_POINTS}


def test_a_program_that_fails_is_never_kept_for_its_other_points() -> None:
    sample = build_sample(code=GOOD)
    weights = {"comments": 1.0}
    kept = check(sample, weights=weights, min_score=0.5)
    failed = check(sample, Outcome.WRONG_ANSWER, weights=weights, min_score=0.5)
    assert kept.decision("sample-1")[0] is Decision.KEPT
    assert failed.decision("sample-1") == (Decision.REJECTED, "low_score")


@pytest.mark.parametrize("weights", [{"charm": 1}, {"comments": -1}, {"comments": 0}, {"comments": "inf"}])
def test_weights_that_cannot_work_are_refused(weights: dict[str, object]) -> None:
    with pytest.raises(ValidationError):
        ChecklistConfig.model_validate({"weights": weights})
