"""Replay of a stored program: find it with its tests, run it again in a sandbox, and state for each case the
input, the expected and the actual output.

The one rule: the program and its tests are those of the run; the new verdict stands beside the run's.
"""

from pathlib import Path
from typing import NamedTuple

from pydantic import JsonValue

from synth.comparison import shown_value
from synth.errors import Problem, UserError
from synth.execution.protocol import Sandbox
from synth.products import PRODUCTS
from synth.records import (
    Case,
    EvidenceRank,
    ExecutionRequest,
    FunctionContract,
    Limits,
    Observation,
    Outcome,
    Record,
    Reference,
    Seed,
    Solution,
    TestSuite,
    Verdict,
)
from synth.repair_records import Correction, ShownProgram
from synth.values import ValueSyntaxError


class StoredProgram(NamedTuple):
    """A stored program with its tests."""

    id: str
    language: str
    code: str
    suite: TestSuite
    verdict: Verdict | None
    """What the run said."""


class CaseResult(Record):
    """One case, in the words of the language-neutral values."""

    index: int
    input: str
    expected: str
    found: str
    is_right: bool


class Replay(Record):
    """What happened when the program ran again."""

    program_id: str
    language: str
    outcome: Outcome
    outcome_in_run: Outcome | None
    first_failure: str
    cases: tuple[CaseResult, ...]
    cpu_s: float
    wall_s: float
    peak_memory_mb: float
    level: str
    toolchain: str
    stdout: str
    stderr: str


def find_program(run: Path, id_or_prefix: str) -> StoredProgram:
    """The program behind an id, with its tests. Raises UserError if the unit is not a program or
    has no tests."""
    from synth.store.units import find_unit

    unit = find_unit(run, id_or_prefix)
    bodies = {body.kind: body.fields for body in unit.bodies}
    for product in PRODUCTS:
        if product.model.kind in bodies:
            made_of = product.model.parents[0]
            return find_program(run, str(bodies[product.model.kind][made_of]))
    if Reference.kind in bodies:
        return _reference_program(Reference.model_validate(bodies[Reference.kind]))
    if Correction.kind in bodies:
        correction = Correction.model_validate(bodies[Correction.kind])
        if correction.code:
            return _solution_program(run, correction.as_solution(), bodies)
        return find_program(run, correction.shown_id)
    if ShownProgram.kind in bodies:
        shown = ShownProgram.model_validate(bodies[ShownProgram.kind])
        return _solution_program(run, shown.as_solution(), bodies)
    if Solution.kind in bodies:
        return _solution_program(run, Solution.model_validate(bodies[Solution.kind]), bodies)
    if Seed.kind in bodies:
        raise _untested(unit.id)
    raise UserError(
        Problem(
            f"unit {unit.id}",
            f"is a {unit.kind or 'unit'}, not a program; solutions, samples, pairs and seeds are programs",
            "find a program with `codemill why ID`",
        )
    )


def _solution_program(
    run: Path, solution: Solution, bodies: dict[str, dict[str, JsonValue]]
) -> StoredProgram:
    from synth.store.units import read_bodies

    suites = read_bodies(run, TestSuite.kind, [solution.task_id])
    if not suites:
        raise _untested(solution.id)
    suite = TestSuite.model_validate(suites[solution.task_id].fields)
    if not suite.judges(solution):
        raise UserError(
            Problem(
                f"solution {solution.id}",
                f"failed tests that were drawn again at try {suite.attempt}, since nothing passed them",
                "replay a solution of that try or a later one",
            )
        )
    verdict = Verdict.model_validate(bodies[Verdict.kind]) if Verdict.kind in bodies else None
    return StoredProgram(solution.id, solution.language, solution.code, suite, verdict)


def _reference_program(reference: Reference) -> StoredProgram:
    """A seed is replayed on its own recorded behaviour."""
    if not reference.cases:
        raise _untested(reference.seed_id)
    suite = TestSuite(
        task_id=reference.seed_id,
        contract=reference.contract,
        cases=reference.cases,
        rank=EvidenceRank.REFERENCE,
    )
    return StoredProgram(reference.seed_id, reference.language, reference.code, suite, None)


async def replay_program(program: StoredProgram, sandbox: Sandbox, limits: Limits) -> Replay:
    """Run the program once on all of its cases. Raises SandboxError when the sandbox cannot start."""
    from synth.execution.verdict import judge

    await sandbox.start()
    try:
        [observation] = await sandbox.execute([_request(program, limits)])
    finally:
        await sandbox.close()
    verdict = judge(observation, program.suite, program.id)
    return Replay(
        program_id=program.id,
        language=program.language,
        outcome=verdict.outcome,
        outcome_in_run=program.verdict.outcome if program.verdict else None,
        first_failure=verdict.first_failure,
        cases=tuple(
            _case_result(program.suite, observation, index) for index in range(len(program.suite.cases))
        ),
        cpu_s=observation.cpu_s,
        wall_s=observation.wall_s,
        peak_memory_mb=observation.peak_memory_mb,
        level=observation.level,
        toolchain=observation.toolchain,
        stdout=observation.stdout.head + observation.stdout.tail,
        stderr=observation.stderr.head + observation.stderr.tail,
    )


def _untested(program_id: str) -> UserError:
    return UserError(
        Problem(
            f"program {program_id}",
            "has no tests in this run: its task has no test suite",
            "find a tested program with `codemill why ID`",
        )
    )


def _request(program: StoredProgram, limits: Limits) -> ExecutionRequest:
    return ExecutionRequest(
        id=program.id,
        language=program.language,
        code=program.code,
        call=program.suite.call(),
        limits=limits,
    )


def _case_result(suite: TestSuite, observation: Observation, index: int) -> CaseResult:
    from synth.execution.verdict import judge

    case = suite.cases[index]
    seen = next((one for one in observation.cases if one.index == index), None)
    alone = suite.model_copy(update={"cases": (case,)})
    only = observation.model_copy(update={"cases": (seen.model_copy(update={"index": 0}),) if seen else ()})
    found = (
        "nothing"
        if seen is None or seen.status == "missing"
        else seen.error
        if seen.status == "raised"
        else words_of(suite, seen.output)
    )
    is_right = judge(only, alone, observation.request_id).passed == 1
    return CaseResult(
        index=index,
        input=input_words(suite, case),
        expected=f"an error ({case.raises})" if case.raises else words_of(suite, case.expected),
        found=found or "",
        is_right=is_right,
    )


def input_words(suite: TestSuite, case: Case) -> str:
    """The arguments of a case as a person writes them."""
    return ", ".join(words_of(suite, argument) for argument in case.arguments)


def words_of(suite: TestSuite, text: str | None) -> str:
    """A value as a person writes it: wire text decoded, stdin and stdout quoted."""
    if text is None:
        return "nothing"
    if not isinstance(suite.contract, FunctionContract):
        return repr(text)
    try:
        return repr(shown_value(text))
    except (ValueSyntaxError, RecursionError):
        return text
