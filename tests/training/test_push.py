"""Model cards, and pushing policies and data sets to a hub on this machine."""

import json
from collections.abc import Iterator
from pathlib import Path

import pytest
from typer.testing import CliRunner, Result

from posttrain import cli, sft
from posttrain.core.jobs import SftJob
from posttrain.hub.parcel import pack
from synth.cli.app import app
from synth.errors import UserError
from synth.store.checkpoints import Checkpoint
from synth.store.model_card import model_card, write_model_cards
from synth.store.seals import SUMS
from synth.training_config import LoraConfig, SftConfig
from tests.training.hub_server import TOKEN, LocalHub, local_hub
from tests.training.tiny import chat_rows


@pytest.fixture(scope="module")
def trained(policy: Path, tmp_path_factory: pytest.TempPathFactory) -> Checkpoint:
    run = tmp_path_factory.mktemp("runs") / "small"
    run.mkdir()
    (run / "rows.jsonl").write_text("".join(json.dumps(row) + "\n" for row in chat_rows(12)))
    job = SftJob(
        name="coarse",
        policy=str(policy),
        data=(str(run / "rows.jsonl"),),
        output=str(run / "checkpoints" / "coarse"),
        config=SftConfig(lora=LoraConfig(rank=2), max_steps=1, eval_share=0.2, eval_steps=1),
    )
    return sft.train(job)


@pytest.fixture
def hub(monkeypatch: pytest.MonkeyPatch) -> Iterator[LocalHub]:
    from huggingface_hub import constants

    with local_hub() as found:
        monkeypatch.setenv("HF_TOKEN", TOKEN)
        monkeypatch.setattr(constants, "ENDPOINT", found.address)
        monkeypatch.setattr(constants, "HF_HUB_OFFLINE", False)
        monkeypatch.setattr(constants, "HF_HUB_DISABLE_XET", True)  # the server speaks Git LFS
        yield found


assert cli  # its import registers the commands


def run(*arguments: str) -> Result:
    return CliRunner().invoke(app, ["push", *arguments])


def test_a_push_is_private_and_brings_what_a_user_needs_in_one_commit(
    trained: Checkpoint, hub: LocalHub
) -> None:
    done = run(str(trained.folder), "--to", "someone/small")
    assert done.exit_code == 0, done.output
    repository = hub.repositories["model", "someone/small"]
    assert repository.private
    merged = {path.name for path in trained.merged.iterdir() if path.name != "hashes.json"}
    assert set(repository.files) == merged | {"README.md"}
    assert repository.files["model.safetensors"] == (trained.merged / "model.safetensors").read_bytes()
    assert TOKEN not in done.output and "model.safetensors" in done.output


def test_an_interrupted_push_goes_on_without_sending_a_file_twice(trained: Checkpoint, hub: LocalHub) -> None:
    assert trained.adapter is not None
    folder = trained.folder
    assert run(str(folder), "--to", "someone/small").exit_code == 0
    sent = dict(hub.puts)
    again = run(str(folder), "--to", "someone/small")
    assert again.exit_code == 0 and dict(hub.puts) == sent
    hub.refused_puts = 1
    stopped = run(str(folder), "--adapter", "--to", "someone/other")
    assert stopped.exit_code != 0 and not hub.repositories["model", "someone/other"].files
    assert run(str(folder), "--adapter", "--to", "someone/other").exit_code == 0
    files = hub.repositories["model", "someone/other"].files
    assert files["adapter_model.safetensors"] == (trained.adapter / "adapter_model.safetensors").read_bytes()


def test_a_public_repository_is_not_filled_unasked(trained: Checkpoint, hub: LocalHub) -> None:
    assert run(str(trained.folder), "--to", "someone/open", "--public").exit_code == 0
    assert not hub.repositories["model", "someone/open"].private
    before = dict(hub.repositories["model", "someone/open"].files)
    refused = run(str(trained.folder), "--to", "someone/open", "--adapter")
    assert refused.exit_code != 0 and hub.repositories["model", "someone/open"].files == before


def test_data_sets_of_an_export_are_pushed_as_they_are(hub: LocalHub, tmp_path: Path) -> None:
    (tmp_path / "sft").mkdir()
    for name in ("README.md", SUMS, "sft/train.parquet"):
        (tmp_path / name).write_bytes(name.encode())
    assert run(str(tmp_path), "--to", "someone/rows").exit_code == 0
    files = hub.repositories["dataset", "someone/rows"].files
    assert files == {name: name.encode() for name in ("README.md", SUMS, "sft/train.parquet")}


def test_a_dry_run_lists_the_files_and_asks_nobody(
    trained: Checkpoint, hub: LocalHub, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("HF_TOKEN")
    done = run(str(trained.folder), "--to", "someone/small", "--dry-run")
    assert done.exit_code == 0 and "private model someone/small" in done.output
    assert not hub.repositories
    expected = sum(size for size in map(_size, pack(trained.folder).files.values()))
    assert f"{expected:,} bytes" in done.output


def _size(content: Path | bytes) -> int:
    return len(content) if isinstance(content, bytes) else content.stat().st_size


@pytest.mark.parametrize(
    ("token", "words"), [("", "needs a token of the hub"), ("hf_wrongWrongWrong", "the token is not valid")]
)
def test_a_missing_or_wrong_token_is_said_in_words(
    trained: Checkpoint,
    hub: LocalHub,
    monkeypatch: pytest.MonkeyPatch,
    tmp_path: Path,
    capsys: pytest.CaptureFixture[str],
    token: str,
    words: str,
) -> None:
    from huggingface_hub import constants

    monkeypatch.setattr(constants, "HF_TOKEN_PATH", str(tmp_path / "none"))
    monkeypatch.setenv("HF_TOKEN", token)
    done = run(str(trained.folder), "--to", "someone/small")
    assert done.exit_code != 0
    said = done.output + done.stderr
    assert words in said and (not token or token not in said)


def test_another_folder_is_refused(tmp_path: Path) -> None:
    with pytest.raises(UserError, match="neither a finished policy nor an export"):
        pack(tmp_path)


# --- the card -----------------------------------------------------------------------------------------------


def test_the_card_says_how_the_policy_came_about_and_names_no_path(trained: Checkpoint) -> None:
    manifest = trained.manifest
    run_folder = trained.folder.parents[1]
    scores = {"questions": 9, "pass_at": {"1": {"value": 0.5, "low": 0.25, "high": 0.75}}}
    (run_folder / "eval").mkdir(exist_ok=True)
    (run_folder / "eval" / "a.json").write_text(
        json.dumps({"suite": "held-out", "fingerprint": manifest.fingerprint, "total": scores})
    )
    write_model_cards(run_folder)
    card = (trained.folder / "README.md").read_text()
    assert card == model_card(trained)
    assert f"`{manifest.data_hash}`" in card and f"`{manifest.fingerprint}`" in card
    assert "| coarse | held-out | pass@1 | 9 | 50.0 | 25.0 to 75.0 |" in card
    assert manifest.best is not None and f"{manifest.best['eval_loss']:.4f}" in card
    assert str(run_folder) not in card and manifest.parent not in card
    assert card.startswith("---\nlicense: other\n") and "lora" in card
