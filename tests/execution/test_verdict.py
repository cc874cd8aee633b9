"""Verdicts from literal observations: no sandbox, no clock."""

import pytest

from synth.comparison_rules import ValuesRule
from synth.execution.verdict import failure_words, judge
from synth.records import (
    Captured,
    Case,
    CaseObservation,
    EvidenceRank,
    FunctionCall,
    FunctionContract,
    Observation,
    Outcome,
    Phase,
    ScriptCall,
    ScriptContract,
    StdioCall,
    StdioContract,
    Stop,
    TestSuite,
)
from synth.text_comparison import normal_text
from synth.values import Value, encode


def suite(*expected: Value) -> TestSuite:
    contract = FunctionContract(entry_point="solve", signature="(int) -> any")
    cases = tuple(
        Case(arguments=(encode(index),), expected=encode(value)) for index, value in enumerate(expected)
    )
    return TestSuite(task_id="task-1", contract=contract, cases=cases, rank=EvidenceRank.REFERENCE)


def returned(*values: Value) -> tuple[CaseObservation, ...]:
    return tuple(
        CaseObservation(index=index, status="returned", output=encode(value))
        for index, value in enumerate(values)
    )


def seen(*cases: CaseObservation, **more: object) -> Observation:
    fields = {
        "request_id": "r",
        "language": "python",
        "phase": Phase.RUN,
        "finished": True,
        "exit_code": 0,
        "cases": cases,
    } | more
    return Observation.model_validate(fields)


def outcome(observation: Observation, tests: TestSuite) -> Outcome:
    return judge(observation, tests, "s").outcome


def test_all_outputs_equal_is_a_pass() -> None:
    verdict = judge(seen(*returned(1, 2)), suite(1, 2), "s")
    assert (verdict.outcome, verdict.passed, verdict.total, verdict.first_failure) == (Outcome.PASS, 2, 2, "")


def raising_suite() -> TestSuite:
    """1 for the input 0, an error for the input 1."""
    plain = suite(1, 2)
    return plain.model_copy(
        update={"cases": (plain.cases[0], Case(arguments=(encode(1),), raises="ValueError"))}
    )


def raised(index: int, error: str) -> CaseObservation:
    return CaseObservation(index=index, status="raised", error=error)


@pytest.mark.parametrize("error", ["ValueError: no", "java.lang.IllegalStateException: other words", ""])
def test_any_error_is_right_where_one_is_expected(error: str) -> None:
    verdict = judge(seen(*returned(1), raised(1, error)), raising_suite(), "s")
    assert (verdict.outcome, verdict.passed) == (Outcome.PASS, 2)


def test_a_value_is_wrong_where_an_error_is_expected_and_an_error_where_a_value_is() -> None:
    verdict = judge(seen(*returned(1, 5)), raising_suite(), "s")
    assert (verdict.outcome, verdict.passed) == (Outcome.WRONG_ANSWER, 1)
    assert verdict.first_failure == "case 1, input 1: expected an error (ValueError), found 5"
    verdict = judge(seen(raised(0, "ValueError: no"), raised(1, "ValueError: no")), raising_suite(), "s")
    assert (verdict.outcome, verdict.passed) == (Outcome.RUNTIME_ERROR, 1)
    assert verdict.first_failure == "case 0, input 0: raised ValueError: no"


@pytest.mark.parametrize(
    ("more", "cases", "expected"),
    [
        ({"stop": Stop.CPU, "finished": False}, returned(1), Outcome.TIMEOUT),
        ({"signal": 6, "finished": False, "exit_code": None}, returned(1), Outcome.RUNTIME_ERROR),
        ({"infrastructure": "lost"}, returned(1), Outcome.INFRASTRUCTURE),
        ({}, (*returned(1), raised(1, "MemoryError")), Outcome.MEMORY_LIMIT),
        (
            {},
            (*returned(1), CaseObservation(index=1, status="returned", error="no value")),
            Outcome.WRONG_ANSWER,
        ),
    ],
)
def test_nothing_but_an_error_of_the_call_counts_as_one(
    more: dict[str, object], cases: tuple[CaseObservation, ...], expected: Outcome
) -> None:
    assert outcome(seen(*cases, **more), raising_suite()) is expected


def test_a_suite_never_asks_for_errors_alone() -> None:
    cases = (Case(arguments=("i1",), raises="ValueError"),)
    with pytest.raises(ValueError, match="must ask for a result"):
        TestSuite(task_id="t", contract=suite(1).contract, cases=cases, rank=EvidenceRank.REFERENCE)


def test_a_wrong_answer_is_told_with_input_expected_and_found() -> None:
    verdict = judge(seen(*returned(1, 5)), suite(1, 2), "s")
    assert (verdict.outcome, verdict.passed) == (Outcome.WRONG_ANSWER, 1)
    assert verdict.first_failure == "case 1, input 1: expected 2, found 5"


@pytest.mark.parametrize(
    ("found", "expected"),
    [
        (3.5, 3),
        (True, 1),
        (1, True),
        ([1], (1,)),
        ((1,), [1]),
        (None, 0),
        ("1", 1),
        ({True: 1}, {1: 1}),
        ([{1.0: 2}], [{1: 2}]),
    ],
)
def test_a_value_of_another_type_is_wrong(found: Value, expected: Value) -> None:
    assert outcome(seen(*returned(found)), suite(expected)) is Outcome.WRONG_ANSWER


def test_nan_equals_nan_and_maps_ignore_their_order() -> None:
    assert (
        outcome(seen(*returned([float("nan")], {1: 2, 3: 4})), suite([float("nan")], {3: 4, 1: 2}))
        is Outcome.PASS
    )


def test_another_order_of_summation_is_forgiven_and_more_is_not() -> None:
    assert outcome(seen(*returned(0.1 + 0.2)), suite(0.3)) is Outcome.PASS
    assert outcome(seen(*returned(0.3001)), suite(0.3)) is Outcome.WRONG_ANSWER
    exact = suite(0.3).model_copy(update={"compare": ValuesRule(rel=0, abs=0)})
    assert judge(seen(*returned(0.1 + 0.2)), exact, "s").outcome is Outcome.WRONG_ANSWER


def test_exit_zero_before_the_tests_is_not_a_pass() -> None:
    missing = CaseObservation(index=0, status="missing")
    assert outcome(seen(missing, finished=False), suite(1)) is Outcome.RUNTIME_ERROR
    assert outcome(seen(finished=True), suite(1)) is Outcome.RUNTIME_ERROR


def test_a_driver_that_did_not_reach_its_end_is_not_a_pass() -> None:
    assert outcome(seen(*returned(1), finished=False), suite(1)) is Outcome.RUNTIME_ERROR


def test_an_exception_is_told_with_its_input() -> None:
    case = CaseObservation(index=0, status="raised", error="ValueError: no")
    verdict = judge(seen(case), suite(1), "s")
    assert (verdict.outcome, verdict.first_failure) == (
        Outcome.RUNTIME_ERROR,
        "case 0, input 0: raised ValueError: no",
    )


def test_a_result_that_is_no_value_is_a_wrong_answer() -> None:
    case = CaseObservation(index=0, status="returned", error="a value of type set is not language-neutral")
    verdict = judge(seen(case), suite(1), "s")
    assert verdict.outcome is Outcome.WRONG_ANSWER
    assert "type set" in verdict.first_failure


def test_unreadable_wire_text_is_a_wrong_answer() -> None:
    case = CaseObservation(index=0, status="returned", output="l99999 i1")
    assert outcome(seen(case), suite(1)) is Outcome.WRONG_ANSWER


def test_a_suite_without_cases_passes_nothing() -> None:
    assert outcome(seen(), suite()) is not Outcome.PASS


@pytest.mark.parametrize(
    ("language", "error"),
    [
        ("python", "MemoryError"),
        ("java", "java.lang.OutOfMemoryError: Java heap space"),
        ("c++", "std::bad_alloc: std::bad_alloc"),
    ],
)
def test_the_languages_own_memory_error_is_the_memory_limit(language: str, error: str) -> None:
    raised = CaseObservation(index=0, status="raised", error=error)
    assert outcome(seen(raised, language=language), suite(1)) is Outcome.MEMORY_LIMIT
    assert outcome(seen(raised, language="lua"), suite(1)) is Outcome.RUNTIME_ERROR


def test_a_fatal_heap_message_is_the_memory_limit() -> None:
    died = seen(
        language="javascript",
        finished=False,
        signal=6,
        exit_code=None,
        stderr=Captured(tail="FATAL ERROR: JavaScript heap out of memory"),
    )
    assert outcome(died, suite(1)) is Outcome.MEMORY_LIMIT


ORDER = [
    ({"infrastructure": "slot died"}, Outcome.INFRASTRUCTURE),
    ({"stop": Stop.VIOLATION}, Outcome.VIOLATION),
    ({"stop": Stop.OUTPUT}, Outcome.OUTPUT_LIMIT),
    ({"stop": Stop.MEMORY}, Outcome.MEMORY_LIMIT),
    ({"stop": Stop.CPU}, Outcome.TIMEOUT),
    ({"stop": Stop.WALL}, Outcome.TIMEOUT),
    ({"phase": Phase.PARSE}, Outcome.PARSE_ERROR),
    ({"phase": Phase.COMPILE}, Outcome.COMPILE_ERROR),
    ({"signal": 11, "exit_code": None}, Outcome.RUNTIME_ERROR),
    ({}, Outcome.WRONG_ANSWER),
]


@pytest.mark.parametrize(("mark", "expected"), ORDER)
def test_each_mark_beats_a_wrong_answer(mark: dict[str, object], expected: Outcome) -> None:
    assert outcome(seen(*returned(0), **mark), suite(1)) is expected


@pytest.mark.parametrize(("mark", "expected"), [row for row in ORDER if row[0]])
def test_right_outputs_do_not_save_a_run_that_went_wrong(mark: dict[str, object], expected: Outcome) -> None:
    assert outcome(seen(*returned(1), **mark), suite(1)) is expected


def test_infrastructure_is_never_a_label_whatever_else_was_seen() -> None:
    everything = seen(*returned(0), infrastructure="slot died", stop=Stop.CPU, signal=9, exit_code=None)
    assert outcome(everything, suite(1)) is Outcome.INFRASTRUCTURE


def test_a_missing_toolchain_names_the_command() -> None:
    verdict = judge(seen(toolchain_missing="apt-get install -y ruby"), suite(1), "s")
    assert verdict.outcome is Outcome.TOOLCHAIN_MISSING
    assert "apt-get install -y ruby" in verdict.first_failure


def test_stdout_is_compared_as_a_whole_without_white_space_at_line_ends() -> None:
    tests = TestSuite(
        task_id="t",
        contract=StdioContract(),
        cases=(Case(arguments=("",), expected="1 2\n3\n"),),
        rank=EvidenceRank.EXAMPLES,
    )
    right = CaseObservation(index=0, status="returned", output="1 2 \n3")
    assert outcome(seen(right), tests) is Outcome.PASS
    for text in ("1 2\n", "1 2\n3\n4\n", " 1 2\n3", ""):
        assert outcome(seen(right.model_copy(update={"output": text})), tests) is Outcome.WRONG_ANSWER


def test_normal_text_keeps_blank_lines_inside() -> None:
    assert normal_text("a\n\nb  \n\n") == "a\n\nb"


def test_a_suite_gives_the_call_of_its_contract_without_what_is_expected() -> None:
    typed = suite(987, 654)
    call = FunctionCall(entry_point="solve", signature="(int) -> any", arguments=(("i0",), ("i1",)))
    assert typed.call() == call
    read = Case(arguments=("1 2",), expected="987")
    text = typed.model_copy(update={"contract": StdioContract(), "cases": (read,)})
    assert text.call() == StdioCall(stdins=("1 2",))
    end = Case(arguments=(), expected="b1")
    script = typed.model_copy(update={"contract": ScriptContract(script="f()"), "cases": (end,)})
    assert script.call() == ScriptCall(script="f()")
    assert outcome(seen(*returned(True)), script) is Outcome.PASS
    assert outcome(seen(*returned(False)), script) is Outcome.WRONG_ANSWER


RAISED = CaseObservation(index=1, status="raised", error="ValueError: no root")
MISSING = CaseObservation(index=1, status="missing")


@pytest.mark.parametrize(
    ("found", "words"),
    [
        (seen(phase=Phase.COMPILE, stderr=Captured(head="a.cpp:3: error: no Node")), "error: no Node"),
        (seen(phase=Phase.COMPILE, stderr=Captured(tail="error: no Node")), "error: no Node"),
        (seen(phase=Phase.COMPILE, stop=Stop.CPU), "the compiler was stopped: cpu limit"),
        (seen(phase=Phase.PARSE), "parse error: no message"),
        (seen(*returned(1), RAISED), "raised ValueError: no root"),
        (seen(*returned(1), MISSING, signal=11), "ended by signal 11"),
        (
            seen(MISSING, finished=False, exit_code=3, stdout=Captured(head="bye")),
            "ended early with exit code 3. bye",
        ),
        (seen(*returned(1), MISSING, stop=Stop.WALL), "stopped by the wall limit after 1 of 2 cases"),
        (seen(stop=Stop.VIOLATION), "stopped by the violation limit"),
        (seen(RAISED.model_copy(update={"error": "MemoryError: "})), "ran out of memory"),
        (seen(RAISED.model_copy(update={"error": ""})), "raised an error"),
        (seen(*returned(1)), "no value that can be read"),
        (seen(infrastructure=""), "the sandbox failed"),
        (seen(toolchain_missing="apt-get install golang"), "install it: apt-get install golang"),
    ],
)
def test_a_program_that_did_not_return_everywhere_has_words_whatever_it_was_run_for(
    found: Observation, words: str
) -> None:
    assert words in failure_words(found)


def test_hidden_cases_count_for_the_outcome_and_are_counted_apart() -> None:
    tests = suite(1, 2, 3, 4).model_copy(update={"hidden": 2})
    verdict = judge(seen(*returned(1, 2, 3, 5)), tests, "s")
    assert (verdict.outcome, verdict.passed, verdict.total) == (Outcome.WRONG_ANSWER, 2, 2)
    assert (verdict.hidden_passed, verdict.hidden_total) == (1, 2)
    assert judge(seen(*returned(1, 2, 3, 4)), tests, "s").outcome is Outcome.PASS
