"""The views: funnel, conservation, rejected store, pairs, one unit."""

import os
import subprocess
import sys
import textwrap
from pathlib import Path

import pytest

from synth.errors import UserError
from synth.records import Decision
from synth.store.run_folder import RunFolder
from synth.store.units import find_unit, resolve_id
from synth.store.views import conservation_problems, funnel, pairs, rejected
from tests.store.small_run import GOOD, PAIR, build_small_run, commit, identity, row


@pytest.fixture
def run(tmp_path: Path) -> Path:
    return build_small_run(tmp_path)


def test_the_funnel_counts_each_stage_in_the_order_of_the_flow(run: Path) -> None:
    rows = funnel(run)
    assert [one.stage for one in rows] == [
        "snippet",
        "reference",
        "instruct",
        "solve",
        "verdict",
        "pair",
        "fim",
        "exact_dedup",
    ]
    verdict = next(one for one in rows if one.stage == "verdict")
    assert (verdict.entered, verdict.kept, verdict.rejected, verdict.failed, verdict.waiting) == (
        3,
        1,
        1,
        1,
        0,
    )
    assert {(one.reason, one.reason_class, one.count) for one in verdict.reasons} == {
        ("wrong_answer", "quality", 1),
        ("toolchain_missing", "infrastructure", 1),
    }
    assert (verdict.ms, verdict.tokens) == (4.5, 30)


def test_units_that_entered_without_a_decision_are_waiting(run: Path) -> None:
    with RunFolder.create_or_resume(run.parent, run.name, identity()) as folder:
        folder.commits.record_entered("solve", 1, "0001", ["solution-x", "solution-y"])
    solve = next(one for one in funnel(run) if one.stage == "solve")
    assert (solve.entered, solve.waiting) == (5, 2)
    assert conservation_problems(run) == []


def test_a_whole_run_has_no_conservation_problem(run: Path) -> None:
    assert conservation_problems(run) == []
    assert all(one.entered == one.kept + one.rejected + one.failed + one.waiting for one in funnel(run))


def test_a_unit_without_a_decision_in_a_finished_shard_is_lost(tmp_path: Path) -> None:
    with RunFolder.create_or_resume(tmp_path, "r", identity()) as run:
        run.commits.record_entered("solve", 1, "0000", ["solution-1", "solution-2"])
        run.commits.commit("solve", 1, "0000", [row("solve", "solution-1")], {})
    problems = conservation_problems(run.path)
    assert [(one.unit_id, one.problem.split(":")[0]) for one in problems] == [("solution-2", "lost")]


def test_a_unit_decided_twice_or_without_having_entered_is_a_problem(tmp_path: Path) -> None:
    with RunFolder.create_or_resume(tmp_path, "r", identity()) as run:
        run.commits.record_entered("solve", 1, "0000", ["solution-1"])
        rows = [
            row("solve", "solution-1"),
            row("solve", "solution-1", Decision.REJECTED, "no_code"),
            row("solve", "solution-2"),
        ]
        run.commits.commit("solve", 1, "0000", rows, {})
    assert {(one.unit_id, one.problem) for one in conservation_problems(run.path)} == {
        ("solution-1", "entered 1 times, decided 2 times"),
        ("solution-2", "decided without having entered"),
    }


def test_decisions_without_any_entered_file_are_problems_too(tmp_path: Path) -> None:
    with RunFolder.create_or_resume(tmp_path, "r", identity()) as run:
        run.commits.commit("solve", 1, "0000", [row("solve", "solution-1")], {})
    assert [one.problem for one in conservation_problems(run.path)] == ["decided without having entered"]


def test_the_same_unit_in_two_shards_is_no_problem(tmp_path: Path) -> None:
    with RunFolder.create_or_resume(tmp_path, "r", identity()) as run:
        for shard in ("0000", "0001"):
            commit(run, [row("solve", "solution-1", shard=shard)])
    assert conservation_problems(run.path) == []


def test_a_run_can_be_watched_while_another_process_writes_it(tmp_path: Path) -> None:
    program = """
        import sys
        from pathlib import Path
        from synth.store.run_folder import RunFolder
        from tests.store.small_run import commit, identity, row
        with RunFolder.create_or_resume(Path(sys.argv[1]), "r", identity()) as run:
            print("open", flush=True)
            for shard in range(40):
                commit(run, [row("solve", f"solution-{shard}-{i}", shard=f"{shard:04d}") for i in range(50)])
    """
    command = [sys.executable, "-c", textwrap.dedent(program), str(tmp_path)]
    seen: list[int] = []
    with subprocess.Popen(
        command, stdout=subprocess.PIPE, text=True, env={**os.environ, "PYTHONPATH": "."}
    ) as child:
        assert child.stdout is not None
        assert child.stdout.readline() == "open\n"
        while child.poll() is None:
            rows = funnel(tmp_path / "r")
            seen += [one.kept for one in rows]
            assert all(one.waiting >= 0 for one in rows)
            assert conservation_problems(tmp_path / "r") == []
    assert child.returncode == 0
    assert seen == sorted(seen)
    assert [one.kept for one in funnel(tmp_path / "r")] == [2000]


def test_a_shard_that_is_committed_again_is_read_again(tmp_path: Path) -> None:
    with RunFolder.create_or_resume(tmp_path, "r", identity()) as run:
        for decision in (Decision.KEPT, Decision.FAILED, Decision.KEPT):
            reason = "infrastructure" if decision is Decision.FAILED else ""
            commit(run, [row("solve", "solution-1", decision, reason)])
            [found] = funnel(run.path)
            assert (found.kept, found.failed) == ((0, 1) if reason else (1, 0))


def test_an_empty_run_has_empty_views(tmp_path: Path) -> None:
    with RunFolder.create_or_resume(tmp_path, "r", identity()) as run:
        pass
    assert (
        funnel(run.path),
        rejected(run.path).rows,
        pairs(run.path).pairs,
        conservation_problems(run.path),
    ) == ([], [], [], [])


def test_the_rejected_store_holds_rejected_and_failed_units_with_their_evidence(run: Path) -> None:
    rows = {one.unit_id: one for one in rejected(run).rows}
    assert set(rows) == {"seed-9z", "solution-4d", "solution-5e"}
    assert rows["solution-4d"].evidence == '{"passed": 1, "total": 2}'


@pytest.mark.parametrize(
    ("filters", "expected"),
    [
        ({"reason": "wrong_answer"}, ["solution-4d"]),
        ({"language": "javascript"}, ["solution-5e"]),
        ({"stage": "snippet"}, ["seed-9z"]),
        ({"stage": "verdict", "language": "python"}, ["solution-4d"]),
        ({"reason": "contaminated"}, []),
    ],
)
def test_the_rejected_store_is_filtered(run: Path, filters: dict[str, str], expected: list[str]) -> None:
    reason, language, stage = filters.get("reason"), filters.get("language"), filters.get("stage")
    assert [one.unit_id for one in rejected(run, reason, language, stage).rows] == expected


def test_pages_by_key_show_each_rejected_unit_once(tmp_path: Path) -> None:
    with RunFolder.create_or_resume(tmp_path, "r", identity()) as run:
        for shard in ("0000", "0001"):
            for stage in ("solve", "syntax"):
                commit(
                    run,
                    [
                        row(stage, f"solution-{i}", Decision.REJECTED, "no_code", shard=shard)
                        for i in range(5)
                    ],
                )
    seen, after = [], None
    while True:
        page = rejected(run.path, limit=3, after_key=after)
        seen += [(one.stage, one.shard, one.unit_id) for one in page.rows]
        after = page.next_key
        if after is None:
            break
    assert len(seen) == len(set(seen)) == 20
    assert seen == sorted(seen)


@pytest.mark.parametrize(
    ("filters", "nearest"),
    [
        ({"reason": "wrong_answr"}, "wrong_answer"),
        ({"language": "javascrip"}, "javascript"),
        ({"stage": "verdit"}, "verdict"),
    ],
)
def test_an_unknown_filter_is_answered_with_the_nearest_name(
    run: Path, filters: dict[str, str], nearest: str
) -> None:
    with pytest.raises(UserError, match=f"one of: {nearest}"):
        rejected(run, filters.get("reason"), filters.get("language"), filters.get("stage"))


def test_a_broken_page_key_is_refused(run: Path) -> None:
    with pytest.raises(UserError, match="page key"):
        rejected(run, after_key="solution-4d")


def test_pairs_come_with_their_texts(run: Path) -> None:
    assert pairs(run).pairs == [PAIR]
    assert pairs(run, language="javascript").pairs == []


def test_a_pair_that_a_later_stage_turned_away_is_not_shown(run: Path) -> None:
    with RunFolder.create_or_resume(run.parent, run.name, identity()) as folder:
        commit(folder, [row("near_dedup", "pair-7a", Decision.REJECTED, "near_duplicate")])
    assert pairs(run).pairs == []


def test_a_unit_is_found_with_its_decisions_and_bodies(run: Path) -> None:
    unit = find_unit(run, "solution-3c")
    assert unit.kind == "solution"
    assert [one.stage for one in unit.rows] == ["solve", "verdict"]
    assert {body.kind: body.stage for body in unit.bodies} == {"solution": "solve", "verdict": "verdict"}
    assert unit.bodies[0].fields == GOOD.model_dump(mode="json")


@pytest.mark.parametrize("prefix", ["solution-3", "3c", "solution-3c"])
def test_a_unique_prefix_with_or_without_the_kind_finds_the_unit(run: Path, prefix: str) -> None:
    assert resolve_id(run, prefix) == "solution-3c"


def test_an_ambiguous_prefix_names_what_it_fits(run: Path) -> None:
    with pytest.raises(UserError, match="solution-3c, solution-4d, solution-5e"):
        resolve_id(run, "solution-")


def test_an_unknown_id_is_answered_with_the_nearest(run: Path) -> None:
    with pytest.raises(UserError, match="nearest: solution-3c"):
        resolve_id(run, "solution-3x")


def test_percent_signs_and_quotes_in_an_id_are_only_text(run: Path) -> None:
    with pytest.raises(UserError):
        resolve_id(run, "%' OR true --")
