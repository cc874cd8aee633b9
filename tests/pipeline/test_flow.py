"""From a recipe to its stages: what is left out of the recipe is left out of the flow."""

import asyncio
from collections.abc import Mapping
from pathlib import Path

import pytest

from synth.config import Recipe
from synth.errors import DatasetError
from synth.execution.scripted import ScriptedSandbox
from synth.filters.benchmarks import BenchmarkEntry
from synth.pipeline.flow import build_flowing, build_stages, last_filter
from synth.pipeline.graph import build_graph, in_order
from synth.pipeline.shard_scheduler import cut_lanes
from synth.products import Pair, Sample
from synth.records import Message
from synth.stages.context import Context
from synth.stages.filter import FilterStage
from synth.stages.shard_state import ShardState
from tests.builders import build_observation, build_sample

SOLVED: dict[str, object] = {"instruct": {}, "solve": {}}
EVERYTHING: dict[str, object] = {**SOLVED, "evidence": {"agreement": True}, "pairs": {}, "fim": {}}


def context(data: Mapping[str, object] | None = None, folder: Path = Path()) -> Context:
    sections = {"seeds": {"kind": "pocket"}, **(data or {})}
    recipe = Recipe.model_validate({"name": "r", "engine": {"kind": "vllm_server"}, "data": sections})
    assert recipe.data is not None
    return Context(recipe, recipe.data, folder, ScriptedSandbox(build_observation))


def names(**data: object) -> list[str]:
    return [stage.name for stage in build_stages(context(data))]


def test_a_recipe_with_seeds_alone_runs_references_alone() -> None:
    assert names() == ["reference"]


def test_tasks_without_solutions_end_with_their_inputs() -> None:
    assert names(instruct={}) == ["reference", "instruct", "inputs"]


def test_solutions_without_tasks_are_not_asked_for() -> None:
    assert names(solve={}) == ["reference"]


def test_everything_runs_in_the_order_of_the_flow() -> None:
    filters = {"decontaminate": ["@heldout"]}
    expected = "reference instruct inputs solve syntax agree sharpen execute evidence select".split()
    expected += "length decontaminate exact_dedup near_dedup pair fim".split()
    assert names(**EVERYTHING, filters=filters) == expected
    assert [stage.name for stage in in_order(build_graph(build_stages(context(EVERYTHING))))] == [
        name for name in expected if name != "decontaminate"
    ]


def test_real_seeds_pass_filters_before_a_model_is_asked() -> None:
    filters = {"decontaminate": ["@heldout"]}
    tree = {"kind": "source_tree", "paths": ["."]}
    found = names(**SOLVED, seeds=tree, filters=filters)
    expected = (
        "seed_decontaminate reference seed_exact_dedup seed_near_dedup instruct inputs solve syntax sharpen "
    )
    expected += "execute evidence select length decontaminate exact_dedup near_dedup"
    assert found == expected.split()
    made = context({**SOLVED, "seeds": tree, "filters": filters})
    assert [stage.name for stage in in_order(build_graph(build_stages(made)))] == found
    assert [[stage.name for stage in lane] for lane in cut_lanes(build_stages(made))][:3] == [
        ["seed_decontaminate", "reference"],
        ["seed_exact_dedup", "seed_near_dedup"],
        ["instruct", "inputs", "solve"],
    ]
    off = names(**SOLVED, seeds=tree, filters={**filters, "seeds": False})
    assert [name for name in off if name.startswith("seed_")] == []
    assert names(seeds=tree, filters=filters) == ["reference"]


def test_agreement_has_a_stage_only_where_it_is_evidence() -> None:
    assert "agree" not in names(**SOLVED)


def test_filters_that_the_recipe_switches_off_are_left_out() -> None:
    stages = build_stages(context({**SOLVED, "filters": {"exact_dedup": False, "near_dedup": False}}))
    assert [stage.name for stage in stages if isinstance(stage, FilterStage)] == ["length"]


def test_each_filter_comes_after_the_one_before_it() -> None:
    stages = build_stages(context(SOLVED))
    chain = [stage for stage in stages if isinstance(stage, FilterStage)]
    assert [before.name for stage in chain for before in stage.upstream] == [
        "select",
        "length",
        "exact_dedup",
    ]
    assert all(stage.unit is Sample for stage in chain)


def test_the_finished_samples_are_those_of_the_last_filter() -> None:
    stages = build_stages(context(EVERYTHING))
    last = last_filter(stages, Sample)
    assert last is not None
    assert last.name == "near_dedup"
    assert last_filter(stages, Pair) is None


def test_fim_without_samples_is_cut_from_the_source() -> None:
    assert names(fim={}) == ["reference", "fim"]
    [fim] = [stage for stage in build_stages(context({"fim": {}})) if stage.name == "fim"]
    assert [before.name for before in fim.upstream] == ["snippet"]


def test_pairs_come_after_evidence_and_the_last_filter() -> None:
    [pair] = [stage for stage in build_stages(context(EVERYTHING)) if stage.name == "pair"]
    assert [before.name for before in pair.upstream] == ["evidence", "near_dedup"]


def test_each_round_gets_stages_that_remember_nothing_of_the_last_one() -> None:
    shared = context(EVERYTHING)
    first, second = build_stages(shared), build_stages(shared)
    assert not set(map(id, first)) & set(map(id, second))


def test_held_out_tasks_reach_the_decontamination_filter() -> None:
    words = "Return the sum of all even numbers in the given list of integers, or zero when there are none."
    made = context({**SOLVED, "filters": {"decontaminate": ["@heldout"]}})
    stages = build_stages(made, [BenchmarkEntry(id="held", prompts=(words,))])
    [found] = [stage for stage in stages if isinstance(stage, FilterStage) and stage.name == "decontaminate"]
    samples = [
        build_sample("sample-1", prompt=(Message(role="user", content=words),)),
        build_sample("sample-2", prompt=(Message(role="user", content="Reverse the words of a text."),)),
    ]
    decided = asyncio.run(found.decide(samples, ShardState(1, "00000")))
    assert [getattr(one.answer, "reason", "") for one in decided] == ["contaminated", ""]


def test_a_benchmark_that_cannot_be_read_stops_before_anything_runs(tmp_path: Path) -> None:
    (tmp_path / "bench.jsonl").write_text("not json\n", encoding="utf-8")
    with pytest.raises(DatasetError, match=r"bench\.jsonl:1"):
        build_stages(context({**SOLVED, "filters": {"decontaminate": ["bench.jsonl"]}}, tmp_path))


def test_stages_that_ask_the_model_are_lanes_of_their_own() -> None:
    lanes = cut_lanes(build_flowing(context(EVERYTHING)))
    assert [[stage.name for stage in lane] for lane in lanes] == [
        ["reference"],
        ["instruct", "inputs", "solve"],
        ["syntax", "agree", "sharpen", "execute", "evidence", "select", "length"],
    ]
