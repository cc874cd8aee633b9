"""A base that gets our template keeps its weights where they are."""

import json
import shutil
from pathlib import Path

import pytest

from posttrain.core.linked_weights import link_weights, linkable
from posttrain.core.policy import find_policy, load_model, prepare_base
from synth.store.seals import check_folder

WEIGHTS = "model.safetensors"


@pytest.fixture
def foreign(policy: Path, tmp_path: Path) -> Path:
    """The policy with a template of its own."""
    folder = tmp_path / "foreign"
    shutil.copytree(policy, folder)
    (folder / "chat_template.jinja").write_text("{{ 'You are helpful.' }}")
    return folder


def test_the_weights_of_a_base_that_gets_our_template_are_not_copied(foreign: Path, tmp_path: Path) -> None:
    ready = prepare_base(foreign, tmp_path / "ready")
    assert (ready / WEIGHTS).samefile(foreign / WEIGHTS)
    assert (ready / "chat_template.jinja").read_text() != (foreign / "chat_template.jinja").read_text()
    check_folder(ready)
    shutil.rmtree(foreign)
    assert load_model(find_policy(ready).base, "float32").num_parameters() > 0, (
        "a hard link outlives its base"
    )


def test_all_files_of_a_sharded_base_are_linked(policy: Path, tmp_path: Path) -> None:
    sharded = tmp_path / "sharded"
    load_model(str(policy), "float32").save_pretrained(sharded, max_shard_size="40KB")
    files = linkable(sharded)
    named = set(json.loads((sharded / f"{WEIGHTS}.index.json").read_text())["weight_map"].values())
    assert {file.name for file in files} == {*named, f"{WEIGHTS}.index.json"} and len(named) > 1
    (tmp_path / "out").mkdir()
    link_weights(files, tmp_path / "out")
    assert all((tmp_path / "out" / file.name).samefile(file) for file in files)
    next(iter(files)).unlink()
    assert linkable(sharded) == [], "a base that lacks a file is not linked"


def test_on_another_file_system_the_link_is_symbolic(foreign: Path, tmp_path: Path) -> None:
    shared = Path("/dev/shm")
    if not shared.is_dir() or shared.stat().st_dev == tmp_path.stat().st_dev:
        pytest.skip("there is no second file system")
    elsewhere = shared / f"{tmp_path.name}-linked"
    shutil.copytree(foreign, elsewhere)
    try:
        ready = prepare_base(elsewhere, tmp_path / "ready")
        assert (ready / WEIGHTS).is_symlink() and (ready / WEIGHTS).samefile(elsewhere / WEIGHTS)
        check_folder(ready)
    finally:
        shutil.rmtree(elsewhere)


def test_a_base_that_does_not_state_its_type_is_copied(foreign: Path, tmp_path: Path) -> None:
    config = json.loads((foreign / "config.json").read_text())
    config.pop("dtype")
    (foreign / "config.json").write_text(json.dumps(config))
    ready = prepare_base(foreign, tmp_path / "ready")
    assert not (ready / WEIGHTS).samefile(foreign / WEIGHTS)
    assert json.loads((ready / "config.json").read_text())["dtype"] == "float32"
