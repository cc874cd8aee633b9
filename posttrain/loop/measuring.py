"""The held-out evaluations of a run: each policy on each suite once.

Place in the flow: `rounds` and `selection` -> here -> `report`. The one rule: what was measured is read from
the run folder, if it is of the same policy.
"""

import time
from collections.abc import Sequence
from pathlib import Path

from posttrain.evaluate.evaluation import Evaluation, EvaluationContext, evaluate
from posttrain.evaluate.suite import load_questions
from posttrain.loop.report import evaluation_path, other_suite
from posttrain.loop.session import ServedEngine, Session
from posttrain.loop.settling import settle
from synth.config import EvaluationConfig
from synth.policy import Policy
from synth.rules.limits import find_limits
from synth.store.atomic import write_bytes
from synth.store.open_shards import OpenShards
from synth.store.seals import read_json, seal_json
from synth.store.shards import shard_key


async def measure_reported(session: Session, policies: Sequence[Policy]) -> list[Evaluation]:
    """An evaluation of each policy on each suite that is reported; none without an engine."""
    config = session.recipe.evaluation
    return [
        found
        for suite in (config.reported if config is not None else ())
        for found in await measure(session, policies, suite)
    ]


async def measure(session: Session, policies: Sequence[Policy], config: EvaluationConfig) -> list[Evaluation]:
    """An evaluation of each policy, made now or read from an earlier process; none without an engine."""
    model = session.model
    return (
        [await _measured(session, config, model, policy) for policy in policies] if model is not None else []
    )


async def _measured(
    session: Session, config: EvaluationConfig, model: ServedEngine, policy: Policy
) -> Evaluation:
    path = evaluation_path(session.run, policy.name, other_suite(session.recipe, config.suite or ""))
    if path.exists():
        found = Evaluation.model_validate_json(read_json(path))
        if found.fingerprint == model.fingerprint_of(policy):
            OpenShards(session.run).close(shard_key("evaluation", 0, path.stem))
            return found
    await model.serve(policy, session.reporter)
    return await _measure(session, config, model, policy, path)


async def _measure(
    session: Session, config: EvaluationConfig, model: ServedEngine, policy: Policy, path: Path
) -> Evaluation:
    recipe, reporter = session.recipe, session.reporter
    context = EvaluationContext(
        model.engine, session.sandbox, model.prompts, config, recipe.seed, find_limits(recipe.execution)
    )
    questions = load_questions(config, session.plan.recipe_folder, session.world.suites)
    what = f"evaluating {policy.name} on {config.suite}"
    reporter.say(f"{what}: {len(questions)} questions")
    started = time.monotonic()
    with model.engine.busy.window():
        found = await evaluate(
            context, policy.name, questions, lambda done, total: reporter.share(what, done, total)
        )
    found = found.model_copy(update={"seconds": round(time.monotonic() - started, 1)})
    failed = found.failed
    settle(session, shard_key("evaluation", 0, path.stem), failed, len(failed) < len(questions))
    write_bytes(path, seal_json(found.model_dump_json(indent=1)))
    return found
