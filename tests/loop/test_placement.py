"""Where the children of a run work: which cards, what share, and what is refused with its figures."""

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import pytest

from posttrain.placement.rules import Placement, place
from synth.cards import Card
from synth.config import Recipe
from synth.errors import RecipeError
from synth.recipe import load_recipe

MIB = 1 << 20
L4, A100 = 23_034 * MIB, 81_559 * MIB
"""Cards of 24 and of 80 GB, as `nvidia-smi` states their memory."""


def cards(*sizes: int, taken: int = 0) -> tuple[Card, ...]:
    return tuple(Card(number, str(number), "Stub", size, size - taken) for number, size in enumerate(sizes))


def shipped(name: str) -> Recipe:
    return load_recipe(f"qwen2.5-coder/{name}", machine=False).recipe


def recipe(model: str = "Qwen/Qwen2.5-Coder-7B", **sections: Any) -> Recipe:  # noqa: ANN401
    usual: dict[str, Any] = {
        "name": "placed",
        "policy": {"model": model, "dtype": "bfloat16"},
        "engine": {"kind": "vllm_server", "max_model_len": 8192},
        "sft": {"coarse": {"batch_size": 2, "gradient_checkpointing": True, "data": "rows.jsonl"}},
    }
    return Recipe.model_validate({**usual, **sections})


def numbers(found: Sequence[Card] | None) -> list[int]:
    return [card.number for card in found or ()]


def options(placement: Placement, role: str = "engine") -> list[str]:
    return list(placement.engines[role].options)


# --- the recipes --------------------------------------------------------------------------------------------


def test_the_recipe_for_half_a_billion_weights_fits_one_card_of_24_gb() -> None:
    placement = place(shipped("0.5b"), "Qwen/Qwen2.5-Coder-0.5B", cards(L4))
    assert numbers(placement.trainer) == numbers(placement.engines["engine"].cards) == [0]
    assert placement.engines["engine"].sleeps
    assert options(placement) == ["--gpu-memory-utilization", "0.90"]


def test_the_recipe_of_the_method_fits_one_card_of_80_gb() -> None:
    placement = place(shipped("report"), "Qwen/Qwen2.5-Coder-1.5B", cards(A100))
    assert numbers(placement.trainer) == [0]
    assert placement.engines["engine"].sleeps


@pytest.mark.parametrize("training", ["sft", "dpo", "kto"])
def test_whatever_a_recipe_trains_gets_cards_and_the_engine_sleeps_meanwhile(training: str) -> None:
    section = {"batch_size": 2, "gradient_checkpointing": True, "data": "rows.jsonl", "lora": {"rank": 8}}
    sections: dict[str, Any] = {"sft": None, training: section}
    if training == "sft":
        sections["sft"] = {"coarse": section}
    placement = place(recipe(**sections), "Qwen/Qwen2.5-Coder-7B", cards(A100))
    assert numbers(placement.trainer) == [0]
    assert placement.engines["engine"].sleeps


@pytest.mark.parametrize("name", ["7b", "instructions"])
def test_the_recipes_for_seven_billion_weights_fit_one_card_of_80_gb(name: str) -> None:
    placement = place(shipped(name), "Qwen/Qwen2.5-Coder-7B", cards(A100))
    assert placement.engines["engine"].sleeps
    assert options(placement) == ["--gpu-memory-utilization", "0.90"]
    with pytest.raises(RecipeError, match=r"does not fit"):
        place(shipped(name), "Qwen/Qwen2.5-Coder-7B", cards(L4))


def test_the_recipe_for_32_billion_weights_fits_eight_cards_of_80_gb_and_needs_sharding() -> None:
    model, eight = "Qwen/Qwen2.5-Coder-32B", cards(*[A100] * 8)
    placement = place(shipped("32b"), model, eight)
    assert numbers(placement.trainer) == numbers(placement.engines["engine"].cards) == list(range(8))
    assert options(placement)[:2] == ["--tensor-parallel-size", "8"]
    whole = load_recipe("qwen2.5-coder/32b", ["launch={}"], machine=False).recipe
    with pytest.raises(RecipeError, match=r"dpo on GPU 0") as refused:
        place(whole, model, eight)
    assert refused.value.problems[0].fix == "launch: {sharding: fsdp2}"


# --- which cards --------------------------------------------------------------------------------------------


def test_without_cards_nothing_is_placed_and_named_cards_are_refused() -> None:
    assert place(recipe(), "Qwen/Qwen2.5-Coder-7B", ()) == Placement()
    with pytest.raises(RecipeError, match="names GPUs, but this machine shows none"):
        place(recipe(devices={"engine": [0]}), "Qwen/Qwen2.5-Coder-7B", ())


def test_by_default_the_trainer_has_all_cards_and_the_engine_as_few_as_it_fits_on() -> None:
    small = place(recipe(), "Qwen/Qwen2.5-Coder-7B", cards(A100, A100))
    assert (numbers(small.engines["engine"].cards), numbers(small.trainer)) == ([0], [0, 1])
    large = recipe("Qwen/Qwen2.5-Coder-32B", sft=None)
    found = place(large, "Qwen/Qwen2.5-Coder-32B", cards(*[A100] * 8))
    assert numbers(found.engines["engine"].cards) == [0, 1]
    assert options(found)[:2] == ["--tensor-parallel-size", "2"]
    assert found.trainer is None


def test_cards_apart_need_no_sleep() -> None:
    found = place(recipe(devices={"engine": [1], "trainer": [0]}), "Qwen/Qwen2.5-Coder-7B", cards(A100, A100))
    assert (numbers(found.engines["engine"].cards), numbers(found.trainer)) == ([1], [0])
    assert not found.engines["engine"].sleeps
    assert "sleeps" not in " ".join(found.words)


@pytest.mark.parametrize("named", [[2], [0, 0], [], [-1]])
def test_cards_that_are_not_there_are_refused(named: list[int]) -> None:
    with pytest.raises(RecipeError, match=r"GPUs 0 to 1 are visible"):
        place(recipe(devices={"trainer": named}), "Qwen/Qwen2.5-Coder-7B", cards(A100, A100))


def test_a_model_is_split_only_over_cards_that_divide_its_heads() -> None:
    eight = cards(*[A100] * 8)
    with pytest.raises(RecipeError, match=r"its 28 attention heads do not divide by 8 GPUs") as refused:
        place(recipe(devices={"engine": list(range(8))}), "Qwen/Qwen2.5-Coder-7B", eight)
    assert "engine: [0, 1, 2, 3, 4, 5, 6]" in str(refused.value)
    copies = {"kind": "vllm_server", "extra_args": ["--data-parallel-size=8"]}
    found = place(recipe(engine=copies), "Qwen/Qwen2.5-Coder-7B", eight)
    assert numbers(found.engines["engine"].cards) == list(range(8))
    assert "--tensor-parallel-size" not in options(found)
    with pytest.raises(RecipeError, match="must name 8 GPUs"):
        place(recipe(engine=copies, devices={"engine": [0]}), "Qwen/Qwen2.5-Coder-7B", eight)


def test_a_remote_engine_and_one_built_for_cpus_take_no_card() -> None:
    remote = {"kind": "openai_api", "base_url": "http://localhost/v1", "model": "m"}
    found = place(recipe(engine=remote), "Qwen/Qwen2.5-Coder-7B", cards(A100))
    assert (dict(found.engines), numbers(found.trainer)) == ({}, [0])
    found = place(recipe(), "Qwen/Qwen2.5-Coder-7B", cards(A100), frozenset({"engine"}))
    assert (dict(found.engines), numbers(found.trainer)) == ({}, [0])


# --- what share ---------------------------------------------------------------------------------------------


def test_an_engine_and_a_teacher_on_one_card_divide_it() -> None:
    teacher = {"kind": "vllm_server", "model": "Qwen/Qwen2.5-Coder-14B", "max_model_len": 4096}
    data = {"seeds": {"kind": "pocket"}, "solve": {}, "instruct": {}}
    found = place(recipe(teacher=teacher, data=data), "Qwen/Qwen2.5-Coder-7B", cards(A100))
    shares = [float(options(found, role)[-1]) for role in ("engine", "teacher")]
    assert 0.88 <= sum(shares) <= 0.9
    assert shares[1] > shares[0] > 0.25
    assert found.engines["teacher"].sleeps


def test_what_others_have_taken_of_a_card_is_not_given_away() -> None:
    found = place(recipe(sft=None), "Qwen/Qwen2.5-Coder-7B", cards(A100, taken=A100 // 2))
    assert options(found) == ["--gpu-memory-utilization", "0.49"]
    with pytest.raises(RecipeError, match=r"other processes have taken 7\d\.\d GB"):
        place(recipe(sft=None), "Qwen/Qwen2.5-Coder-7B", cards(A100, taken=A100 * 9 // 10))


def test_a_share_that_the_recipe_states_is_kept_and_one_too_small_is_refused() -> None:
    def engine(share: str) -> dict[str, object]:
        return {
            "kind": "vllm_server",
            "max_model_len": 8192,
            "extra_args": ["--gpu-memory-utilization", share],
        }

    assert options(place(recipe(engine=engine("0.45")), "Qwen/Qwen2.5-Coder-7B", cards(A100))) == []
    with pytest.raises(RecipeError, match=r"needs 1\d\.\d GB of it \(weights 15\.2 GB") as refused:
        place(recipe(engine=engine("0.1")), "Qwen/Qwen2.5-Coder-7B", cards(A100))
    assert "and 8.6 GB are there" in str(refused.value)


# --- what fits ----------------------------------------------------------------------------------------------


def test_a_training_that_cannot_fit_is_refused_with_figures_and_a_fix_that_fits() -> None:
    coarse = {"batch_size": 8, "gradient_accumulation": 2, "max_length": 4096, "data": "rows.jsonl"}
    with pytest.raises(RecipeError, match=r"sft\.coarse on GPU 0 \(85\.5 GB, 2\.1 GB of which") as refused:
        place(recipe(sft={"coarse": coarse}), "Qwen/Qwen2.5-Coder-7B", cards(A100))
    problem = refused.value.problems[0]
    assert "activations" in problem.message and "weights 15.2" in problem.message
    assert problem.fix == "batch_size: 1, gradient_accumulation: 16"
    fixed = {**coarse, "batch_size": 1, "gradient_accumulation": 16}
    assert place(recipe(sft={"coarse": fixed}), "Qwen/Qwen2.5-Coder-7B", cards(A100)).trainer
    whole = {**coarse, "lora": None}
    with pytest.raises(RecipeError) as refused:
        place(recipe(sft={"coarse": whole}), "Qwen/Qwen2.5-Coder-7B", cards(A100))
    assert refused.value.problems[0].fix.startswith("lora: {rank: 32}")


def test_a_host_that_cannot_load_the_model_for_every_process_is_refused() -> None:
    model, eight = "Qwen/Qwen2.5-Coder-32B", cards(*[A100] * 8)
    assert place(shipped("32b"), model, eight, host_memory=1000 * 10**9).trainer
    with pytest.raises(
        RecipeError, match=r"8 processes read 66 GB each, beside 66 GB of sleeping"
    ) as refused:
        place(shipped("32b"), model, eight, host_memory=500 * 10**9)
    assert refused.value.problems[0].fix == "launch: {processes: 4}", "six would not share 64 rows evenly"


def test_what_is_not_known_is_not_checked_and_said_so() -> None:
    found = place(recipe("someone/unknown"), "someone/unknown", cards(L4))
    assert options(found) == ["--gpu-memory-utilization", "0.90"]
    assert any("its need is not known" in line for line in found.words)
    unsized = place(recipe(), "Qwen/Qwen2.5-Coder-7B", (Card(0, "MIG-1"),))
    assert (options(unsized), numbers(unsized.trainer)) == ([], [0])


def test_the_decision_is_said_in_words() -> None:
    found = place(recipe(), "Qwen/Qwen2.5-Coder-7B", cards(A100))
    assert found.words[0] == "GPU 0: Stub, 85.5 GB"
    assert found.words[1].startswith("the engine runs on GPU 0 with 90% of each; it needs 1")
    assert found.words[1].endswith("and sleeps while the trainer works")
    assert found.words[2] == "the trainer works on GPU 0"
    assert found.words[3].startswith("sft.coarse needs about 2")


def test_the_pocket_model_is_placed_on_one_card(tmp_path: Path) -> None:
    from posttrain.core.policy import resolve_model

    quickstart = load_recipe("quickstart", machine=False).recipe
    found = place(quickstart, str(resolve_model("pocket")), cards(L4))
    assert found.engines["engine"].sleeps and numbers(found.trainer) == [0]
