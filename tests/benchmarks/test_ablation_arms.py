"""The pure parts of the ablation: which rows each arm gets, the paired bootstrap, and one plan for one
folder."""

import asyncio
from collections.abc import Mapping, Sequence
from pathlib import Path
from random import Random

import pytest

from benchmarks.ablation.arms import (
    Arm,
    ArmName,
    ArmPair,
    ArmSample,
    Composition,
    blind_pairs,
    choose_by_verdicts,
    compose,
    draw_blindly,
    equalize,
    make_arms,
    shuffle_verdicts,
)
from benchmarks.ablation.candidates import Candidates, find_contaminated, read_candidates
from benchmarks.ablation.comparison import (
    Gap,
    greedy_values,
    paired_bootstrap,
    pool,
    sampled_values,
    subtract,
)
from benchmarks.ablation.plan import DEFAULT, SMALL, Budget, Plan, SeedPlan, claim_folder
from benchmarks.ablation.results import (
    BASE,
    ArmFigures,
    PolicyFigures,
    Results,
    compare,
    render,
    write_results,
)
from benchmarks.ablation.training import arm_jobs
from posttrain.evaluate.evaluation import Measure, QuestionResult
from synth.config import PairsConfig
from synth.errors import RunFolderError
from synth.execution.recorded import RecordedSandbox
from synth.filters.benchmarks import BenchmarkEntry
from synth.filters.protocol import Keep, Reject
from synth.policy import Policy
from synth.prompts.library import PromptLibrary
from synth.recipe import load_recipe
from synth.records import (
    Case,
    EvidenceRank,
    FunctionContract,
    Outcome,
    Solution,
    Task,
    TestSuite,
    Unit,
    Verdict,
)
from synth.stages.context import Context
from synth.stages.shard_state import ShardState
from synth.stages.unit_stage import index_row
from synth.store.shards import StageCommit

PASS, WRONG, BROKEN = Outcome.PASS, Outcome.WRONG_ANSWER, Outcome.COMPILE_ERROR
CONTRACT = FunctionContract(entry_point="solve", signature="(list[int]) -> int", parameter_names=("xs",))


def task(name: str, instruction: str = "Return the sum of the list.") -> Task:
    return Task(id=name, round=1, instruction=instruction, natural_language="en", contract=CONTRACT)


def suite(name: str) -> TestSuite:
    return TestSuite(
        task_id=name,
        contract=CONTRACT,
        cases=(Case(arguments=("[1]",), expected="1"),),
        rank=EvidenceRank.REFERENCE,
    )


def solution(name: str, task_id: str, code: str, language: str = "python") -> Solution:
    return Solution(id=name, task_id=task_id, language=language, code=code, index=int(name[-1]), policy="p")


def verdict(solution_id: str, task_id: str, outcome: Outcome) -> Verdict:
    passed = 4 if outcome is PASS else 1
    return Verdict(
        solution_id=solution_id,
        task_id=task_id,
        outcome=outcome,
        passed=passed,
        total=4,
        rank=EvidenceRank.REFERENCE,
    )


def body(expression: str) -> str:
    return f"def solve(xs):\n    return {expression}"


# Task a counts: a0, a2 (the same program) and a1 pass, a3 is wrong, a4 does not parse. Task b does not: one
# of its five passes.
SOLUTIONS = (
    solution("a0", "a", body("sum(xs)")),
    solution("a1", "a", body("sum(x for x in xs)")),
    solution("a2", "a", body("sum( xs )")),
    solution("a3", "a", body("max(xs) + 1")),
    solution("a4", "a", "def solve(xs: return"),
    solution("b0", "b", body("len(xs) + 0")),
    solution("b1", "b", body("len(xs) + 1")),
    solution("b2", "b", body("len(xs) + 2")),
    solution("b3", "b", body("len(xs) + 3")),
    solution("b4", "b", body("len(xs) + 4")),
)
OUTCOMES = {
    "a0": PASS,
    "a1": PASS,
    "a2": PASS,
    "a3": WRONG,
    "b0": PASS,
    "b1": WRONG,
    "b2": WRONG,
    "b3": BROKEN,
    "b4": WRONG,
}
CANDIDATES = Candidates(
    tasks=(task("a"), task("b")),
    suites=(suite("a"), suite("b")),
    solutions=SOLUTIONS,
    parsed=frozenset(OUTCOMES),
    verdicts=tuple(verdict(name, name[0], outcome) for name, outcome in OUTCOMES.items()),
)


def make_context(tmp_path: Path, *overrides: str) -> Context:
    """The quickstart's selection and pairing, whatever else the recipe says."""
    fixed = (
        "data.evidence.min_reproductions=2",
        "data.evidence.min_share=0.1",
        "data.select.per_task=2",
        "data.pairs.per_prompt=2",
    )
    loaded = load_recipe("quickstart", (*fixed, *overrides), machine=False)
    data = loaded.recipe.data
    assert data is not None
    return Context(
        loaded.recipe,
        data,
        loaded.source.parent,
        RecordedSandbox(tmp_path),
        None,
        PromptLibrary.load("pocket"),
    )


@pytest.fixture
def context(tmp_path: Path) -> Context:
    return make_context(tmp_path)


def by_verdicts(context: Context, verdicts: Sequence[Verdict]) -> Arm:
    return asyncio.run(choose_by_verdicts(context, CANDIDATES, verdicts))


# --- arms ---------------------------------------------------------------------------------------------------


def test_verified_rows_are_distinct_passing_programs_of_tasks_that_count(context: Context) -> None:
    arm = by_verdicts(context, CANDIDATES.verdicts)
    assert [sample.id for sample in arm.samples] == ["a0", "a1"]
    assert (
        arm.samples[0].prompt[0].content
        == "Write a Python function `def solve(xs: list[int]) -> int`.\nReturn the sum of the list."
    )
    assert arm.samples[0].completion[0].content == "```python\ndef solve(xs):\n    return sum(xs)\n```"
    assert sorted((pair.chosen_id, pair.rejected_id) for pair in arm.pairs) == [("a0", "a3")]


def test_other_verdicts_through_the_same_code_give_other_rows(context: Context) -> None:
    turned = {
        "a0": WRONG,
        "a1": WRONG,
        "a2": WRONG,
        "a3": PASS,
        "b0": WRONG,
        "b1": PASS,
        "b2": PASS,
        "b3": WRONG,
        "b4": WRONG,
    }
    arm = by_verdicts(context, [verdict(name, name[0], outcome) for name, outcome in turned.items()])
    assert {sample.id for sample in arm.samples} == {"b1", "b2"}
    assert {pair.chosen_id for pair in arm.pairs} == {"b1", "b2"}
    assert {pair.rejected_id for pair in arm.pairs} <= {"b0", "b3", "b4"}


def test_shuffling_keeps_the_candidates_and_the_verdicts_of_each_language() -> None:
    java = tuple(solution(f"j{at}", "a", "int solve() {}", "java") for at in range(3))
    mixed = Candidates(
        CANDIDATES.tasks,
        CANDIDATES.suites,
        (*SOLUTIONS, *java),
        CANDIDATES.parsed | {one.id for one in java},
        (*CANDIDATES.verdicts, *(verdict(one.id, "a", Outcome.TIMEOUT) for one in java)),
    )
    dealt = shuffle_verdicts(mixed, Random(1))
    assert sorted(one.solution_id for one in dealt) == sorted(one.solution_id for one in mixed.verdicts)
    assert all(one.task_id == ("a" if one.solution_id[0] in "aj" else "b") for one in dealt)
    assert {one.outcome for one in dealt if one.solution_id[0] == "j"} == {Outcome.TIMEOUT}
    python = sorted(one.outcome for one in dealt if one.solution_id[0] != "j")
    assert python == [BROKEN, PASS, PASS, PASS, PASS, WRONG, WRONG, WRONG, WRONG]
    assert {one.solution_id: one.outcome for one in dealt if one.solution_id[0] != "j"} != OUTCOMES


def test_shuffling_carries_verdicts_from_task_to_task() -> None:
    solutions = tuple(solution(f"{name}{at}", name, body(str(at))) for name in "ab" for at in range(40))
    verdicts = tuple(verdict(one.id, one.task_id, PASS if one.task_id == "a" else WRONG) for one in solutions)
    pool_ = Candidates(
        CANDIDATES.tasks, CANDIDATES.suites, solutions, frozenset(one.id for one in solutions), verdicts
    )
    dealt = shuffle_verdicts(pool_, Random(0))
    assert 12 <= sum(one.outcome is PASS and one.task_id == "a" for one in dealt) <= 28
    assert all(one.passed == (4 if one.outcome is PASS else 1) for one in dealt)


def test_unverified_rows_do_not_depend_on_verdicts(context: Context) -> None:
    blind = Candidates(CANDIDATES.tasks, CANDIDATES.suites, SOLUTIONS, CANDIDATES.parsed, ())
    assert draw_blindly(context, CANDIDATES, 4, 2, Random(3)) == draw_blindly(context, blind, 4, 2, Random(3))


def test_unverified_rows_come_from_all_parsing_candidates_even_duplicates(context: Context) -> None:
    arm = draw_blindly(context, CANDIDATES, 99, 99, Random(0))
    assert sorted(sample.id for sample in arm.samples) == [
        "a0",
        "a1",
        "a2",
        "a3",
        "b0",
        "b1",
        "b2",
        "b3",
        "b4",
    ]
    assert {pair.task_id for pair in arm.pairs} == {"a", "b"}
    assert len(arm.pairs) == 4


def test_unverified_pairs_are_of_one_task_and_language_in_either_order() -> None:
    orders = set()
    for seed in range(20):
        for chosen, rejected in blind_pairs(
            SOLUTIONS, PairsConfig(per_prompt=9, max_length_ratio=9), Random(seed)
        ):
            assert (chosen.task_id, chosen.language) == (rejected.task_id, rejected.language)
            assert {chosen.id, rejected.id} != {"a0", "a2"}
            orders.add((chosen.id, rejected.id))
    assert {("b0", "b1"), ("b1", "b0"), ("a0", "a3"), ("a3", "a0")} <= orders


def test_unverified_pairs_respect_the_cap_and_the_length_ratio() -> None:
    group = [*SOLUTIONS[5:], solution("b5", "b", body("len(xs) " + "+ 1 " * 60))]
    for seed in range(10):
        pairs = blind_pairs(group, PairsConfig(per_prompt=3, max_length_ratio=1.5), Random(seed))
        assert len(pairs) == 3
        assert "b5" not in {one.id for pair in pairs for one in pair}


def test_all_arms_are_equally_large_and_a_seed_repeats_them(context: Context) -> None:
    first = asyncio.run(make_arms(context, CANDIDATES, max_samples=9, max_pairs=9))
    again = asyncio.run(make_arms(context, CANDIDATES, max_samples=9, max_pairs=9))
    assert first == again
    assert list(first) == [ArmName.VERIFIED, ArmName.UNVERIFIED, ArmName.SHUFFLED]
    assert (
        len({len(arm.samples) for arm in first.values()})
        == len({len(arm.pairs) for arm in first.values()})
        == 1
    )


def arm_of(samples: Sequence[str], pairs: Sequence[tuple[str, str]]) -> Arm:
    def sample(name: str) -> ArmSample:
        return ArmSample(id=name, task_id=name[0], language="python", prompt=(), completion=())

    def pair(chosen: str, rejected: str) -> ArmPair:
        ids = {"id": chosen + rejected, "chosen_id": chosen, "rejected_id": rejected, "task_id": chosen[0]}
        return ArmPair(**ids, language="python", prompt=(), chosen=(), rejected=())

    return Arm([sample(name) for name in samples], [pair(*names) for names in pairs])


def test_the_smallest_arm_and_the_budget_decide_how_many_rows_all_have() -> None:
    arms = {
        ArmName.VERIFIED: arm_of(["a0", "a1", "a2"], [("a0", "a3"), ("a1", "a3"), ("a2", "a3")]),
        ArmName.UNVERIFIED: arm_of(["b0", "b1", "b2", "b3"], [("b0", "b1"), ("b2", "b3")]),
        ArmName.SHUFFLED: arm_of(["a3", "b4", "b1", "b2", "b3"], [("a3", "a0"), ("b1", "b2"), ("b3", "b4")]),
    }
    smallest = equalize(arms, max_samples=99, max_pairs=99, seed=0)
    assert {(len(arm.samples), len(arm.pairs)) for arm in smallest.values()} == {(3, 2)}
    assert [sample.id for sample in smallest[ArmName.VERIFIED].samples] == ["a0", "a1", "a2"]
    capped = equalize(arms, max_samples=2, max_pairs=1, seed=0)
    assert {(len(arm.samples), len(arm.pairs)) for arm in capped.values()} == {(2, 1)}
    assert {sample.id for sample in capped[ArmName.SHUFFLED].samples} < {"a3", "b4", "b1", "b2", "b3"}


def test_an_arm_is_described_by_the_true_verdicts() -> None:
    arm = arm_of(
        ["a0", "a3", "b0", "b1"], [("a0", "a3"), ("a3", "a1"), ("b1", "b2"), ("a0", "a1"), ("b0", "b3")]
    )
    assert compose(arm, CANDIDATES.verdicts) == Composition(
        samples=4, passing=2, pairs=5, right=2, reversed=1, tasks=2
    )


# --- candidates ---------------------------------------------------------------------------------------------


def commit_run(folder: Path) -> None:
    """The candidates as a run folder with one shard, and a third task that no candidate was asked for."""
    commits, state = StageCommit(folder), ShardState(1, "00000")
    answers: dict[str, dict[str, Keep | Reject]] = {
        "instruct": {name: Keep() for name in "abc"},
        "inputs": {"a": Keep(), "b": Keep(), "c": Reject("too_few_inputs")},
        "solve": {"a": Keep(), "b": Keep()},
        "syntax": {one.id: Keep() if one.id in OUTCOMES else Reject("parse_error") for one in SOLUTIONS},
        "execute": {
            name: Keep() if outcome is PASS else Reject(outcome.value) for name, outcome in OUTCOMES.items()
        },
    }
    made: dict[str, Sequence[Unit]] = {
        "instruct": [task(name) for name in "abc"],
        "inputs": [suite("a"), suite("b")],
        "solve": SOLUTIONS,
        "execute": CANDIDATES.verdicts,
    }
    units: dict[str, Unit] = {one.unit_id: one for one in (*map(task, "abc"), *SOLUTIONS)}
    for stage, found in answers.items():
        rows = [index_row(stage, state, units[unit], answer) for unit, answer in found.items()]
        commits.commit(stage, 1, "00000", rows, made.get(stage, ()))


def test_candidates_are_read_back_from_the_run_folder(tmp_path: Path) -> None:
    commit_run(tmp_path)
    assert read_candidates(tmp_path) == CANDIDATES


def test_tasks_similar_to_held_out_ones_are_removed_with_their_solutions() -> None:
    words = "Keep the numbers that are odd, square each of them, and return how many distinct squares remain."
    mixed = Candidates(
        (task("a"), task("b", words)), CANDIDATES.suites, SOLUTIONS, CANDIDATES.parsed, CANDIDATES.verdicts
    )
    found = find_contaminated(mixed, [BenchmarkEntry(id="h", prompts=(words,))], PromptLibrary.load("pocket"))
    assert found == {"b"}
    left = mixed.without(found)
    assert [one.id for one in left.tasks] == [one.task_id for one in left.suites] == ["a"]
    assert {one.task_id for one in left.solutions} | {one.task_id for one in left.verdicts} == {"a"}


# --- the paired bootstrap -----------------------------------------------------------------------------------


def answered(task_id: str, language: str, n: int, passed: int, greedy: bool | None) -> QuestionResult:
    return QuestionResult(task_id=task_id, language=language, n=n, passed=passed, greedy=greedy, outcomes={})


def test_a_task_counts_once_as_the_mean_of_its_judged_languages() -> None:
    items = [
        answered("t1", "python", 4, 3, True),
        answered("t1", "java", 4, 1, False),
        answered("t2", "python", 8, 2, None),
        answered("t3", "python", 0, 0, None),
    ]
    assert sampled_values(items) == {"t1": 0.5, "t2": 0.25}
    assert greedy_values(items) == {"t1": 0.5}


def test_differences_are_taken_task_by_task_where_both_have_the_task() -> None:
    assert subtract({"t1": 0.75, "t2": 0.5, "t3": 1.0}, {"t2": 0.75, "t1": 0.25}) == {"t1": 0.5, "t2": -0.25}


def test_pooling_takes_the_mean_over_the_seeds_and_makes_no_new_tasks() -> None:
    assert pool([{"t1": 0.5, "t2": 0.0}, {"t1": 0.25, "t2": 0.5}, {"t1": 0.0}]) == {"t1": 0.25, "t2": 0.25}


def test_a_difference_equal_on_every_task_has_an_interval_without_width() -> None:
    left = {f"t{at}": at / 10 for at in range(2, 10)}
    right = {f"t{at}": at / 10 - 0.125 for at in range(2, 10)}
    gap = paired_bootstrap(subtract(left, right))
    assert gap.tasks == 8
    assert [gap.value, gap.low, gap.high] == pytest.approx([0.125, 0.125, 0.125])
    assert gap.is_beyond_interval


def test_the_interval_of_two_tasks_spans_both() -> None:
    """Of four equally likely draws one is (0, 0) and one is (1, 1), so 2.5% and 97.5% lie at the ends."""
    assert paired_bootstrap({"t1": 0.0, "t2": 1.0}) == Gap(tasks=2, value=0.5, low=0.0, high=1.0)


def test_the_interval_belongs_to_the_mean_of_the_differences() -> None:
    gap = paired_bootstrap({f"t{at}": 1.0 if at < 60 else -1.0 for at in range(100)})
    assert gap.value == pytest.approx(0.2)
    assert gap.low == pytest.approx(0.2 - 1.96 * 0.98 / 10, abs=0.03)
    assert gap.high == pytest.approx(0.2 + 1.96 * 0.98 / 10, abs=0.03)


@pytest.mark.parametrize(
    ("low", "high", "beyond"),
    [(0.01, 0.2, True), (-0.2, -0.01, True), (-0.01, 0.2, False), (0.0, 0.2, False), (-0.2, 0.0, False)],
)
def test_a_gap_counts_when_its_interval_leaves_out_zero(low: float, high: float, beyond: bool) -> None:
    assert Gap(tasks=9, value=(low + high) / 2, low=low, high=high).is_beyond_interval is beyond


# --- results ------------------------------------------------------------------------------------------------


def figures(arm: str, seed: int | None, values: Mapping[str, float]) -> PolicyFigures:
    mean = sum(values.values()) / len(values)
    measure = Measure(value=mean, low=mean - 0.05, high=mean + 0.05)
    return PolicyFigures(
        arm=arm,
        seed=seed,
        after=None if arm == BASE else "dpo",
        sampled=measure,
        greedy=measure,
        sampled_by_task=dict(values),
        greedy_by_task=dict(values),
        seconds=30,
    )


POLICIES = [
    figures(BASE, None, {"t1": 0.25, "t2": 0.0}),
    figures("verified", 0, {"t1": 0.75, "t2": 0.5}),
    figures("unverified", 0, {"t1": 0.5, "t2": 0.25}),
    figures("shuffled", 0, {"t1": 0.25, "t2": 0.0}),
    figures("verified", 1, {"t1": 1.0, "t2": 0.5}),
    figures("unverified", 1, {"t1": 0.5, "t2": 0.25}),
    figures("shuffled", 1, {"t1": 0.5, "t2": 0.25}),
]


def test_verified_is_compared_with_every_other_policy_pooled_and_per_seed() -> None:
    found = {(one.against, one.seed): one.sampled.value for one in compare(POLICIES)}
    assert found == {
        ("unverified", None): 0.3125,
        ("unverified", 0): 0.25,
        ("unverified", 1): 0.375,
        ("shuffled", None): 0.4375,
        ("shuffled", 0): 0.5,
        ("shuffled", 1): 0.375,
        ("base", None): 0.5625,
        ("base", 0): 0.5,
        ("base", 1): 0.625,
    }


def test_one_seed_is_not_pooled_and_a_missing_arm_is_not_compared() -> None:
    assert [(one.against, one.seed) for one in compare(POLICIES[:3])] == [("unverified", 0), ("base", 0)]


def make_results() -> Results:
    composition = Composition(samples=40, passing=10, pairs=20, right=5, reversed=4, tasks=9)
    return Results(
        recipe="quickstart",
        budget=SMALL,
        seeds=(0, 1),
        base_fingerprint="f",
        candidates={0: 100, 1: 120},
        generation_seconds={0: 60.0, 1: 61.0},
        arms=(
            ArmFigures(
                seed=0,
                arm=ArmName.SHUFFLED,
                composition=composition,
                sft_steps=4,
                dpo_steps=1,
                train_seconds=33.3,
            ),
        ),
        policies=tuple(POLICIES),
        comparisons=compare(POLICIES),
    )


def test_the_tables_show_points_intervals_and_what_the_arms_hold() -> None:
    text = render(make_results())
    assert "| shuffled | dpo | 0 | +50.0 [+50.0, +50.0] | yes | +50.0 [+50.0, +50.0] | yes |" in text
    assert "| unverified | dpo | pooled | +31.2 [+25.0, +37.5] | yes |" in text
    assert "| base | - | - | 12.5 [7.5, 17.5] | 12.5 [7.5, 17.5] | 30 |" in text
    assert "| shuffled | 0 | 40 | 25% | 20 | 25% | 20% | 9 | 4 | 1 | 33 |" in text


def test_results_are_written_for_machines_and_for_people(tmp_path: Path) -> None:
    text = write_results(tmp_path, make_results())
    assert Results.model_validate_json((tmp_path / "results.json").read_bytes()) == make_results()
    assert (tmp_path / "results.md").read_text(encoding="utf-8") == text


# --- plan and training --------------------------------------------------------------------------------------


def make_plan_for(context: Context, out: Path, budget: Budget = DEFAULT, seeds: Sequence[int] = (0,)) -> Plan:
    recipe, data = context.recipe, context.data
    assert (
        recipe.engine is not None
        and recipe.sft is not None
        and recipe.dpo is not None
        and recipe.evaluation is not None
    )
    assert context.prompts is not None
    plans = {
        seed: SeedPlan(
            recipe.model_copy(update={"seed": seed}),
            context.recipe_folder,
            data,
            recipe.engine,
            recipe.sft.coarse,
            recipe.dpo,
            recipe.evaluation,
        )
        for seed in seeds
    }
    return Plan(
        out,
        budget,
        plans,
        context.prompts,
        Policy(name="pocket", base="base", fingerprint="f0"),
        after_sft=False,
    )


def test_a_folder_takes_more_seeds_and_refuses_another_budget(context: Context, tmp_path: Path) -> None:
    claim_folder(make_plan_for(context, tmp_path))
    claim_folder(make_plan_for(context, tmp_path, seeds=(1, 2)))
    with pytest.raises(RunFolderError, match=r"recipe\.ablation\.tasks = 16\n  was made with 160"):
        claim_folder(make_plan_for(context, tmp_path, SMALL))


def test_the_jobs_of_two_arms_differ_in_name_data_and_output_only(context: Context, tmp_path: Path) -> None:
    plan = make_plan_for(context, tmp_path, seeds=(7,))
    jobs = [
        arm_jobs(plan.first, plan.base, name, tmp_path / name, with_pairs=True)
        for name in (ArmName.VERIFIED, ArmName.SHUFFLED)
    ]
    for one, other in zip(*jobs, strict=True):
        assert one.model_copy(
            update={"name": "", "data": (), "output": "", "policy": ""}
        ) == other.model_copy(update={"name": "", "data": (), "output": "", "policy": ""})
    sft, dpo = jobs[0]
    assert (sft.policy, dpo.policy) == ("base", str(tmp_path / "verified" / "sft" / "merged"))
    assert sft.seed != dpo.seed
    assert (sft.data, dpo.data) == (
        (str(tmp_path / "verified" / "samples.jsonl"),),
        (str(tmp_path / "verified" / "pairs.jsonl"),),
    )


def test_without_pairs_there_is_no_dpo(context: Context, tmp_path: Path) -> None:
    plan = make_plan_for(context, tmp_path)
    assert [
        job.kind for job in arm_jobs(plan.first, plan.base, ArmName.VERIFIED, tmp_path, with_pairs=False)
    ] == ["sft"]
