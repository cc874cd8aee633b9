"""More inputs for a task: a model writes them, or a program that makes them, and running the seed gives the
outputs.

Entered: tasks. Kept: those with enough inputs. The one rule: the model never writes an expected value. It
comes from the seed's own run or, if the seed could not be run, later from agreement; and what the seed does
on inputs that its words or the model's validator forbid is none.
"""

import asyncio
from collections.abc import Sequence
from typing import ClassVar, Final, NamedTuple

from synth.filters.protocol import Evidence, Keep, Reject
from synth.ids import derive_random, unit_id
from synth.records import (
    EvidenceRank,
    Example,
    ExecutionRequest,
    FunctionContract,
    InputSet,
    InputValidator,
    Observation,
    Reference,
    Seed,
    Task,
    TestSuite,
    Unit,
)
from synth.roles import TESTER
from synth.rules.canonical import without_long_outputs
from synth.rules.domains import read_domains
from synth.rules.input_drawing import draw_inputs
from synth.rules.limits import find_limits
from synth.rules.observed_cases import observed_cases
from synth.rules.preconditions import NOTHING_DEMANDED, Preconditions, find_preconditions
from synth.rules.reference_judging import find_fault
from synth.rules.stated_examples import fit_examples
from synth.rules.strong_suite import with_hidden_half
from synth.stages.asking import Asker
from synth.stages.context import Context
from synth.stages.contract_prompts import input_words, prompt_name, read_rows
from synth.stages.input_programs import InputPrograms, Proof, Validator
from synth.stages.instruct import InstructStage
from synth.stages.problem import ProblemStage
from synth.stages.running import Run, SandboxFault, run_each
from synth.stages.shard_state import ShardState
from synth.stages.strengthen import Strengthened, SuiteSearch
from synth.stages.unit_stage import Decided, UnitStage, Upstream
from synth.thresholds import Threshold
from synth.values import parse_signature

Rows = tuple[tuple[str, ...], ...]
SEARCHES: Final = 8
"""Tasks of a shard whose inputs are searched at the same time."""
THRESHOLDS: Final = (
    Threshold(
        stage="inputs",
        reasons=("too_few_inputs",),
        measure="cases",
        keeps=">=",
        key="data.inputs.minimum",
        sentence="The task has at least {limit} inputs.",
        caveat="Tasks whose cases people stated pass with fewer.",
    ),
)


class InputsStage(UnitStage[Task]):
    """Makes the test suite of each task: the reference's own cases, and those that the model asked for."""

    name = "inputs"
    unit = Task
    upstream: tuple[Upstream, ...] = (InstructStage, ProblemStage)
    makes: ClassVar[tuple[type[Unit], ...]] = (TestSuite, InputSet, InputValidator)
    asks_engine: ClassVar[bool] = True

    def __init__(self, context: Context) -> None:
        self._config, self._context = context.data.inputs, context
        self._asker = Asker(context, self.name, role=TESTER)
        self._limits = find_limits(context.recipe.execution)

    def entering(self, state: ShardState) -> list[Task]:
        """Tasks without a suite: some problems bring theirs."""
        tested = {suite.task_id for suite in state.get(TestSuite)}
        return [task for task in super().entering(state) if task.id not in tested]

    async def decide(self, units: Sequence[Task], state: ShardState) -> list[Decided]:
        references = {reference.seed_id: reference for reference in state.get(Reference)}
        run = self._runner(state.priority)
        programs = InputPrograms(self._config, self._asker, run, self._limits)
        answers = await asyncio.gather(
            *(self._ask(task, references[task.seed_id], programs) for task in units)
        )
        asked = {task.id: answer for task, answer in zip(units, answers, strict=True)}
        rows = {task_id: found.rows for task_id, found in asked.items() if not isinstance(found, Reject)}
        answered = [task for task in units if task.id in rows]
        seen = await self._run_references(answered, references, rows, state.priority)
        examples = {seed.id: seed.examples for seed in state.get(Seed)}
        search, turn = self._search(run), asyncio.Semaphore(SEARCHES)

        async def make(task: Task) -> Decided:
            found, observation = asked[task.id], seen.get(task.id)
            if isinstance(found, Reject):
                return Decided(found)
            if fault := observation and find_fault(observation):
                return Decided(fault)
            reference = references[task.seed_id]
            stated = examples.get(task.seed_id, ())
            written = written_rows(reference, stated)
            good = written_rows(reference, [one for one in stated if not one.raises])
            demands = find_demands(reference, good)
            made = self._make(task, reference, found.rows, observation, demands)
            try:
                proof = await programs.prove(task, found.validator, good, _rows_of(made))
                made = await _without_forbidden(made, proof.validator)
                if isinstance(made, InputSet):
                    return self._decided(made, found, proof)
                async with turn:
                    known = _KnownInputs(written, found.rows, demands, proof)
                    return await self._strengthen(made, reference, known, found, search)
            except SandboxFault as failed:
                return Decided(failed.reject)

        return list(await asyncio.gather(*map(make, units)))

    def _runner(self, priority: int) -> Run:
        async def run(requests: Sequence[ExecutionRequest]) -> list[Observation]:
            return await run_each(
                self._context.sandbox, requests, lambda _, one: without_long_outputs(one), priority
            )

        return run

    def _search(self, run: Run) -> SuiteSearch:
        seed, compare = self._context.recipe.seed, self._context.data.evidence.compare
        return SuiteSearch(self._config, self._limits, seed, compare, run)

    async def _strengthen(
        self,
        made: TestSuite,
        reference: Reference,
        known: "_KnownInputs",
        asked: "_Asked",
        search: SuiteSearch,
    ) -> Decided:
        """The suite with inputs chosen for the mutants that they catch, where that can be searched."""
        if self._config.mutants and _was_run(reference):
            cases = (case.arguments for case in (*made.cases, *reference.cases))
            rows = list(dict.fromkeys([*cases, *known.rows]))
            proof = known.proof
            found = await search.strengthen(
                reference, made.task_id, known.written, rows, known.demands, proof.validator
            )
            if found is not None:
                suite = found.suite.model_copy(update={"contract": made.contract})
                return self._decided(suite, asked, proof, found)
        return self._decided(with_hidden_half(made) if self._config.hidden else made, asked, known.proof)

    async def _ask(self, task: Task, reference: Reference, programs: InputPrograms) -> "_Asked | Reject":
        """What the model says of the inputs: rows, those of its generator behind those that it wrote, and a
        validator. If a request is refused, the drawn inputs are enough."""
        written, generator, validator = await asyncio.gather(
            self._ask_rows(task), programs.ask(task, "generator"), programs.ask(task, "validator")
        )
        if failed := next((one for one in (written, generator, validator) if isinstance(one, Reject)), None):
            return failed
        assert not isinstance(written, Reject) and isinstance(generator, str) and isinstance(validator, str)
        known = {case.arguments for case in reference.cases}
        rows = tuple(dict.fromkeys(row for row in written if row not in known))[: self._config.maximum]
        try:
            generated = await programs.generate(task, generator)
        except SandboxFault as fault:
            return fault.reject
        more = tuple(row for row in generated if row not in known and row not in rows)
        return _Asked((*rows, *more), len(rows), validator)

    async def _ask_rows(self, task: Task) -> Rows | Reject:
        contract, name = task.contract, prompt_name(self.name, task.contract)
        if not self._config.from_model or not self._asker.has_prompt(name):
            return ()
        messages = self._asker.render(name, task.natural_language, **input_words(task))
        response = await self._asker.ask(task.id, messages, self._config.sampling)
        if isinstance(response, Reject):
            return response if response.is_fault else ()
        return read_rows(contract, response.completions[0].text)

    async def _run_references(
        self, tasks: Sequence[Task], references: dict[str, Reference], asked: dict[str, Rows], priority: int
    ) -> dict[str, Observation]:
        """The references' outputs on the model's rows, by task. References without cases cannot be run."""
        run = [task for task in tasks if _was_run(references[task.seed_id])]
        programs = [self._program(references[task.seed_id], asked[task.id]) for task in run]
        seen = await run_each(
            self._context.sandbox, programs, lambda _, one: without_long_outputs(one), priority
        )
        return {task.id: observation for task, observation in zip(run, seen, strict=True)}

    def _program(self, reference: Reference, rows: Rows) -> ExecutionRequest:
        return ExecutionRequest(
            id=unit_id("seed-inputs", reference.seed_id, rows),
            language=reference.language,
            code=reference.code,
            call=reference.contract.call(rows),
            limits=self._limits,
        )

    def _make(
        self, task: Task, reference: Reference, asked: Rows, seen: Observation | None, demands: Preconditions
    ) -> TestSuite | InputSet:
        if reference.rank is not EvidenceRank.REFERENCE:
            return TestSuite(
                task_id=task.id, contract=task.contract, cases=reference.cases, rank=reference.rank
            )
        if seen is None:
            return self._input_set(task, asked)
        joined = _join(task, reference, asked, seen, self._config.maximum, demands)
        return joined.model_copy(update={"compare": self._context.data.evidence.compare})

    def _input_set(self, task: Task, asked: Rows) -> InputSet:
        """The model's rows, and drawn ones up to the maximum."""
        assert isinstance(task.contract, FunctionContract)
        random = derive_random(self._context.recipe.seed, self.name, task.id)
        drawn = draw_inputs(parse_signature(task.contract.signature), self._config.drawn, random)
        rows = tuple(dict.fromkeys([*asked, *drawn]))[: self._config.maximum]
        return InputSet(task_id=task.id, contract=task.contract, rows=rows)

    def _decided(
        self, made: TestSuite | InputSet, asked: "_Asked", proof: Proof, found: Strengthened | None = None
    ) -> Decided:
        cases = len(_rows_of(made))
        evidence: Evidence = {"cases": cases, "from_model": asked.written}
        if self._config.generator:
            evidence |= {"from_generator": len(asked.rows) - asked.written}
        if proof.words:
            evidence |= {"validator": proof.words}
        if found is not None:
            evidence |= {"mutants": found.mutants, "undecided": len(found.undecided)}
        stated = isinstance(made, TestSuite) and made.rank is EvidenceRank.EXAMPLES
        if cases < self._config.minimum and not stated:
            return Decided(Reject("too_few_inputs", evidence))
        if proof.validator is None:
            return Decided(Keep(evidence), (made,))
        return Decided(Keep(evidence), (made, InputValidator(task_id=made.task_id, code=asked.validator)))


class _Asked(NamedTuple):
    """What the model said of the inputs of a task."""

    rows: Rows
    written: int
    """So many of them are its own; its generator made the others."""
    validator: str
    """Its program; empty if there is none."""


class _KnownInputs(NamedTuple):
    """What is known of the inputs of a task before they are searched."""

    written: Rows
    """By people."""
    rows: Rows
    """By the model."""
    demands: Preconditions
    proof: Proof


def _rows_of(made: TestSuite | InputSet) -> Rows:
    return tuple(case.arguments for case in made.cases)


async def _without_forbidden(made: TestSuite | InputSet, validator: Validator | None) -> TestSuite | InputSet:
    """The inputs that the validator allows, and those on which an error is the answer. What people state of
    a seed that cannot run stays whole."""
    if validator is None or (isinstance(made, TestSuite) and made.rank is not EvidenceRank.REFERENCE):
        return made
    allowed = await validator.allowed(_rows_of(made))
    if isinstance(made, InputSet):
        return made.model_copy(update={"rows": tuple(row for row in made.rows if row in allowed)})
    cases = tuple(case for case in made.cases if case.raises or case.arguments in allowed)
    is_empty = all(case.raises for case in cases)
    return made.model_copy(update={"cases": () if is_empty else cases})


def written_rows(reference: Reference, examples: Sequence[Example]) -> Rows:
    """The calls that people wrote, as far as the contract can take them."""
    if not isinstance(reference.contract, FunctionContract):
        return ()
    signature, domains = parse_signature(reference.contract.signature), read_domains(reference.domains)
    return tuple(row.arguments for row in fit_examples(examples, signature, domains))


def _was_run(reference: Reference) -> bool:
    return bool(reference.cases) and reference.rank is EvidenceRank.REFERENCE


def find_demands(reference: Reference, good: Rows) -> Preconditions:
    """What the function demands of its arguments, by the calls that people wrote and by its own words."""
    contract = reference.contract
    if not isinstance(contract, FunctionContract):
        return NOTHING_DEMANDED
    return find_preconditions(good, reference.code, contract.entry_point, contract.parameter_names)


def _join(
    task: Task, reference: Reference, rows: Rows, seen: Observation, maximum: int, demands: Preconditions
) -> TestSuite:
    """The model's cases first, since they fit the task, then the drawn ones."""
    observed = observed_cases(task.contract, rows, seen, reference.code)
    written = [case for case in observed if case.raises or demands.allows(case.arguments)]
    half = written[: max(maximum // 2, maximum - len(reference.cases))]
    cases = (*half, *reference.cases)[:maximum]
    return TestSuite(task_id=task.id, contract=task.contract, cases=cases, rank=EvidenceRank.REFERENCE)
