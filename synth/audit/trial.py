"""Tries one row: its reference five times, programs that solve nothing, and mutants of the reference.

Place in the flow: an `AuditRow` and a sandbox in, a `RowResult` out. The one rule: a fault of the machine is
never a finding; a row that meets one says so instead.
"""

import asyncio
import re
from collections.abc import Sequence
from contextlib import suppress
from typing import Final

from synth.audit.programs import Aim, Attempt, attempts, is_constant
from synth.audit.results import Passed, RowResult
from synth.audit.shapes import AuditRow
from synth.errors import UserError
from synth.execution.protocol import Sandbox
from synth.ids import derive_seed
from synth.languages.registry import get_language
from synth.mutation.edits import Mutant, make_mutants
from synth.records import ExecutionRequest, Limits, Outcome, ScriptCall
from synth.verify.answers import VerifyResult, make_answer
from synth.verify.checkers import run_checkers
from synth.verify.rows import Prepared, prepare, read_row

RUNS: Final = 5
OTHER_HASHING: Final = 2
"""How many of the runs order hash tables in another way."""
CHANCE_RUNS: Final = 10
"""More runs of a reference where it or its tests name a source of chance: five runs miss one coin in 16."""
MUTANTS: Final = 6
_CHANCE: Final = re.compile(
    r"rand|shuffle|uuid|secrets|nonce|thread|async|goroutine|\bgo\s+func|\bselect\s*\{|"
    r"\btime|clock|\bnow\b|date|\bpid|getpid|hrtime|tempfile|/dev/",
    re.IGNORECASE,
)
_NOT_RUN: Final = (Outcome.COMPILE_ERROR, Outcome.PARSE_ERROR)
_MISSING: Final = re.compile(r"ModuleNotFoundError: No module named '([^']+)'")
_LEAST_CPU_S: Final = 1.0
_SLOWER: Final = 10


async def try_row(row: AuditRow, sandbox: Sandbox, limits: Limits, row_limits: bool = False) -> RowResult:
    """What is seen of the row."""
    result = RowResult(number=row.number, id=row.id, language=row.language)
    try:
        prepared = _prepared(row, limits, row_limits)
    except UserError as error:
        words = "; ".join(f"{problem.where}: {problem.message}" for problem in error.problems)
        return result.model_copy(update={"untried": row.problem or words})
    language = get_language(prepared.request.language)
    programs = await asyncio.to_thread(lambda: list(attempts(prepared, language, row.reference)))
    runs = _repeated(prepared, RUNS) if row.reference else []
    requests = [*runs, *(_request(prepared, one.code) for one in programs)]
    answers = await _judged(prepared, requests, sandbox)
    result = result.model_copy(update={"language": language.name})
    if faults := [answer for answer in answers if answer.verdict.is_fault]:
        return result.model_copy(update={"untried": f"{faults[0].verdict}: {faults[0].reason}"})
    result = _with_reference(result, answers[: len(runs)])
    result = _with_attempts(result, programs, answers[len(runs) :], prepared)
    if result.runs and len(set(result.runs)) == 1 and _names_chance(prepared):
        result = await _once_more(result, prepared, answers[0], sandbox)
    if result.runs and set(result.runs) == {Outcome.PASS}:
        return await _with_mutants(result, prepared, answers[0], language.grammar, sandbox)
    return result


def _prepared(row: AuditRow, limits: Limits, row_limits: bool) -> Prepared:
    where = f"row {row.number}"
    fields: dict[str, object] = {
        "id": row.id,
        "language": row.language,
        "code": row.reference,
        "tests": row.tests,
    }
    if row.limits:
        fields["limits"] = row.limits
    return prepare(read_row(fields, where), where, limits, row.number, row_limits=row_limits)


def _request(row: Prepared, code: str) -> ExecutionRequest:
    return row.request.model_copy(update={"code": code})


def _repeated(row: Prepared, count: int, start: int = 0) -> list[ExecutionRequest]:
    """The reference, so that each run is one of its own: equal requests are answered once."""
    limits = row.request.limits
    return [
        row.request.model_copy(
            update={
                "limits": limits.model_copy(update={"wall_s": limits.wall_s + at / 1000}),
                "other_hashing": RUNS - OTHER_HASHING <= at < RUNS,
            }
        )
        for at in range(start, start + count)
    ]


def _names_chance(row: Prepared) -> bool:
    call = row.request.call
    script = call.script if isinstance(call, ScriptCall) else ""
    return any(_CHANCE.search(text) for text in (row.request.code, script))


async def _once_more(result: RowResult, row: Prepared, first: VerifyResult, sandbox: Sandbox) -> RowResult:
    """The result with more runs of a reference whose first ones agree."""
    answers = await _judged(row, _repeated(row, CHANCE_RUNS, RUNS), sandbox)
    judged = [answer for answer in answers if not answer.verdict.is_fault]
    failed = next((answer for answer in (first, *judged) if answer.verdict is not Outcome.PASS), None)
    runs = (*result.runs, *(answer.verdict.value for answer in judged))
    return result.model_copy(update={"runs": runs, "reason": failed.reason[:500] if failed else ""})


async def _judged(
    row: Prepared, requests: Sequence[ExecutionRequest], sandbox: Sandbox
) -> list[VerifyResult]:
    observations = await sandbox.execute(requests)
    rows = [row] * len(observations)
    checked = await run_checkers(sandbox, rows, observations)
    return list(map(make_answer, rows, observations, checked))


def _with_reference(result: RowResult, answers: Sequence[VerifyResult]) -> RowResult:
    if not answers:
        return result.model_copy(update={"reference_untried": "it has no reference"})
    failed = next((answer for answer in answers if answer.verdict is not Outcome.PASS), None)
    if failed is not None and (missing := _MISSING.search(failed.reason)):
        return result.model_copy(update={"reference_untried": f"the module {missing[1]} is missing"})
    runs = tuple(answer.verdict.value for answer in answers)
    return result.model_copy(update={"runs": runs, "reason": failed.reason[:500] if failed else ""})


def _with_attempts(
    result: RowResult, programs: Sequence[Attempt], answers: Sequence[VerifyResult], row: Prepared
) -> RowResult:
    """What passed of what could be run: a program that does not compile says nothing about the tests."""
    pairs = list(zip(programs, answers, strict=True))
    tried = {
        one.aim.value
        for one, answer in pairs
        if answer.verdict not in _NOT_RUN or one.aim in (Aim.EMPTY, Aim.EXPLOIT)
    }
    passed = [
        Passed(aim=one.aim.value, name=one.name) for one, answer in pairs if answer.verdict is Outcome.PASS
    ]
    if is_constant(row):
        passed.append(Passed(aim=Aim.EXPLOIT.value, name="the same answer to every case"))
    return result.model_copy(update={"tried": tuple(sorted(tried)), "passed": tuple(passed)})


async def _with_mutants(
    result: RowResult, row: Prepared, reference: VerifyResult, grammar: str, sandbox: Sandbox
) -> RowResult:
    code = row.request.code
    made: list[Mutant] = []
    with suppress(UnicodeError):
        made = await asyncio.to_thread(make_mutants, code, grammar, MUTANTS, derive_seed(0, code))
    cpu_s = min(row.request.limits.cpu_s, max(_LEAST_CPU_S, _SLOWER * reference.cpu_s))
    limits = row.request.limits.model_copy(update={"cpu_s": cpu_s})
    requests = [row.request.model_copy(update={"code": one.code, "limits": limits}) for one in made]
    answers = await _judged(row, requests, sandbox) if made else []
    run = [
        (one, answer)
        for one, answer in zip(made, answers, strict=True)
        if answer.verdict not in _NOT_RUN and not answer.verdict.is_fault
    ]
    alive = tuple(f"line {one.line}: {one.words}" for one, answer in run if answer.verdict is Outcome.PASS)
    return result.model_copy(update={"mutants": len(run), "survivors": alive})
