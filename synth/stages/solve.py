"""From a task to candidate programs: n samples in each language, written from the instruction alone.

Entered: tasks with a suite. A sample without code becomes a solution without code, which the syntax stage
turns away, so that it counts.
"""

import asyncio

from synth.filters.protocol import Evidence, Keep, Reject
from synth.ids import unit_id
from synth.languages.registry import get_language
from synth.languages.spec import render_signature
from synth.prompts.answers import extract_code
from synth.prompts.library import PromptLibrary
from synth.records import FunctionContract, IndexRow, Message, Solution, Task
from synth.stages.asking import Asker
from synth.stages.protocol import Context, Produces, index_row
from synth.stages.shard_state import ShardState, StageResult
from synth.values import parse_signature


class SolveStage:
    """Asks for `n` candidates of each task in each language."""

    name = "solve"
    upstream: tuple[str, ...] = ("inputs",)
    ordered = False
    asks_engine = True
    produces: Produces = {"solution": Solution}

    def __init__(self, context: Context) -> None:
        assert context.data.solve is not None
        self._config, self._context = context.data.solve, context
        self._asker = Asker(context, self.name)

    def entering(self, state: ShardState) -> list[str]:
        return [task.id for task in self._tasks(state)]

    def _tasks(self, state: ShardState) -> list[Task]:
        kept = state.kept("inputs")
        return [task for task in state.get("task", Task) if task.id in kept]

    async def run(self, state: ShardState) -> StageResult:
        tasks = self._tasks(state)
        made = await asyncio.gather(*(self._solve(task, state) for task in tasks))
        return StageResult(
            tuple(item for item, _ in made),
            {"solution": [solution for _, found in made for solution in found]},
        )

    async def _solve(self, task: Task, state: ShardState) -> tuple[IndexRow, list[Solution]]:
        answers = await asyncio.gather(*(self._ask(task, language) for language in self._config.languages))
        solutions = [solution for answer in answers if not isinstance(answer, Reject) for solution in answer]
        failures = [answer for answer in answers if isinstance(answer, Reject)]
        evidence: Evidence = {"solutions": len(solutions), "failed_requests": len(failures)}
        answer: Keep | Reject = Keep(evidence) if solutions else failures[0]
        return index_row(
            self.name,
            state,
            task.id,
            "task",
            answer,
            parents=(task.seed_id,),
            natural_language=task.natural_language,
        ), solutions

    async def _ask(self, task: Task, language: str) -> list[Solution] | Reject:
        engine = self._context.engine
        assert engine is not None
        messages = solve_prompt(self._asker, task, language)
        response = await self._asker.ask(
            f"{task.id}/{language}", messages, self._config.sampling, self._config.n
        )
        if isinstance(response, Reject):
            return response
        return [
            Solution(
                id=unit_id("solution", task.id, language, index, completion.text),
                task_id=task.id,
                language=language,
                code=extract_code(completion.text, language) or "",
                index=index,
                policy=response.fingerprint,
                request_id=response.request_id,
                cut=completion.finish == "length",
            )
            for index, completion in enumerate(response.completions)
        ]


def solve_prompt(asker: Asker, task: Task, language: str) -> tuple[Message, ...]:
    """The messages that ask for one program; the same ones stand in the SFT data."""
    assert asker.context.prompts is not None
    return render_solve(asker.context.prompts, task, language)


def render_solve(prompts: PromptLibrary, task: Task, language: str) -> tuple[Message, ...]:
    """The solve prompt of a prompt set, with the declaration as a person would write it in that language."""
    contract = task.contract
    assert isinstance(contract, FunctionContract), "only typed functions are asked for"
    spec = get_language(language)
    declaration = render_signature(
        spec, contract.entry_point, contract.parameter_names, parse_signature(contract.signature)
    )
    return prompts.render(
        "solve",
        variant=task.natural_language,
        language_title=spec.title,
        declaration=declaration,
        instruction=task.instruction,
    )
