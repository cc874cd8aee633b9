"""`codemill replay ID`: run one program again in the sandbox and show, case by case, what goes in, what was
expected and what comes out.

The one rule: the program, its tests and its limits are those of the run; what this replay says is shown
beside what the run said.
"""

import asyncio
from pathlib import Path
from typing import NamedTuple

from pydantic import TypeAdapter

from synth.cli.printing import one_line, print_json, print_table, print_text, print_title
from synth.config import ExecutionConfig, LocalSandboxConfig
from synth.errors import Problem, UserError
from synth.execution.protocol import Sandbox
from synth.records import (
    Case,
    ExecutionRequest,
    FunctionCall,
    FunctionContract,
    Limits,
    Observation,
    Outcome,
    Record,
    Seed,
    Solution,
    StdioCall,
    TestSuite,
    Verdict,
)
from synth.rules.limits import limits_of
from synth.values import ValueSyntaxError, decode

_TESTED_AS = {"sample": "solution_id", "pair": "chosen_id", "fim": "source_id"}
"""A product is replayed by the program that it was made of."""


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


def replay_unit(folder: Path, unit: str, *, as_json: bool, local: bool) -> None:
    """Run the unit's program again and print what happened. `local`: in this machine's sandbox, whatever the
    recipe of the run says."""
    from synth.execution.factory import create_sandbox
    from synth.store.run_folder import read_info

    program = find_program(folder, unit)
    given = read_info(folder).recipe.get("execution")
    adapter: TypeAdapter[ExecutionConfig] = TypeAdapter(ExecutionConfig)
    config = LocalSandboxConfig() if local or given is None else adapter.validate_python(given)
    limits = limits_of(config)
    found = asyncio.run(replay_program(program, create_sandbox(config), limits))
    if as_json:
        print_json(found)
    else:
        _print_replay(found)


def find_program(run: Path, id_or_prefix: str) -> StoredProgram:
    """The program behind an id, with its tests. Raises UserError for a unit that is no program or was never
    tested."""
    from synth.store.units import find_unit, read_bodies

    unit = find_unit(run, id_or_prefix)
    bodies = {body.kind: body.fields for body in unit.bodies}
    for kind, column in _TESTED_AS.items():
        if kind in bodies:
            return find_program(run, str(bodies[kind][column]))
    if "seed" in bodies:
        return _seed_program(run, Seed.model_validate(bodies["seed"]))
    if "solution" not in bodies:
        raise UserError(
            Problem(
                f"{unit.id}: a {unit.kind or 'unit'} is no program",
                "a solution, sample, pair or seed",
                "codemill why ID",
            )
        )
    solution = Solution.model_validate(bodies["solution"])
    suites = read_bodies(run, "suite", [solution.task_id])
    if not suites:
        raise _untested(solution.id)
    suite = TestSuite.model_validate(suites[solution.task_id].fields)
    verdict = Verdict.model_validate(bodies["verdict"]) if "verdict" in bodies else None
    return StoredProgram(solution.id, solution.language, solution.code, suite, verdict)


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


def _seed_program(run: Path, seed: Seed) -> StoredProgram:
    """A seed is replayed on the tests of the first task that was made from it."""
    from synth.store.query import Shards
    from synth.store.units import body_files, read_bodies

    sql = "SELECT key FROM read_parquet($1) WHERE seed_id = $2 ORDER BY key"
    tasks = [str(row["key"]) for row in Shards(run).query(sql, body_files(run, "task"), seed.id)]
    suites = read_bodies(run, "suite", tasks)
    task = next((task for task in tasks if task in suites), None)
    if task is None or seed.contract is None:
        raise _untested(seed.id)
    suite = TestSuite.model_validate(suites[task].fields)
    return StoredProgram(
        seed.id, seed.language, seed.code, suite.model_copy(update={"contract": seed.contract}), None
    )


def _untested(program_id: str) -> UserError:
    return UserError(
        Problem(
            f"{program_id}: it has no tests in this run",
            "a program whose task has a test suite",
            "codemill why ID",
        )
    )


def _request(program: StoredProgram, limits: Limits) -> ExecutionRequest:
    inputs = tuple(case.arguments for case in program.suite.cases)
    contract = program.suite.contract
    call: FunctionCall | StdioCall
    if isinstance(contract, FunctionContract):
        call = FunctionCall(entry_point=contract.entry_point, signature=contract.signature, arguments=inputs)
    else:
        call = StdioCall(stdins=tuple("".join(arguments) for arguments in inputs))
    return ExecutionRequest(
        id=program.id, language=program.language, code=program.code, call=call, limits=limits
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
        else _words(suite, seen.output)
    )
    is_right = judge(only, alone, observation.request_id).passed == 1
    return CaseResult(
        index=index,
        input=_input(suite, case),
        expected=_words(suite, case.expected),
        found=found or "",
        is_right=is_right,
    )


def _input(suite: TestSuite, case: Case) -> str:
    return ", ".join(_words(suite, argument) for argument in case.arguments)


def _words(suite: TestSuite, text: str | None) -> str:
    """A value as a person writes it: wire text decoded, stdin and stdout quoted."""
    if text is None:
        return "nothing"
    if not isinstance(suite.contract, FunctionContract):
        return repr(text)
    try:
        return repr(decode(text))
    except (ValueSyntaxError, RecursionError):
        return text


def _print_replay(found: Replay) -> None:
    said = f"; in the run: {found.outcome_in_run}" if found.outcome_in_run else ""
    print_title(f"{found.program_id} ({found.language}): {found.outcome}{said}")
    rows = [
        [
            "ok" if case.is_right else "WRONG",
            one_line(case.input),
            one_line(case.expected),
            one_line(case.found),
        ]
        for case in found.cases
    ]
    print_table(["", "input", "expected", "found"], rows)
    if found.first_failure:
        print_text(found.first_failure)
    figures = f"{found.cpu_s:.2f} s CPU, {found.wall_s:.2f} s, {found.peak_memory_mb:.0f} MB"
    print_text(f"{figures}, sandbox level {found.level or '?'}, {found.toolchain or 'toolchain not stated'}")
    for name, text in (("stdout", found.stdout), ("stderr", found.stderr)):
        if text.strip():
            print_text(f"{name}:")
            print_text(text, indent=2)
