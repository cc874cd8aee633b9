"""A policy's fingerprint follows everything that changes its answers; engines are made from their configs
without heavy imports."""

import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from synth.config import (
    OpenaiEngineConfig,
    RecordedEngineConfig,
    TransformersEngineConfig,
    VllmServerEngineConfig,
)
from synth.errors import RecipeError
from synth.generation.factory import create_engine
from synth.policy import Policy, adapter_base, fingerprint_policy, identify

FILES = {
    "config.json": "{}",
    "model.safetensors": "weights",
    "tokenizer.json": "{}",
    "tokenizer_config.json": "{}",
    "chat_template.jinja": "template",
}


def write_policy(folder: Path) -> Path:
    folder.mkdir()
    for name, text in FILES.items():
        (folder / name).write_text(text)
    return folder


@pytest.mark.parametrize("name", FILES)
def test_a_change_in_any_part_changes_the_fingerprint(tmp_path: Path, name: str) -> None:
    one, two = write_policy(tmp_path / "one"), write_policy(tmp_path / "two")
    assert fingerprint_policy(one) == fingerprint_policy(two)
    (two / name).write_text("changed")
    assert fingerprint_policy(one) != fingerprint_policy(two)


def test_files_that_change_no_answer_do_not_count(tmp_path: Path) -> None:
    one, two = write_policy(tmp_path / "one"), write_policy(tmp_path / "two")
    (two / "README.md").write_text("card")
    (two / "trainer_state.json").write_text("{}")
    assert fingerprint_policy(one) == fingerprint_policy(two)


def test_a_folder_without_weights_is_no_policy(tmp_path: Path) -> None:
    folder = write_policy(tmp_path / "one")
    (folder / "model.safetensors").unlink()
    with pytest.raises(RecipeError, match="merged"):
        fingerprint_policy(folder)


def test_an_adapter_has_a_fingerprint_of_its_own_and_its_base_has_a_part_in_it(tmp_path: Path) -> None:
    base, other = write_policy(tmp_path / "base"), write_policy(tmp_path / "other")
    (other / "model.safetensors").write_text("other weights")
    adapter = tmp_path / "adapter"
    adapter.mkdir()
    (adapter / "adapter_config.json").write_text('{"base_model_name_or_path": "owner/base"}')
    (adapter / "adapter_model.safetensors").write_text("adapter")
    policies = [
        Policy(name="p", base=str(base)),
        Policy(name="p", base=str(base), adapter=str(adapter)),
        Policy(name="p", base=str(other), adapter=str(adapter)),
    ]
    before = [identify(policy).fingerprint for policy in policies]
    assert len(set(before)) == 3
    assert before[0] == fingerprint_policy(base)
    (adapter / "adapter_model.safetensors").write_text("changed")
    after = [identify(policy).fingerprint for policy in policies]
    assert [old == new for old, new in zip(before, after, strict=True)] == [True, False, False]
    assert adapter_base(adapter) == "owner/base"
    assert adapter_base(base) == ""


def test_a_policy_is_its_base_alone_or_its_base_and_adapter_or_what_they_were_merged_into() -> None:
    alone = Policy(name="p", base="b", fingerprint="f")
    merged = Policy(name="p", base="b", adapter="a", merged="m", fingerprint="f")
    assert (alone.weights, merged.weights) == ("b", "m")
    assert alone.without_adapter() == alone
    assert merged.without_adapter() == Policy(name="p", base="m", fingerprint="f")
    with pytest.raises(RecipeError, match="without merged weights"):
        _ = Policy(name="p", base="b", adapter="a").weights


def test_an_engine_with_a_model_of_its_own_has_that_models_fingerprint(tmp_path: Path) -> None:
    folder = write_policy(tmp_path / "judge")
    policy = Policy(name="policy", base="x", fingerprint="of-policy")
    own = create_engine(VllmServerEngineConfig(model=str(folder)), policy=policy, log_folder=tmp_path)
    hub = create_engine(TransformersEngineConfig(model="some/model"), policy=policy, log_folder=tmp_path)
    served = create_engine(VllmServerEngineConfig(), policy=policy, log_folder=tmp_path)
    recorded = create_engine(RecordedEngineConfig(path="j"), policy=policy, log_folder=tmp_path)
    remote = create_engine(
        OpenaiEngineConfig(base_url="http://h/v1", model="m"), policy=policy, log_folder=tmp_path
    )
    assert own.fingerprint == fingerprint_policy(folder)
    assert (served.fingerprint, recorded.fingerprint) == ("of-policy", "of-policy")
    assert len({own.fingerprint, hub.fingerprint, served.fingerprint, remote.fingerprint}) == 4
    shutil.rmtree(folder)


def test_making_engines_imports_nothing_heavy() -> None:
    program = """
import sys
from pathlib import Path
from synth.config import *
from synth.generation.factory import create_engine
from synth.generation.journal import JournalledEngine
from synth.policy import Policy
policy = Policy(name="p", base="p", fingerprint="f")
remote = OpenaiEngineConfig(base_url="http://h/v1", model="m")
for config in (VllmServerEngineConfig(), TransformersEngineConfig(), RecordedEngineConfig(path="j"), remote):
    create_engine(config, policy=policy, log_folder=Path("."))
print(sorted({"torch", "transformers", "vllm", "openai", "huggingface_hub", "jinja2"} & set(sys.modules)))
"""
    found = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True)
    assert found.stdout.strip() == "[]"
