"""Which trainings a round has, what each starts from, and which policies are measured."""

from pathlib import Path

import pytest

from posttrain.core.jobs import TrainingJob
from posttrain.loop.jobs import RoundJobs, plan_jobs, to_measure
from synth.config import Recipe
from synth.pipeline.round import RoundData, WrittenSet
from synth.policy import Policy
from synth.products import BY_NAME, PRODUCTS

BASE = Policy(name="base", base="/models/base", fingerprint="f0")
ALL = {"coarse": 8, "fine": 4, "fim": 2, "pairs": 3, "labelled": 0, "repairs": 0}
CHECKPOINTS = Path("/run/checkpoints")


def recipe(**changes: object) -> Recipe:
    sections = {"name": "r", "seed": 7, "sft": {"coarse": {}, "fine": {}}, "dpo": {}, **changes}
    return Recipe.model_validate(sections)


def plan(recipe: Recipe, start: Policy = BASE, **counts: int) -> RoundJobs:
    rows = ALL | counts
    sets = [
        WrittenSet(product, data_set, Path(f"{label}.parquet"), rows[label])
        for product in PRODUCTS
        for data_set in product.data_sets
        if (label := data_set.job if product.name == "sft" else product.name) and data_set.job
    ]
    data = RoundData(tuple(sets))
    return plan_jobs(recipe, CHECKPOINTS, 2, start, data)


def starts(jobs: list[TrainingJob]) -> list[tuple[str, str]]:
    return [(job.policy, job.adapter) for job in jobs]


def test_coarse_fine_and_dpo_each_start_from_the_merged_weights_of_the_one_before() -> None:
    jobs, left_out = plan(recipe())
    assert [job.name for job in jobs] == ["round-2-coarse", "round-2-fine", "round-2-dpo"]
    assert starts(jobs) == [
        ("/models/base", ""),
        ("/run/checkpoints/round-2-coarse/merged", ""),
        ("/run/checkpoints/round-2-fine/merged", ""),
    ]
    assert [job.data for job in jobs] == [
        ("coarse.parquet", "fim.parquet"),
        ("fine.parquet",),
        ("pairs.parquet",),
    ]
    assert len({job.seed for job in jobs}) == 3
    assert left_out == []


def test_where_the_engine_serves_adapters_only_one_adapter_over_the_base_is_trained_on_and_on() -> None:
    engine = {"kind": "vllm_server", "swap": "adapter"}
    last = Policy(name="round 1 dpo", base="/models/base", adapter="/one/adapter", merged="/one/merged")
    jobs, _ = plan(recipe(engine=engine), last)
    assert starts(jobs) == [
        ("/models/base", "/one/adapter"),
        ("/models/base", "/run/checkpoints/round-2-coarse/adapter"),
        ("/models/base", "/run/checkpoints/round-2-fine/adapter"),
    ]
    assert starts(plan(recipe(engine={"kind": "vllm_server"}), last).jobs)[0] == ("/one/merged", "")


def test_adapters_in_bfloat16_are_trained_on_since_a_merge_would_round_them() -> None:
    narrow = {"policy": {"model": "/models/base", "dtype": "bfloat16"}}
    chained = [
        ("/models/base", ""),
        ("/models/base", "/run/checkpoints/round-2-coarse/adapter"),
        ("/models/base", "/run/checkpoints/round-2-fine/adapter"),
    ]
    assert starts(plan(recipe(**narrow)).jobs) == chained
    other_rank = {"dpo": {"lora": {"rank": 8}}}
    assert {adapter for _, adapter in starts(plan(recipe(**narrow, **other_rank)).jobs)} == {""}
    assert {adapter for _, adapter in starts(plan(recipe(**narrow, dpo={"lora": None})).jobs)} == {""}


def test_a_training_without_rows_is_left_out_and_said_and_the_next_starts_from_what_there_is() -> None:
    jobs, left_out = plan(recipe(), fine=0, fim=0)
    assert [job.name for job in jobs] == ["round-2-coarse", "round-2-dpo"]
    assert jobs[0].data == ("coarse.parquet",)
    assert starts(jobs)[1] == ("/run/checkpoints/round-2-coarse/merged", "")
    assert left_out == ["round 2: no samples, so no fine fine-tuning"]
    nothing = plan(recipe(), coarse=0, fine=0, pairs=0)
    assert nothing.jobs == []
    assert len(nothing.left_out) == 3


@pytest.mark.parametrize(
    ("changes", "measured"),
    [
        ({}, ["round-2-fine", "round-2-dpo"]),
        ({"dpo": None}, ["round-2-fine"]),
        ({"sft": None}, ["round-2-dpo"]),
        ({"sft": {"coarse": {}}}, ["round-2-coarse", "round-2-dpo"]),
    ],
)
def test_the_last_sft_policy_and_the_dpo_policy_are_measured(
    changes: dict[str, object], measured: list[str]
) -> None:
    jobs = plan(recipe(**changes)).jobs
    assert [jobs[place].name for place in to_measure(jobs)] == measured


def test_kto_follows_on_the_labelled_answers() -> None:
    for rows, names in ((5, ["round-2-kto"]), (0, [])):
        product = BY_NAME["labelled"]
        labelled = WrittenSet(product, product.data_sets[0], Path("labelled.parquet"), rows)
        made = plan_jobs(recipe(sft=None, dpo=None, kto={}), CHECKPOINTS, 2, BASE, RoundData((labelled,)))
        assert [job.name for job in made.jobs] == names
        assert [job.data for job in made.jobs] == [("labelled.parquet",)] * len(names)
        assert bool(made.left_out) == (not names)
