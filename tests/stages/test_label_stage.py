"""Labelled answers: what survived is good, what failed the tests of a task that counts is bad, and nothing
else has a label."""

import pytest

from synth.choice_records import LabelledSolution
from synth.config import Recipe
from synth.records import Decision, EvidenceRank, Outcome, Task, Unit
from synth.select_config import LabelsConfig
from synth.stages.evidence import EvidenceStage
from synth.stages.label import LabelStage, labels_of
from synth.stages.select import SelectStage
from tests.builders import build_pair, build_sample, build_solution, build_suite, build_task, build_verdict
from tests.stages.harness import (
    StagePlace,
    StageRun,
    build_context,
    build_shard,
    describe_stage,
    run_stage,
)

GOOD = build_solution()
BAD = build_solution("solution-2", "def solve(xs):\n    return len(xs)")
CRASHES = build_solution("solution-3", "def solve(xs):\n    return xs[0]")
RESTYLED = build_solution("solution-4", "def solve(xs):\n    return len(xs)  # as many")
COUNTS: tuple[Unit, ...] = (build_task(), build_suite())
SAMPLE = build_sample(solution_id="solution-1")


def label(*units: Unit, in_pairs: bool = False, rejected: dict[str, list[str]] | None = None) -> StageRun:
    stage = LabelStage(build_context(), LabelsConfig(in_pairs=in_pairs), SelectStage)
    reason = "contaminated" if rejected else "not_best"
    return run_stage(stage, build_shard(*units, rejected=rejected, reason=reason))


def labels(run: StageRun) -> list[tuple[str, bool, Outcome]]:
    return [(one.solution_id, one.label, one.outcome) for one in run.made(LabelledSolution)]


def test_it_follows_evidence_the_pairs_and_the_last_filter_in_order() -> None:
    place = describe_stage(LabelStage(build_context(), LabelsConfig(), SelectStage))
    upstream = (EvidenceStage.name, "pair", SelectStage.name)
    assert place == StagePlace("label", Task, upstream, (LabelledSolution,), ordered=True)


def test_samples_are_good_and_failing_candidates_bad() -> None:
    run = label(
        *COUNTS,
        GOOD,
        BAD,
        CRASHES,
        SAMPLE,
        build_verdict(),
        build_verdict("solution-2", Outcome.WRONG_ANSWER),
        build_verdict("solution-3", Outcome.RUNTIME_ERROR),
    )
    assert labels(run) == [
        ("solution-1", True, Outcome.PASS),
        ("solution-2", False, Outcome.WRONG_ANSWER),
        ("solution-3", False, Outcome.RUNTIME_ERROR),
    ]
    assert run.decision("task-1") == (Decision.KEPT, "")
    assert run.evidence("task-1") == {"good": 1, "bad": 2}
    [good, bad, _] = run.made(LabelledSolution)
    assert good.prompt == bad.prompt
    assert "return len(xs)" in bad.completion[0].content
    assert good.rank is EvidenceRank.REFERENCE


def test_a_program_that_passed_but_is_no_sample_has_no_label() -> None:
    run = label(*COUNTS, GOOD, build_verdict())
    assert labels(run) == []
    assert run.decision("task-1") == (Decision.REJECTED, "no_label")


@pytest.mark.parametrize("outcome", [Outcome.INFRASTRUCTURE, Outcome.TOOLCHAIN_MISSING, Outcome.VACUOUS])
def test_a_fault_is_never_a_label(outcome: Outcome) -> None:
    assert labels(label(*COUNTS, BAD, build_verdict("solution-2", outcome))) == []


def test_a_candidate_without_a_verdict_has_no_label() -> None:
    assert labels(label(*COUNTS, BAD)) == []


def test_a_bad_program_counts_once_whatever_its_layout() -> None:
    wrong = [build_verdict(one, Outcome.WRONG_ANSWER) for one in ("solution-2", "solution-4")]
    assert [one for one, _, _ in labels(label(*COUNTS, BAD, RESTYLED, *wrong))] == ["solution-2"]


def test_what_passed_in_another_layout_is_no_bad_answer() -> None:
    run = label(
        *COUNTS,
        BAD,
        RESTYLED,
        build_verdict("solution-2", Outcome.TIMEOUT),
        build_verdict("solution-4"),
    )
    assert labels(run) == []


@pytest.mark.parametrize(("in_pairs", "found"), [(False, []), (True, ["solution-1", "solution-2"])])
def test_what_stands_in_a_pair_is_left_to_it_unless_wanted(in_pairs: bool, found: list[str]) -> None:
    verdicts = (build_verdict(), build_verdict("solution-2", Outcome.WRONG_ANSWER))
    run = label(*COUNTS, GOOD, BAD, SAMPLE, *verdicts, build_pair(), in_pairs=in_pairs)
    assert [one for one, _, _ in labels(run)] == found


def test_a_task_with_a_contaminated_sample_has_no_labels() -> None:
    run = label(
        *COUNTS,
        GOOD,
        BAD,
        SAMPLE,
        build_verdict(),
        build_verdict("solution-2", Outcome.WRONG_ANSWER),
        rejected={"decontaminate": [SAMPLE.id]},
    )
    assert run.decision("task-1") == (Decision.REJECTED, "contaminated")
    assert labels(run) == []


def test_labels_are_made_where_a_recipe_wants_them_or_trains_with_kto() -> None:
    data = {"seeds": {"kind": "pocket"}, "instruct": {}, "solve": {}}
    both = {**data, "labels": {"in_pairs": True}}
    found = [
        labels_of(Recipe.model_validate({"name": "a", **sections}))
        for sections in ({"data": data}, {"data": data, "kto": {}}, {"data": both}, {"data": both, "kto": {}})
    ]
    assert found == [None, LabelsConfig(), LabelsConfig(in_pairs=True), LabelsConfig(in_pairs=True)]
