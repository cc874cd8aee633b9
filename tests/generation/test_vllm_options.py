"""What a vLLM server is started with, for what the recipe trains."""

from pathlib import Path

import pytest

from posttrain.core.jobs import highest_rank
from synth.config import Recipe
from synth.engine_config import VllmServerEngineConfig, argument_of
from synth.generation.vllm_server import VllmServer
from synth.policy import Policy, is_plain_adapter


def options(
    tmp_path: Path, *, rank: int = 0, swap: str = "adapter", extra: tuple[str, ...] = ()
) -> list[str]:
    """The options of a server for trainings of this rank."""
    config = VllmServerEngineConfig.model_validate({"swap": swap, "extra_args": extra})
    policy = Policy(name="base", base="/models/base")
    return VllmServer(config.taking_rank(rank), policy=policy, log_folder=tmp_path)._options()


@pytest.mark.parametrize(("rank", "limit"), [(1, "1"), (9, "16"), (64, "64"), (300, "320"), (512, "512")])
def test_the_server_takes_adapters_of_the_rank_that_is_trained(tmp_path: Path, rank: int, limit: str) -> None:
    assert argument_of(options(tmp_path, rank=rank), "--max-lora-rank") == limit


def test_a_limit_that_the_recipe_states_stays(tmp_path: Path) -> None:
    found = options(tmp_path, rank=8, extra=("--max-lora-rank=32",))
    assert [one for one in found if one.startswith("--max-lora-rank")] == ["--max-lora-rank=32"]
    assert argument_of(found, "--max-lora-rank") == "32"


def test_a_server_of_weights_takes_no_adapters(tmp_path: Path) -> None:
    assert "--enable-lora" not in options(tmp_path, rank=600, swap="weights")


def test_contents_are_rendered_as_they_are_for_a_training(tmp_path: Path) -> None:
    assert argument_of(options(tmp_path, rank=8), "--chat-template-content-format") == "string"


def test_the_highest_rank_counts() -> None:
    sections = {
        "sft": {"coarse": {"lora": {"rank": 8}}},
        "dpo": {"lora": None},
        "kto": {"lora": {"rank": 16}},
    }
    assert highest_rank(Recipe.model_validate({"name": "a", **sections})) == 16
    assert highest_rank(Recipe.model_validate({"name": "a"})) == 0


@pytest.mark.parametrize(
    ("config", "plain"),
    [
        ("{}", True),
        ('{"use_rslora": true, "use_dora": false}', True),
        ('{"use_dora": true}', False),
        ('{"trainable_token_indices": [3]}', False),
        ('{"modules_to_save": ["lm_head"]}', False),
    ],
)
def test_only_a_plain_adapter_is_served_as_one(tmp_path: Path, config: str, plain: bool) -> None:
    (tmp_path / "adapter_config.json").write_text(config, encoding="utf-8")
    assert is_plain_adapter(str(tmp_path)) == plain
