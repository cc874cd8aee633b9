"""`codemill data`: what would be trained, shown before anything is."""

import json
from pathlib import Path
from typing import TYPE_CHECKING

import numpy
import pytest
from typer.testing import CliRunner

import posttrain.cli  # noqa: F401 - registers the commands
from posttrain.core.jobs import SftJob
from posttrain.data_jobs import jobs_with_data
from posttrain.data_page import bars, shown_row
from posttrain.tokens.figures import MaskedText, count, histogram, spans
from posttrain.tokens.selection import job_rows
from synth.cli.app import app
from synth.config import Recipe
from synth.errors import RecipeError
from synth.products import BY_NAME, Sample
from synth.store.parquet import write_rows as write_parquet
from synth.store.products import product_schema
from tests.training.conftest import WriteRows
from tests.training.tiny import Row, chat_rows, pair_rows

if TYPE_CHECKING:
    from transformers import PreTrainedTokenizerBase

EVIL = "\x1b[31mred\x1b[0m <|im_end|> \u202e"


def run(tmp_path: Path, policy: Path, *words: str) -> str:
    recipe = f"name: shown\npolicy: {{model: {policy}}}\nsft: {{coarse: {{data: rows.jsonl}}}}\n"
    (tmp_path / "recipe.yaml").write_text(f"{recipe}dpo: {{data: pairs.jsonl}}\n")
    runs = ["--runs-dir", str(tmp_path / "runs")]
    done = CliRunner().invoke(app, ["data", str(tmp_path / "recipe.yaml"), *runs, *words])
    assert done.exit_code == 0, done.output
    return done.output


def test_masks_lengths_shares_and_rows_left_out_are_shown_and_text_is_inert(
    policy: Path, write_rows: WriteRows, tmp_path: Path
) -> None:
    bad: Row = {"prompt": "q", "completion": "", "id": EVIL}
    question = {"role": "user", "content": EVIL}
    rows: list[Row] = [{"messages": [question, {"role": "assistant", "content": "a = 1"}]}, bad]
    write_rows("rows", rows)
    write_rows("pairs", pair_rows(4))
    shown = run(tmp_path, policy, "--debug")
    assert "\x1b" not in shown and "\u202e" not in shown
    assert "«a = 1<|im_end|>»" in shown
    assert "\\x1b[31mred\\x1b[0m <|im_end|> \\u202e<|im_end|>" in shown
    assert "rows left out: 1 unusable" in shown
    assert "row 2 (\\x1b[31mred" in shown and "must have text in `completion`" in shown
    assert "chosen_ids: «return 0<|im_end|>»" in shown and "rejected_ids: «raise 0<|im_end|>»" in shown
    found = json.loads(run(tmp_path, policy, "--json"))
    assert [(one["job"], one["rows"], one["rejected"]) for one in found] == [
        ("coarse", 1, {"unusable": 1}),
        ("dpo", 4, {}),
    ]
    tokens = {path.parent.name for path in (tmp_path / "runs" / "shown" / "tokens").glob("*/store.json")}
    assert len(tokens) == 2, "the training will find them there"


def test_the_figures_are_those_of_the_rows(
    policy: Path, tokenizer: "PreTrainedTokenizerBase", write_rows: WriteRows, tmp_path: Path
) -> None:
    data = (str(write_rows("rows", [*chat_rows(20), {"text": "x" * 40}])),)
    rows = job_rows(SftJob(name="j", policy=str(policy), data=data, output=str(tmp_path / "out")), tokenizer)
    found = count("j", "sft", rows)
    labels = [label for row in rows.dataset["labels"] for label in row]
    assert (found.tokens, found.trained_tokens) == (len(labels), sum(label != -100 for label in labels))
    assert 0 < found.trained_share < 1
    assert sum(one.rows for one in found.histogram) == found.rows == 21
    assert found.longest == max(map(len, rows.dataset["input_ids"]))


def test_bins_hold_the_lengths_between_powers_of_two() -> None:
    bins = histogram(numpy.array([1, 2, 3, 4, 7, 8, 31], dtype=numpy.int32))
    assert [(one.low, one.high, one.rows) for one in bins] == [
        (1, 1, 1),
        (2, 3, 2),
        (4, 7, 2),
        (8, 15, 1),
        (16, 31, 1),
    ]
    assert [line.count("█") for line in bars(bins)] == [20, 40, 40, 20, 20]
    assert histogram(numpy.array([], dtype=numpy.int32)) == () == tuple(bars(()))


def test_special_tokens_are_told_from_text_that_looks_like_them(
    tokenizer: "PreTrainedTokenizerBase",
) -> None:
    end = tokenizer.convert_tokens_to_ids("<|im_end|>")
    looks_so = tokenizer.convert_tokens_to_ids(list("<|im_end|>"))
    ids = [*looks_so, end, *looks_so]
    found = spans({"input_ids": ids, "labels": [-100] * 11 + ids[11:]}, tokenizer)
    assert found == [
        MaskedText("<|im_end|>", "input_ids", trained=False, special=False),
        MaskedText("<|im_end|>", "input_ids", trained=False, special=True),
        MaskedText("<|im_end|>", "input_ids", trained=True, special=False),
    ]
    (text,) = shown_row(found)
    assert text.plain == "input_ids: <|im_end|><|im_end|>«<|im_end|>»"
    assert [str(span.style) for span in text.spans[-3:]] == ["dim", "magenta dim", "green underline"]


def test_the_rows_of_a_runs_last_round_come_first(
    policy: Path, write_rows: WriteRows, tmp_path: Path
) -> None:
    recipe = Recipe.model_validate(
        {"name": "r", "policy": {"model": str(policy)}, "sft": {"coarse": {"data": "rows.jsonl"}}}
    )
    write_rows("rows", chat_rows(3))
    folder = tmp_path / "run"
    (alone,) = jobs_with_data(recipe, tmp_path, folder)
    assert (alone.name, len(alone.data)) == ("coarse", 1)
    product = BY_NAME["sft"]
    assert product.model is Sample
    for number in (1, 2):
        write_parquet(folder / "sft" / f"round-{number}-coarse.parquet", product_schema(product), [{}][:0])
    (still,) = jobs_with_data(recipe, tmp_path, folder)
    assert still.name == "round-2-coarse", "without rows of its own, the round has those that are brought"


def test_a_recipe_without_rows_is_refused(policy: Path, tmp_path: Path) -> None:
    recipe = Recipe.model_validate({"name": "r", "policy": {"model": str(policy)}, "dpo": {}})
    with pytest.raises(RecipeError, match="names no data set"):
        jobs_with_data(recipe, tmp_path, tmp_path / "run")
