"""The pages of runs, a run and its units: runs in every state, hostile texts, and what the records say."""

import json
import re
from pathlib import Path
from urllib.parse import quote

import pytest
from starlette.testclient import TestClient

from synth.inspector.library import Library
from synth.inspector.web.app import create_app
from synth.records import Decision
from synth.store.run_folder import RunFolder, write_info
from synth.store.seals import RUN_COPY, RUN_FILE
from tests.inspector.shown_run import build_shown_run
from tests.inspector.traced_run import build_traced_run
from tests.store.small_run import build_small_run, commit, identity, row

HOSTILE = "<script>alert(1)</script><img src=x onerror=alert(1)>\x1b[31m\x00\u202eevil\ufeff' \" {{ 7*7 }}"
_RAW = ("<script>", "<img", "\x1b", "\x00", "\u202e", "\ufeff", ">49<")


def open_client(*paths: Path) -> TestClient:
    """A client of the application over these runs."""
    return TestClient(create_app(Library(paths)), base_url="http://127.0.0.1:8000")


@pytest.fixture(scope="module")
def client(tmp_path_factory: pytest.TempPathFactory) -> TestClient:
    return open_client(build_shown_run(tmp_path_factory.mktemp("runs"), seeds=12))


def test_the_funnel_adds_up_in_words_and_every_number_leads_to_its_rows(client: TestClient) -> None:
    shown = client.get("/runs/harvest.json").json()
    for line in shown["funnel"]:
        assert line["entered"] == line["kept"] + line["rejected"] + line["failed"] + line["waiting"]
        losses = line["losses"]
        assert sum(losses.values()) == line["rejected"] + line["failed"]
        for word, count in (("", line["entered"]), (" decision:kept", line["kept"])):
            query = {"q": f"stage:{line['stage']}{word}"}
            found = client.get("/runs/harvest/units.json", params=query).json()
            assert found["counted"]["count"]["found"] == count
    assert "Nothing is lost without a reason." in client.get("/runs/harvest").text


def test_one_round_is_shown_alone_and_the_rounds_side_by_side(client: TestClient) -> None:
    first, second = (
        client.get("/runs/harvest.json", params={"round": round}).json()["funnel"] for round in (1, 2)
    )
    both = client.get("/runs/harvest.json").json()
    assert [a["entered"] + b["entered"] for a, b in zip(first, second, strict=True)] == [
        line["entered"] for line in both["funnel"]
    ]
    assert [one["round"] for one in both["side_by_side"][0]["rounds"]] == [1, 2]


def test_where_it_does_not_add_up_the_page_says_so(tmp_path: Path) -> None:
    with RunFolder.create_or_resume(tmp_path, "r", identity()) as run:
        run.commits.record_entered("solve", 1, "0000", ["solution-1", "solution-2"])
        run.commits.commit("solve", 1, "0000", [row("solve", "solution-1")], {})
    text = open_client(run.path).get("/runs/r").text
    assert "It does not add up" in text and "1 without a decision in finished shards" in text
    assert "Nothing is lost" not in text


def test_a_facet_adds_its_word_and_takes_it_away_again(client: TestClient) -> None:
    text = client.get("/runs/harvest/units", params={"q": "stage:execute -lang:go"}).text
    assert "q=stage%3Aexecute+-language%3Ago+language%3Arust" in text
    again = client.get("/runs/harvest/units", params={"q": "stage:execute language:rust"}).text
    assert '<a href="/runs/harvest/units?q=stage%3Aexecute" aria-current="true">' in again


@pytest.mark.parametrize(
    ("query", "said"),
    [
        ("nope:1", "names no field"),
        ('text:"open', "quotation mark"),
        ("ms>many", "needs a number"),
        ("lang:pythn", "Did you mean"),
    ],
)
def test_a_filter_that_cannot_be_read_is_explained(client: TestClient, query: str, said: str) -> None:
    answer = client.get("/runs/harvest/units", params={"q": query})
    assert answer.status_code == 200
    assert said in answer.text


@pytest.mark.parametrize(
    "query", ["limit=0", "limit=9999", "limit=x", "sort=sideways", "after=broken", "limit=" + "9" * 50]
)
def test_a_broken_address_is_explained(client: TestClient, query: str) -> None:
    answer = client.get(f"/runs/harvest/units?{query}")
    assert answer.status_code == 400
    assert "This page cannot be shown" in answer.text
    assert client.get(f"/runs/harvest/units.json?{query}").json()["problems"][0]["fix"]


def test_an_unknown_run_is_answered_with_the_nearest(client: TestClient) -> None:
    answer = client.get("/runs/harvets")
    assert answer.status_code == 404 and "harvest" in answer.text


def test_hostile_texts_of_a_run_are_inert_on_every_page(tmp_path: Path) -> None:
    made = identity(recipe={"name": HOSTILE, "policy": {"model": HOSTILE}})
    with RunFolder.create_or_resume(tmp_path, "hostile", made) as run:
        evidence = json.dumps({"first_failure": HOSTILE, HOSTILE: 1})
        lost = row(
            "execute", "solution-1", Decision.REJECTED, "wrong_answer", language=HOSTILE, evidence=evidence
        )
        unknown = row("execute", "solution-2", Decision.REJECTED, HOSTILE, evidence=HOSTILE)
        commit(run, [lost, unknown, row("execute", f"solution-{HOSTILE}", parents=(HOSTILE,))])
        run.finish(run.info.state, HOSTILE)
    client = open_client(run.path)
    for path in (
        "/runs",
        "/runs/hostile",
        "/runs/hostile/units",
        f"/runs/hostile/units?q={quote(HOSTILE)}",
        f"/runs/{quote(HOSTILE)}",
    ):
        answer = client.get(path)
        assert answer.status_code in (200, 404), path
        body = answer.text.partition("<main")[2]
        assert [raw for raw in _RAW if raw in body] == [], path


def test_a_run_of_ten_million_characters_in_one_evidence_is_shown_short(tmp_path: Path) -> None:
    with RunFolder.create_or_resume(tmp_path, "long", identity()) as run:
        evidence = json.dumps({"first_failure": "x" * 10_000_000})
        commit(run, [row("execute", "solution-1", Decision.REJECTED, "wrong_answer", evidence=evidence)])
    client = open_client(run.path)
    assert len(client.get("/runs/long").text) < 100_000
    assert len(client.get("/runs/long/units").text) < 100_000


def test_a_run_of_another_schema_an_empty_one_and_one_that_was_removed_have_pages(tmp_path: Path) -> None:
    old = build_small_run(tmp_path, "old")
    with RunFolder.create_or_resume(tmp_path, "empty", identity()) as empty:
        pass
    gone = build_small_run(tmp_path, "gone")
    with RunFolder.create_or_resume(tmp_path, "older", identity()) as older:
        info = older.info
    write_info(older.path, info.model_copy(update={"schema_version": 1}))
    client = open_client(old, empty.path, gone, older.path)
    gone.rename(tmp_path / "elsewhere")
    for name, said in (
        ("old", "Nothing is lost"),
        ("empty", "No unit has entered a stage yet"),
        ("gone", "unreadable"),
        ("older", "schema version 1"),
    ):
        answer = client.get(f"/runs/{name}")
        assert answer.status_code == 200 and said in answer.text, name
    assert client.get("/runs").text.count("<tr>") == 5


def test_a_damaged_file_and_a_broken_run_file_are_named_and_the_rest_is_shown(tmp_path: Path) -> None:
    run = build_small_run(tmp_path)
    [broken] = run.glob("index/verdict/*.parquet")
    broken.write_bytes(broken.read_bytes()[:-7] + b"garbage")
    client = open_client(run)
    text = client.get("/runs/small").text
    assert "Left out:" in text and "verdict" in text and "snippet" in text
    for name in (RUN_FILE, RUN_COPY):
        (run / name).write_text("{")
    answer = open_client(run).get("/runs/small")
    assert answer.status_code == 200 and "unreadable" in answer.text


def test_looking_changes_nothing_in_a_run_folder(tmp_path: Path) -> None:
    run = build_small_run(tmp_path)

    def state() -> dict[str, tuple[int, int]]:
        return {str(path): (path.stat().st_mtime_ns, path.stat().st_size) for path in (run, *run.rglob("*"))}

    before, client = state(), open_client(run)
    for path in ("/runs", "/runs/small", "/runs/small/units?q=text:double", "/help"):
        assert client.get(path).status_code == 200
    assert state() == before


def test_help_lists_the_whole_language_all_keys_and_all_reasons(client: TestClient) -> None:
    shown = client.get("/help.json").json()
    text = client.get("/help").text
    assert {"language", "tests", "text", "evidence.NAME"} <= {field["name"] for field in shown["fields"]}
    for field in shown["fields"]:
        assert f"<code>{field['name']}</code>" in text
    for reason in shown["reasons"]:
        assert f'id="{reason["code"]}"' in text


def test_the_training_page_shows_what_each_round_ended_with(tmp_path: Path) -> None:
    page = open_client(build_traced_run(tmp_path)).get("/runs/traced/training").text
    section = page.partition('id="selections"')[2].partition("</section>")[0]
    rows = [" ".join(re.sub(r"<[^>]+>", " ", row).split()) for row in section.split("<tr")[2:]]
    assert any("round 1 sft 60.0% +20.0 +10.0 to +30.0 points yes" in row for row in rows)
    assert any("round 1 dpo 10.0% -30.0 -40.0 to -20.0 points" in row and "yes" not in row for row in rows)
