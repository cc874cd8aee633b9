"""The card of an export: what it says about rows, making, errors and cost, and what it keeps to itself."""

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import yaml

from synth.products import BY_NAME
from synth.store.card_making import public_recipe
from synth.store.export import ExportFormat, export
from synth.store.figures import FIGURES
from synth.store.products import write_product
from synth.store.seals import seal_line
from tests.store.small_run import SAMPLE, build_small_run

Card = Callable[[ExportFormat], str]


@pytest.fixture
def run(tmp_path: Path) -> Path:
    return build_small_run(tmp_path)


@pytest.fixture
def card(run: Path, tmp_path: Path) -> Card:
    def read(format_: ExportFormat = ExportFormat.DATASETS) -> str:
        export(run, format_, tmp_path / "out")
        return (tmp_path / "out" / "README.md").read_text(encoding="utf-8")

    return read


def write_figures(run: Path, *lines: dict[str, Any]) -> None:
    (run / FIGURES).parent.mkdir(exist_ok=True)
    (run / FIGURES).write_bytes(b"".join(seal_line(json.dumps(line)) for line in lines))


def test_rows_are_counted_by_kind_shape_and_difficulty(run: Path, card: Card) -> None:
    asked = {"asks": "repair", "shape": "docstring", "licence": "MIT", "pass_rate": 0.2}
    other = SAMPLE.model_copy(update={"id": "sample-7g", **asked})
    write_product(run, BY_NAME["sft"], "r2", [other])
    text = card(ExportFormat.JSONL)
    assert "| sft | kind of task | repair 1, write 1 |" in text
    assert (
        "| sft | shape | docstring 1, plain 1 |" in text or "| sft | shape | plain 1, docstring 1 |" in text
    )
    assert "hard: up to 25% 1" in text
    assert "`prompt` messages" in text


def test_the_commands_make_the_same_layout_from_the_recipe_that_lies_beside_it(
    card: Card, tmp_path: Path
) -> None:
    text = card(ExportFormat.LLAMA_FACTORY)
    assert "codemill run recipe.yaml" in text
    assert "--format llama-factory" in text
    recipe = yaml.safe_load((tmp_path / "out" / "recipe.yaml").read_text(encoding="utf-8"))
    assert isinstance(recipe, dict)


def test_error_rates_come_with_their_interval(run: Path, card: Card) -> None:
    write_figures(
        run, {"accepted": 200, "accepted_wrong": 4, "instructions_read": 90, "instructions_wrong": 1}
    )
    text = card(ExportFormat.JSONL)
    assert "4 of 200 are wrong, 2.00% [0.78%, 5.03%]" in text
    assert "Of 90 instructions that can be read back, 1 do not say what their seed does." in text


def test_error_rates_that_nobody_measured_are_said_to_be_so(card: Card) -> None:
    assert "## Errors of the verifier\n\nNot measured in this run" in card(ExportFormat.JSONL)


def test_cost_counts_all_processes_of_a_run_once(run: Path, card: Card) -> None:
    tokens = {"prompt_tokens": 10, "completion_tokens": 20, "reasoning_tokens": 5, "usd": 0.5}
    first = {"seconds": 100.0, "requests_sent": 7, "requests_from_journal": 0, "tokens": {"engine": tokens}}
    again = {
        "seconds": 20.5,
        "requests_sent": 3,
        "requests_from_journal": 7,
        "tokens": {"engine": tokens | {"completion_tokens": 30}},
    }
    write_figures(run, first, again)
    text = card(ExportFormat.JSONL)
    assert "120 s of running, trainings and evaluations included; 10 requests, and 7 answered" in text
    assert "| engine | 10 | 30 | 5 | 0.5 |" in text


def test_a_recipe_for_others_names_no_path_no_header_and_no_password() -> None:
    recipe = {
        "data": {"seeds": {"paths": ["/home/me/trees/Python", "trees/Go", "~/x"]}},
        "engine": {
            "base_url": "https://me:secret@host:8000/v1?key=abc",
            "api_key_env": "KEY",
            "request": {"headers": {"Authorization": "Bearer abc"}},
        },
        "seed": 3,
    }
    assert public_recipe(recipe) == {
        "data": {"seeds": {"paths": ["Python", "trees/Go", "x"]}},
        "engine": {
            "base_url": "https://host:8000/v1",
            "api_key_env": "KEY",
            "request": {"headers": {"Authorization": "***"}},
        },
        "seed": 3,
    }
