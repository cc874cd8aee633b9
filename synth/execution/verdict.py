"""Judges observations: pure, and the only place where expected values meet outputs.

Place in the flow: observations -> verdicts. The one rule: the first match wins, in the
order toolchain missing, infrastructure, parse error, compile error, violation, output limit, memory limit,
time-out, runtime error, wrong answer, pass.
"""

from collections.abc import Collection
from typing import Final, NamedTuple

from synth.comparison import is_right, shown_value
from synth.execution.programs.failure_texts import compiler_text, exception_text, ran_out_of_memory
from synth.records import (
    CaseObservation,
    Observation,
    Outcome,
    Phase,
    StdioContract,
    Stop,
    TestSuite,
    Verdict,
)
from synth.values import ValueSyntaxError

_STOPS = {
    Stop.VIOLATION: Outcome.VIOLATION,
    Stop.OUTPUT: Outcome.OUTPUT_LIMIT,
    Stop.MEMORY: Outcome.MEMORY_LIMIT,
    Stop.CPU: Outcome.TIMEOUT,
    Stop.WALL: Outcome.TIMEOUT,
}

_OUT_OF_MEMORY: Final = "the language ran out of memory"


class Judged(NamedTuple):
    """A verdict, and which cases of the suite came out as expected, whatever the outcome."""

    verdict: Verdict
    right: list[bool]


def judge(observation: Observation, suite: TestSuite, solution_id: str) -> Verdict:
    """The verdict on one observation against one suite. `passed` counts the right open cases, and
    `hidden_passed` the right hidden ones, whatever the outcome."""
    return judge_cases(observation, suite, solution_id).verdict


def judge_cases(
    observation: Observation,
    suite: TestSuite,
    solution_id: str,
    accepted: Collection[int] | None = None,
) -> Judged:
    """The same, with what was found for each case. `accepted` are the cases that the suite's checker
    accepted, where it has one."""
    by_index = {case.index: case for case in reversed(observation.cases)}
    right = [_is_right(by_index.get(at), suite, at, accepted) for at in range(len(suite.cases))]
    seen = len(right) - suite.hidden
    outcome, words = _decide(observation, suite, right)
    verdict = Verdict(
        solution_id=solution_id,
        task_id=suite.task_id,
        outcome=outcome,
        passed=sum(right[:seen]),
        total=seen,
        hidden_passed=sum(right[seen:]),
        hidden_total=suite.hidden,
        rank=suite.rank,
        first_failure=words,
        cpu_s=observation.cpu_s,
        peak_memory_mb=observation.peak_memory_mb,
        level=observation.level,
    )
    return Judged(verdict, right)


def failure_words(observation: Observation) -> str:
    """Why a program did not return a value on every input, whatever it was run for: never empty, a few
    hundred characters. The first thing that went wrong counts, in the order of the verdicts."""
    if observation.toolchain_missing is not None:
        return f"install it: {observation.toolchain_missing}"
    if observation.infrastructure is not None:
        return observation.infrastructure or "the sandbox failed without a word"
    if observation.phase is not Phase.RUN:
        outcome, words = _before_run(observation)
        return f"{outcome.value.replace('_', ' ')}: {words}"
    if observation.stop in _STOPS:
        return _stop_words(observation) or f"stopped by the {observation.stop.value} limit"
    if ran_out_of_memory(observation):
        return _OUT_OF_MEMORY
    if raised := next((case for case in observation.cases if case.status == "raised"), None):
        return f"raised {raised.error or 'an error'}"
    return _early_end(observation, len(observation.cases)) or "returned no value that can be read"


def _decide(observation: Observation, suite: TestSuite, right: list[bool]) -> tuple[Outcome, str]:
    if observation.toolchain_missing is not None:
        return Outcome.TOOLCHAIN_MISSING, f"install it: {observation.toolchain_missing}"
    if observation.infrastructure is not None:
        return Outcome.INFRASTRUCTURE, observation.infrastructure
    if observation.phase is not Phase.RUN:
        return _before_run(observation)
    if observation.stop in _STOPS:
        return _STOPS[observation.stop], _stop_words(observation)
    if ran_out_of_memory(observation):
        return Outcome.MEMORY_LIMIT, _OUT_OF_MEMORY
    error = _runtime_error(observation, suite)
    if error:
        return Outcome.RUNTIME_ERROR, error
    if not all(right):
        return Outcome.WRONG_ANSWER, _difference(observation, suite, right.index(False))
    if not right:
        return Outcome.INFRASTRUCTURE, "the suite has no cases, so nothing can be judged"
    return Outcome.PASS, ""


def _before_run(observation: Observation) -> tuple[Outcome, str]:
    """A compiler that was stopped by a limit is a compile error: the program was never run."""
    outcome = Outcome.PARSE_ERROR if observation.phase is Phase.PARSE else Outcome.COMPILE_ERROR
    stopped = (
        "" if observation.stop is Stop.NONE else f"the compiler was stopped: {observation.stop.value} limit. "
    )
    words = compiler_text(observation.stderr) or f"no message; exit code {observation.exit_code}"
    return outcome, stopped + words


def _stop_words(observation: Observation) -> str:
    if observation.stop is Stop.VIOLATION:
        return observation.stderr.head.partition("\n")[0]
    returned = sum(case.status == "returned" for case in observation.cases)
    return f"stopped by the {observation.stop.value} limit after {returned} of {len(observation.cases)} cases"


def _runtime_error(observation: Observation, suite: TestSuite) -> str:
    """An exception, a signal, an exit status or an early end; "" if there is none."""
    for case in observation.cases:
        if case.status == "raised" and not _is_to_raise(suite, case.index):
            is_text = isinstance(suite.contract, StdioContract)
            what = (
                f"{case.error}. {_said(observation)}".strip()
                if is_text
                else f"raised {case.error or 'an error'}"
            )
            return f"case {case.index}, input {_inputs(suite, case.index)}: {what}"
    return _early_end(observation, len(suite.cases))


def _early_end(observation: Observation, cases: int) -> str:
    """A signal, an exit status or an end before the last of the cases; "" if there is none."""
    if observation.signal is not None:
        return f"ended by signal {observation.signal}. {_said(observation)}".strip()
    if (
        not observation.finished
        or any(case.status == "missing" for case in observation.cases)
        or len(observation.cases) < cases
    ):
        return f"ended early with exit code {observation.exit_code}. {_said(observation)}".strip()
    return ""


def _is_right(
    found: CaseObservation | None, suite: TestSuite, index: int, accepted: Collection[int] | None
) -> bool:
    if found is not None and _is_to_raise(suite, index):
        return found.status == "raised"
    if found is None or found.status != "returned" or found.output is None:
        return False
    if isinstance(suite.contract, StdioContract) and not found.is_text:
        return False
    if accepted is not None:
        return index in accepted
    return is_right(found.output, suite.cases[index], suite.compare, suite.contract)


def _is_to_raise(suite: TestSuite, index: int) -> bool:
    """Whether the call is to end in an error. A program over stdin and stdout raises none: it prints."""
    is_call = not isinstance(suite.contract, StdioContract)
    return is_call and index < len(suite.cases) and bool(suite.cases[index].raises)


def _difference(observation: Observation, suite: TestSuite, index: int) -> str:
    case = next((case for case in observation.cases if case.index == index), None)
    found = "nothing" if case is None else case.error or _show(case.output or "", suite)
    expected = suite.cases[index]
    wanted = f"an error ({expected.raises})" if expected.raises else _show(expected.expected, suite)
    return f"case {index}, input {_inputs(suite, index)}: expected {wanted}, found {found}"


def _inputs(suite: TestSuite, index: int) -> str:
    return ", ".join(_show(argument, suite) for argument in suite.cases[index].arguments) or "()"


def _show(wire: str, suite: TestSuite) -> str:
    """A value for people, cut to 200 characters."""
    if isinstance(suite.contract, StdioContract):
        return repr(wire[:200])[:200]
    try:
        return repr(shown_value(wire))[:200]
    except (ValueSyntaxError, RecursionError):
        return f"unreadable text {wire[:60]!r}"


def _said(observation: Observation) -> str:
    """What the program said about its end, on stderr or, if that is empty, on stdout."""
    return exception_text(observation.stderr) or exception_text(observation.stdout)
