"""From verdicts to preference pairs: which answers are set side by side, and what a pair states."""

from random import Random

import pytest

from synth.config import PairsConfig
from synth.filters.exact_dedup import ExactDedup
from synth.ids import derive_random, unit_id
from synth.products import Pair, Sample
from synth.records import Decision, EvidenceRank, Message, Outcome, Solution, Unit, Verdict
from synth.rules.pairing import JudgedSolution, LengthBalance, make_pairs
from synth.stages.filter import FilterStage
from synth.stages.pair import PairStage, TaskInLanguage, contaminated_tasks
from synth.stages.select import SelectStage
from tests.builders import (
    build_reference,
    build_sample,
    build_solution,
    build_suite,
    build_task,
    build_verdict,
)
from tests.stages.harness import (
    StagePlace,
    StageRun,
    build_context,
    build_shard,
    describe_stage,
    find_entering,
    run_stage,
)

PASS, WRONG, FAULT = Outcome.PASS, Outcome.WRONG_ANSWER, Outcome.INFRASTRUCTURE
JUDGED = build_suite()
DEDUP = FilterStage(ExactDedup(), Sample, SelectStage)


def judge(
    *outcomes: Outcome | None, task: str = "task-1", language: str = "python"
) -> list[Solution | Verdict]:
    """Distinct candidates of one task in one language with their verdicts; None for one that never ran."""
    units: list[Solution | Verdict] = []
    for index, outcome in enumerate(outcomes):
        name = f"{task}-{language}-{index}"
        units.append(build_solution(name, f"x = {index}", task_id=task, language=language, index=index))
        if outcome is not None:
            units.append(build_verdict(name, outcome, task_id=task))
    return units


def build_stage(**pairs: object) -> PairStage:
    return PairStage(build_context({"pairs": pairs}), DEDUP)


def pair(*units: Unit, **pairs: object) -> StageRun:
    return run_stage(build_stage(**pairs), build_shard(build_task(), JUDGED, *units))


def test_it_comes_after_evidence_and_the_last_filter_and_makes_pairs_in_order() -> None:
    place = StagePlace("pair", TaskInLanguage, ("evidence", "exact_dedup"), (Pair,), ordered=True)
    assert describe_stage(build_stage()) == place


def test_a_right_and_a_wrong_answer_become_a_pair_with_the_very_question_that_was_asked() -> None:
    stage = build_stage()
    shard = build_shard(
        build_task("task-2", natural_language="zh"),
        build_suite("task-2", rank=EvidenceRank.AGREEMENT),
        *judge(PASS, WRONG, task="task-2"),
    )
    run = run_stage(stage, shard)
    asked = "用 Python 实现\ndef solve(xs: list[int]) -> int\nReturn the sum of the list."
    chosen, rejected = "task-2-python-0", "task-2-python-1"
    assert run.made(Pair) == [
        Pair(
            id=unit_id("pair", chosen, rejected),
            task_id="task-2",
            language="python",
            prompt=(Message(role="user", content=asked),),
            chosen=(Message(role="assistant", content="```python\nx = 0\n```"),),
            rejected=(Message(role="assistant", content="```python\nx = 1\n```"),),
            chosen_id=chosen,
            rejected_id=rejected,
            chosen_pass=1.0,
            rejected_pass=0.3333,
            rejected_outcome=WRONG,
            rank=EvidenceRank.AGREEMENT,
        )
    ]


def test_a_task_has_a_row_in_each_language_in_which_candidates_ran() -> None:
    run = pair(
        *judge(PASS, WRONG, language="ruby"),
        *judge(PASS, WRONG, PASS, WRONG),
        *judge(None, language="go"),
    )
    assert list(run.rows) == ["task-1.python", "task-1.ruby"]
    assert [(row.kind, row.parents, row.language) for row in run.rows.values()] == [
        ("task", ("task-1",), "python"),
        ("task", ("task-1",), "ruby"),
    ]
    assert run.decision("task-1.python") == (Decision.KEPT, "")
    assert run.evidence("task-1.python") == {
        "pairs": 2,
        "gap": 0.6667,
        "fitting_gap": 0.6667,
        "log_length_ratio": 0.0,
        "clear_log_ratio": 0.0,
    }
    assert run.evidence("task-1.ruby")["pairs"] == 1
    assert [one.language for one in run.made(Pair)] == ["python", "python", "ruby"]


@pytest.mark.parametrize(
    ("outcomes", "evidence"),
    [
        ((PASS, PASS), {"passing": 2, "failing": 0}),
        ((WRONG,), {"passing": 0, "failing": 1}),
        ((PASS, FAULT), {"passing": 1, "failing": 0}),
        ((PASS, None), {"passing": 1, "failing": 0}),
    ],
)
def test_a_task_without_both_sides_gives_no_pair(
    outcomes: tuple[Outcome | None, ...], evidence: dict[str, object]
) -> None:
    run = pair(*judge(*outcomes))
    assert run.decision("task-1.python") == (Decision.REJECTED, "no_pair")
    assert run.evidence("task-1.python") == evidence
    assert run.units == ()


def test_a_language_that_gives_no_pair_leaves_the_others() -> None:
    run = pair(*judge(PASS, WRONG), *judge(PASS, language="ruby"))
    assert [row.reason for row in run.rows.values()] == ["", "no_pair"]
    assert [one.language for one in run.made(Pair)] == ["python"]


def test_answers_of_very_different_length_are_no_pair() -> None:
    long = build_solution("long", "x = 1" + " + 1" * 40, index=1)
    run = pair(*judge(PASS), long, build_verdict("long", WRONG))
    assert run.decision("task-1.python") == (Decision.REJECTED, "pair_margin")


def test_the_recipe_says_how_many_pairs_a_task_gives_and_which_outcomes_count() -> None:
    assert len(pair(*judge(PASS, PASS, WRONG, WRONG), per_prompt=1).made(Pair)) == 1
    assert len(pair(*judge(PASS, Outcome.TIMEOUT), outcomes=["timeout"]).made(Pair)) == 1
    assert pair(*judge(PASS, Outcome.TIMEOUT)).made(Pair) == []


def choose(task: str, balance: LengthBalance, *outcomes: Outcome) -> list[tuple[str, str]]:
    """The choice that the rule makes under the random numbers of that task."""
    units = judge(*outcomes, task=task)
    judged = [
        JudgedSolution(solution, verdict)
        for solution, verdict in zip(units[::2], units[1::2], strict=True)
        if isinstance(solution, Solution) and isinstance(verdict, Verdict)
    ]
    random: Random = derive_random(7, "pair", task)
    (result,) = make_pairs(build_task(task), judged, PairsConfig(per_prompt=3), random, balance)
    return [(one.chosen.solution.id, one.rejected.solution.id) for one in result.pairs]


def test_the_random_numbers_of_a_task_come_from_the_recipe_and_its_id() -> None:
    outcomes = (PASS,) * 5 + (WRONG,) * 5
    tasks, suites = [build_task(f"t{n}") for n in range(4)], [build_suite(f"t{n}") for n in range(4)]
    units = [unit for n in range(4) for unit in judge(*outcomes, task=f"t{n}")]
    run = run_stage(build_stage(per_prompt=3), build_shard(*tasks, *suites, *units))
    made = [(one.chosen_id, one.rejected_id) for one in run.made(Pair)]
    balance = LengthBalance()
    assert made == [ids for n in range(4) for ids in choose(f"t{n}", balance, *outcomes)]


def test_lengths_are_balanced_from_shard_to_shard() -> None:
    """Of two wrong answers the next task gives the one that evens out what came before."""
    even = [build_solution("even", "x = 1000"), build_verdict("even")]
    short = [build_solution("short", "x = 1", index=1), build_verdict("short", WRONG)]
    long = [build_solution("long", "x = 1000000", index=2), build_verdict("long", WRONG)]
    for first, then in ((short, "long"), (long, "short")):
        stage = build_stage(per_prompt=1)
        (one,) = run_stage(stage, build_shard(build_task(), JUDGED, *even, *first)).made(Pair)
        (two,) = run_stage(stage, build_shard(build_task(), JUDGED, *even, *short, *long)).made(Pair)
        assert (one.rejected_id, two.rejected_id) == (first[0].unit_id, then)


def test_each_task_has_its_own_candidates_and_suite() -> None:
    shard = build_shard(
        build_task("task-1"),
        build_task("task-2"),
        build_suite("task-2", rank=EvidenceRank.EXAMPLES),
        build_suite("task-1"),
        *judge(PASS, WRONG, task="task-2"),
        *judge(PASS, WRONG),
    )
    run = run_stage(build_stage(), shard)
    assert [(one.chosen_id, one.rejected_id, one.rank) for one in run.made(Pair)] == [
        ("task-1-python-0", "task-1-python-1", EvidenceRank.REFERENCE),
        ("task-2-python-0", "task-2-python-1", EvidenceRank.EXAMPLES),
    ]


def test_a_task_of_which_a_sample_was_contaminated_gives_no_pair_in_any_language() -> None:
    samples = [build_sample("m1"), build_sample("m2"), build_sample("m3", task_id="task-2")]
    shard = build_shard(
        build_task("task-1"),
        build_task("task-2"),
        build_suite("task-1"),
        build_suite("task-2"),
        *judge(PASS, WRONG),
        *judge(PASS, WRONG, language="ruby"),
        *judge(PASS, WRONG, task="task-2"),
        *samples,
        rejected={"decontaminate": ["m2"]},
        reason="contaminated",
    )
    assert contaminated_tasks(shard) == {"task-1"}
    run = run_stage(build_stage(), shard)
    assert [(unit, row.reason) for unit, row in run.rows.items()] == [
        ("task-1.python", "contaminated"),
        ("task-1.ruby", "contaminated"),
        ("task-2.python", ""),
    ]
    assert [one.task_id for one in run.made(Pair)] == ["task-2"]


def test_a_task_whose_samples_left_for_another_reason_still_gives_pairs() -> None:
    shard = build_shard(
        build_task(),
        JUDGED,
        *judge(PASS, WRONG),
        build_sample("m1"),
        rejected={"near_dedup": ["m1"]},
        reason="near_duplicate",
    )
    assert contaminated_tasks(shard) == set()
    assert len(run_stage(build_stage(), shard).made(Pair)) == 1


@pytest.mark.parametrize(
    ("stage", "unit"),
    [
        ("evidence", "task-1"),
        ("agree", "task-1"),
        ("solve", "task-1"),
        ("inputs", "task-1"),
        ("instruct", "seed-1"),
        ("reference", "seed-1"),
    ],
)
def test_a_task_does_not_enter_when_it_or_its_seed_was_turned_away(stage: str, unit: str) -> None:
    shard = build_shard(
        build_reference("seed-1"),
        build_task("task-1"),
        build_task("task-2", seed_id="seed-2"),
        *judge(PASS, WRONG),
        *judge(PASS, WRONG, task="task-2"),
        rejected={stage: [unit]},
    )
    assert find_entering(build_stage(), shard) == ["task-2.python"]


def test_a_task_enters_though_candidates_of_it_failed() -> None:
    units = judge(PASS, WRONG)
    shard = build_shard(build_task(), *units, rejected={"execute": ["task-1-python-1"]})
    assert find_entering(build_stage(), shard) == ["task-1.python"]
