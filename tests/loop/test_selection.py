"""Which policy a round ends with: measured evaluations in, the next policy and its record out."""

import asyncio
from collections.abc import Sequence
from pathlib import Path

import pytest

from posttrain.evaluate.evaluation import Evaluation, QuestionResult, score
from posttrain.loop import rounds
from posttrain.loop.report import evaluation_path
from posttrain.loop.selection import choose, development_of, select_policy
from posttrain.loop.selection_words import in_words, selection_table
from posttrain.loop.session import Parts, RunPlan, Session, open_session
from posttrain.pocket.world import POCKET_WORLD
from synth.config import DataConfig, EngineConfig, Recipe
from synth.generation.protocol import Engine
from synth.pipeline.round import RoundData
from synth.policy import Policy
from synth.prompts.library import PromptLibrary
from synth.store.atomic import write_bytes
from synth.store.run_folder import RunFolder, RunIdentity
from synth.store.seals import seal_json
from synth.store.selections import read_selections
from tests.loop.test_session import NotingEngine, NotingReporter

TASKS = 120
N = 4


def evaluation(policy: str, passed: Sequence[int], suite: str = "dev") -> Evaluation:
    """Of so many passing samples of each task."""
    answered = tuple(
        QuestionResult(task_id=f"t{at}", language="python", n=N, passed=count, greedy=None, outcomes={})
        for at, count in enumerate(passed)
    )
    scores = score(answered, [1])
    return Evaluation(
        policy=policy, fingerprint=policy, suite=suite, total=scores, languages={}, answered=answered
    )


HALF = [2] * TASKS
BETTER = [3, 2] * (TASKS // 2)
BROKEN = [0] * (TASKS - 10) + [3] * 10
NOISE = [3] + [2] * (TASKS - 1)


@pytest.mark.parametrize(
    ("sft", "dpo", "chosen"),
    [
        (BETTER, HALF, "round 1 sft"),
        (BETTER, [3] * TASKS, "round 1 dpo"),
        (BETTER, BETTER, "round 1 sft"),
        (BETTER, BROKEN, "round 1 sft"),
        (BROKEN, BROKEN, "base"),
        (HALF, HALF, "base"),
    ],
)
def test_a_round_ends_with_the_best_policy_that_is_better_than_its_start(
    sft: list[int], dpo: list[int], chosen: str
) -> None:
    measured = [evaluation("base", HALF), evaluation("round 1 sft", sft), evaluation("round 1 dpo", dpo)]
    found = choose(1, measured, 0.9)
    assert found.chosen == chosen
    assert [one.policy for one in found.candidates] == ["base", "round 1 sft", "round 1 dpo"]
    assert (found.start, found.tasks, found.suite) == ("base", TASKS, "dev")


def test_the_confidence_decides_about_a_gain_that_may_be_chance() -> None:
    measured = [evaluation("base", HALF), evaluation("round 1 sft", NOISE)]
    assert choose(1, measured, 0.9).chosen == "base"
    assert choose(1, measured, 0.5).chosen == "round 1 sft"


def test_a_broken_policy_is_shown_beside_the_one_that_is_gone_on_with() -> None:
    measured = [
        evaluation("base", HALF),
        evaluation("round 1 sft", BETTER),
        evaluation("round 1 dpo", BROKEN),
    ]
    found = choose(1, measured, 0.9)
    table = selection_table([found])
    assert [row[-1] for row in table.rows] == ["", "yes", ""]
    assert str(table.rows[2][3]).startswith("-43.8 [-")
    assert in_words(found).startswith("round 1 ends with round 1 sft, +12.5 [+")
    kept = in_words(choose(1, [measured[0], measured[2]], 0.9))
    assert "ends with base, which it began with" in kept


def test_questions_that_no_one_judged_choose_nothing() -> None:
    nothing = [
        QuestionResult(task_id="t", language="python", n=0, passed=0, greedy=None, outcomes={}, faults=4)
    ]
    none = evaluation("base", []).model_copy(update={"answered": tuple(nothing)})
    found = choose(2, [none, none.model_copy(update={"policy": "round 2 sft"})], 0.9)
    assert (found.chosen, found.tasks) == ("base", 0)
    assert selection_table([found]).rows[1][2:4] == ["-", "-"]


# --- in a session -------------------------------------------------------------------------------------------

BASE = Policy(name="base", base="/models/base", fingerprint="base")
TRAINED = [
    Policy(name=name, base=f"/models/{name}", fingerprint=name) for name in ("round 1 sft", "round 1 dpo")
]


def recipe(folder: Path, loop: dict[str, object], development: bool = True) -> Recipe:
    evaluation: dict[str, object] = {"suite": "pocket-heldout", "n": 8}
    if development:
        evaluation["development"] = {"suite": "pocket-development", "tasks": TASKS, "n": N}
    return Recipe.model_validate(
        {
            "name": "r",
            "engine": {"kind": "vllm_server"},
            "execution": {"kind": "recorded", "path": str(folder)},
            "evaluation": evaluation,
            "loop": loop,
        }
    )


def selected(folder: Path, recipe: Recipe, dpo: list[int]) -> tuple[str, list[str], Path]:
    """The policy that the round ends with, what was said, and the run. The policies were measured before, so
    no model is asked."""
    reporter = NotingReporter()

    def create(config: EngineConfig, *, policy: Policy, log_folder: Path) -> Engine:
        return NotingEngine("engine", [], BASE)

    async def work(run: RunFolder) -> str:
        plan = RunPlan(recipe, folder, run, PromptLibrary.load("default"))
        async with open_session(plan, Parts(reporter, POCKET_WORLD, create)) as session:
            assert session.model is not None
            session.model.served = BASE.fingerprint
            return (await select_policy(session, 1, BASE, TRAINED)).name

    with RunFolder.create_or_resume(folder, "r", RunIdentity.of_recipe(recipe, {})) as run:
        for name, passed in (("base", HALF), ("round 1 sft", BETTER), ("round 1 dpo", dpo)):
            path = evaluation_path(run.path, name, "pocket-development")
            found = evaluation(name, passed, "pocket-development")
            write_bytes(path, seal_json(found.model_dump_json()))
        name = asyncio.run(work(run))
    return name, reporter.lines, run.path


def test_the_choice_is_made_of_stored_evaluations_said_and_stored(tmp_path: Path) -> None:
    name, lines, run = selected(tmp_path, recipe(tmp_path, {}), BROKEN)
    assert name == "round 1 sft"
    assert any(line.startswith("round 1 ends with round 1 sft, +12.5") for line in lines)
    (stored,) = read_selections(run)
    assert stored.chosen == "round 1 sft"
    assert stored.candidates[2].gain == pytest.approx(-0.4375)


def test_the_last_policy_is_taken_where_the_recipe_says_so_or_has_no_development_suite(
    tmp_path: Path,
) -> None:
    for at, one in enumerate((recipe(tmp_path, {"select": "last"}), recipe(tmp_path, {}, development=False))):
        name, _, run = selected(tmp_path / str(at), one, BROKEN)
        assert name == "round 1 dpo"
        assert list(read_selections(run)) == []


def test_development_tasks_are_sampled_only_and_reported_suites_are_two(tmp_path: Path) -> None:
    found = recipe(tmp_path, {})
    config = development_of(found)
    assert config is not None
    assert (config.suite, config.tasks, config.n, config.k, config.greedy) == (
        "pocket-development",
        TASKS,
        N,
        (1,),
        False,
    )
    assert found.evaluation is not None
    assert [one.suite for one in found.evaluation.reported] == ["pocket-heldout"]
    deep = found.evaluation.model_copy(
        update={"hard": found.evaluation.development, "languages": ("java",), "k": (1, 8)}
    )
    assert [(one.suite, one.n, one.k, one.languages) for one in deep.reported] == [
        ("pocket-heldout", 8, (1, 8), ("java",)),
        ("pocket-development", N, (1,), ("java",)),
    ]


@pytest.mark.parametrize("evaluate_rounds", ["all", "last"])
def test_the_next_round_is_made_with_the_chosen_policy_and_the_report_has_what_the_run_ends_with(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, evaluate_rounds: str
) -> None:
    """Round 1: SFT is better and DPO breaks it. Round 2: both are worse than what round 1 ended with."""
    passed = {
        "base": HALF,
        "round 1 sft": BETTER,
        "round 1 dpo": BROKEN,
        "round 2 sft": HALF,
        "round 2 dpo": HALF,
    }
    policies = {name: Policy(name=name, base=f"/models/{name}", fingerprint=name) for name in passed}
    made_with, began_from = list[str](), list[str]()

    async def make_data(session: Session, data: object, round_: int, policy: Policy) -> RoundData:
        made_with.append(policy.name)
        return RoundData(())

    async def train(session: Session, round_: int, policy: Policy, data: RoundData) -> list[Policy]:
        began_from.append(policy.name)
        return [policies[f"round {round_} {kind}"] for kind in ("sft", "dpo")]

    async def no_audit(session: Session) -> None:
        return None

    monkeypatch.setattr(rounds, "make_data", make_data)
    monkeypatch.setattr(rounds, "train", train)
    monkeypatch.setattr(rounds, "audit", no_audit)
    plain = recipe(tmp_path, {"rounds": 2, "evaluate_rounds": evaluate_rounds})
    both = plain.model_copy(update={"data": DataConfig.model_validate({"seeds": {"kind": "pocket"}})})

    async def work(run: RunFolder) -> list[str]:
        plan = RunPlan(both, tmp_path, run, PromptLibrary.load("default"))
        parts = Parts(NotingReporter(), POCKET_WORLD, lambda config, **_: NotingEngine("engine", [], BASE))
        async with open_session(plan, parts) as session:
            assert session.model is not None
            object.__setattr__(session, "base", policies["base"])
            session.model.served = "base"
            return [one.policy for one in (await rounds.run_rounds(session)).evaluations]

    with RunFolder.create_or_resume(tmp_path, "r", RunIdentity.of_recipe(both, {})) as run:
        for name, counts in passed.items():
            for suite in ("", "pocket-development"):
                found = evaluation(name, counts, suite or "pocket-heldout")
                write_bytes(evaluation_path(run.path, name, suite), seal_json(found.model_dump_json()))
        reported = asyncio.run(work(run))
    assert made_with == began_from == ["base", "round 1 sft"]
    assert [one.chosen for one in read_selections(tmp_path / "r")] == ["round 1 sft", "round 1 sft"]
    first = ["round 1 sft", "round 1 dpo"] if evaluate_rounds == "all" else ["round 1 sft"]
    assert reported == ["base", *first, "round 2 sft", "round 2 dpo"]
