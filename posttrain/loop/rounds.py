"""The loop: generate, verify, select, train, swap the new policy in, evaluate, again. One recipe, one engine,
one run folder.

Every step looks first whether it was done before, so the same command goes on after a crash. The one rule:
the engine is started once and every policy is swapped into it; the trainers run in processes of their own.
"""

import asyncio
import contextlib
import json
import multiprocessing
import os
import time
from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass
from pathlib import Path

from posttrain.core.checkpoints import TrainedPolicy
from posttrain.core.jobs import DpoJob, SftJob, TrainingProgress, TrainingStart
from posttrain.core.policy import find_policy, prepare_base, resolve_model
from posttrain.evaluate.evaluation import Evaluation, EvaluationContext, evaluate
from posttrain.evaluate.suite import POCKET_SUITE, load_questions
from posttrain.evaluate.table import print_results
from posttrain.launch import Lifeline, run_trainers
from posttrain.pocket.audit import Audit, audit_run
from synth.cli.progress import ProgressDisplay
from synth.config import DataConfig, EvaluationConfig, PocketSeedsConfig, Recipe, VllmServerEngineConfig
from synth.errors import Problem, RecipeError
from synth.execution.factory import create_sandbox
from synth.execution.protocol import Sandbox
from synth.filters.benchmarks import BenchmarkEntry
from synth.generation.factory import create_engine
from synth.generation.journal import JournalledEngine
from synth.generation.protocol import PolicyRef
from synth.pipeline.flow import HELD_OUT
from synth.pipeline.round import RoundData, run_round
from synth.prompts.library import PromptLibrary
from synth.recipe import LoadedRecipe
from synth.rules.limits import limits_of
from synth.seeds.reader import PocketProvider
from synth.stages.protocol import Context
from synth.store.atomic import write_bytes
from synth.store.run_folder import RunFolder, RunIdentity, is_finished

FIGURES = Path("logs", "figures.jsonl")
"""In the run folder: one line of figures for each process that brought the run to its end."""


def run_recipe(loaded: LoadedRecipe, runs_dir: Path, *, fresh: bool = False, fork: str | None = None) -> Path:
    """Run everything that the recipe has; the run folder. Raises what the parts raise; nothing that was done
    is lost."""
    _check_trainable(loaded)
    prompts = _load_prompts(loaded.recipe)
    identity = RunIdentity.of_recipe(loaded.recipe, prompts.hashes() if prompts else {})
    name = fork or loaded.recipe.name
    if not fresh and is_finished(runs_dir / name, identity):
        return _show_finished(runs_dir / name)
    with RunFolder.create_or_resume(
        runs_dir, name, identity, fork_of=loaded.recipe.name if fork else None, fresh=fresh
    ) as folder:
        asyncio.run(Loop(loaded, folder, prompts).run())
        return folder.path


def _check_trainable(loaded: LoadedRecipe) -> None:
    """A run trains on what it makes itself: a recipe with trainers and without `data` would do nothing, in
    silence."""
    recipe = loaded.recipe
    trainers = [name for name in ("sft", "dpo") if getattr(recipe, name) is not None]
    if trainers and recipe.data is None:
        fix = "    or    ".join(f"codemill {name} {loaded.source}" for name in trainers)
        raise RecipeError(
            Problem(
                f"{loaded.source}: data",
                f"is what `codemill run` trains `{trainers[0]}` on, and is not there",
                f"add it, or: {fix}",
            )
        )


def evaluate_recipe(loaded: LoadedRecipe, runs_dir: Path) -> Path:
    """Evaluate the recipe's policy alone. Raises RecipeError when the recipe has no evaluation."""
    if loaded.recipe.evaluation is None:
        raise RecipeError(
            Problem(f"{loaded.source}: evaluation", "is needed to evaluate", "add an `evaluation` section")
        )
    alone = loaded.recipe.model_copy(
        update={"data": None, "sft": None, "dpo": None, "name": f"{loaded.recipe.name}-eval"}
    )
    prompts = _load_prompts(alone)
    identity = RunIdentity.of_recipe(alone, prompts.hashes() if prompts else {})
    if is_finished(runs_dir / alone.name, identity):
        return _show_finished(runs_dir / alone.name)
    with RunFolder.create_or_resume(runs_dir, alone.name, identity) as folder:
        asyncio.run(Loop(loaded, folder, prompts, alone).run())
        return folder.path


def _show_finished(run: Path) -> Path:
    """Say again what a finished run found."""
    figures = json.loads((run / FIGURES).read_text(encoding="utf-8").splitlines()[-1])
    evaluations = [
        Evaluation.model_validate_json(_evaluation_path(run, label).read_bytes())
        for label in figures.get("policies", ())
    ]
    print(f"{run.name} is finished, and nothing was done. --fresh begins again.")
    print_results(run, evaluations, figures)
    return run


def _evaluation_path(run: Path, label: str) -> Path:
    return run / "eval" / f"{label.replace(' ', '-')}.json"


def _load_prompts(recipe: Recipe) -> PromptLibrary | None:
    return PromptLibrary.load(recipe.prompts) if recipe.engine is not None else None


@dataclass(frozen=True, slots=True)
class NamedPolicy:
    """A policy of this run, and what to call it in tables."""

    label: str
    ref: PolicyRef


class Loop:
    """One run of one recipe."""

    def __init__(
        self,
        loaded: LoadedRecipe,
        folder: RunFolder,
        prompts: PromptLibrary | None,
        recipe: Recipe | None = None,
    ) -> None:
        self.recipe = recipe or loaded.recipe
        self.folder, self.prompts = folder, prompts
        self.recipe_folder = loaded.source.parent
        self.display = ProgressDisplay()
        self.sandbox: Sandbox = create_sandbox(self.recipe.execution)
        self.base = _base_policy(self.recipe, self.recipe_folder, folder.path / "checkpoints" / "base")
        self.engine: JournalledEngine | None = None
        self.teacher: JournalledEngine | None = None
        self.served = ""
        self.swaps: list[float] = []
        self.evaluations: list[Evaluation] = []

    async def run(self) -> None:
        """All rounds."""
        started = time.monotonic()
        await self.sandbox.start()
        try:
            await self._start_engine()
            policy = await self._evaluated(NamedPolicy("base", self.base))
            for round_ in range(1, self.recipe.loop.rounds + 1):
                policy = await self._round(round_, policy)
            audit = await self._audit()
        finally:
            for engine in (self.engine, self.teacher):
                if engine is not None:
                    await engine.close()
            await self.sandbox.close()
        self._finish(time.monotonic() - started, audit)

    async def _start_engine(self) -> None:
        if self.recipe.engine is None:
            return
        engine = create_engine(self.recipe.engine, policy=self.base, log_folder=self.folder.path / "logs")
        self.engine = JournalledEngine(engine, self.folder.path / "journal")
        self.display.say(f"starting the engine ({self.recipe.engine.kind})")
        await self.engine.start()
        self.served = self.base.fingerprint
        self.display.say("engine ready")
        if self.recipe.teacher is not None and self.recipe.data is not None:
            teacher = create_engine(
                self.recipe.teacher, policy=self.base, log_folder=self.folder.path / "logs" / "teacher"
            )
            self.teacher = JournalledEngine(teacher, self.folder.path / "journal" / "teacher")
            self.display.say(f"starting the teacher ({self.recipe.teacher.kind})")
            await self.teacher.start()

    async def _round(self, round_: int, policy: NamedPolicy) -> NamedPolicy:
        """One round; the policy that it ends with."""
        data = await self._make_data(round_, policy)
        if data is None:
            return policy
        trained = await self._train(round_, policy, data)
        measured = self.recipe.loop.evaluate_rounds == "all" or round_ == self.recipe.loop.rounds
        for label, checkpoint in trained:
            policy = NamedPolicy(f"round {round_} {label}", checkpoint.ref())
            if measured:
                await self._evaluated(policy)
        return policy

    async def _make_data(self, round_: int, policy: NamedPolicy) -> RoundData | None:
        data = self.recipe.data
        if data is None:
            return None
        await self._serve(policy)
        context = Context(
            self.recipe, data, self.recipe_folder, self.sandbox, self.engine, self.prompts, self.teacher
        )
        window = self.engine.busy.window() if self.engine is not None else contextlib.nullcontext()
        self.display.say(f"round {round_}: making data with {policy.label}")
        with self.display.round(), window:
            made = await run_round(
                context,
                self.folder,
                round_,
                pocket=_pocket_provider(data),
                held_out=self._held_out(data),
                workers=len(os.sched_getaffinity(0)),
                on_progress=self.display.show,
            )
        self.display.say(
            f"round {round_}: " + ", ".join(f"{count} {name}" for name, count in made.counts.items())
        )
        return made

    def _held_out(self, data: DataConfig) -> list[BenchmarkEntry]:
        """The evaluation's tasks, for decontamination."""
        if self.recipe.evaluation is None or HELD_OUT not in data.filters.decontaminate:
            return []
        questions = load_questions(self.recipe.evaluation, self.recipe_folder)
        if self.recipe.evaluation.suite == POCKET_SUITE:
            from posttrain.pocket.heldout import held_out_entries

            return held_out_entries()
        return [BenchmarkEntry(id=q.item.task.id, prompt=q.item.task.instruction) for q in questions]

    async def _train(
        self, round_: int, policy: NamedPolicy, data: RoundData
    ) -> list[tuple[str, TrainedPolicy]]:
        """The trainers of one round, in one process; (label, checkpoint) of the policies to measure: after
        SFT, after DPO."""
        jobs = self._jobs(round_, policy, data)
        if not jobs:
            return []
        self.display.say(f"round {round_}: training " + ", ".join(job.name for job in jobs))
        log = self.folder.path / "logs" / f"train-round-{round_}.log"
        lifeline = Lifeline()
        try:
            trained = await asyncio.to_thread(run_trainers, jobs, log, self._show_training, lifeline)
        finally:
            lifeline.let_go()  # Ctrl-C cancels this wait, but does not reach the thread
        measured = [(job.kind, checkpoint) for job, checkpoint in zip(jobs, trained, strict=True)]
        return [
            measured[at]
            for at in range(len(jobs))
            if jobs[at].kind == "dpo" or at + 1 == len(jobs) or jobs[at + 1].kind == "dpo"
        ]

    def _jobs(self, round_: int, policy: NamedPolicy, data: RoundData) -> list[SftJob | DpoJob]:
        """Coarse, fine, DPO, each from the policy before it. A job without rows is left out, and said so."""
        jobs: list[SftJob | DpoJob] = []
        start, seed = self._first_link(policy.ref), self.recipe.seed
        sft = self.recipe.sft
        for kind, config, rows in (
            ("coarse", sft and sft.coarse, data.coarse),
            ("fine", sft and sft.fine, data.fine),
        ):
            if config is None:
                continue
            if not data.counts[kind]:
                self.display.say(f"round {round_}: no samples, so no {kind} fine-tuning")
                continue
            files = (str(rows), str(data.fim)) if data.counts["fim"] and kind == "coarse" else (str(rows),)
            name = f"round-{round_}-{kind}"
            output = self._checkpoint(name)
            jobs.append(
                SftJob(
                    name=name,
                    policy=start.policy,
                    adapter=start.adapter,
                    data=files,
                    output=output,
                    seed=seed,
                    config=config,
                )
            )
            start = start.after(jobs[-1])
        if self.recipe.dpo is not None and data.counts["pairs"]:
            name, files, dpo = f"round-{round_}-dpo", (str(data.pairs),), self.recipe.dpo
            output = self._checkpoint(name)
            jobs.append(
                DpoJob(
                    name=name,
                    policy=start.policy,
                    adapter=start.adapter,
                    data=files,
                    output=output,
                    seed=seed,
                    config=dpo,
                )
            )
        elif self.recipe.dpo is not None:
            self.display.say(f"round {round_}: no pairs, so no preference optimization")
        return [job.model_copy(update={"dtype": self.recipe.policy.dtype}) for job in jobs]

    def _first_link(self, policy: PolicyRef) -> TrainingStart:
        engine = self.recipe.engine
        if isinstance(engine, VllmServerEngineConfig) and engine.swap == "adapter":
            return TrainingStart(self.base.path, policy.adapter_path, one_adapter=True)
        return TrainingStart(policy.path)

    def _checkpoint(self, name: str) -> str:
        return str(self.folder.path / "checkpoints" / name)

    def _show_training(self, step: TrainingProgress) -> None:
        self.display.share(f"{step.job} (loss {step.loss:.3f})", step.step, step.total)

    async def _serve(self, policy: NamedPolicy) -> None:
        """Make the engine answer as this policy."""
        if self.engine is None or self.served == policy.ref.fingerprint:
            return
        self.swaps.append(await self.engine.load_policy(policy.ref))
        self.served = policy.ref.fingerprint
        self.display.say(f"{policy.label} swapped in, {self.swaps[-1]:.2f} s")

    async def _evaluated(self, policy: NamedPolicy) -> NamedPolicy:
        """Measure the policy, or read what was measured before."""
        config = self.recipe.evaluation
        if config is None or self.engine is None or self.prompts is None:
            return policy
        path = _evaluation_path(self.folder.path, policy.label)
        if path.exists():
            found = Evaluation.model_validate_json(path.read_bytes())
            if found.fingerprint == self._fingerprint_of(policy):
                self.evaluations.append(found)
                return policy
        await self._serve(policy)
        self.evaluations.append(await self._measure(policy, config, path))
        return policy

    def _fingerprint_of(self, policy: NamedPolicy) -> str:
        """What the answers of this policy are marked with: an endpoint that is not ours has its own mark for
        whatever it serves."""
        assert self.engine is not None
        return self.engine.fingerprint if self.served == policy.ref.fingerprint else policy.ref.fingerprint

    async def _measure(self, policy: NamedPolicy, config: EvaluationConfig, path: Path) -> Evaluation:
        assert self.engine is not None and self.prompts is not None
        examiner = EvaluationContext(
            self.engine,
            self.sandbox,
            self.prompts,
            config,
            self.recipe.seed,
            limits_of(self.recipe.execution),
        )
        questions = load_questions(config, self.recipe_folder)
        self.display.say(f"evaluating {policy.label}: {len(questions)} questions")
        started = time.monotonic()
        with self.engine.busy.window():
            found = await evaluate(
                examiner,
                policy.label,
                questions,
                lambda done, total: self.display.share(f"evaluating {policy.label}", done, total),
            )
        found = found.model_copy(update={"seconds": round(time.monotonic() - started, 1)})
        path.parent.mkdir(parents=True, exist_ok=True)
        write_bytes(path, found.model_dump_json(indent=1).encode())
        return found

    async def _audit(self) -> Audit | None:
        """On pocket seeds: how many accepted solutions are wrong, by the reference that the loop never
        saw."""
        data = self.recipe.data
        if data is None or data.solve is None or not isinstance(data.seeds, PocketSeedsConfig):
            return None
        found = await audit_run(
            self.folder.path, data.seeds, self.recipe.seed, self.recipe.loop.rounds, self.sandbox
        )
        write_bytes(self.folder.path / "eval" / "audit.json", found.model_dump_json(indent=1).encode())
        return found

    def _finish(self, seconds: float, audit: Audit | None) -> None:
        """The figures of the run, on disk and on the terminal."""
        figures: dict[str, object] = {
            "seconds": round(seconds, 1),
            "swap_s": [round(s, 3) for s in self.swaps],
        }
        figures["policies"] = [evaluation.policy for evaluation in self.evaluations]
        if audit is not None:
            figures |= {
                "accepted": audit.accepted,
                "accepted_wrong": audit.wrong,
                "accepted_wrong_share": round(audit.wrong_share, 4),
            }
            figures |= {
                "instructions_read": audit.instructions_read,
                "instructions_wrong": audit.instructions_wrong,
            }
        if self.engine is not None:
            counts, busy = self.engine.counts, self.engine.busy.read()
            figures |= {"requests_sent": counts.sent, "requests_from_journal": counts.answered_from_journal}
            figures |= {"completion_tokens": counts.completion_tokens, "busy_share": round(busy.share, 4)}
        log = self.folder.path / FIGURES
        log.parent.mkdir(exist_ok=True)
        with log.open("a", encoding="utf-8") as lines:
            lines.write(json.dumps(figures) + "\n")
        print_results(self.folder.path, self.evaluations, figures)


def _base_policy(recipe: Recipe, recipe_folder: Path, folder: Path) -> PolicyRef:
    """The recipe's policy, as an engine can serve it and swap it; an empty one where nothing is generated or
    trained.

    A model that will be trained gets our chat template and stop tokens first, in `folder`, or its own
    policies could not be swapped in for it. That loads the weights, so a process of its own does it.
    """
    if recipe.engine is None and recipe.sft is None and recipe.dpo is None:
        return PolicyRef(name="none", path="", fingerprint="")
    model = resolve_model(recipe.policy.model, recipe_folder)
    if recipe.policy.model != "pocket" and (recipe.sft is not None or recipe.dpo is not None):
        with ProcessPoolExecutor(1, mp_context=multiprocessing.get_context("spawn")) as pool:
            model = pool.submit(prepare_base, model, folder).result()
    found = find_policy(model)
    return PolicyRef(
        name=recipe.policy.model, path=found.base, fingerprint=found.fingerprint, adapter_path=found.adapter
    )


def _pocket_provider(data: DataConfig) -> PocketProvider | None:
    if not isinstance(data.seeds, PocketSeedsConfig):
        return None
    from posttrain.pocket.seeds import pocket_seeds

    return pocket_seeds
