"""From a row of an instruction set to a task: no model is asked, since the set has the instruction.

Entered: problems. Kept, by the strongest evidence that the row has: its answer can be run and is the
reference, and reproduces the tests of the row; or its tests can be read, are the suite (rank 2), and its
answer, where it has one that runs here, passes them; or its types are known, and agreement may judge. The one
rule: what a set says about its answers is never believed.
"""

from collections.abc import Sequence
from typing import ClassVar

from synth.execution.verdict import judge
from synth.filters.protocol import Evidence, Keep, Reject
from synth.ids import unit_id
from synth.records import (
    Case,
    CodingProblem,
    Contract,
    EvidenceRank,
    ExecutionRequest,
    FunctionContract,
    Observation,
    Outcome,
    Reference,
    Seed,
    Task,
    TestSuite,
    Unit,
    Verdict,
)
from synth.rules.limits import find_limits
from synth.rules.reference_judging import FoundReference
from synth.rules.reference_rules import stated_contract
from synth.rules.result_type import infer_type
from synth.rules.stated_examples import infer_parameters, stated_cases
from synth.stages.context import Context
from synth.stages.reference import ReferenceStage
from synth.stages.running import run_each
from synth.stages.shard_state import ShardState
from synth.stages.snippet import SnippetSource
from synth.stages.unit_stage import Decided, UnitStage, Upstream
from synth.values import Signature, ValueSyntaxError, decode


class ProblemStage(UnitStage[CodingProblem]):
    """Makes at most one task from each problem."""

    name = "problem"
    unit = CodingProblem
    upstream: tuple[Upstream, ...] = (SnippetSource,)
    makes: ClassVar[tuple[type[Unit], ...]] = (Task, Reference, TestSuite)

    def __init__(self, context: Context) -> None:
        self._context, self._references = context, ReferenceStage(context)

    async def decide(self, units: Sequence[CodingProblem], state: ShardState) -> list[Decided]:
        seeds = {one.id: seed for one in units if (seed := _seed_of(one)) is not None}
        found = await self._references.find(list(seeds.values()), state.priority)
        suites = {
            one.id: suite
            for one in units
            if not isinstance(found.get(one.id), FoundReference) and (suite := self._suite(one)) is not None
        }
        verdicts = await self._judge_answers(
            [one for one in units if one.id in suites and one.code], suites, state
        )
        return [
            self._decided(
                one, seeds.get(one.id), found.get(one.id), suites.get(one.id), verdicts.get(one.id), state
            )
            for one in units
        ]

    def _decided(
        self,
        problem: CodingProblem,
        seed: Seed | None,
        found: FoundReference | Reject | None,
        suite: TestSuite | None,
        verdict: Verdict | None,
        state: ShardState,
    ) -> Decided:
        if isinstance(found, FoundReference):
            task = _task(problem, found.reference.contract, state)
            return Decided(Keep({**found.evidence, "by": "reference"}), (task, found.reference))
        if found is not None and found.is_fault and found.reason != Outcome.TOOLCHAIN_MISSING:
            return Decided(found)
        if suite is not None:
            return self._by_tests(problem, suite, verdict, state)
        if (bare := self._bare(problem, seed)) is not None:
            task = _task(problem, bare.contract, state)
            return Decided(Keep({"by": "agreement"}), (task, bare))
        return Decided(_no_evidence(problem, found))

    def _by_tests(
        self, problem: CodingProblem, suite: TestSuite, verdict: Verdict | None, state: ShardState
    ) -> Decided:
        """The task with the tests of its row, if its answer does not speak against them."""
        minimum = self._context.data.inputs.minimum
        evidence: Evidence = {"by": "tests", "cases": len(suite.cases)}
        if len(suite.cases) < minimum:
            return Decided(Reject("too_few_inputs", {"cases": len(suite.cases), "minimum": minimum}))
        if verdict is not None and verdict.outcome is Outcome.INFRASTRUCTURE:
            return Decided(Reject("infrastructure", {"error": verdict.first_failure[:300]}))
        if verdict is not None and verdict.outcome not in (Outcome.PASS, Outcome.TOOLCHAIN_MISSING):
            failure: Evidence = {
                "outcome": verdict.outcome.value,
                "first_failure": verdict.first_failure[:300],
            }
            return Decided(Reject("answer_fails", evidence | failure))
        task = _task(problem, _contract_of(suite), state)
        ran = "passes" if verdict is not None and verdict.outcome is Outcome.PASS else "not run"
        return Decided(
            Keep(evidence | {"answer": ran}), (task, suite.model_copy(update={"task_id": task.id}))
        )

    def _suite(self, problem: CodingProblem) -> TestSuite | None:
        """The tests of the row as a suite; None if it has none that share types."""
        data = self._context.data
        if problem.contract is not None:
            contract: Contract | None = problem.contract
            cases = problem.cases
        else:
            contract, cases = _calls(problem)
        if contract is None or not cases:
            return None
        compare = data.evidence.compare if isinstance(contract, FunctionContract) else None
        return TestSuite(
            task_id=problem.id,
            contract=contract,
            cases=_spread(cases, data.inputs.maximum),
            rank=EvidenceRank.EXAMPLES,
            compare=compare,
        )

    async def _judge_answers(
        self, problems: Sequence[CodingProblem], suites: dict[str, TestSuite], state: ShardState
    ) -> dict[str, Verdict]:
        """What the tests say of the answers, by problem."""
        limits = find_limits(self._context.recipe.execution)
        programs = [
            ExecutionRequest(
                id=f"answer-{one.id}",
                language=one.language,
                code=one.code,
                call=suites[one.id].call(),
                limits=limits,
            )
            for one in problems
        ]

        def read(at: int, seen: Observation) -> Verdict:
            return judge(seen, suites[problems[at].id], problems[at].id)

        found = await run_each(self._context.sandbox, programs, read, state.priority)
        return {verdict.solution_id: verdict for verdict in found}

    def _bare(self, problem: CodingProblem, seed: Seed | None) -> Reference | None:
        """The problem's types alone, when agreement may judge its task."""
        data = self._context.data
        if not data.evidence.agreement or data.solve is None:
            return None
        contract = stated_contract(seed) if seed is not None else None
        if contract is None and problem.starter:
            starter = f"{problem.starter.rstrip()}\n    pass\n"
            contract = stated_contract(_seed(problem, starter, "python"))
        if not isinstance(contract, FunctionContract):
            return None
        language = problem.language or "python"
        return Reference(seed_id=problem.id, language=language, code=problem.code, contract=contract)


def _seed_of(problem: CodingProblem) -> Seed | None:
    """The answer as a seed that can be run; None for a program over stdin, which its tests judge."""
    if not problem.code or problem.contract is not None:
        return None
    return _seed(problem, problem.code, problem.language)


def _seed(problem: CodingProblem, code: str, language: str) -> Seed:
    return Seed(
        id=problem.id,
        language=language,
        code=code,
        origin=problem.origin,
        entry_point=problem.entry_point,
        examples=problem.examples,
    )


def _calls(problem: CodingProblem) -> tuple[FunctionContract | None, tuple[Case, ...]]:
    """The function that the tests of a row call, by the types of their values, and the calls as cases."""
    stated = [one for one in problem.examples if one.expected is not None]
    if not problem.entry_point or not stated:
        return None, ()
    count = len(stated[0].arguments)
    parameters = infer_parameters(stated, count)
    try:
        result = infer_type([decode(one.expected) for one in stated if one.expected is not None])
    except ValueSyntaxError:
        return None, ()
    if parameters is None:
        return None, ()
    signature = Signature(parameters, result)
    contract = FunctionContract(entry_point=problem.entry_point, signature=str(signature))
    return contract, stated_cases(stated, signature)


def _spread(cases: Sequence[Case], most: int) -> tuple[Case, ...]:
    """At most so many of the cases, from all over: sets begin with the small ones and end with the large."""
    if len(cases) <= most:
        return tuple(cases)
    return tuple(cases[at * (len(cases) - 1) // max(1, most - 1)] for at in range(most))


def _contract_of(suite: TestSuite) -> Contract:
    assert suite.contract.kind != "script", "suites of problems are calls or runs"
    return suite.contract


def _task(problem: CodingProblem, contract: Contract, state: ShardState) -> Task:
    return Task(
        id=unit_id("task", problem.id, problem.instruction, contract.model_dump()),
        round=state.round,
        instruction=problem.instruction,
        natural_language=problem.natural_language,
        contract=contract,
        seed_id=problem.id,
        seed_language=problem.language,
    )


def _no_evidence(problem: CodingProblem, found: Reject | None) -> Reject:
    """Why nothing of the row can judge a solution."""
    tests = "of no shared types" if problem.examples else "none"
    evidence: Evidence = {"answer": "none", "tests": tests}
    if found is not None:
        evidence = {**found.evidence, "answer": found.reason, "tests": tests}
    return Reject("no_evidence", evidence)
