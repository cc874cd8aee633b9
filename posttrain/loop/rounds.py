"""The rounds: data from the policy, a policy from the data, evaluation, again.

Place in the flow: `run` -> here, in a `Session` -> figures and tables in `report`. Every step first looks
whether it was done before, so the same command resumes after an interruption. The one rule: a round trains
only on the data of its own policy; the next round starts from the last policy of this one.
"""

import asyncio
import os
import time
from collections.abc import Sequence
from contextlib import nullcontext
from pathlib import Path

from posttrain.core.jobs import TrainingProgress
from posttrain.evaluate.evaluation import Evaluation, EvaluationContext, evaluate
from posttrain.evaluate.suite import load_held_out, load_questions
from posttrain.launch import all_finished, run_trainers
from posttrain.loop.benchmarks import measure_benchmarks
from posttrain.loop.jobs import plan_jobs, to_measure
from posttrain.loop.report import RunResults, evaluation_path
from posttrain.loop.session import ServedEngine, Session
from posttrain.loop.settling import settle
from posttrain.world import Audit
from synth.config import DataConfig, EvaluationConfig
from synth.filters.benchmarks import HELD_OUT, BenchmarkEntry
from synth.generation.lifeline import Lifeline
from synth.pipeline.round import RoundData, run_round
from synth.policy import Policy
from synth.rules.limits import find_limits
from synth.stages.context import Context
from synth.store.atomic import write_bytes
from synth.store.flips import write_flips
from synth.store.open_shards import FailedUnit, OpenShards
from synth.store.seals import read_json, seal_json
from synth.store.shards import shard_key


async def run_rounds(session: Session) -> RunResults:
    """All rounds, from the base to the audit."""
    recipe = session.recipe
    policy = session.base

    # 1. How good is the policy that we start with?
    evaluations = await measure(session, [policy])
    benchmarks = await measure_benchmarks(session, [policy])
    for round_ in range(1, recipe.loop.rounds + 1):
        if recipe.data is None:
            break
        # 2. The engine takes the policy of the round before, and makes the data of this one.
        data = await make_data(session, recipe.data, round_, policy)
        # 3. Train coarse, fine and DPO in one process, each from the policy before it.
        trained = await train(session, round_, policy, data)
        # 4. Swap each new policy in and measure it.
        if recipe.loop.evaluate_rounds == "all" or round_ == recipe.loop.rounds:
            evaluations += await measure(session, trained)
            benchmarks += await measure_benchmarks(session, trained)
        # 5. The next round starts from the last one.
        policy = trained[-1] if trained else policy

    # 6. How much of the data was wrong, by a world that knows?
    return RunResults(evaluations, benchmarks, await audit(session))


async def make_data(session: Session, data: DataConfig, round_: int, policy: Policy) -> RoundData:
    """The products of a round, made by this policy."""
    reporter, model = session.reporter, session.model
    if model is not None:
        await model.serve(policy, reporter)
    await session.wake_teacher()
    engine = model.engine if model is not None else None
    context = Context(
        session.recipe,
        data,
        session.plan.recipe_folder,
        session.sandbox,
        engine,
        session.plan.prompts,
        session.teacher,
    )
    reporter.say(f"round {round_}: making data with {policy.name}")
    with reporter.round(), engine.busy.window() if engine is not None else nullcontext():
        made = await run_round(
            context,
            session.plan.folder,
            round_,
            pocket=session.world.seeds,
            held_out=_held_out(session, data),
            workers=len(os.sched_getaffinity(0)),
            on_progress=reporter.show,
            accept_failures=session.plan.accept_failures,
        )
    write_flips(session.run)
    reporter.say(f"round {round_}: " + ", ".join(f"{count} {name}" for name, count in made.counts.items()))
    return made


def _held_out(session: Session, data: DataConfig) -> list[BenchmarkEntry]:
    """The evaluation's tasks, for decontamination."""
    config = session.recipe.evaluation
    if config is None or HELD_OUT not in data.filters.decontaminate:
        return []
    return load_held_out(config, session.plan.recipe_folder, session.world.suites)


async def train(session: Session, round_: int, policy: Policy, data: RoundData) -> list[Policy]:
    """The trainings of a round; the policies to measure: after SFT, after DPO. Engines that share a card with
    the trainer sleep meanwhile."""
    jobs, left_out = plan_jobs(
        session.recipe,
        session.run / "checkpoints",
        round_,
        policy,
        data,
        on_gpu=bool(session.placement.trainer),
    )
    for line in left_out:
        session.reporter.say(line)
    if not jobs:
        return []
    session.reporter.say(f"round {round_}: training " + ", ".join(job.name for job in jobs))

    def show(step: TrainingProgress) -> None:
        session.reporter.share(f"{step.job} (loss {step.loss:.3f})", step.step, step.total)

    if not all_finished(jobs):
        await session.leave_cards()
    placement = session.placement
    log, lifeline = session.run / "logs" / f"train-round-{round_}.log", Lifeline(placement.children)
    try:
        trained = await asyncio.to_thread(
            run_trainers, jobs, log, show, lifeline, placement.trainer, session.recipe.launch
        )
    finally:
        lifeline.let_go()  # Ctrl-C cancels this wait, but does not reach the thread
    return [trained[place].policy(f"round {round_} {jobs[place].kind}") for place in to_measure(jobs)]


# --- measuring ----------------------------------------------------------------------------------------------


async def measure(session: Session, policies: Sequence[Policy]) -> list[Evaluation]:
    """An evaluation of each policy, made now or read from an earlier process; none without an engine."""
    config, model = session.recipe.evaluation, session.model
    if config is None or config.suite is None or model is None:
        return []
    return [await _measured(session, config, model, policy) for policy in policies]


async def _measured(
    session: Session, config: EvaluationConfig, model: ServedEngine, policy: Policy
) -> Evaluation:
    path = evaluation_path(session.run, policy.name)
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
    what = f"evaluating {policy.name}"
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


async def audit(session: Session) -> Audit | None:
    """What the world finds in the accepted samples; None if it has no audit."""
    found = await session.world.audit(session.run, session.recipe, session.sandbox)
    if found is not None:
        lost = [FailedUnit("audit", "infrastructure", f"{found.unjudged} samples were not judged")]
        failed = lost if found.unjudged else []
        settle(session, shard_key("audit", 0, "audit"), failed, found.unjudged < found.accepted)
        write_bytes(session.run / "eval" / "audit.json", seal_json(found.model_dump_json(indent=1)))
    return found
