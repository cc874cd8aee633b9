"""Evaluates one policy: runs n samples at temperature 1 and one greedy answer for each question in the
sandbox, and counts passes.

pass@k is the unbiased estimator (Chen et al. 2021); the unit of intervals is the task. The one rule: no other
part sees these tests.
"""

import asyncio
from collections import defaultdict
from collections.abc import Callable, Mapping, Sequence
from typing import Final, NamedTuple

from posttrain.evaluate.estimators import pass_at_k, task_interval
from posttrain.evaluate.task import Question
from synth.config import EvaluationConfig, SamplingConfig
from synth.errors import EngineError, RequestRefusedError
from synth.execution.protocol import Sandbox
from synth.execution.verdict import judge
from synth.generation.journal import JournalledEngine
from synth.generation.protocol import GenerationRequest
from synth.ids import derive_seed, unit_id
from synth.languages.holding import why_not_held
from synth.languages.registry import get_language
from synth.prompts.answers import extract_code
from synth.prompts.library import PromptLibrary
from synth.records import ExecutionRequest, Limits, Outcome, Record, Verdict
from synth.stages.running import run_each
from synth.stages.solve import render_solve
from synth.store.open_shards import FailedUnit

MOST_OF_WRONG: Final = 4000


class WrongAnswer(Record):
    """An answer that fails, kept so that people can ask what it was learned from."""

    code: str
    """Its program; its whole text if it has none."""
    outcome: Outcome
    first_failure: str
    greedy: bool


class QuestionResult(Record):
    """The result of one question: its passing samples out of all, and whether the greedy answer passes."""

    task_id: str
    language: str
    n: int
    passed: int
    greedy: bool | None
    outcomes: dict[str, int]
    faults: int = 0
    """Samples that the engine did not give or the sandbox could not judge; no figure includes them."""
    fault: str = ""
    """The reason of the first of them, and its words in `error`."""
    error: str = ""
    refused: int = 0
    """Samples that the endpoint would not write, however often it is asked; no figure includes them."""
    left_out: str = ""
    """Why the language cannot hold the task's types or values: the question is not asked, and no figure
    includes it."""
    tokens: int = 0
    """Of its answers, their reasoning included."""
    instruction: str = ""
    """What was asked, for people; it is never trained on."""
    wrong: WrongAnswer | None = None
    """The greedy answer if it is wrong, else the first wrong sample; cut at MOST_OF_WRONG characters."""


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
    tokens: int = 0
    """Of all answers."""


class Evaluation(Record):
    """All results of one policy on one suite."""

    policy: str
    fingerprint: str
    suite: str
    total: Scores
    languages: dict[str, Scores]
    answered: tuple[QuestionResult, ...]
    seconds: float = 0.0

    @property
    def failed(self) -> list[FailedUnit]:
        """The questions that were not answered or judged in full."""
        return [
            FailedUnit(f"{one.task_id}.{one.language}", one.fault, one.error)
            for one in self.answered
            if one.faults
        ]


class _Sample(NamedTuple):
    """The outcome of one answer; for a fault, its reason and words."""

    outcome: Outcome
    fault: str = ""
    error: str = ""
    text: str = ""
    """Of an answer that fails: its program, or all of it."""
    first_failure: str = ""
    tokens: int = 0


_REFUSED = _Sample(Outcome.INFRASTRUCTURE)
"""Neither a fault, which is asked again, nor a wrong answer."""


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
    """Put all questions to the engine's current policy, and count the passes. An error of one question is
    raised when the others are answered: what they cost is in the journal then."""
    done = 0

    async def one(question: Question) -> QuestionResult:
        nonlocal done
        answered = await _answer(context, question)
        done += 1
        if on_answered is not None:
            on_answered(done, len(questions))
        return answered

    ended = await asyncio.gather(*map(one, questions), return_exceptions=True)
    answered = tuple(_need_result(item) for item in ended)
    ks = context.config.k
    return Evaluation(
        policy=policy,
        fingerprint=context.engine.fingerprint,
        suite=context.config.suite or "",
        total=score(answered, ks),
        languages={language: score(items, ks) for language, items in by_language(answered).items()},
        answered=answered,
    )


def _need_result(ended: QuestionResult | BaseException) -> QuestionResult:
    if isinstance(ended, BaseException):
        raise ended
    return ended


async def _answer(context: EvaluationContext, question: Question) -> QuestionResult:
    config, task, suite = context.config, question.item.task, question.item.suite
    if why := why_not_held(get_language(question.language), suite.contract, suite.cases):
        return QuestionResult(
            task_id=task.id,
            language=question.language,
            n=0,
            passed=0,
            greedy=None,
            outcomes={},
            left_out=why,
        )
    messages = render_solve(context.prompts, task, question.language)

    async def ask(temperature: float, n: int) -> list[_Sample]:
        seed = derive_seed(context.seed, "evaluation", task.id, question.language)
        sampling = SamplingConfig(temperature=temperature, max_tokens=config.max_tokens)
        request = GenerationRequest(messages=messages, sampling=sampling, n=n, seed=seed)
        try:
            response = await context.engine.generate(request)
        except RequestRefusedError:
            return [_REFUSED] * n
        except EngineError as error:
            if not error.retryable:
                raise
            return [_Sample(Outcome.INFRASTRUCTURE, "engine_failed", str(error)[:300])] * n
        judged = await _judge(context, question, [completion.text for completion in response.completions])
        return [
            one._replace(tokens=completion.tokens)
            for one, completion in zip(judged, response.completions, strict=True)
        ]

    sampled, greedy = (
        await asyncio.gather(ask(1.0, config.n), ask(0.0, 1))
        if config.greedy
        else (await ask(1.0, config.n), [])
    )
    outcomes = [one.outcome for one in sampled]
    judged = [outcome for outcome in outcomes if not outcome.is_fault]
    faults = [one for one in (*sampled, *greedy) if one.fault]
    return QuestionResult(
        task_id=task.id,
        language=question.language,
        n=len(judged),
        passed=judged.count(Outcome.PASS),
        greedy=None if not greedy or greedy[0].outcome.is_fault else greedy[0].outcome is Outcome.PASS,
        outcomes={outcome.value: outcomes.count(outcome) for outcome in sorted(set(outcomes))},
        faults=len(faults),
        fault=faults[0].fault if faults else "",
        error=faults[0].error if faults else "",
        refused=(*sampled, *greedy).count(_REFUSED),
        tokens=sum(one.tokens for one in (*sampled, *greedy)),
        instruction=task.instruction[:MOST_OF_WRONG],
        wrong=_first_wrong(greedy, True) or _first_wrong(sampled, False),
    )


def _first_wrong(samples: Sequence[_Sample], greedy: bool) -> WrongAnswer | None:
    wrong = (one for one in samples if one.outcome is not Outcome.PASS and not one.outcome.is_fault)
    return next(
        (
            WrongAnswer(
                code=one.text[:MOST_OF_WRONG],
                outcome=one.outcome,
                first_failure=one.first_failure[:300],
                greedy=greedy,
            )
            for one in wrong
        ),
        None,
    )


async def _judge(context: EvaluationContext, question: Question, texts: Sequence[str]) -> list[_Sample]:
    """Outcome of each answer; an answer without code is a parse error."""
    suite = question.item.suite
    name = question.item.task.contract.asked_name
    codes = [extract_code(text, question.language, name) for text in texts]
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
    seen = iter(await run_each(context.sandbox, requests, lambda _, one: _sample(judge(one, suite, ""))))
    return [
        _Sample(Outcome.PARSE_ERROR, text=text) if code is None else next(seen)._replace(text=code)
        for text, code in zip(texts, codes, strict=True)
    ]


def _sample(verdict: Verdict) -> _Sample:
    if verdict.outcome.is_fault:
        return _Sample(verdict.outcome, verdict.outcome.value, verdict.first_failure[:300])
    return _Sample(verdict.outcome, first_failure=verdict.first_failure)


def by_language(answered: Sequence[QuestionResult]) -> dict[str, list[QuestionResult]]:
    """The questions in each language, by its name."""
    groups: defaultdict[str, list[QuestionResult]] = defaultdict(list)
    for item in answered:
        groups[item.language].append(item)
    return dict(sorted(groups.items()))


def score(answered: Sequence[QuestionResult], ks: Sequence[int]) -> Scores:
    """Figures over the questions that could be judged. pass@k needs at least k judged
    samples per question."""
    pass_at = {k: _measure(means) for k in ks if (means := task_means(answered, k))}
    greedy = task_means(answered, None)
    return Scores(
        questions=sum(not item.left_out for item in answered),
        pass_at=pass_at,
        greedy=_measure(greedy) if greedy else None,
        tokens=sum(item.tokens for item in answered),
    )


def task_means(answered: Sequence[QuestionResult], k: int | None) -> dict[str, float]:
    """pass@k of each task that could be judged, or whether its greedy answer passes if `k` is None. A task in
    several languages counts once, with its mean."""
    tasks: defaultdict[str, list[float]] = defaultdict(list)
    for item in answered:
        if k is None and item.greedy is not None:
            tasks[item.task_id].append(float(item.greedy))
        elif k is not None and item.n >= k:
            tasks[item.task_id].append(pass_at_k(item.n, item.passed, k))
    return {task_id: sum(found) / len(found) for task_id, found in tasks.items()}


def _measure(means: Mapping[str, float]) -> Measure:
    low, high = task_interval([*means.values()])
    return Measure(value=sum(means.values()) / len(means), low=low, high=high)
