"""Evaluates one policy: runs n samples at temperature 1 and one greedy answer for each question in the
sandbox, and counts passes.

pass@k is the unbiased estimator (Chen et al. 2021); intervals resample tasks. The one rule: no other part
sees these tests.
"""

import asyncio
from collections import defaultdict
from collections.abc import Callable, Sequence
from typing import NamedTuple

from posttrain.evaluate.estimators import bootstrap_interval, pass_at_k
from posttrain.evaluate.task import Question
from synth.config import EvaluationConfig, SamplingConfig
from synth.execution.protocol import Sandbox
from synth.execution.verdict import judge
from synth.generation.journal import JournalledEngine
from synth.generation.protocol import GenerationRequest
from synth.ids import derive_seed, unit_id
from synth.prompts.answers import extract_code
from synth.prompts.library import PromptLibrary
from synth.records import ExecutionRequest, Limits, Outcome, Record
from synth.stages.running import run_each
from synth.stages.solve import render_solve


class QuestionResult(Record):
    """The result of one question: its passing samples out of all, and whether the greedy answer passes."""

    task_id: str
    language: str
    n: int
    passed: int
    greedy: bool | None
    outcomes: dict[str, int]
    faults: int = 0
    """Samples that the sandbox could not judge; no figure includes them."""


class Measure(Record):
    """A mean over questions with its 95% interval."""

    value: float
    low: float
    high: float


class Scores(Record):
    """The figures of one policy in one language, or over all of them."""

    questions: int
    pass_at: dict[int, Measure]
    greedy: Measure | None


class Evaluation(Record):
    """All results of one policy on one suite."""

    policy: str
    fingerprint: str
    suite: str
    total: Scores
    languages: dict[str, Scores]
    answered: tuple[QuestionResult, ...]
    seconds: float = 0.0


class EvaluationContext(NamedTuple):
    """The resources of an evaluation."""

    engine: JournalledEngine
    sandbox: Sandbox
    prompts: PromptLibrary
    config: EvaluationConfig
    seed: int
    limits: Limits = Limits()


OnAnswered = Callable[[int, int], None]
"""(questions answered, questions)."""


async def evaluate(
    context: EvaluationContext,
    policy: str,
    questions: Sequence[Question],
    on_answered: OnAnswered | None = None,
) -> Evaluation:
    """Put all questions to the engine's current policy, and count the passes."""
    done = 0

    async def one(question: Question) -> QuestionResult:
        nonlocal done
        answered = await _answer(context, question)
        done += 1
        if on_answered is not None:
            on_answered(done, len(questions))
        return answered

    answered = tuple(await asyncio.gather(*map(one, questions)))
    groups: defaultdict[str, list[QuestionResult]] = defaultdict(list)
    for item in answered:
        groups[item.language].append(item)
    return Evaluation(
        policy=policy,
        fingerprint=context.engine.fingerprint,
        suite=context.config.suite,
        total=score(answered, context.config, context.seed),
        languages={
            language: score(items, context.config, context.seed) for language, items in sorted(groups.items())
        },
        answered=answered,
    )


async def _answer(context: EvaluationContext, question: Question) -> QuestionResult:
    config, task = context.config, question.item.task
    messages = render_solve(context.prompts, task, question.language)

    async def ask(temperature: float, n: int) -> list[Outcome]:
        seed = derive_seed(context.seed, "evaluation", task.id, question.language)
        sampling = SamplingConfig(temperature=temperature, max_tokens=config.max_tokens)
        response = await context.engine.generate(
            GenerationRequest(messages=messages, sampling=sampling, n=n, seed=seed)
        )
        return await _judge(context, question, [completion.text for completion in response.completions])

    sampled, greedy = (
        await asyncio.gather(ask(1.0, config.n), ask(0.0, 1))
        if config.greedy
        else (await ask(1.0, config.n), [])
    )
    judged = [outcome for outcome in sampled if not outcome.is_fault]
    return QuestionResult(
        task_id=task.id,
        language=question.language,
        n=len(judged),
        passed=judged.count(Outcome.PASS),
        greedy=None if not greedy or greedy[0].is_fault else greedy[0] is Outcome.PASS,
        outcomes={outcome.value: sampled.count(outcome) for outcome in sorted(set(sampled))},
        faults=len(sampled) - len(judged),
    )


async def _judge(context: EvaluationContext, question: Question, texts: Sequence[str]) -> list[Outcome]:
    """Outcome of each answer; an answer without code is a parse error."""
    suite = question.item.suite
    codes = [extract_code(text, question.language) for text in texts]
    requests = [
        ExecutionRequest(
            id=unit_id("evaluation", suite.task_id, question.language, code),
            language=question.language,
            code=code,
            call=suite.call(),
            limits=context.limits,
        )
        for code in codes
        if code is not None
    ]
    seen = iter(await run_each(context.sandbox, requests, lambda _, one: judge(one, suite, "").outcome))
    return [Outcome.PARSE_ERROR if code is None else next(seen) for code in codes]


def score(answered: Sequence[QuestionResult], config: EvaluationConfig, seed: int) -> Scores:
    """Figures over the questions that could be judged. pass@k needs at least k judged
    samples per question."""
    pass_at: dict[int, Measure] = {}
    for k in config.k:
        values = [(item.task_id, pass_at_k(item.n, item.passed, k)) for item in answered if item.n >= k]
        if values:
            pass_at[k] = _measure(values, config.bootstrap, seed)
    greedy = [(item.task_id, float(item.greedy)) for item in answered if item.greedy is not None]
    return Scores(
        questions=len(answered),
        pass_at=pass_at,
        greedy=_measure(greedy, config.bootstrap, seed) if greedy else None,
    )


def _measure(values: Sequence[tuple[str, float]], resamples: int, seed: int) -> Measure:
    """The mean over tasks; a task in several languages counts once, with its mean."""
    tasks: defaultdict[str, list[float]] = defaultdict(list)
    for task_id, value in values:
        tasks[task_id].append(value)
    means = [sum(found) / len(found) for found in tasks.values()]
    low, high = bootstrap_interval(means, resamples, seed)
    return Measure(value=sum(means) / len(means), low=low, high=high)
