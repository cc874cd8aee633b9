"""The queries of rules and thresholds, duplicates, contamination, comparison, training, blame and maps."""

import json
from pathlib import Path

import pytest

from synth.config import Recipe
from synth.errors import UserError
from synth.inspector.library import Library, read_library
from synth.inspector.opened_run import OpenedRun
from synth.inspector.queries.blame import blame, list_wrong
from synth.inspector.queries.comparing import SOLVED, compare_runs
from synth.inspector.queries.coverage import COVERAGE, show_coverage
from synth.inspector.queries.duplicates import (
    list_clusters,
    list_contamination,
    show_cluster,
    show_contamination,
)
from synth.inspector.queries.rules import all_thresholds, explain_reason, list_rules, stages_of
from synth.inspector.queries.training import show_training
from synth.inspector.rule_code import rule_code
from synth.inspector.texts import MarkedPart, mark_passage, mark_shared
from synth.reasons import REASONS
from synth.records import Decision
from synth.store.run_folder import RunFolder, read_info, write_info
from synth.store.selections import write_selection
from tests.inspector.shown_run import build_shown_run, shown_identity
from tests.inspector.traced_run import CODE, ENTRY, SELECTION, TWIN, build_traced_run
from tests.store.small_run import commit, row


@pytest.fixture(scope="module")
def traced(tmp_path_factory: pytest.TempPathFactory) -> Library:
    folder = tmp_path_factory.mktemp("traced")
    return read_library([build_traced_run(folder), build_shown_run(folder, "other")])


@pytest.fixture(scope="module")
def run(traced: Library) -> OpenedRun:
    return traced.run("traced")


def marked(parts: tuple[MarkedPart, ...]) -> list[str]:
    return [part.text for part in parts if part.is_marked]


# --- thresholds ---------------------------------------------------------------------------------------------


def test_every_stated_threshold_names_reasons_a_key_and_its_limit() -> None:
    found = all_thresholds()
    assert len(found) > 10
    schema = json.dumps(Recipe.model_json_schema())
    for one in found:
        assert set(one.reasons) <= REASONS.keys(), one
        assert "{limit}" in one.sentence and one.sentence.endswith("."), one
        assert bool(one.key) != (one.fixed is not None), one
        assert not one.key or f'"{one.key.rpartition(".")[2]}"' in schema, one


@pytest.mark.parametrize(
    ("limit", "kept", "lost"),
    [
        (0.95, {"sample-92"}, set()),
        (0.97, {"sample-91", "sample-92"}, set()),
        (0.85, set(), {"sample-93"}),
        (0.4, set(), {"sample-93", "sample-94"}),
    ],
)
def test_another_threshold_names_the_units_that_change_sides(
    traced: Library, run: OpenedRun, limit: float, kept: set[str], lost: set[str]
) -> None:
    view = explain_reason(traced, run, "near_dedup", "near_duplicate", {"similarity": limit})
    (dial,) = view.dials
    assert dial.limit == 0.9 and dial.trial is not None
    ours = [one for one in dial.trial.changed if len(one.unit_id) == len(TWIN)]
    assert {one.unit_id for one in ours if one.decision == Decision.REJECTED} == kept
    assert {one.unit_id for one in ours if one.decision == Decision.KEPT} == lost
    assert dial.trial.kept_after == dial.kept + dial.trial.newly_kept - dial.trial.newly_lost
    assert dial.unknown_kept == 1


def test_the_histogram_holds_every_unit_whose_number_is_known(traced: Library, run: OpenedRun) -> None:
    view = explain_reason(traced, run, "length", "too_long")
    (dial,) = view.dials
    assert sum(one.kept for one in dial.bins) == dial.kept - dial.unknown_kept == 3
    assert sum(one.lost for one in dial.bins) == dial.lost - dial.unknown_lost == 1
    near = [one.unit_id for one in dial.near]
    assert near[0] == "sample-92" and "sample-91" in near
    assert dial.sentence.startswith("Prompt and code together have at most 400")


def small(tmp_path: Path, rows: list[tuple[str, Decision, str, dict[str, float]]], stage: str) -> Library:
    with RunFolder.create_or_resume(tmp_path, "small", shown_identity("small")) as folder:
        folder.declare_stages((stage,))
        found = [row(stage, unit, done, why, evidence=json.dumps(known)) for unit, done, why, known in rows]
        commit(folder, found)
    info = read_info(tmp_path / "small")
    data = {"evidence": {"min_reproductions": 2, "min_share": 0.3}, "pairs": {"max_length_ratio": 2.0}}
    changed = {"data": data, "execution": {"limits": {"cpu_s": 2.0}}}
    write_info(tmp_path / "small", info.model_copy(update={"recipe": changed}))
    return read_library([tmp_path / "small"])


def test_a_unit_that_misses_another_threshold_as_well_stays_lost(tmp_path: Path) -> None:
    kept, lost = Decision.KEPT, Decision.REJECTED
    library = small(
        tmp_path,
        [
            ("task-1", kept, "", {"distinct": 3, "least_share": 0.5}),
            ("task-2", lost, "unsolved", {"distinct": 2, "least_share": 0.2}),
            ("task-3", lost, "unsolved", {"distinct": 1, "least_share": 0.2}),
            ("task-4", lost, "unsolved", {"distinct": 2}),
        ],
        "evidence",
    )
    view = explain_reason(library, library.run("small"), "evidence", "unsolved", {"least_share": 0.1})
    trial = next(one.trial for one in view.dials if one.name == "least_share")
    assert trial is not None
    assert [one.unit_id for one in trial.changed] == ["task-2"]
    assert (trial.newly_kept, trial.newly_lost, trial.kept_after) == (1, 0, 2)


def test_what_was_stopped_at_the_limit_says_nothing_about_a_higher_one(tmp_path: Path) -> None:
    kept, lost = Decision.KEPT, Decision.REJECTED
    library = small(
        tmp_path,
        [("solution-1", kept, "", {"cpu_s": 1.5}), ("solution-2", lost, "timeout", {"cpu_s": 2.02})],
        "execute",
    )
    run = library.run("small")
    for limit, newly_lost in ((5.0, 0), (1.0, 1)):
        (dial,) = explain_reason(library, run, "execute", "timeout", {"cpu_s": limit}).dials
        assert dial.trial is not None
        assert (dial.trial.newly_kept, dial.trial.newly_lost) == (0, newly_lost)


def test_a_share_is_compared_with_the_least_of_its_measure(tmp_path: Path) -> None:
    lost = Decision.REJECTED
    rows = [
        ("sample-1", lost, "contaminated", {"share": 0.55, "least": 0.5}),
        ("sample-2", lost, "contaminated", {"share": 0.55, "least": 0.2}),
        ("sample-3", Decision.KEPT, "", {}),
    ]
    library = small(tmp_path, rows, "decontaminate")
    (dial,) = explain_reason(
        library, library.run("small"), "decontaminate", "contaminated", {"share / least": 1.2}
    ).dials
    assert dial.trial is not None and (dial.limit, dial.unknown_kept) == (1.0, 1)
    assert [one.unit_id for one in dial.trial.changed] == ["sample-1"]


def test_a_ratio_is_compared_by_its_logarithm(tmp_path: Path) -> None:
    library = small(
        tmp_path, [("task-1", Decision.REJECTED, "pair_margin", {"clear_log_ratio": 1.0})], "pair"
    )
    for ratio, newly_kept in ((2.7, 0), (2.8, 1)):
        dials = explain_reason(
            library, library.run("small"), "pair", "pair_margin", {"clear_log_ratio": ratio}
        ).dials
        trial = next(one.trial for one in dials if one.name == "clear_log_ratio")
        assert trial is not None and trial.newly_kept == newly_kept


def test_a_reason_shows_its_code_random_losses_and_its_stages(traced: Library, run: OpenedRun) -> None:
    view = explain_reason(traced, run, "execute", "wrong_answer")
    assert [one.place for one in view.code] == ["synth/execution/verdict.py"]
    assert 0 < len(view.random) <= 8 and all(one.reason == "wrong_answer" for one in view.random)
    other = explain_reason(traced, run, "execute", "wrong_answer", seed=2)
    assert view.random != other.random
    assert stages_of(traced, run, "near_duplicate") == ("near_dedup",)
    lines = list_rules(traced, run)
    assert {(one.stage, one.has_threshold) for one in lines if one.reason == "near_duplicate"} == {
        ("near_dedup", True)
    }
    with pytest.raises(UserError, match="unknown"):
        explain_reason(traced, run, "execute", "no_such_reason")


@pytest.mark.parametrize(
    ("stage", "reason", "place"),
    [
        ("near_dedup", "near_duplicate", "synth/filters/near_dedup.py"),
        ("seed_near_dedup", "near_duplicate", "synth/filters/near_dedup.py"),
        ("evidence", "round_trip_failed", "synth/stages/evidence.py"),
        ("pair", "pair_margin", "synth/rules/pairing.py"),
        ("select", "not_best", "synth/stages/select.py"),
    ],
)
def test_the_code_of_a_rule_is_the_function_that_rejects(stage: str, reason: str, place: str) -> None:
    found = rule_code(stage, reason)
    assert place in {one.place for one in found}
    assert all("Reject" in one.text or "reject" in one.text for one in found)


# --- duplicates and contamination ---------------------------------------------------------------------------


def test_a_cluster_is_the_kept_unit_with_those_rejected_for_it(traced: Library, run: OpenedRun) -> None:
    clusters = list_clusters(traced, run)
    (line,) = [one for one in clusters.clusters if one.twin == TWIN]
    assert (line.stage, line.count, line.greatest, line.least) == ("near_dedup", 2, 0.96, 0.91)
    view = show_cluster(traced, run, "near_dedup", TWIN)
    assert view.kept is not None and view.kept.code == CODE
    assert [one.unit_id for one in view.members] == ["sample-91", "sample-92"]
    second = view.members[1]
    assert "result += 1" not in "".join(marked(second.code))
    assert "for value in values:" in "".join(marked(second.code))
    assert "".join(part.text for part in second.code).count("result += 1") == 1
    with pytest.raises(UserError, match="has no duplicates"):
        show_cluster(traced, run, "near_dedup", "sample-1")


def test_the_passage_that_decided_is_marked(traced: Library, run: OpenedRun) -> None:
    found = list_contamination(traced, run)
    (line,) = [one for one in found.entries if one.entry == ENTRY]
    assert (line.count, line.greatest, line.measures) == (2, 0.61, ("edited", "runs"))
    by_code, by_prose = show_contamination(traced, run, ENTRY).units
    assert marked(by_code.code) == ["for x in xs:"]
    assert marked(by_prose.prompt) == ["return the sum"]
    assert marked(by_prose.code) == []
    with pytest.raises(UserError, match="overlaps with nothing"):
        show_contamination(traced, run, "other")


def test_shared_runs_are_marked_and_the_text_stays_whole() -> None:
    parts = mark_shared("a b c d e f g", "x b c d e f y")
    assert marked(parts) == ["b c d e f"]
    assert "".join(part.text for part in parts) == "a b c d e f g"
    assert marked(mark_shared("a b", "a b")) == ["a b"]
    assert marked(mark_shared("a b c d e", "v w x y z")) == []
    assert mark_shared("", "a") == ()
    assert marked(mark_passage("Sum, all THE numbers", "all the", "runs")) == ["all THE"]
    assert marked(mark_passage("the number of all", "number all", "words")) == ["number", "all"]


# --- two runs -----------------------------------------------------------------------------------------------


def test_a_run_beside_itself_moves_no_seed(traced: Library, run: OpenedRun) -> None:
    found = compare_runs(traced, run, run)
    assert found.recipe == () and found.tasks == ()
    assert found.seeds_both == found.seeds_left == found.seeds_right > 0
    assert all(one.left == one.right for one in found.transitions)
    assert sum(one.count for one in found.transitions) == found.seeds_both
    assert found.only_left == found.only_right == 0 < found.both_solved


def test_seeds_that_end_otherwise_are_counted_by_where_they_were_lost(tmp_path: Path) -> None:
    paths = []
    for name, is_solved in (("left", False), ("right", True)):
        with RunFolder.create_or_resume(tmp_path, name, shown_identity(name)) as folder:
            folder.declare_stages(("snippet", "instruct", "execute", "evidence"))
            commit(
                folder,
                [
                    row("snippet", "seed-1"),
                    row("snippet", "seed-2", *((Decision.REJECTED, "impure") if is_solved else ())),
                ],
            )
            commit(
                folder,
                [row("instruct", "seed-1"), *(() if is_solved else (row("instruct", "seed-2"),))],
            )
            done = (Decision.KEPT, "") if is_solved else (Decision.REJECTED, "wrong_answer")
            commit(folder, [row("execute", "solution-1", *done, parents=("task-1",))])
            done = (Decision.KEPT, "") if is_solved else (Decision.REJECTED, "unsolved")
            commit(folder, [row("evidence", "task-1", *done, parents=("seed-1",))])
        paths.append(tmp_path / name)
    library = read_library(paths)
    found = compare_runs(library, library.run("left"), library.run("right"))
    moved = {(one.left, one.right): one.examples for one in found.transitions}
    assert moved == {
        ("evidence: unsolved", SOLVED): ("seed-1",),
        (SOLVED, "snippet: impure"): ("seed-2",),
    }
    (task,) = found.tasks
    assert (task.seed, task.solved_by, task.left_passed, task.right_passed) == ("seed-1", "right", 0, 1)
    assert (found.only_left, found.only_right) == (0, 1)


# --- training -----------------------------------------------------------------------------------------------


def test_trainings_follow_from_each_other_with_their_curves_and_data(traced: Library, run: OpenedRun) -> None:
    view = show_training(traced, run)
    assert [(one.name, one.parent) for one in view.policies] == [
        ("round-1-fine", ""),
        ("round-1-dpo", "round-1-fine"),
    ]
    dpo = view.policies[1]
    charts = {chart.title: chart for chart in dpo.charts}
    assert {"loss", "rewards", "margin", "reward accuracy", "learning rate"} <= charts.keys()
    step, margin = charts["margin"].curves[0].points[-1]
    assert step == 12 and margin == pytest.approx(0.72)
    assert [(one.name, one.found) for one in dpo.files] == [
        ("pairs/round-1.parquet", True),
        ("sft/gone.parquet", False),
    ]
    assert sum(count for _, count in dpo.files[0].languages) == dpo.files[0].rows > 0
    assert [(one.policy, one.checkpoint) for one in view.evaluations] == [
        ("base", ""),
        ("round 1 sft", "round-1-fine"),
        ("round 1 dpo", "round-1-dpo"),
    ]
    total = view.evaluations[2].total
    assert total is not None and total.value == 0.7 and total.low == pytest.approx(0.64)
    assert [name for name, _ in view.evaluations[2].languages] == ["python", "rust"]
    assert len(view.left_out) == 2 and "1 line is no metrics" in view.left_out[0]


def test_the_policy_of_each_round_is_shown_beside_what_it_was_chosen_from(tmp_path: Path) -> None:
    path = build_traced_run(tmp_path)
    write_selection(path, SELECTION.model_copy(update={"round": 2, "chosen": "base"}))
    library = read_library([path])
    view = show_training(library, library.run("traced"))
    assert [(one.round, one.chosen) for one in view.selections] == [(1, "round 1 sft"), (2, "base")]
    assert len(view.evaluations) == 3
    (path / "eval" / "selection-1.json").write_text("{")
    damaged = show_training(library, library.run("traced"))
    assert damaged.selections == ()
    assert any("selection-" in words for words in damaged.left_out)


def test_files_that_cannot_be_read_are_named_and_the_rest_is_shown(tmp_path: Path) -> None:
    path = build_traced_run(tmp_path)
    (path / "eval" / "base.json").write_text("{")
    (path / "checkpoints" / "round-1-fine" / "policy.json").write_text("[]")
    library = read_library([path])
    view = show_training(library, library.run("traced"))
    assert [one.is_complete for one in view.policies] == [True, False]
    assert len(view.evaluations) == 2
    assert any("base.json" in words for words in view.left_out)
    assert any("policy.json" in words for words in view.left_out)


def test_blame_finds_the_rows_that_share_most_with_a_wrong_answer(traced: Library, run: OpenedRun) -> None:
    wrong = list_wrong(run, "round-1-dpo")
    assert [(one.number, one.passed, one.is_stored) for one in wrong.questions] == [(0, 5, True)]
    found = blame(traced, run, "round-1-dpo", 0)
    assert found.trained == ("round-1-dpo", "round-1-fine")
    assert found.rows_searched > 0
    values = [one.nearness for one in found.nearest]
    assert values == sorted(values, reverse=True) and 0 < values[0] <= 1
    assert {one.kind for one in found.nearest} <= {"sft", "pair, chosen", "pair, rejected", "fim"}


def test_a_copy_in_the_training_data_is_the_nearest_row(tmp_path: Path) -> None:
    from synth.products import BY_NAME
    from synth.store.products import write_product
    from tests.inspector.traced_run import sample

    path = build_traced_run(tmp_path)
    write_product(path, BY_NAME["sft"], "gone", [sample("sample-42", CODE)])
    library = read_library([path])
    near = blame(library, library.run("traced"), "round-1-dpo", 0).nearest
    assert near[0].row_id == "sample-42" and near[0].nearness > 0.7
    assert near[0].nearness > 1.5 * near[1].nearness


def test_an_evaluation_of_counts_only_says_so(traced: Library, run: OpenedRun) -> None:
    assert list_wrong(run, "base").stored == 0
    with pytest.raises(UserError, match="no stored wrong answer"):
        blame(traced, run, "base", 0)
    with pytest.raises(UserError, match="is not in the run"):
        list_wrong(run, "round-9")


# --- maps ---------------------------------------------------------------------------------------------------


def test_maps_are_drawn_from_records_and_there_is_none_without(traced: Library, run: OpenedRun) -> None:
    view = show_coverage(run)
    assert view.coverage is not None and view.topics[0] == "recursion"
    assert view.languages == ("go", "javascript", "python", "rust")
    assert view.synergy is not None and view.synergy_languages == ("go", "python")
    empty = show_coverage(traced.run("other"))
    assert empty.coverage is None and empty.synergy is None and empty.problems == ()


def test_a_map_of_another_shape_is_named(tmp_path: Path) -> None:
    path = build_traced_run(tmp_path)
    (path / COVERAGE).write_text('{"axis": 3}')
    view = show_coverage(read_library([path]).run("traced"))
    assert view.coverage is None and view.synergy is not None
    assert "coverage.json" in view.problems[0]
