"""Every number that is a link leads to exactly so many rows, and what a run accepted is what it trains on."""

import html
import json
import re
from pathlib import Path

import pytest
from starlette.testclient import TestClient

from synth.inspector.exporting import training_rows
from synth.inspector.filter_language import UnitFilter
from synth.inspector.library import Library, read_library
from synth.inspector.queries.family import family_of
from synth.inspector.queries.runs import summarize
from synth.inspector.queries.unit import read_unit
from synth.inspector.web.app import create_app
from synth.inspector.web.rendering import in_words, percent
from synth.products import BY_NAME, PRODUCTS, FimSample
from synth.records import Decision
from synth.stages.correct import RepairRowStage
from synth.stages.fim import FimStage
from synth.stages.label import LabelStage
from synth.stages.pair import PairStage
from synth.store.lineage import lineage
from synth.store.run_folder import RunFolder
from tests.inspector.shown_run import build_shown_run
from tests.store.small_run import SAMPLE, commit, identity, row

_LINK = re.compile(
    r'<a (?:class="(?:count|chip)" )?href="(?P<to>[^"]*/units\?[^"]*)"[^>]*>(?P<words>.*?)</a>', re.DOTALL
)


def followed(client: TestClient, address: str) -> list[tuple[str, int, int]]:
    """The links of a page whose words end with a number: where to, the number, and the rows there."""
    found = []
    for link in _LINK.finditer(client.get(address).text):
        number = re.search(r"([\d,]+)$", re.sub(r"<[^>]+>", "", link["words"]).strip())
        if number:
            to = html.unescape(link["to"])
            counted = client.get(to.replace("/units?", "/units.json?")).json()["counted"]
            found.append((to, int(number[1].replace(",", "")), counted["count"]["found"]))
    return found


@pytest.fixture(scope="module")
def client(tmp_path_factory: pytest.TempPathFactory) -> TestClient:
    run = build_shown_run(tmp_path_factory.mktemp("runs"), seeds=12)
    return TestClient(create_app(Library([run])), base_url="http://127.0.0.1:8000")


@pytest.mark.parametrize(
    ("address", "fewest"),
    [
        ("/runs/harvest", 90),
        ("/runs/harvest?round=2", 60),
        ("/runs/harvest/reasons", 12),
        ("/runs/harvest/reasons/wrong_answer", 3),
    ],
)
def test_every_number_leads_to_so_many_rows(client: TestClient, address: str, fewest: int) -> None:
    links = followed(client, address)
    assert len(links) >= fewest
    assert [one for one in links if one[1] != one[2]] == []


def test_failures_that_look_alike_are_found_by_a_word(client: TestClient) -> None:
    (query, most, _) = next(one for one in followed(client, "/runs/harvest") if "failure%3A" in one[0])
    rows = client.get(query.replace("/units?", "/units.json?")).json()["found"]["rows"]
    assert most > 1 and all(one["decision"] == "rejected" for one in rows)


# --- what a stage beside the flow turns away ----------------------------------------------------------------


@pytest.fixture
def sampled(tmp_path: Path) -> Path:
    """A run whose one sample every filter kept, and of which the stage of FIM made nothing."""
    with RunFolder.create_or_resume(tmp_path, "sampled", identity()) as run:
        run.declare_stages(("select", "exact_dedup", "fim"))
        commit(run, [row("select", SAMPLE.solution_id)], [SAMPLE])
        commit(run, [row("exact_dedup", SAMPLE.id)])
        commit(run, [row("fim", SAMPLE.id, Decision.REJECTED, "no_fim_span")])
    return run.path


def test_a_sample_of_which_no_fim_row_was_made_is_accepted(sampled: Path) -> None:
    library = read_library([sampled])
    run = library.runs[0]
    (accepted,) = summarize(library, run).accepted
    assert (accepted.product, accepted.count, accepted.stage) == ("sft", 1, "exact_dedup")
    unit = read_unit(library, run, SAMPLE.id)
    assert unit.final is not None and unit.final.decision is Decision.KEPT
    assert [one.reason for one in unit.asides] == ["no_fim_span"]
    family = family_of(library, run, SAMPLE.solution_id, "solution", None)
    assert [one.decision for generation in family.descendants for one in generation.units] == ["kept"]
    assert lineage(sampled, SAMPLE.id).nodes[SAMPLE.id]["decision"] == "kept"


def test_it_is_among_the_training_rows(sampled: Path) -> None:
    library = read_library([sampled])
    rows = list(training_rows(library, library.runs[0], UnitFilter(), BY_NAME["sft"]))
    assert [one["id"] for one in rows] == [SAMPLE.id]


def test_stages_beside_the_flow_are_those_that_make_the_product() -> None:
    makers = {stage.name: stage.makes for stage in (PairStage, FimStage, LabelStage, RepairRowStage)}
    for product in PRODUCTS:
        if product.side_stage:
            assert product.model in makers.pop(product.side_stage)
    assert makers == {}
    assert BY_NAME["fim"].model is FimSample


# --- how numbers are written --------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("part", "whole", "words"),
    [(0, 9, "0%"), (1, 9000, "<0.1%"), (8999, 9000, ">99.9%"), (9, 9, "100%"), (1, 0, "–"), (1, 8, "12.5%")],
)
def test_only_nothing_is_no_percent_and_only_all_is_a_hundred(part: int, whole: int, words: str) -> None:
    assert percent(part, whole) == words


@pytest.mark.parametrize(
    ("code", "words"),
    [
        ("wrong_answer", "wrong answer"),
        ("cpu_s", "cpu (s)"),
        ("peak_memory_mb", "peak memory (MB)"),
        ("s", "s"),
    ],
)
def test_a_name_is_shown_with_its_unit(code: str, words: str) -> None:
    assert in_words(code) == words


def test_what_has_nothing_to_show_of_a_source_is_no_tab(tmp_path: Path) -> None:
    answer = {
        "row": 1,
        "key": "k",
        "id": "a",
        "verdict": "pass",
        "passed": 1,
        "total": 1,
        "language": "python",
    }
    (tmp_path / "answers.jsonl").write_text(json.dumps(answer) + "\n")
    client = TestClient(create_app(Library([tmp_path / "answers.jsonl"])), base_url="http://127.0.0.1:8000")
    shown = client.get("/runs/answers.jsonl")
    assert "/runs/answers.jsonl/units" in shown.text and "/runs/answers.jsonl/training" not in shown.text
    summary = client.get("/runs/answers.jsonl.json").json()["run"]["summary"]
    assert [(one["kind"], one["count"]) for one in summary["accepted"]] == [("answer", 1)]
