"""The experiment: for each seed, one generation phase, three arms trained from the base, and an evaluation of
each final policy.

Every step first checks whether it is already done, so the same command resumes after a crash. The one rule:
arms differ only in their rows; at most one engine is started, and every policy is swapped into it.
"""

import asyncio
import os
import time
from collections.abc import Mapping, Sequence
from pathlib import Path

from benchmarks.ablation.arms import Arm, ArmName, ArmRow, Composition, compose, make_arms
from benchmarks.ablation.candidates import find_contaminated, read_candidates
from benchmarks.ablation.plan import Plan, SeedPlan
from benchmarks.ablation.results import (
    BASE,
    ArmFigures,
    PolicyFigures,
    Results,
    Step,
    compare,
    policy_figures,
    write_results,
)
from benchmarks.ablation.training import arm_jobs, check_equal_training
from posttrain.core.jobs import TrainingJob, TrainingProgress
from posttrain.evaluate.evaluation import Evaluation, EvaluationContext, evaluate
from posttrain.evaluate.suite import load_held_out, load_questions
from posttrain.launch import run_trainers
from posttrain.pocket.world import POCKET_WORLD
from synth.cli.progress import ProgressDisplay
from synth.errors import DatasetError, Problem
from synth.execution.factory import create_sandbox
from synth.filters.benchmarks import BenchmarkEntry
from synth.generation.factory import create_engine
from synth.generation.journal import JournalledEngine
from synth.generation.lifeline import Lifeline
from synth.pipeline.round import run_round
from synth.policy import Policy
from synth.records import Record
from synth.rules.limits import find_limits
from synth.stages.context import Context
from synth.store.atomic import write_bytes
from synth.store.checkpoints import Checkpoint
from synth.store.run_folder import RunFolder, RunIdentity

_BASE_SEED = 0
"""The base is measured once, with sampling seeds derived from this one."""


class ArmsMade(Record):
    """`arms/seed-N/arms.json`, written after the rows: the figures on the candidates."""

    candidates: int
    """Candidates that parse, from tasks not too similar to a held-out one."""
    contaminated: int
    """Tasks removed from all arms."""
    compositions: dict[ArmName, Composition]
    seconds: float
    """Seconds for generation and choice together, in the process that finished them."""


class Experiment:
    """One ablation, from its plan to its results."""

    def __init__(self, plan: Plan) -> None:
        self.plan, self.out = plan, plan.out
        self.display = ProgressDisplay()
        self.sandbox = create_sandbox(plan.first.recipe.execution)
        self.engine: JournalledEngine | None = None
        self.swaps: list[float] = []
        self._policies: list[PolicyFigures] = []
        self._arms: list[ArmFigures] = []
        self._made: dict[int, ArmsMade] = {}

    async def run(self) -> str:
        """Do everything that is not done yet, and return the tables. Results are written after each seed.
        Raises the errors of its parts."""
        await self.sandbox.start()
        try:
            base = await self._evaluated(BASE, self.plan.base, _BASE_SEED)
            self._policies.append(policy_figures(base, BASE, None, None))
            for seed, seed_plan in self.plan.seeds.items():
                await self._one_seed(seed, seed_plan)
                text = write_results(self.out, self._results())
                self.display.say(f"seed {seed} is done, results in {self.out / 'results.md'}")
        finally:
            if self.engine is not None:
                await self.engine.close()
            await self.sandbox.close()
        if self.swaps:
            self.display.say(f"policies swapped in {len(self.swaps)} times, slowest {max(self.swaps):.2f} s")
        return text

    async def _one_seed(self, seed: int, seed_plan: SeedPlan) -> None:
        self._made[seed] = made = await self._arms_made(seed, seed_plan)
        jobs = {name: self._jobs(seed, seed_plan, name, made.compositions[name]) for name in ArmName}
        trained = await self._trained(seed, jobs)
        for name in ArmName:
            self._arms.append(_arm_figures(seed, name, made.compositions[name], trained[name]))
            final = trained[name][-1]
            for checkpoint in trained[name] if self.plan.after_sft else (final,):
                # without pairs in any arm, SFT is the whole training
                step: Step = "dpo" if checkpoint is final else "sft"
                evaluation = await self._evaluated(f"seed-{seed}-{name}-{step}", checkpoint.policy(), seed)
                self._policies.append(policy_figures(evaluation, name, seed, step))

    def _results(self) -> Results:
        first = self.plan.first
        return Results(
            recipe=first.recipe.name,
            budget=self.plan.budget,
            seeds=tuple(self._made),
            base_fingerprint=self.plan.base.fingerprint,
            candidates={seed: made.candidates for seed, made in self._made.items()},
            generation_seconds={seed: made.seconds for seed, made in self._made.items()},
            arms=tuple(self._arms),
            policies=tuple(self._policies),
            comparisons=compare(self._policies),
        )

    # --- rows -----------------------------------------------------------------------------------------------

    async def _arms_made(self, seed: int, seed_plan: SeedPlan) -> ArmsMade:
        """The rows of all arms on disk: generated and chosen now or earlier."""
        marker = self.out / "arms" / f"seed-{seed}" / "arms.json"
        if marker.is_file():
            return ArmsMade.model_validate_json(marker.read_bytes())
        started = time.monotonic()
        context, run = await self._generated(seed, seed_plan)
        self.display.say(f"seed {seed}: choosing the rows of each arm")
        candidates = read_candidates(run)
        contaminated = find_contaminated(candidates, _held_out(seed_plan), self.plan.prompts)
        candidates = candidates.without(contaminated)
        budget = self.plan.budget
        arms = await make_arms(
            context, candidates, max_samples=budget.max_samples, max_pairs=budget.max_pairs
        )
        _need_rows(seed, arms)
        for name, arm in arms.items():
            _write_rows(marker.parent / name / "samples.jsonl", arm.samples)
            _write_rows(marker.parent / name / "pairs.jsonl", arm.pairs)
        made = ArmsMade(
            candidates=sum(solution.id in candidates.parsed for solution in candidates.solutions),
            contaminated=len(contaminated),
            compositions={name: compose(arm, candidates.verdicts) for name, arm in arms.items()},
            seconds=round(time.monotonic() - started, 1),
        )
        write_bytes(marker, made.model_dump_json(indent=1).encode())
        return made

    async def _generated(self, seed: int, seed_plan: SeedPlan) -> tuple[Context, Path]:
        """One round of the factory with the base policy, in its own run folder (readable
        by `codemill funnel`)."""
        engine = await self._serving(self.plan.base)
        recipe, prompts = seed_plan.recipe, self.plan.prompts
        context = Context(recipe, seed_plan.data, seed_plan.folder, self.sandbox, engine, prompts)
        identity = RunIdentity.of_recipe(recipe, prompts.hashes())
        self.display.say(f"seed {seed}: making data with the base policy")
        with (
            RunFolder.create_or_resume(self.out / "data", f"seed-{seed}", identity) as folder,
            self.display.round(),
        ):
            await run_round(
                context,
                folder,
                1,
                pocket=POCKET_WORLD.seeds,
                held_out=_held_out(seed_plan),
                workers=len(os.sched_getaffinity(0)),
                on_progress=self.display.show,
            )
        return context, folder.path

    # --- training -------------------------------------------------------------------------------------------

    def _jobs(self, seed: int, seed_plan: SeedPlan, name: ArmName, rows: Composition) -> list[TrainingJob]:
        folder = self.out / "arms" / f"seed-{seed}" / name
        return arm_jobs(seed_plan, self.plan.base, name, folder, with_pairs=rows.pairs > 0)

    async def _trained(
        self, seed: int, jobs: Mapping[ArmName, Sequence[TrainingJob]]
    ) -> dict[ArmName, list[Checkpoint]]:
        """The policies of each arm, all trained in one process. Raises TrainerError if the arms did not get
        the same training."""
        self.display.say(f"seed {seed}: training {len(jobs)} arms")
        flat = [job for name in jobs for job in jobs[name]]
        log, lifeline = self.out / "logs" / f"train-seed-{seed}.log", Lifeline()
        try:
            found = iter(await asyncio.to_thread(run_trainers, flat, log, self._show_training, lifeline))
        finally:
            lifeline.let_go()  # Ctrl-C cancels this wait, but does not reach the thread
        trained = {name: [next(found) for _ in jobs[name]] for name in jobs}
        check_equal_training(
            {name: [policy.manifest for policy in policies] for name, policies in trained.items()}
        )
        return trained

    def _show_training(self, step: TrainingProgress) -> None:
        self.display.share(f"{step.job} (loss {step.loss:.3f})", step.step, step.total)

    # --- the engine -----------------------------------------------------------------------------------------

    async def _serving(self, policy: Policy) -> JournalledEngine:
        """The engine, serving this policy. It is started when first needed."""
        if self.engine is None:
            config = self.plan.first.engine
            self.display.say(f"starting the engine ({config.kind})")
            engine = create_engine(config, policy=self.plan.base, log_folder=self.out / "logs")
            self.engine = JournalledEngine(engine, self.out / "journal")
            await self.engine.start()
        if self.engine.fingerprint != policy.fingerprint:
            self.swaps.append(await self.engine.load_policy(policy))
        return self.engine

    async def _evaluated(self, label: str, policy: Policy, seed: int) -> Evaluation:
        """Measure the policy, or read an earlier measurement."""
        path = self.out / "eval" / f"{label}.json"
        if path.is_file():
            found = Evaluation.model_validate_json(path.read_bytes())
            if found.fingerprint == policy.fingerprint:
                return found
        engine = await self._serving(policy)
        first = self.plan.first
        examiner = EvaluationContext(
            engine,
            self.sandbox,
            self.plan.prompts,
            first.evaluation,
            seed,
            find_limits(first.recipe.execution),
        )
        questions = load_questions(first.evaluation, first.folder, POCKET_WORLD.suites)
        self.display.say(f"evaluating {label}: {len(questions)} questions")
        started = time.monotonic()
        found = await evaluate(
            examiner,
            label,
            questions,
            lambda done, total: self.display.share(f"evaluating {label}", done, total),
        )
        if found.failed:
            raise RuntimeError(f"{label}: {len(found.failed)} questions failed, first {found.failed[0]}")
        found = found.model_copy(update={"seconds": round(time.monotonic() - started, 1)})
        write_bytes(path, found.model_dump_json(indent=1).encode())
        return found


def _held_out(plan: SeedPlan) -> list[BenchmarkEntry]:
    """The instructions that no arm may contain."""
    return load_held_out(plan.evaluation, plan.folder, POCKET_WORLD.suites)


def _need_rows(seed: int, arms: Mapping[ArmName, Arm]) -> None:
    if not all(arm.samples for arm in arms.values()):
        expected = "at least one arm has no samples, so there is nothing to compare"
        raise DatasetError(
            Problem(
                f"ablation, seed {seed}", expected, "give more snippets with --seeds-count, and another --out"
            )
        )


def _write_rows(path: Path, rows: Sequence[ArmRow]) -> None:
    write_bytes(path, "".join(found.model_dump_json() + "\n" for found in rows).encode())


def _arm_figures(
    seed: int, name: ArmName, composition: Composition, trained: Sequence[Checkpoint]
) -> ArmFigures:
    steps = {policy.manifest.kind: policy.manifest.steps for policy in trained}
    return ArmFigures(
        seed=seed,
        arm=name,
        composition=composition,
        sft_steps=steps["sft"],
        dpo_steps=steps.get("dpo", 0),
        train_seconds=round(sum(policy.manifest.seconds for policy in trained), 1),
    )
