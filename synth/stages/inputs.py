"""More inputs for a task: a model writes them, and the seed says what comes out.

Entered: tasks. Kept: those with enough inputs. The one rule: the model never writes an expected value; it
comes from the seed's own run, or, where the seed could not be run, later from agreement.
"""

import asyncio

from synth.filters.protocol import Evidence, Keep, Reject
from synth.ids import derive_random, unit_id
from synth.languages.registry import get_language
from synth.languages.spec import render_signature
from synth.prompts.answers import extract_inputs
from synth.records import (
    Case,
    ExecutionRequest,
    FunctionCall,
    FunctionContract,
    IndexRow,
    InputSet,
    Observation,
    Seed,
    Task,
    TestSuite,
)
from synth.rules.canonical import canonical_output
from synth.rules.input_drawing import draw_inputs
from synth.rules.limits import limits_of
from synth.stages.asking import Asker
from synth.stages.protocol import Context, Produces, index_row
from synth.stages.shard_state import ShardState, StageResult
from synth.values import parse_signature

Rows = tuple[tuple[str, ...], ...]


class InputsStage:
    """Makes the test suite of each task: the seed's drawn cases, and those that the model asked for."""

    name = "inputs"
    upstream: tuple[str, ...] = ("instruct",)
    ordered = False
    asks_engine = True
    produces: Produces = {"suite": TestSuite, "input_set": InputSet}

    def __init__(self, context: Context) -> None:
        self._config, self._context = context.data.inputs, context
        self._asker = Asker(context, self.name, by_teacher=True)

    def entering(self, state: ShardState) -> list[str]:
        return [task.id for task in state.get("task", Task)]

    async def run(self, state: ShardState) -> StageResult:
        tasks = state.get("task", Task)
        seeds = {seed.id: seed for seed in state.get("reference", Seed)}
        drawn = {suite.task_id: suite for suite in state.get("suite", TestSuite)}
        answers = await asyncio.gather(*(self._ask(task, drawn.get(task.seed_id)) for task in tasks))
        asked = {task.id: rows for task, rows in zip(tasks, answers, strict=True)}
        run = [task for task in tasks if task.seed_id in drawn]
        requests = [self._request(seeds[task.seed_id], asked[task.id]) for task in run]
        seen = await self._context.sandbox.execute(requests, state.priority)
        made: dict[str, TestSuite | InputSet] = {
            task.id: _join(task, drawn[task.seed_id], asked[task.id], observation, self._config.maximum)
            for task, observation in zip(run, seen, strict=True)
        }
        made |= {task.id: self._input_set(task, asked[task.id]) for task in tasks if task.id not in made}
        rows = [self._decide(task, _count(made[task.id]), asked[task.id], state) for task in tasks]
        kept = [made[index.unit_id] for index in rows if not index.reason]
        suites = [item for item in kept if isinstance(item, TestSuite)]
        return StageResult(
            tuple(rows), {"suite": suites, "input_set": [item for item in kept if isinstance(item, InputSet)]}
        )

    def _input_set(self, task: Task, asked: Rows) -> InputSet:
        """The model's rows, and drawn ones up to the maximum."""
        assert isinstance(task.contract, FunctionContract)
        random = derive_random(self._context.recipe.seed, self.name, task.id)
        drawn = draw_inputs(parse_signature(task.contract.signature), self._config.drawn, random)
        rows = tuple(dict.fromkeys([*asked, *drawn]))[: self._config.maximum]
        return InputSet(task_id=task.id, contract=task.contract, rows=rows)

    async def _ask(self, task: Task, drawn: TestSuite | None) -> Rows:
        """Rows that the model wrote and that are new. A failed request leaves the drawn inputs, which are
        enough."""
        contract = task.contract
        if not self._config.from_model or not isinstance(contract, FunctionContract):
            return ()
        signature = parse_signature(contract.signature)
        declaration = render_signature(
            get_language("python"), contract.entry_point, contract.parameter_names, signature
        )
        messages = self._asker.render(
            "inputs", task.natural_language, declaration=declaration, instruction=task.instruction
        )
        response = await self._asker.ask(task.id, messages, self._config.sampling)
        if isinstance(response, Reject):
            return ()
        known = {case.arguments for case in drawn.cases} if drawn is not None else set()
        rows = extract_inputs(response.completions[0].text, signature).rows
        return tuple(dict.fromkeys(found for found in rows if found not in known))[: self._config.maximum]

    def _request(self, seed: Seed, rows: Rows) -> ExecutionRequest:
        assert seed.contract is not None
        call = FunctionCall(
            entry_point=seed.contract.entry_point, signature=seed.contract.signature, arguments=rows
        )
        identity = unit_id("seed-inputs", seed.id, rows)
        return ExecutionRequest(
            id=identity,
            language=seed.language,
            code=seed.code,
            call=call,
            limits=limits_of(self._context.recipe.execution),
        )

    def _decide(self, task: Task, cases: int, asked: Rows, state: ShardState) -> IndexRow:
        evidence: Evidence = {"cases": cases, "from_model": len(asked)}
        enough = cases >= self._config.minimum
        answer = Keep(evidence) if enough else Reject("too_few_inputs", evidence)
        return index_row(
            self.name,
            state,
            task.id,
            "task",
            answer,
            parents=(task.seed_id,),
            language=task.seed_language,
            natural_language=task.natural_language,
        )


def _count(made: TestSuite | InputSet) -> int:
    return len(made.cases) if isinstance(made, TestSuite) else len(made.rows)


def _join(task: Task, drawn: TestSuite, rows: Rows, observation: Observation, maximum: int) -> TestSuite:
    """The model's cases first, since they fit the task, then the drawn ones."""
    returned = {
        case.index: case.output
        for case in observation.cases
        if case.status == "returned" and case.output is not None
    }
    written = [
        Case(arguments=arguments, expected=canonical_output(returned[at]))
        for at, arguments in enumerate(rows)
        if at in returned
    ]
    half = written[: max(maximum // 2, maximum - len(drawn.cases))]
    return TestSuite(
        task_id=task.id, contract=task.contract, cases=(*half, *drawn.cases)[:maximum], rank=drawn.rank
    )
