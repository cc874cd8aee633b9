"""What the data stages of a round and the evaluations ask of engines: calls and tokens.

Place in the flow: recipe -> here -> `forecast`. The one rule: a bound follows from the recipe alone, every
seed taken to survive and every answer to be as long as it may; beside it an earlier run of the same data
section says what to expect.
"""

from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

from posttrain.evaluate.suite import Suites, load_questions
from posttrain.plan.amounts import Amount, at_most, estimate, exact, scaled, unknown
from posttrain.plan.earlier import EarlierRun
from posttrain.plan.forecast import PlannedPhase
from synth.config import DataConfig, PocketSeedsConfig, Recipe
from synth.errors import CodemillError
from synth.spending_config import PriceConfig

_NO_BOUND = "the source of seeds has no limit in the recipe"
_READ_LATER = "the problems of a benchmark are read when it runs"


def seeds_of(data: DataConfig) -> Amount:
    """Seeds that a round reads."""
    seeds = data.seeds
    if isinstance(seeds, PocketSeedsConfig):
        return exact(seeds.count)
    limit = getattr(seeds, "limit", None)
    bounds = [limit] if limit else []
    languages = getattr(seeds, "languages", None)
    if languages and set(languages) <= set(seeds.limits):
        bounds.append(sum(seeds.limits[one] for one in languages))
    return at_most(min(bounds)) if bounds else unknown(_NO_BOUND)


def plan_data(
    recipe: Recipe, data: DataConfig, round_: int, earlier: EarlierRun | None
) -> Iterator[PlannedPhase]:
    """The stages of one round that ask a model, and the whole round as an earlier run had it."""
    seeds = seeds_of(data)
    for name, answers in _asked(data).items():
        sampling = data.asking[name]
        calls = _bound(seeds, answers.requests)
        completion = _bound(seeds, answers.requests * answers.samples * sampling.max_tokens)
        yield PlannedPhase(
            name=f"data: {name}",
            round=round_,
            rows=seeds if name == "instruct" else None,
            calls=calls,
            completion_tokens=completion,
            prompt_tokens=unknown("prompts are as long as the seeds"),
            usd=_usd(recipe, name, None, completion),
        )
    if earlier is not None and seeds.value is not None:
        words = f"run {earlier.name}, by seed, evaluations included"
        prompt = estimate(earlier.prompt_tokens * seeds.value, words)
        completion = estimate(earlier.completion_tokens * seeds.value, words)
        speed = f"run {earlier.name} wrote {earlier.tokens_a_second:,.0f} tokens a second over its whole time"
        yield PlannedPhase(
            name="data: expected",
            round=round_,
            prompt_tokens=prompt,
            completion_tokens=completion,
            seconds=estimate((completion.value or 0.0) / max(earlier.tokens_a_second, 1e-9), speed),
            usd=_usd(recipe, "solve", prompt, completion),
        )


class _StageAnswers(NamedTuple):
    """Requests that a stage sends for a seed at most, and answers to each."""

    requests: int
    samples: int = 1


def _asked(data: DataConfig) -> dict[str, _StageAnswers]:
    """By section, in the order of `data.asking`."""
    inputs = data.inputs
    of_inputs = sum((inputs.from_model, inputs.validator, inputs.generator))
    found = {"instruct": _StageAnswers(1), "inputs": _StageAnswers(of_inputs)}
    if data.solve is not None:
        tries = data.solve.tries
        found["solve"] = _StageAnswers(len(data.solve.languages) * tries, data.solve.n)
        found["inputs"] = _StageAnswers(of_inputs * tries)
        languages = len(data.solve.languages)
        if data.repair is not None:
            found["repair"] = _StageAnswers(languages * data.repair.per_task * (data.repair.turns - 1))
        if data.repair_tasks is not None:
            found["repair_tasks"] = _StageAnswers(languages * data.repair_tasks.per_task)
        if data.review is not None:
            found["review"] = _StageAnswers(languages * data.review.per_task)
    return {name: found[name] for name in data.asking if name in found}


def _bound(seeds: Amount, factor: float) -> Amount:
    if seeds.value is None:
        return seeds
    return at_most(seeds.value * factor)


def expected_rows(job: str, data: DataConfig, earlier: EarlierRun | None) -> Amount:
    """Rows that a round makes for a training job."""
    seeds = seeds_of(data)
    if earlier is not None and seeds.value is not None and job in earlier.rows:
        words = f"run {earlier.name} made {earlier.rows[job]:.2f} rows a seed"
        return estimate(round(earlier.rows[job] * seeds.value), words)
    return unknown("no earlier run of this data section says how many rows a seed gives")


# --- evaluation ---------------------------------------------------------------------------------------------


def plan_evaluations(recipe: Recipe, recipe_folder: Path, suites: Suites) -> Iterator[PlannedPhase]:
    """The evaluation of one policy, and of how many there will be."""
    evaluation = recipe.evaluation
    if evaluation is None or recipe.engine is None:
        return
    policies = _measured_policies(recipe)
    for suite in evaluation.reported:
        try:
            questions = len(load_questions(suite, recipe_folder, suites))
        except (CodemillError, OSError) as error:
            yield PlannedPhase(name=f"evaluation: {suite.suite}", calls=unknown(str(error).splitlines()[0]))
            continue
        answers = suite.n + (1 if suite.greedy else 0)
        completion = at_most(questions * answers * suite.max_tokens * policies)
        yield PlannedPhase(
            name=f"evaluation: {suite.suite}, {policies} policies",
            rows=exact(questions),
            calls=exact(questions * (2 if suite.greedy else 1) * policies),
            completion_tokens=completion,
            prompt_tokens=unknown("prompts are as long as the tasks"),
            usd=_usd(recipe, "solve", None, completion),
        )
    for benchmark in evaluation.benchmarks:
        yield PlannedPhase(
            name=f"evaluation: {benchmark.suite}, {policies} policies",
            rows=at_most(benchmark.tasks) if benchmark.tasks else unknown(_READ_LATER),
            calls=unknown(_READ_LATER),
        )


def _measured_policies(recipe: Recipe) -> int:
    kinds = sum(one is not None for one in (recipe.sft, recipe.dpo))
    rounds = recipe.loop.rounds if recipe.loop.evaluate_rounds == "all" else 1
    return 1 + (rounds * kinds if recipe.data is not None else 0)


def _usd(recipe: Recipe, section: str, prompt: Amount | None, completion: Amount) -> Amount | None:
    """By the table of the recipe, where the engine that answers has a price there."""
    writes_tasks = section in ("instruct", "inputs")
    role = "teacher" if writes_tasks and recipe.teacher is not None else "engine"
    price: PriceConfig | None = getattr(recipe.prices, role)
    if price is None or completion.value is None:
        return None
    answers = scaled(completion, price.output / 1e6)
    if prompt is None or prompt.value is None:
        return answers.model_copy(update={"basis": f"{answers.basis}; without prompts".lstrip("; ")})
    value = (answers.value or 0.0) + prompt.value * price.input / 1e6
    return answers.model_copy(update={"value": value})
