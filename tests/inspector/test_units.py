"""Units under a filter: pages by key and by figure, facets, counts with a budget, and searched texts."""

import json
from collections.abc import Sequence
from pathlib import Path

import pytest

from synth.errors import UserError
from synth.generation.protocol import Completion, GenerationResponse
from synth.generation.responses import ResponseFiles
from synth.inspector.filter_language import FilterError, parse_filter
from synth.inspector.library import Library, read_library
from synth.inspector.opened_run import OpenedRun
from synth.inspector.queries.units import (
    SORTS,
    count_facets,
    count_units,
    key_of,
    list_units,
    neighbours,
)
from synth.records import Decision, IndexRow, Solution
from synth.store.run_folder import RunFolder
from tests.store.small_run import BAD, GOOD, build_small_run, commit, identity, row

REQUEST = "request-00ff"


@pytest.fixture(scope="module")
def run_path(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Two stages of 3 shards of 40 programs, with figures that differ."""
    with RunFolder.create_or_resume(tmp_path_factory.mktemp("runs"), "many", identity()) as folder:
        folder.declare_stages(("solve", "execute"))
        for shard in range(3):
            ids = [f"solution-{shard}{at:03d}" for at in range(40)]
            name = f"{shard:04d}"
            made = [_solution(one, at) for at, one in enumerate(ids)]
            commit(folder, [_row("solve", one, name, at) for at, one in enumerate(ids)], made)
            commit(folder, [_row("execute", one, name, at) for at, one in enumerate(ids)])
    return folder.path


def _solution(id: str, at: int) -> Solution:
    code = f"def find(x):  # Binary Search {at}\n    return 'é' * {at}\n"
    language = ("rust", "go")[at % 2]
    return GOOD.model_copy(update={"id": id, "code": code, "language": language, "index": at})


def _row(stage: str, id: str, shard: str, at: int) -> IndexRow:
    fails = stage == "execute" and at % 4 == 0
    evidence = {"passed": at % 10, "total": 9, "first_failure": f"case 0: expected {at}"}
    return row(
        stage,
        id,
        Decision.REJECTED if fails else Decision.KEPT,
        "timeout" if fails else "",
        ("task-2b",),
        ("rust", "go")[at % 2],
        shard,
        json.dumps(evidence) if stage == "execute" else "{}",
    ).model_copy(update={"ms": 7.5 * at, "tokens": at})


@pytest.fixture(scope="module")
def library(run_path: Path) -> Library:
    return read_library([run_path])


@pytest.fixture(scope="module")
def many(library: Library) -> OpenedRun:
    return library.run("many")


@pytest.fixture(scope="module")
def rows(library: Library, many: OpenedRun) -> list[IndexRow]:
    return list(list_units(library, many, parse_filter(""), limit=10_000).rows)


def pages(library: Library, run: OpenedRun, text: str, sort: str, limit: int) -> list[IndexRow]:
    found, after = list[IndexRow](), None
    while True:
        page = list_units(library, run, parse_filter(text), sort, limit, after)
        found += page.rows
        if page.next_key is None:
            return found
        after = page.next_key


def _figures(row: IndexRow) -> dict[str, float]:
    found = json.loads(row.evidence)
    return {"passed": found.get("passed", -1), "total": found.get("total", 0), "ms": row.ms}


@pytest.mark.parametrize(
    ("text", "fits"),
    [
        ("lang:rust", lambda row: row.language == "rust"),
        ("lang:rust,go", lambda _: True),
        ("-lang:r*", lambda row: row.language == "go"),
        ("reason:timeout", lambda row: row.reason == "timeout"),
        ("class:quality", lambda row: row.reason == "timeout"),
        ("-class:quality stage:execute", lambda row: row.stage == "execute" and not row.reason),
        ("ms>150", lambda row: row.ms > 150),
        ("ms:15..75 stage:solve", lambda row: 15 <= row.ms <= 75 and row.stage == "solve"),
        ("tests:<5/9", lambda row: 0 <= _figures(row)["passed"] < 5),
        ("tests:5/9", lambda row: _figures(row)["passed"] == 5),
        ("tests:>0.6", lambda row: _figures(row)["passed"] / 9 > 0.6),
        ("score<=0.4", lambda row: 0 <= _figures(row)["passed"] <= 3),
        ("-score<=0.4", lambda row: not 0 <= _figures(row)["passed"] <= 3),
        ("evidence.passed>=8", lambda row: _figures(row)["passed"] >= 8),
        ("evidence.first_failure:*7", lambda row: row.evidence.endswith('7"}')),
        ("id:solution-00*", lambda row: row.unit_id.startswith("solution-00")),
        ("parent:task-2b shard:0002", lambda row: row.shard == "0002"),
        ("parent:task-2*", lambda row: any(one.startswith("task-2") for one in row.parents)),
        ("lang:go or reason:timeout", lambda row: row.language == "go" or row.reason == "timeout"),
        (
            "stage:execute -lang:go or ms>150",
            lambda row: row.stage == "execute" and (row.language != "go" or row.ms > 150),
        ),
        ("round:2", lambda _: False),
        ("tokens:3,4", lambda row: row.tokens in (3, 4)),
        ("model:pocket", lambda _: True),
        ("-model:POC*", lambda _: False),
        ("mark:any", lambda _: False),
        ("mark:none", lambda _: True),
        ('text:"binary SEARCH 39"', lambda row: row.unit_id.endswith("039")),
        ('"expected 12"', lambda row: row.stage == "execute" and row.unit_id.endswith("12")),
        ("é", lambda _: True),
    ],
)
def test_a_filter_finds_the_rows_that_fit(
    library: Library, many: OpenedRun, rows: list[IndexRow], text: str, fits: object
) -> None:
    assert callable(fits)
    wanted = [row for row in rows if fits(row)]
    found = list_units(library, many, parse_filter(text), limit=10_000)
    assert list(found.rows) == wanted
    assert count_units(library, many, parse_filter(text)).found == len(wanted)


@pytest.mark.parametrize("sort", SORTS)
@pytest.mark.parametrize("text", ["", "reason:timeout ms>20"])
def test_pages_hold_every_row_once_and_in_order(
    library: Library, many: OpenedRun, sort: str, text: str
) -> None:
    whole = list_units(library, many, parse_filter(text), sort, limit=10_000).rows
    assert pages(library, many, text, sort, 7) == list(whole)
    if sort:
        column = sort.removeprefix("-")
        figures = [getattr(row, column) if column != "score" else _figures(row)["passed"] for row in whole]
        assert figures == sorted(figures, reverse=sort.startswith("-"))


@pytest.mark.parametrize("sort", ["", "-ms"])
def test_the_neighbours_of_a_row(library: Library, many: OpenedRun, sort: str) -> None:
    wanted = parse_filter("stage:execute lang:go")
    whole = list_units(library, many, wanted, sort, limit=10_000).rows
    keys = [key_of(library, many, row, sort) for row in whole]
    for at in (0, 1, 30, len(whole) - 1):
        found = neighbours(library, many, wanted, keys[at], sort)
        assert found.previous == (keys[at - 1] if at else None)
        assert found.next == (keys[at + 1] if at + 1 < len(keys) else None)


def facet(library: Library, run: OpenedRun, text: str, field: str) -> dict[str, int]:
    found = count_facets(library, run, parse_filter(text), seconds=5)
    (one,) = [facet for facet in found.facets if facet.field == field]
    return {value.value: value.count for value in one.values}


def test_a_facet_counts_what_a_filter_finds(library: Library, many: OpenedRun) -> None:
    for text in ("", "lang:go", "ms>100", "text:binary reason:timeout", "class:quality"):
        found = count_facets(library, many, parse_filter(text), seconds=5)
        assert found.count == count_units(library, many, parse_filter(text))
        for one in found.facets:
            rest = parse_filter(text).without(one.field)
            if one.field == "class":
                rest = rest.without("reason")
            for value in one.values:
                wanted = rest.joined(parse_filter(value.term))
                assert count_units(library, many, wanted, seconds=5).found == value.count, (text, value)


def test_a_chosen_facet_offers_its_other_values(library: Library, many: OpenedRun) -> None:
    assert facet(library, many, "lang:rust", "language") == {"rust": 120, "go": 120}
    assert facet(library, many, "lang:rust", "stage") == {"execute": 60, "solve": 60}
    assert facet(library, many, "", "model") == {"pocket": 240}


def test_counting_stops_in_time_says_so_and_goes_on(run_path: Path) -> None:
    library = read_library([run_path])
    run, wanted = library.runs[0], parse_filter("ms>10 text:binary")
    stopped = count_units(library, run, wanted, seconds=0)
    assert (stopped.counted, stopped.of, stopped.is_whole) == (0, 240, False)
    whole = count_units(library, run, wanted, seconds=5)
    assert whole.is_whole
    assert whole.found > 0
    assert count_units(library, run, wanted, seconds=0) == whole  # what was counted is remembered


def test_a_search_stops_in_time_says_so_and_goes_on(run_path: Path) -> None:
    run = read_library([run_path]).runs[0]
    stopped = run.find_text("binary", 0)
    assert (stopped.ids, stopped.searched, stopped.is_whole) == ((), 0, False)
    whole = run.find_text("binary", 5)
    assert (len(whole.ids), whole.is_whole) == (120, True)
    assert run.find_text("binary", 0) == whole


def test_raw_answers_are_searched_and_lead_to_their_units(tmp_path: Path) -> None:
    solutions = [one.model_copy(update={"request_id": REQUEST}) for one in (GOOD, BAD)]
    with RunFolder.create_or_resume(tmp_path, "answered", identity()) as folder:
        commit(folder, [row("solve", one.id) for one in solutions], solutions)
    files = ResponseFiles(folder.path / "journal")
    texts = ("First I think of \N{GREEK SMALL LETTER LAMDA}.", "Second I think of nothing.")
    files.append(
        GenerationResponse(
            request_id=REQUEST,
            fingerprint="f",
            completions=tuple(Completion(text=text, finish="stop", tokens=3) for text in texts),
            prompt_tokens=1,
            ms=1.0,
        )
    )
    files.close()
    library = read_library([folder.path])
    run = library.runs[0]
    for text, ids in (
        ("first i think", [GOOD.id]),
        ("\N{GREEK CAPITAL LETTER LAMDA}", [GOOD.id]),
        ("i THINK of", [GOOD.id, BAD.id]),
    ):
        found = list_units(library, run, parse_filter(f'text:"{text}"'))
        assert [one.unit_id for one in found.rows] == ids


@pytest.mark.parametrize(
    "text",
    ["'; DROP TABLE x --", '" OR 1=1', "%_\\", "\x00", "$1", "?", "\N{RIGHT-TO-LEFT OVERRIDE}", "{rows}"],
)
def test_what_a_person_writes_is_never_part_of_a_query(
    library: Library, many: OpenedRun, rows: Sequence[IndexRow], text: str
) -> None:
    quoted = '"' + text.replace("\\", "\\\\").replace('"', '\\"') + '"'
    for field in ("id", "parent", "text", "evidence.passed", "shard"):
        assert list_units(library, many, parse_filter(f"{field}:{quoted}")).rows == ()
    assert len(list_units(library, many, parse_filter(""), limit=10_000).rows) == len(rows)


def test_an_unknown_name_sort_or_key_is_told(library: Library, many: OpenedRun) -> None:
    with pytest.raises(FilterError) as error:
        list_units(library, many, parse_filter("lang:rsut"))
    assert error.value.suggested == "language:rust"
    for sort, key in (("size", None), ("", "x"), ("ms", "1/solve/0000/solution-0"), ("ms", "x|1/a/b/c")):
        with pytest.raises(UserError):
            list_units(library, many, parse_filter(""), sort, after=key)


def test_what_only_the_bodies_say_is_a_facet_too(tmp_path: Path) -> None:
    library = read_library([build_small_run(tmp_path)])
    run = library.runs[0]
    assert facet(library, run, "", "rank") == {"reference": 9}
    assert facet(library, run, "stage:verdict", "class") == {"quality": 1, "infrastructure": 1}
    assert facet(library, run, "kind:sample", "model") == {"pocket": 1}
