"""Lineage: from the seed to the checkpoint, by what was recorded."""

from pathlib import Path

import pytest

from synth.errors import UserError
from synth.store.lineage import lineage
from tests.store.small_run import build_small_run

GOOD_VERDICT, BAD_VERDICT = "verdict of solution-3c", "verdict of solution-4d"


@pytest.fixture
def run(tmp_path: Path) -> Path:
    return build_small_run(tmp_path)


def test_a_pair_leads_back_to_its_seed_and_on_to_the_checkpoint(run: Path) -> None:
    graph = lineage(run, "pair-7a")
    assert set(graph.edges) == {
        ("seed-1a", "task-2b"),
        ("task-2b", "solution-3c"),
        ("task-2b", "solution-4d"),
        ("solution-3c", GOOD_VERDICT),
        ("solution-4d", BAD_VERDICT),
        (GOOD_VERDICT, "pair-7a"),
        (BAD_VERDICT, "pair-7a"),
        ("pair-7a", "checkpoint r1-dpo"),
    }
    assert graph.graph["focus"] == "pair-7a"


def test_a_solution_shows_all_its_descendants_and_not_its_siblings(run: Path) -> None:
    graph = lineage(run, "3c")
    assert set(graph.nodes) == {
        "seed-1a",
        "task-2b",
        "solution-3c",
        GOOD_VERDICT,
        "sample-6f",
        "pair-7a",
        "fim-8b",
        "checkpoint r1-sft",
        "checkpoint r1-dpo",
    }
    assert set(graph.successors("sample-6f")) == set(graph.successors("fim-8b")) == {"checkpoint r1-sft"}


def test_a_rejected_solution_says_why_it_went_no_further(run: Path) -> None:
    graph = lineage(run, "solution-5e")
    assert graph.nodes["solution-5e"]["reason"] == "toolchain_missing"
    assert graph.nodes["solution-5e"]["decision"] == "failed"
    assert graph.nodes["verdict of solution-5e"]["outcome"] == "toolchain_missing"
    assert list(graph.successors("verdict of solution-5e")) == []


def test_the_seed_reaches_every_unit_that_grew_from_it(run: Path) -> None:
    graph = lineage(run, "seed-1a")
    assert {kind for _, kind in graph.nodes(data="kind")} == {
        "seed",
        "task",
        "solution",
        "verdict",
        "sample",
        "pair",
        "fim",
        "checkpoint",
    }
    assert [node for node in graph if graph.in_degree(node) == 0] == ["seed-1a"]


def test_a_checkpoint_that_was_trained_on_other_rows_is_not_named(run: Path) -> None:
    assert "checkpoint r1-dpo" not in lineage(run, "sample-6f")


def test_the_lineage_of_an_unknown_id_is_a_user_error(run: Path) -> None:
    with pytest.raises(UserError, match="nearest"):
        lineage(run, "pair-zz")
