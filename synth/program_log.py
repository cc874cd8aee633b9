"""What a program that failed its tests returned and printed: kept so that people can see why, without a
second run.

Place in the flow: the execute stage writes one for each program that did not pass; the inspector shows them,
and repair turns tell the model what they say. The one rule: it decides nothing. Texts are cut; their true
length stands beside them.
"""

from collections.abc import Sequence
from typing import ClassVar, Final, Literal

from synth.records import Captured, Observation, Phase, Record, Stop, Unit

SHOWN_CHARACTERS: Final = 1000
"""Of what one case returned."""


class LoggedCase(Record):
    """What one test found."""

    index: int
    is_right: bool
    status: Literal["returned", "raised", "missing"]
    found: str = ""
    """The start of the output (wire text, or stdout of a program), or of the error."""
    length: int = 0
    """Of all of it, in characters."""


class ProgramLog(Unit):
    """What one failing program did on the tests of its task."""

    kind: ClassVar[str] = "log"
    about: ClassVar[str] = "what a program that failed returned and printed"
    id_field: ClassVar[str] = "solution_id"

    solution_id: str
    language: str
    phase: Phase
    """The last phase reached; stderr is the compiler's unless it is `run`."""
    exit_code: int | None = None
    signal: int | None = None
    stop: Stop = Stop.NONE
    cases: tuple[LoggedCase, ...] = ()
    stdout: Captured = Captured()
    stderr: Captured = Captured()
    toolchain: str = ""


def log_program(observation: Observation, right: Sequence[bool], solution_id: str) -> ProgramLog:
    """The log of one observation. `right`: for each test of the suite, whether it came out as expected."""
    seen = {case.index: case for case in reversed(observation.cases)}
    cases = []
    for index, is_right in enumerate(right):
        case = seen.get(index)
        found = "" if case is None else (case.output if case.status == "returned" else case.error) or ""
        cases.append(
            LoggedCase(
                index=index,
                is_right=is_right,
                status="missing" if case is None else case.status,
                found="" if is_right else found[:SHOWN_CHARACTERS],
                length=len(found),
            )
        )
    return ProgramLog(
        solution_id=solution_id,
        language=observation.language,
        phase=observation.phase,
        exit_code=observation.exit_code,
        signal=observation.signal,
        stop=observation.stop,
        cases=tuple(cases),
        stdout=observation.stdout,
        stderr=observation.stderr,
        toolchain=observation.toolchain,
    )
