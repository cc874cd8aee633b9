"""The rounds: data from the policy, a policy from the data, evaluation, again.

Place in the flow: `run` -> here, in a `Session` -> figures and tables in `report`. Every step first looks
whether it was done before, so the same command resumes after an interruption. The one rule: a round ends with
a policy that was measured to be better than the one that it began with, or with that one.
"""

import asyncio
import os
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, nullcontext

from posttrain.core.brought_data import bring_all
from posttrain.core.jobs import TrainingJob, TrainingProgress
from posttrain.evaluate.suite import load_held_out
from posttrain.launch import all_finished, run_trainers
from posttrain.loop.benchmarks import measure_benchmarks
from posttrain.loop.jobs import RoundJobs, plan_jobs, to_measure
from posttrain.loop.measuring import measure_reported
from posttrain.loop.replay import write_replay
from posttrain.loop.report import RunResults
from posttrain.loop.selection import select_policy
from posttrain.loop.session import Session
from posttrain.loop.settling import settle
from posttrain.world import Audit
from synth.config import DataConfig
from synth.filters.benchmarks import HELD_OUT, BenchmarkEntry
from synth.generation.lifeline import Lifeline
from synth.pipeline.round import RoundData, run_round
from synth.pipeline.second_pass import run_second_pass
from synth.policy import Policy
from synth.stages.context import Context
from synth.store.atomic import write_bytes
from synth.store.flips import write_flips
from synth.store.open_shards import FailedUnit
from synth.store.seals import seal_json
from synth.store.shards import shard_key


async def run_rounds(session: Session) -> RunResults:
    """All rounds, from the base to the audit."""
    recipe = session.recipe
    policy = session.base
    reported = [policy]
    bring_all(recipe, session.plan.recipe_folder, session.run)  # what is not there is said first

    # 1. How good is the policy that we start with?
    evaluations = await measure_reported(session, [policy])
    benchmarks = await measure_benchmarks(session, [policy])
    for round_ in range(1, recipe.loop.rounds + 1):
        if recipe.data is None:
            break
        # 2. The engine takes the policy of the round before, and makes the data of this one.
        data = await make_data(session, recipe.data, round_, policy)
        # 3. Train coarse, fine and DPO in one process, each from the policy before it.
        trained = await train(session, round_, policy, data)
        # 4. The best of them, or the one before, makes the data of the next round.
        policy = await select_policy(session, round_, policy, trained)
        # 5. Swap each new policy in and measure it on the tasks that are reported.
        if recipe.loop.evaluate_rounds == "all" or round_ == recipe.loop.rounds:
            new = trained if policy in (*reported, *trained) else [policy, *trained]
            reported += new
            evaluations += await measure_reported(session, new)
            benchmarks += await measure_benchmarks(session, new)

    # 6. How much of the data was wrong, by a world that knows?
    return RunResults(evaluations, benchmarks, await audit(session))


async def make_data(session: Session, data: DataConfig, round_: int, policy: Policy) -> RoundData:
    """The products of a round, made by this policy."""
    reporter = session.reporter
    context = await _context(session, data, policy)
    reporter.say(f"round {round_}: making data with {policy.name}")
    with _at_work(session):
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


async def _make_pairs(
    session: Session, data: DataConfig, round_: int, policy: Policy, made: RoundData
) -> RoundData:
    """The products of the round with pairs of its SFT policy."""
    reporter = session.reporter
    context = await _context(session, data, policy)
    reporter.say(f"round {round_}: making pairs with {policy.name}")
    with _at_work(session):
        paired = await run_second_pass(
            context,
            session.plan.folder,
            round_,
            made,
            on_progress=reporter.show,
            accept_failures=session.plan.accept_failures,
        )
    reporter.say(f"round {round_}: {paired.counts['pairs']} pairs")
    return paired


async def _context(session: Session, data: DataConfig, policy: Policy) -> Context:
    """What stages need, with this policy in the engine."""
    model = session.model
    if model is not None:
        await model.serve(policy, session.reporter)
    await session.wake_others()
    return Context(
        session.recipe,
        data,
        session.plan.recipe_folder,
        session.sandbox,
        model.engine if model is not None else None,
        session.plan.prompts,
        session.others,
    )


@contextmanager
def _at_work(session: Session) -> Iterator[None]:
    model = session.model
    with session.reporter.round(), model.engine.busy.window() if model is not None else nullcontext():
        yield


def _held_out(session: Session, data: DataConfig) -> list[BenchmarkEntry]:
    """The evaluation's tasks, for decontamination."""
    config = session.recipe.evaluation
    if config is None or HELD_OUT not in data.filters.decontaminate:
        return []
    return load_held_out(config, session.plan.recipe_folder, session.world.suites)


async def train(session: Session, round_: int, policy: Policy, data: RoundData) -> list[Policy]:
    """The trainings of a round; the policies to measure: after SFT, after DPO. Engines that share a card with
    the trainer sleep meanwhile."""
    config = session.recipe.data
    if config is not None and config.pairs is not None and config.pairs.after_sft:
        sft = [job for job in _plan(session, round_, policy, data).jobs if job.kind == "sft"]
        if learned := await _train(session, round_, sft):
            data = await _make_pairs(session, config, round_, learned[-1], data)
    jobs, left_out = _plan(session, round_, policy, data)
    for line in left_out:
        session.reporter.say(line)
    return await _train(session, round_, jobs)


def _plan(session: Session, round_: int, policy: Policy, data: RoundData) -> RoundJobs:
    recipe = session.recipe
    return plan_jobs(
        recipe,
        session.run / "checkpoints",
        round_,
        session.base if recipe.loop.start == "base" else policy,
        data,
        write_replay(session.run, recipe, round_, data),
        on_gpu=bool(session.placement.trainer),
        brought=bring_all(recipe, session.plan.recipe_folder, session.run),
    )


async def _train(session: Session, round_: int, jobs: Sequence[TrainingJob]) -> list[Policy]:
    """Run the jobs; those that were done are taken as they are."""
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
    for line in filter(None, (one.manifest.stopped for one in trained)):
        session.reporter.say(line)
    return [trained[place].policy(f"round {round_} {jobs[place].kind}") for place in to_measure(jobs)]


async def audit(session: Session) -> Audit | None:
    """What the world finds in the accepted samples; None if it has no audit."""
    found = await session.world.audit(session.run, session.recipe, session.sandbox)
    if found is not None:
        lost = [FailedUnit("audit", "infrastructure", f"{found.unjudged} samples were not judged")]
        failed = lost if found.unjudged else []
        settle(session, shard_key("audit", 0, "audit"), failed, found.unjudged < found.accepted)
        write_bytes(session.run / "eval" / "audit.json", seal_json(found.model_dump_json(indent=1)))
    return found
