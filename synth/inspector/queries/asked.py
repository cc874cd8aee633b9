"""What a model was asked and what it answered: the prompt as rendered, and the raw completion.

Place in the flow: the page of a unit shows both. A journal holds no prompts, so a prompt is rendered again.
The one rule: it is called the one that was sent only if the request's id, a hash of all that was sent,
agrees.
"""

from collections.abc import Callable
from pathlib import Path
from typing import Final, NamedTuple

from pydantic import ValidationError

from synth.config import Recipe, SamplingConfig
from synth.errors import CodemillError
from synth.generation.protocol import GenerationRequest
from synth.generation.responses import find_response
from synth.ids import derive_seed
from synth.inspector.shown import Cut, cut
from synth.languages.spec import UnsupportedType
from synth.natural_languages import NATURAL_LANGUAGES
from synth.prompts.library import PromptLibrary
from synth.records import Message, Record, Reference, Solution, Task
from synth.stages.contract_prompts import input_words, prompt_name, render_solve
from synth.stages.instruction_shapes import solve_variant
from synth.store.run_folder import read_info

_PROVEN: Final = "rendered again; the request's id, a hash of all that was sent, proves it"
_ABOUT_INPUTS: Final = {
    "inputs": "Test inputs",
    "inputs_validator": "A program that says which inputs are allowed",
    "inputs_generator": "A program that makes inputs",
}
"""What the stage `inputs` asks for, by the first part of the prompt's name."""


class PromptTurn(Record):
    """One message of a prompt."""

    role: str
    content: Cut


class ShownPrompt(Record):
    """A prompt, where it comes from in words, and whether it is known to be the one that was sent."""

    turns: tuple[PromptTurn, ...] = ()
    source: str
    is_proven: bool = False


class ShownAnswer(Record):
    """What the model answered, as it was journalled. `problem` says why there is none to show."""

    text: Cut | None = None
    reasoning: Cut | None = None
    finish: str = ""
    tokens: int = 0
    request_id: str = ""
    samples: int = 0
    """How many answers the same request gave."""
    problem: str = ""


class Exchange(Record):
    """A prompt that a stage sent about a unit, and the answer to it."""

    about: str
    prompt: ShownPrompt
    answer: ShownAnswer


class _AskedAgain(NamedTuple):
    """A request as it can be made again."""

    messages: tuple[Message, ...]
    sampling: SamplingConfig
    n: int
    seed: int


def recorded_prompt(messages: tuple[Message, ...]) -> ShownPrompt:
    """A prompt that stands in the record itself."""
    return ShownPrompt(turns=_turns(messages), source="as it stands in the record", is_proven=True)


def prompt_of_solution(run: Path, solution: Solution, task: Task | None) -> ShownPrompt:
    """The prompt that asked for a program."""
    if task is None:
        return ShownPrompt(source="the task is not in this run, so its prompt cannot be rendered")
    return _again(run, solution.request_id, solution.policy, lambda recipe: _solve(recipe, solution, task))


def prompt_of_task(run: Path, task: Task, reference: Reference | None) -> ShownPrompt:
    """The prompt that asked for an instruction."""
    if reference is None:
        return ShownPrompt(source="its seed is not in this run, so its prompt cannot be rendered")
    return _again(run, task.request_id, "", lambda recipe: _instruct(recipe, task, reference))


def inputs_of_task(run: Path, task: Task) -> tuple[Exchange, ...]:
    """What the stage `inputs` asked about the task, as far as the journal has an answer to it."""
    try:
        recipe = Recipe.model_validate(read_info(run).recipe)
        config = recipe.data.inputs if recipe.data else None
        prompts = PromptLibrary.load(recipe.prompts)
        fingerprint = _fingerprint(run, task.request_id)
    except (CodemillError, ValidationError):
        return ()
    found = []
    for stage, about in _ABOUT_INPUTS.items() if config and fingerprint else ():
        name = prompt_name(stage, task.contract)
        if name not in prompts.prompts:
            continue
        try:
            messages = prompts.render(name, variant=task.natural_language, **input_words(task))
        except (CodemillError, UnsupportedType):
            continue
        assert config is not None
        seed = derive_seed(recipe.seed, "inputs", task.id)
        request = GenerationRequest(messages=messages, sampling=config.sampling, n=1, seed=seed)
        answer = answer_of(run, request.request_id(fingerprint))
        if answer.text is not None:
            prompt = ShownPrompt(turns=_turns(messages), source=_PROVEN, is_proven=True)
            found.append(Exchange(about=about, prompt=prompt, answer=answer))
    return tuple(found)


def answer_of(run: Path, request_id: str, index: int = 0) -> ShownAnswer:
    """The journalled answer to a request; of several, the one with that index."""
    if not request_id:
        return ShownAnswer(problem="no model wrote it")
    try:
        response = find_response(run / "journal", request_id)
    except (CodemillError, OSError) as error:
        return ShownAnswer(request_id=request_id, problem=f"the journal cannot be read: {error}")
    if response is None or index >= len(response.completions):
        return ShownAnswer(request_id=request_id, problem="the journal of this run has no such answer")
    found = response.completions[index]
    return ShownAnswer(
        text=cut(found.text),
        reasoning=cut(found.reasoning) if found.reasoning else None,
        finish=found.finish,
        tokens=found.tokens,
        request_id=request_id,
        samples=len(response.completions),
    )


def _again(run: Path, request_id: str, policy: str, ask: Callable[[Recipe], _AskedAgain]) -> ShownPrompt:
    """The prompt rendered again, from the run's recipe and the prompts of this installation."""
    try:
        asked = ask(Recipe.model_validate(read_info(run).recipe))
    except (CodemillError, ValidationError, UnsupportedType, KeyError, AssertionError) as error:
        words = " ".join(str(error).split())[:300]
        return ShownPrompt(source=f"cannot be rendered again: {words}")
    fingerprint = policy or _fingerprint(run, request_id)
    request = GenerationRequest(messages=asked.messages, sampling=asked.sampling, n=asked.n, seed=asked.seed)
    if request.request_id(fingerprint) == request_id:
        return ShownPrompt(turns=_turns(asked.messages), source=_PROVEN, is_proven=True)
    words = "rendered again from the prompts of this installation; what was sent differed somewhere"
    return ShownPrompt(turns=_turns(asked.messages), source=words)


def _solve(recipe: Recipe, solution: Solution, task: Task) -> _AskedAgain:
    config = recipe.data.solve if recipe.data else None
    assert config is not None, "the recipe has no section `data.solve`"
    prompts = PromptLibrary.load(recipe.prompts)
    variant = solve_variant(prompts, task.shape, task.natural_language)
    messages = render_solve(prompts, task.contract, task.instruction, solution.language, variant)
    seed = derive_seed(recipe.seed, "solve", f"{task.id}/{solution.language}")
    return _AskedAgain(messages, config.sampling, config.n, seed)


def _instruct(recipe: Recipe, task: Task, reference: Reference) -> _AskedAgain:
    config = recipe.data.instruct if recipe.data else None
    assert config is not None, "the recipe has no section `data.instruct`"
    messages = PromptLibrary.load(recipe.prompts).render(
        prompt_name("instruct", reference.contract),
        variant=task.natural_language,
        code=reference.code,
        language=reference.language,
        natural_language_name=NATURAL_LANGUAGES[task.natural_language],
    )
    seed = derive_seed(recipe.seed, "instruct", reference.seed_id)
    return _AskedAgain(messages, config.sampling, 1, seed)


def _fingerprint(run: Path, request_id: str) -> str:
    try:
        response = find_response(run / "journal", request_id)
    except (CodemillError, OSError):
        return ""
    return response.fingerprint if response else ""


def _turns(messages: tuple[Message, ...]) -> tuple[PromptTurn, ...]:
    return tuple(PromptTurn(role=one.role, content=cut(one.content)) for one in messages)
