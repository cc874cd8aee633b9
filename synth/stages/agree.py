"""Agreement as a stage: the second rank of evidence, for tasks whose seed could not be run (method, 3.2).

Entered: tasks with inputs and without a reference. Kept: those on whose outputs enough candidates agree;
these become the task's suite, and the candidates are judged by it like all others. For the rest it abstains.
The pure step is in `agreement.py`.
"""

from synth.filters.protocol import Keep, Reject
from synth.grammar.code_tokens import normalize_code
from synth.records import (
    Case,
    EvidenceRank,
    ExecutionRequest,
    FunctionCall,
    InputSet,
    Observation,
    Solution,
    TestSuite,
)
from synth.rules.agreement import Ballot, Consensus, find_consensus
from synth.rules.canonical import canonical_output
from synth.rules.limits import limits_of
from synth.stages.protocol import Context, Produces, index_row
from synth.stages.shard_state import ShardState, StageResult


class AgreeStage:
    """Runs the candidates of such tasks on the inputs, and asks what most of them answer."""

    name = "agree"
    upstream: tuple[str, ...] = ("syntax",)
    ordered = False
    asks_engine = False
    produces: Produces = {"suite": TestSuite}

    def __init__(self, context: Context) -> None:
        self._context = context

    def entering(self, state: ShardState) -> list[str]:
        return [inputs.task_id for inputs in self._inputs(state)]

    @staticmethod
    def _inputs(state: ShardState) -> list[InputSet]:
        solved = state.kept("solve")
        return [inputs for inputs in state.get("input_set", InputSet) if inputs.task_id in solved]

    async def run(self, state: ShardState) -> StageResult:
        wanted = {inputs.task_id: inputs for inputs in self._inputs(state)}
        parsed = state.kept("syntax")
        solutions = [s for s in state.get("solution", Solution) if s.id in parsed and s.task_id in wanted]
        requests = [self._request(solution, wanted[solution.task_id]) for solution in solutions]
        seen = await self._context.sandbox.execute(requests, state.late_priority)
        ballots: dict[str, list[Ballot]] = {task: [] for task in wanted}
        for solution, observation in zip(solutions, seen, strict=True):
            if observation.infrastructure is None and observation.toolchain_missing is None:
                ballots[solution.task_id].append(
                    _ballot(solution, observation, len(wanted[solution.task_id].rows))
                )
        found = {task: self._agree(inputs, ballots[task]) for task, inputs in wanted.items()}
        rows = [
            index_row(
                self.name, state, task, "task", item if isinstance(item, Reject) else Keep(item[1].evidence)
            )
            for task, item in found.items()
        ]
        return StageResult(
            tuple(rows), {"suite": [item[0] for item in found.values() if not isinstance(item, Reject)]}
        )

    def _request(self, solution: Solution, inputs: InputSet) -> ExecutionRequest:
        call = FunctionCall(
            entry_point=inputs.contract.entry_point,
            signature=inputs.contract.signature,
            arguments=inputs.rows,
        )
        limits = limits_of(self._context.recipe.execution)
        return ExecutionRequest(
            id=f"agree-{solution.id}",
            language=solution.language,
            code=solution.code,
            call=call,
            limits=limits,
        )

    def _agree(self, inputs: InputSet, ballots: list[Ballot]) -> tuple[TestSuite, Consensus] | Reject:
        data = self._context.data
        several = len({ballot.language for ballot in ballots}) > 1
        found = find_consensus(ballots, threshold=data.evidence.agreement_threshold, across_languages=several)
        if isinstance(found, Reject):
            return found
        cases = tuple(
            Case(arguments=arguments, expected=output)
            for arguments, output in zip(inputs.rows, found.outputs, strict=True)
            if output is not None
        )
        if len(cases) < data.inputs.minimum:
            return Reject("too_few_inputs", {"agreed": len(cases), "minimum": data.inputs.minimum})
        if len({case.expected for case in cases}) < 2:
            return Reject(
                "agreement_abstained", {"why": "every input gives the same output", "cases": len(cases)}
            )
        return TestSuite(
            task_id=inputs.task_id, contract=inputs.contract, cases=cases, rank=EvidenceRank.AGREEMENT
        ), found


def _ballot(solution: Solution, observation: Observation, inputs: int) -> Ballot:
    returned = {
        case.index: canonical_output(case.output)
        for case in observation.cases
        if case.status == "returned" and case.output is not None
    }
    voter = normalize_code(solution.code, solution.language)
    return Ballot(voter, solution.language, tuple(returned.get(at) for at in range(inputs)))
