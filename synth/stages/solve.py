"""From a task to candidate programs: n samples in each language, written from the instruction alone.

Entered: tasks with inputs. An answer without code becomes a solution without code, which the syntax stage
rejects, so that it is counted. A task fails with any of its requests: it has all its candidates or none. A
language that cannot hold the task's types or values is not asked; the evidence says why.
"""

import asyncio
from collections.abc import Sequence
from typing import ClassVar

from synth.filters.protocol import Evidence, Keep, Reject
from synth.ids import unit_id
from synth.languages.holding import why_not_held
from synth.languages.registry import get_language
from synth.prompts.answers import read_code
from synth.prompts.library import PromptLibrary
from synth.records import Case, InputSet, Message, Solution, Task, TestSuite, Unit
from synth.rules.reasoning_text import reasoning_of
from synth.stages import contract_prompts
from synth.stages.asking import Asker
from synth.stages.context import Context
from synth.stages.inputs import InputsStage
from synth.stages.instruction_shapes import solve_variant
from synth.stages.shard_state import ShardState
from synth.stages.unit_stage import Decided, UnitStage, Upstream


class SolveStage(UnitStage[Task]):
    """Asks for `n` candidates of each task in each language."""

    name = "solve"
    unit = Task
    upstream: tuple[Upstream, ...] = (InputsStage,)
    makes: ClassVar[tuple[type[Unit], ...]] = (Solution,)
    asks_engine: ClassVar[bool] = True
    attempt: int = 1
    """Which try at its tasks it is."""

    def __init__(self, context: Context) -> None:
        assert context.data.solve is not None
        self._config = context.data.solve
        self._keeps_reasoning = context.data.select.reasoning != "drop"
        self._asker = Asker(context, self.name)

    async def decide(self, units: Sequence[Task], state: ShardState) -> list[Decided]:
        cases = {suite.task_id: suite.cases for suite in state.get(TestSuite)} | {
            inputs.task_id: inputs.cases for inputs in state.get(InputSet)
        }
        return await asyncio.gather(*(self._solve(task, cases.get(task.id, ())) for task in units))

    async def _solve(self, task: Task, cases: Sequence[Case]) -> Decided:
        lacks = {
            language: why_not_held(get_language(language), task.contract, cases)
            for language in self._config.languages
        }
        left_out = "; ".join(f"{language}: {why}" for language, why in lacks.items() if why)[:300]
        asked = [language for language, why in lacks.items() if not why]
        if not asked:
            return Decided(Reject("unsupported_language", {"left_out": left_out}))
        answers = await asyncio.gather(*(self._ask(task, language) for language in asked))
        solutions = [solution for answer in answers if not isinstance(answer, Reject) for solution in answer]
        failures = [answer for answer in answers if isinstance(answer, Reject)]
        if fault := next((answer for answer in failures if answer.is_fault), None):
            return Decided(fault)
        evidence: Evidence = {"solutions": len(solutions), "failed_requests": len(failures)}
        if left_out:
            evidence = evidence | {"left_out": left_out}
        return Decided(Keep(evidence) if solutions else failures[0], tuple(solutions))

    async def _ask(self, task: Task, language: str) -> list[Solution] | Reject:
        messages = solve_prompt(self._asker, task, language)
        unit = f"{task.id}/{language}" + (f"/{self.attempt}" if self.attempt > 1 else "")
        response = await self._asker.ask(unit, messages, self._config.sampling, self._config.n)
        if isinstance(response, Reject):
            return response
        name = task.contract.asked_name
        answers = [read_code(completion.text, language, name) for completion in response.completions]
        first = (self.attempt - 1) * self._config.n
        return [
            Solution(
                id=unit_id("solution", task.id, language, index, completion.text),
                task_id=task.id,
                language=language,
                code=answer.code,
                index=index,
                policy=response.fingerprint,
                request_id=response.request_id,
                cut=completion.finish == "length" or (answer.cut and not answer.code),
                attempt=self.attempt,
                reasoning=reasoning_of(completion) if self._keeps_reasoning else "",
            )
            for index, (completion, answer) in enumerate(
                zip(response.completions, answers, strict=True), start=first
            )
        ]


def solve_prompt(asker: Asker, task: Task, language: str) -> tuple[Message, ...]:
    """The messages that ask for one program, as they also appear in the SFT data."""
    assert asker.context.prompts is not None
    return render_solve(asker.context.prompts, task, language)


def render_solve(prompts: PromptLibrary, task: Task, language: str) -> tuple[Message, ...]:
    """The solve prompt of a prompt set, with the declaration as a person would write it in that language."""
    variant = solve_variant(prompts, task.shape, task.natural_language)
    return contract_prompts.render_solve(prompts, task.contract, task.instruction, language, variant)
