"""Turns a driver's lines on the private channel, and a process's result, into an observation.

Place in the flow: after a job, before the verdict. The one rule: a line counts only with the nonce of its
run, once, and in order. If the channel breaks this, the program itself wrote to it, which is a violation.
Values are passed on as they were written: whoever compares them reads what it needs.
"""

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Final, Literal

from synth.execution.isolation.job import JobResult, Output
from synth.execution.observations import ObservationContext
from synth.records import Captured, CaseObservation, ExecutionRequest, Observation, Phase, Stop


@dataclass(slots=True)
class ChannelReport:
    """The contents of the channel: the cases so far, whether the driver reached its end, and any problem
    with the channel."""

    cases: list[CaseObservation] = field(default_factory=list)
    finished: bool = False
    parse_error: str | None = None
    missing: str | None = None
    """A module that the script needs and that is not installed."""
    forged: bool = False


def read_channel(data: bytes, nonce: str, count: int) -> ChannelReport:
    """Read the lines of one run. A truncated last line does not count.

    A driver writes one line per case and one at its end: any further line is forged, and the lines after it
    are not read.
    """
    report = ChannelReport()
    for line in data.decode("ascii", "replace").split("\n", count + 2)[:-1]:
        _read_line(line.split(" ", 3), nonce, count, report)
    return report


def _read_line(words: list[str], nonce: str, count: int, report: ChannelReport) -> None:
    if words[0] != nonce or len(words) < 2 or report.finished:
        report.forged = True
    elif words[1] == "finished":
        report.finished = len(report.cases) == count
        report.forged |= not report.finished
    elif words[1] == "parse_error" and len(words) == 3:
        report.parse_error = _text(words[2])
    elif words[1] == "missing" and len(words) == 3 and not report.cases:
        report.missing = _text(words[2])
    elif words[1] == str(len(report.cases)) and len(report.cases) < count and len(words) >= 3:
        report.cases.append(_case(len(report.cases), words[2], words[3] if len(words) > 3 else ""))
    else:
        report.forged = True


def _case(index: int, status: str, rest: str) -> CaseObservation:
    if status == "raised":
        return CaseObservation(index=index, status="raised", error=_text(rest))
    if status == "unreadable":
        return CaseObservation(index=index, status="returned", error=_text(rest))
    return CaseObservation(index=index, status="returned", output=rest)


def _text(hexadecimal: str) -> str:
    try:
        return bytes.fromhex(hexadecimal).decode("utf-8", "replace")
    except ValueError:
        return "(a message that cannot be read)"


def observe_function(
    request: ExecutionRequest, result: JobResult, nonce: str, count: int, context: ObservationContext
) -> Observation:
    """The observation of one driver run. Cases that the driver never reported are missing."""
    report = read_channel(result.channel, nonce, count)
    missing = tuple(
        CaseObservation(index=index, status="missing") for index in range(len(report.cases), count)
    )
    observation = _observe(request, result, context).model_copy(
        update={"finished": report.finished, "cases": (*report.cases, *missing)}
    )
    if report.forged and result.stop is Stop.NONE:
        words = "the program wrote to the private channel"
        note = Captured(head=words, length=len(words))
        return observation.model_copy(update={"stop": Stop.VIOLATION, "finished": False, "stderr": note})
    if report.missing is not None and not report.cases:
        return observation.model_copy(
            update={"toolchain_missing": f"python3 -m pip install {report.missing}"}
        )
    if report.parse_error is not None and not report.cases:
        message = Captured(head=report.parse_error, length=len(report.parse_error))
        return observation.model_copy(update={"phase": Phase.PARSE, "stderr": message, "cases": ()})
    return observation


def observe_stdio(
    request: ExecutionRequest, results: Sequence[JobResult], count: int, context: ObservationContext
) -> Observation:
    """One observation of several runs, one per stdin. Exit code and streams come from the first
    run that failed."""
    cases = tuple(
        _stdio_case(index, results[index] if index < len(results) else None) for index in range(count)
    )
    worst = next((result for result in results if not result.is_clean), results[-1])
    return _observe(request, worst, context).model_copy(
        update={
            "cases": cases,
            "finished": len(results) == count and all(result.is_clean for result in results),
            "cpu_s": sum(result.cpu_s for result in results),
            "wall_s": sum(result.wall_s for result in results),
            "peak_memory_mb": max(result.peak_memory_mb for result in results),
        }
    )


MOST_SHOWN: Final = 1 << 20
"""Bytes of each stream that are reported of a program whose output nobody compares."""


def observe_program(request: ExecutionRequest, result: JobResult, context: ObservationContext) -> Observation:
    """How one program ended, with its outputs from their beginning."""
    streams = {"stdout": _beginning(result.stdout), "stderr": _beginning(result.stderr)}
    observation = _observe(request, result, context)
    if result.violation is not None:
        del streams["stderr"]  # it begins with a note on the forbidden call
    return observation.model_copy(update={**streams, "finished": result.is_clean})


def _beginning(output: Output) -> Captured:
    return Captured(head=output.data[:MOST_SHOWN].decode("utf-8", "replace"), length=output.length)


def _stdio_case(index: int, result: JobResult | None) -> CaseObservation:
    if result is None or result.stop is not Stop.NONE or result.infrastructure is not None:
        return CaseObservation(index=index, status="missing")
    if result.exit_code != 0:
        ended = f"signal {result.signal}" if result.signal is not None else f"exit code {result.exit_code}"
        return CaseObservation(index=index, status="raised", error=f"ended with {ended}")
    output, is_text = _decoded(result.stdout.data)
    return CaseObservation(index=index, status="returned", output=output, is_text=is_text)


def observe_check(
    request: ExecutionRequest, results: Sequence[JobResult], count: int, context: ObservationContext
) -> Observation:
    """Several runs of a checker. The output of a case is its exit code; its error is how it ended and what it
    wrote on stderr."""
    seen = observe_stdio(request, results or [JobResult(exit_code=0)], count, context)
    cases = (
        case if case.status == "missing" else _check_case(case.index, results[case.index])
        for case in seen.cases
    )
    return seen.model_copy(update={"cases": tuple(cases)})


def _check_case(index: int, result: JobResult) -> CaseObservation:
    ended = f"signal {result.signal}" if result.signal is not None else f"exit code {result.exit_code}"
    said = result.stderr.captured(2000)
    error = f"ended with {ended}. {said.head}{said.tail}"
    status: Literal["returned", "raised"] = "returned" if result.exit_code == 0 else "raised"
    code = "" if result.exit_code is None else str(result.exit_code)
    return CaseObservation(index=index, status=status, output=code, error=error)


def _decoded(data: bytes) -> tuple[str, bool]:
    """The text, and whether the bytes were one."""
    try:
        return data.decode(), True
    except UnicodeDecodeError:
        return data.decode("utf-8", "replace"), False


def _observe(request: ExecutionRequest, result: JobResult, context: ObservationContext) -> Observation:
    return Observation(
        request_id=request.id,
        language=request.language,
        phase=Phase.RUN,
        exit_code=result.exit_code,
        signal=result.signal,
        stop=result.stop,
        stdout=result.stdout.captured(),
        stderr=_stderr(result),
        cpu_s=result.cpu_s,
        wall_s=result.wall_s,
        peak_memory_mb=result.peak_memory_mb,
        infrastructure=result.infrastructure,
        level=context.level,
        toolchain=context.toolchain,
    )


def _stderr(result: JobResult) -> Captured:
    """The program's stderr, after a note on why it was stopped."""
    if result.violation is None:
        return result.stderr.captured()
    words = f"the program made a forbidden call: {result.violation}\n".encode()
    return Output(words + result.stderr.data, len(words) + result.stderr.length).captured()


def observe_script(
    request: ExecutionRequest, result: JobResult, nonce: str, context: ObservationContext
) -> Observation:
    """For a script without a driver: its end counts only if its mark was written and the process then exited
    with code 0."""
    observation = observe_function(request, result, nonce, 1, context)
    return observation.model_copy(update={"finished": observation.finished and result.exit_code == 0})


def compiler_messages(result: JobResult) -> str:
    """The compiler's messages, and the reason if it was stopped."""
    stopped = (
        "" if result.stop is Stop.NONE else f"the compiler was stopped by the {result.stop.value} limit\n"
    )
    if result.violation is not None:
        stopped = f"the compiler was stopped, for it made a forbidden call: {result.violation}\n"
    return stopped + (result.stderr.data + result.stdout.data).decode("utf-8", "replace")
