"""Exports: each layout is read back by what its reader says it must be."""

import json
from pathlib import Path
from typing import Any

import pytest
import yaml

from synth.errors import UserError
from synth.products import BY_NAME
from synth.recipe.decontamination_rule import rule_words
from synth.records import Decision, Message
from synth.store.export import ExportFormat, export
from synth.store.products import write_product
from synth.store.run_folder import RunFolder
from synth.store.shards import StageCommit
from tests.store.small_run import GOOD, SAMPLE, build_small_run, identity
from tests.store.small_run import row as index_row


@pytest.fixture
def run(tmp_path: Path) -> Path:
    return build_small_run(tmp_path)


def lines(path: Path) -> list[dict[str, Any]]:
    return [json.loads(line) for line in path.read_text(encoding="utf-8").splitlines()]


def test_the_datasets_folder_loads_with_its_configurations(run: Path, tmp_path: Path) -> None:
    datasets = pytest.importorskip("datasets")
    out = tmp_path / "out"
    assert export(run, ExportFormat.DATASETS, out).counts == {"sft": 1, "pairs": 1, "fim": 1}
    cache = str(tmp_path / "cache")
    assert set(datasets.get_dataset_config_names(str(out))) == {"sft", "pairs", "fim"}
    sft = datasets.load_dataset(str(out), "sft", split="train", cache_dir=cache)
    assert sft[0]["prompt"] == [{"role": "user", "content": "Double a number. 加倍"}]
    assert sft[0]["completion"] == [{"role": "assistant", "content": GOOD.code}]
    pairs = datasets.load_dataset(str(out), "pairs", split="train", cache_dir=cache)
    assert {"prompt", "chosen", "rejected"} <= set(pairs.column_names)
    assert datasets.load_dataset(str(out), "fim", split="train", cache_dir=cache)[0]["text"].startswith(
        "<|fim_prefix|>"
    )
    assert datasets.load_dataset(str(out), split="train", cache_dir=cache).column_names == sft.column_names


def test_json_lines_load_too(run: Path, tmp_path: Path) -> None:
    datasets = pytest.importorskip("datasets")
    export(run, ExportFormat.JSONL, tmp_path / "out")
    rows = datasets.load_dataset(
        "json",
        data_files=str(tmp_path / "out" / "pairs.jsonl"),
        split="train",
        cache_dir=str(tmp_path / "cache"),
    )
    assert rows[0]["chosen"][0]["content"] == GOOD.code


def test_llama_factory_rows_alternate_human_and_gpt_as_its_converter_asks(run: Path, tmp_path: Path) -> None:
    with_system = SAMPLE.model_copy(
        update={"id": "sample-0", "prompt": (Message(role="system", content="Be brief."), *SAMPLE.prompt)}
    )
    write_product(run, BY_NAME["sft"], "r2", [with_system])
    out = tmp_path / "out"
    export(run, ExportFormat.LLAMA_FACTORY, out)
    info = json.loads((out / "dataset_info.json").read_text())
    assert set(info) == {"small_sft", "small_pairs", "small_fim"}
    for name, entry in info.items():
        rows = lines(out / entry["file_name"])
        assert rows
        for row in rows:
            assert set(entry["columns"].values()) <= row.keys(), name
            if entry.get("formatting") == "sharegpt":
                speakers = [turn["from"] for turn in row[entry["columns"]["messages"]]]
                assert all(speaker == ("human", "gpt")[place % 2] for place, speaker in enumerate(speakers))
                assert len(speakers) % 2 == (1 if entry.get("ranking") else 0)
    assert lines(out / "sft.jsonl")[0]["system"] == "Be brief."
    pair = lines(out / "pairs.jsonl")[0]
    assert pair["chosen"] == {"from": "gpt", "value": GOOD.code}
    assert pair["rejected"]["from"] == "gpt"
    assert info["small_pairs"]["ranking"] is True
    assert info["small_fim"]["columns"] == {"prompt": "text"}


def test_axolotl_configs_name_files_and_fields_that_exist(run: Path, tmp_path: Path) -> None:
    out = tmp_path / "out"
    export(run, ExportFormat.AXOLOTL, out)
    sft, dpo = (yaml.safe_load((out / name).read_text()) for name in ("sft.yaml", "dpo.yaml"))
    assert [entry["type"] for entry in sft["datasets"]] == ["chat_template", "completion"]
    assert (dpo["rl"], dpo["datasets"][0]["type"]) == ("dpo", "chat_template.default")
    for entry in [*sft["datasets"], *dpo["datasets"]]:
        row = lines(out / entry["path"])[0]
        assert {value for key, value in entry.items() if key.startswith("field")} <= row.keys()
    assert lines(out / "sft.jsonl")[0]["messages"][-1] == {"role": "assistant", "content": GOOD.code}
    assert lines(out / "pairs.jsonl")[0]["rejected"]["role"] == "assistant"


def test_a_row_that_several_data_sets_hold_is_exported_once(run: Path, tmp_path: Path) -> None:
    write_product(run, BY_NAME["sft"], "r1-fine", [SAMPLE])
    assert export(run, ExportFormat.JSONL, tmp_path / "out").counts["sft"] == 1


def test_the_card_has_a_valid_header_and_says_what_is_known(run: Path, tmp_path: Path) -> None:
    export(run, ExportFormat.DATASETS, tmp_path / "out")
    card = (tmp_path / "out" / "README.md").read_text(encoding="utf-8")
    _, header, body = card.split("---\n", 2)
    parsed = yaml.safe_load(header)
    assert parsed["license"] == "apache-2.0"
    assert parsed["language"] == ["en"]
    assert parsed["size_categories"] == ["n<1K"]
    assert parsed["configs"][0] == {
        "config_name": "sft",
        "default": True,
        "data_files": [{"split": "train", "path": "sft/train.parquet"}],
    }
    for part in (
        "| pocket | Apache-2.0 | 1 |",
        "| sft | reference | 1 |",
        "## Flipped pairs\n\nNot measured.",
        "`@heldout`",
        "wrong_answer 1",
    ):
        assert part in body, part
    assert "no unit breaks it" in body


def test_the_card_states_the_rule_of_decontamination_and_its_evidence(run: Path, tmp_path: Path) -> None:
    evidence = {
        "entry": "Bench/7",
        "side": "code",
        "measure": "runs",
        "share": 0.91,
        "matched": "return V0 + 31",
    }
    found = index_row(
        "fim", "fim-9c", Decision.REJECTED, "contaminated", evidence=json.dumps(evidence), shard="0001"
    )
    commits = StageCommit(run)
    commits.record_entered("fim", 1, "0001", ["fim-9c"])
    commits.commit("fim", 1, "0001", [found], [])
    export(run, ExportFormat.DATASETS, tmp_path / "out")
    card = (tmp_path / "out" / "README.md").read_text(encoding="utf-8")
    assert "50% of its 8-grams of tokens" in card
    assert "words in a row" not in card
    assert "1 units were removed" in card
    assert "| fim | code | 1 |" in card
    assert "| fim-9c | Bench/7 | runs | 0.91 | return V0 + 31 |" in card


def test_the_card_of_the_reports_rule_states_that_one() -> None:
    assert rule_words("report", 13) == "A unit leaves when it shares 13 words in a row with an entry."


def test_the_hub_library_accepts_the_card(run: Path, tmp_path: Path) -> None:
    hub = pytest.importorskip("huggingface_hub")
    export(run, ExportFormat.DATASETS, tmp_path / "out")
    card = hub.DatasetCard.load(tmp_path / "out" / "README.md")
    assert card.data.to_dict()["task_categories"] == ["text-generation"]


def test_a_measured_flip_rate_is_written_to_the_card(run: Path, tmp_path: Path) -> None:
    (run / "eval").mkdir()
    (run / "eval" / "flip_rate.json").write_text(
        '{"flip_rate": 0.0125, "accepted": 800, "flipped": 10, "pairs": 400, "confirmed": 390}'
    )
    export(run, ExportFormat.JSONL, tmp_path / "out")
    card = (tmp_path / "out" / "README.md").read_text()
    assert "Of 800 programs that pass the other half, 1.25% fail a hidden test" in card
    assert "Of 400 pairs whose rejected program met hidden tests, 390 are confirmed" in card


def test_two_exports_of_one_run_are_the_same_bytes(run: Path, tmp_path: Path) -> None:
    for format in ExportFormat:
        for name in ("a", "b"):
            export(run, format, tmp_path / format / name)
        first, second = (
            {p.name: p.read_bytes() for p in (tmp_path / format / n).rglob("*") if p.is_file()}
            for n in ("a", "b")
        )
        assert first == second


def test_a_folder_with_something_in_it_is_not_written_into(run: Path, tmp_path: Path) -> None:
    (tmp_path / "out").mkdir()
    (tmp_path / "out" / "mine.txt").write_text("mine")
    with pytest.raises(UserError, match="must be new or empty, but already exists"):
        export(run, ExportFormat.JSONL, tmp_path / "out")
    assert [path.name for path in (tmp_path / "out").iterdir()] == ["mine.txt"]


def test_a_run_without_data_sets_cannot_be_exported(tmp_path: Path) -> None:
    with RunFolder.create_or_resume(tmp_path, "r", identity()) as empty:
        pass
    with pytest.raises(UserError, match="has no data sets yet"):
        export(empty.path, ExportFormat.JSONL, tmp_path / "out")
    assert not (tmp_path / "out").exists()


@pytest.mark.parametrize("format", list(ExportFormat))
def test_a_product_without_rows_is_neither_written_nor_named(
    run: Path, tmp_path: Path, format: ExportFormat
) -> None:
    for path in (run / "pairs").glob("*.parquet"):
        path.unlink()
    write_product(run, BY_NAME["pairs"], "r1", [])
    out = tmp_path / "out"
    assert set(export(run, format, out).counts) == {"sft", "fim"}
    names = {path.name for path in out.rglob("*")}
    assert not names & {"pairs", "pairs.jsonl", "dpo.yaml"}
    pages = [path for path in out.rglob("*") if path.suffix in (".md", ".json", ".yaml")]
    assert not any("pairs" in page.read_text(encoding="utf-8") for page in pages)


def test_a_run_whose_products_are_all_empty_has_nothing_to_export(run: Path, tmp_path: Path) -> None:
    for product in BY_NAME.values():
        for path in (run / product.name).glob("*.parquet"):
            path.unlink()
        write_product(run, product, "r1", [])
    with pytest.raises(UserError, match="no data sets yet"):
        export(run, ExportFormat.JSONL, tmp_path / "out")
