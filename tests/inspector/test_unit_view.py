"""One unit: what the run knows of it comes back in parts, and what it does not know is said to be unknown."""

import json
from pathlib import Path

import pytest

from synth.errors import UserError
from synth.generation.responses import find_response
from synth.inspector.marks import MARKS_FILE, Marks
from synth.inspector.queries.unit import UnitView, read_unit
from tests.inspector.judged_run import (
    CASES,
    RIGHT_CODE,
    WRONG_CODE,
    build_judged_run,
    inputs_request,
    opened,
    request,
)
from tests.store.small_run import TASK


@pytest.fixture(scope="module")
def run(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return build_judged_run(tmp_path_factory.mktemp("runs"))


def view(run: Path, unit_id: str) -> UnitView:
    return read_unit(*opened(run), unit_id)


def test_a_rejected_program_says_why_in_words_and_figures(run: Path) -> None:
    found = view(run, "solution-4d")
    assert found.final is not None
    assert (found.final.stage, found.final.reason, found.final.reason_class) == (
        "execute",
        "wrong_answer",
        "quality",
    )
    assert found.final.sentence == "At least one output differs from the expected one."
    assert [figure.name for figure in found.final.evidence] == ["passed", "total", "first_failure"]
    assert found.code is not None
    assert found.code.text == WRONG_CODE


def test_the_tests_open_at_the_first_failure_with_the_difference_marked(run: Path) -> None:
    found = view(run, "solution-4d")
    assert found.first_failure == 1
    assert [case.state for case in found.cases] == ["right", "wrong", "wrong", "unrun"]
    assert [case.is_hidden for case in found.cases] == [False, False, False, True]
    case = found.cases[1]
    assert (case.input.text, case.expected.text, case.found and case.found.text) == ("3", "6", "9")
    assert [piece.is_changed for piece in case.found_pieces] == [True]
    error = found.cases[2].found
    assert error is not None
    assert (error.text, error.length, error.is_cut) == ("ValueError: i4", 2_000_000, True)


def test_the_output_is_cut_and_its_length_is_true(run: Path) -> None:
    log = view(run, "solution-4d").log
    assert log is not None
    [output] = log.outputs
    assert (output.name, output.head.text, output.tail.text) == ("stdout", "begins", "ends")
    assert output.length == 10_000_000


def test_a_program_that_never_ran_shows_its_compiler_and_no_test_as_wrong(run: Path) -> None:
    found = view(run, "solution-5e")
    assert {case.state for case in found.cases} == {"unrun"}
    assert found.log is not None
    assert [(one.name, one.head.text) for one in found.log.outputs] == [
        ("compiler", "SyntaxError: invalid syntax")
    ]


def test_a_program_that_passes_has_every_test_right(run: Path) -> None:
    assert [case.state for case in view(run, "solution-3c").cases] == ["right"] * len(CASES)


def test_the_prompt_is_proven_to_be_the_one_that_was_sent(run: Path) -> None:
    prompt = view(run, "solution-4d").prompt
    assert prompt is not None
    assert prompt.is_proven
    assert [turn.content.text for turn in prompt.turns] == [one.content for one in request().messages]


def test_a_task_shows_what_was_asked_about_its_inputs(run: Path) -> None:
    [found] = view(run, TASK.id).about_inputs
    assert (found.about, found.prompt.is_proven) == ("Test inputs", True)
    assert [turn.content.text for turn in found.prompt.turns] == [
        one.content for one in inputs_request().messages
    ]
    assert found.answer.text is not None and found.answer.text.text == "[4]\n[5]"


def test_the_answer_is_the_journals(run: Path) -> None:
    answer = view(run, "solution-4d").answer
    assert answer is not None
    assert answer.text is not None
    assert answer.text.text == f"```python\n{WRONG_CODE}```"
    assert (answer.finish, answer.tokens, answer.samples) == ("stop", 9, 2)
    assert find_response(run / "journal", "request-unknown") is None


def test_the_family_is_the_seed_the_task_the_other_answers_and_the_pair(run: Path) -> None:
    family = view(run, "solution-4d").family
    assert [[one.id for one in generation.units] for generation in family.ancestors] == [
        ["seed-1a"],
        [TASK.id],
    ]
    assert [(one.id, one.is_self, one.decision) for one in family.siblings.units] == [
        ("solution-3c", False, "kept"),
        ("solution-4d", True, "rejected"),
        ("solution-5e", False, "rejected"),
    ]
    assert [[one.id for one in generation.units] for generation in family.descendants] == [["pair-7a"]]


def test_the_command_runs_exactly_this_program(run: Path) -> None:
    assert view(run, "solution-4d").command == (
        f"codemill replay solution-4d --run judged --runs-dir {run.parent}"
    )
    assert view(run, TASK.id).command.startswith(f"codemill show {TASK.id} ")


def test_a_mark_stands_beside_the_unit(run: Path) -> None:
    Marks(run).judge("solution-3c", "good")
    mark = view(run, "solution-3c").mark
    assert mark is not None
    assert mark.judgement == "good"


def test_a_run_without_logs_says_what_the_verdict_says_and_no_more(tmp_path: Path) -> None:
    found = view(build_judged_run(tmp_path, with_logs=False), "solution-4d")
    assert [case.state for case in found.cases] == ["unknown", "wrong", "unknown", "unknown"]
    case = found.cases[1]
    assert case.found is not None
    assert case.found.text == "9"
    assert found.log is None


def test_damaged_marks_are_named_and_the_unit_is_shown(tmp_path: Path) -> None:
    run = build_judged_run(tmp_path)
    (run / MARKS_FILE).write_bytes(b"not a database " * 100)
    found = view(run, "solution-4d")
    assert "damaged" in found.marks_problem
    assert found.code is not None


def test_a_deleted_body_is_named_and_the_rest_is_shown(tmp_path: Path) -> None:
    run = build_judged_run(tmp_path)
    next((run / "bodies" / "solution").glob("*.parquet")).unlink()
    found = view(run, "solution-4d")
    assert found.final is not None
    assert found.final.reason == "wrong_answer"
    assert found.code is None


def test_hostile_text_can_be_sent_as_json(tmp_path: Path) -> None:
    code = "s = '<script>alert(1)</script>\x1b[2J\u202e\0\ud800'\n" + "x" * 10_000_000
    found = view(build_judged_run(tmp_path, wrong_code=code), "solution-4d")
    assert found.code is not None
    assert found.code.length == len(code)
    assert len(found.model_dump_json()) < 1_000_000


def test_an_unknown_unit_is_a_users_mistake(run: Path) -> None:
    with pytest.raises(UserError, match="is not in judged"):
        view(run, "' OR 1=1 --")


def test_the_right_program_is_shown_whole(run: Path) -> None:
    code = view(run, "solution-3c").code
    assert code is not None
    assert (code.text, code.is_cut) == (RIGHT_CODE, False)


def test_an_answer_of_verify_shows_what_each_test_found(tmp_path: Path) -> None:
    cases = [
        {"index": 0, "passed": True, "status": "returned", "found": "2\n", "error": ""},
        {"index": 1, "passed": False, "status": "raised", "found": "", "error": "ValueError: <b>"},
        {"index": 2, "passed": False, "status": "missing", "found": "", "error": ""},
        {"index": "x"},
        7,
    ]
    line = {
        "row": 1,
        "key": "k",
        "id": "a",
        "verdict": "runtime_error",
        "passed": 1,
        "total": 3,
        "cases": cases,
    }
    (tmp_path / "answers.jsonl").write_text(json.dumps(line) + "\n")
    found = view(tmp_path / "answers.jsonl", "answer-0000001")
    assert [(one.index, one.state, one.found and one.found.text) for one in found.cases] == [
        (0, "right", "2\n"),
        (1, "wrong", "ValueError: <b>"),
        (2, "unrun", None),
    ]
    assert found.first_failure == 1
