"""What results add up to: counts of what could be tried, intervals, and one cause told once."""

import pytest

from synth.audit.findings import (
    AuditFinding,
    AuditReport,
    DataFile,
    find,
    mutation_score,
    untried,
    wilson,
)
from synth.audit.page import render_page
from synth.audit.programs import RAISED_SKIP, SKIPPED
from synth.audit.results import Passed, RowResult


def result(number: int, **fields: object) -> RowResult:
    return RowResult.model_validate({"number": number, "id": f"r{number}", **fields})


def by_kind(*results: RowResult) -> dict[str, AuditFinding]:
    return {finding.kind: finding for finding in find(results, with_benchmarks=True)}


@pytest.mark.parametrize(
    ("found", "tried", "low", "high"),
    [(0, 0, 0.0, 1.0), (0, 10, 0.0, 0.277533), (10, 10, 0.722467, 1.0), (1, 10, 0.017876, 0.404150)],
)
def test_intervals_are_wilsons(found: int, tried: int, low: float, high: float) -> None:
    assert wilson(found, tried) == pytest.approx((low, high), abs=1e-5)


def test_a_share_is_of_the_rows_that_could_be_tried() -> None:
    found = by_kind(
        result(1, runs=("pass",) * 5),
        result(2, runs=("wrong_answer",) * 5, reason="no"),
        result(3, reference_untried="it has no reference"),
        result(4, untried="toolchain_missing: x"),
    )
    assert (found["reference_fails"].found, found["reference_fails"].tried) == (1, 2)
    assert [row.row for row in found["reference_fails"].rows] == [2]
    assert (found["duplicate"].tried, found["empty_passes"].tried) == (4, 0)


def test_runs_that_disagree_are_flaky_and_no_failure() -> None:
    found = by_kind(result(1, runs=("pass", "wrong_answer")), result(2, runs=("timeout", "wrong_answer")))
    assert [row.row for row in found["flaky"].rows] == [1]
    assert [row.row for row in found["reference_fails"].rows] == [2]


def test_one_cause_is_told_once() -> None:
    everything = tuple(Passed(aim=aim, name="n") for aim in ("empty", "skip", "exploit", "patch"))
    row = result(
        1, tried=("empty", "exploit", "patch", "skip"), passed=everything, mutants=2, survivors=("a", "b")
    )
    assert [kind for kind, finding in by_kind(row).items() if finding.found] == ["empty_passes"]
    skip = row.model_copy(update={"passed": everything[1:]})
    assert [kind for kind, finding in by_kind(skip).items() if finding.found] == ["skip_passes"]
    raised = row.model_copy(
        update={"passed": (Passed(aim="skip", name=RAISED_SKIP), Passed(aim="exploit", name="n"))}
    )
    assert [kind for kind, finding in by_kind(raised).items() if finding.found] == [
        "skip_passes",
        "mutants_survive",
        "exploit_passes",
    ]


def test_half_of_the_mutants_may_live() -> None:
    assert not by_kind(result(1, mutants=4, survivors=("a", "b")))["mutants_survive"].found
    assert by_kind(result(1, mutants=4, survivors=("a", "b", "c")))["mutants_survive"].found
    assert mutation_score([result(1, mutants=4, survivors=("a",))]).killed == 3


def test_reasons_are_counted_without_the_number_of_their_row() -> None:
    rows = [result(at, untried=f"row {at}: language: is not known") for at in (1, 2)]
    assert [(one.count, one.rows) for one in untried(rows)] == [(2, (1, 2))]


@pytest.mark.parametrize(
    "text",
    [
        "@unittest.skip('x')",
        "@pytest.mark.skip",
        "self.skipTest('x')",
        "test.skip('a', f)",
        "xit('a', f)",
        "\tt.Skip()",
        "#[ignore]",
        "@Disabled",
        "  skip 'later'",
    ],
)
def test_words_that_leave_tests_out_are_known(text: str) -> None:
    assert SKIPPED.search(text)


@pytest.mark.parametrize("text", ["skipped = 3", "assert skip_list(1) == 2", "xitem(3)", "it('skips', f)"])
def test_words_that_only_look_like_it_are_not(text: str) -> None:
    assert not SKIPPED.search(text)


def test_the_page_shows_counts_rows_and_no_markup_of_the_data() -> None:
    rows = [result(1, runs=("wrong_answer",), reason="`x` | <b>\n# no")]
    rows += [result(at, runs=("wrong_answer",), reason="no") for at in range(2, 40)]
    report = AuditReport(
        data=DataFile(name="d.jsonl", sha256="0" * 64, bytes=3, shape="apps", columns=("a",), rows=39),
        settings={"runs": 5},
        findings=find(rows, with_benchmarks=False),
        mutation=mutation_score(rows),
        untried=untried([result(41, reference_untried="it has no reference")]),
        level="A",
        toolchains={},
    )
    page = render_page(report)
    assert "| The reference fails its own tests | 39 | 39 | 100.0% |" in page
    assert "| 1 | `r1` | `wrong_answer: 'x' ¦ <b> # no` |" in page
    assert "The other 19 rows are in the JSON file." in page
    assert "| 1 | `the reference was not judged: it has no reference` | 41 |" in page
    assert "contaminated" not in page
    assert "0" * 64 in page
