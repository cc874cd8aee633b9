"""Everything that lives as long as a run: the sandbox, the engine with its policy, and the other engines.

Place in the flow: `run` opens a session, `rounds` works in it. The one rule: each of these is started once
and is closed however the run ends; policies are swapped into the running engine.
"""

import multiprocessing
from collections.abc import AsyncIterator, Iterator, Mapping
from concurrent.futures import ProcessPoolExecutor
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import NamedTuple

from posttrain.core.jobs import highest_rank
from posttrain.core.policy import find_policy, format_of_base, prepare_base, resolve_model
from posttrain.evaluate.prepared_benchmarks import PreparedBenchmarks
from posttrain.loop.spending import Spending
from posttrain.placement.machine import find_placement
from posttrain.placement.rules import NO_CARDS, Placement
from posttrain.reporter import Reporter
from posttrain.world import World
from synth.config import EngineConfig, Recipe
from synth.execution.factory import create_sandbox
from synth.execution.protocol import Sandbox
from synth.generation.factory import EngineFactory, create_engine
from synth.generation.journal import JournalledEngine
from synth.generation.placement import placing
from synth.packages.store import words_of_missing
from synth.pipeline.patient_sandbox import PatientSandbox
from synth.pipeline.resources import Resources, start_engine
from synth.policy import Policy, identify
from synth.prompts.library import PromptLibrary
from synth.roles import ENGINE, journal_part
from synth.store.lock import outlived
from synth.store.run_folder import RunFolder

_EARLIER_CHILDREN_S = 180.0
"""A trainer whose parent died saves first, for which it has two minutes."""


class Parts(NamedTuple):
    """What the command line passes in."""

    reporter: Reporter
    world: World
    create_engine: EngineFactory = create_engine


class RunPlan(NamedTuple):
    """The recipe to run and its run folder."""

    recipe: Recipe
    recipe_folder: Path
    folder: RunFolder
    prompts: PromptLibrary | None
    """Present if the recipe has an engine."""
    accept_failures: bool = False
    """Whether to close what has failed at several starts."""
    benchmarks: PreparedBenchmarks = PreparedBenchmarks()


@dataclass(slots=True)
class ServedEngine:
    """The engine of the run and the policy that it serves."""

    engine: JournalledEngine
    prompts: PromptLibrary
    served: str
    """Fingerprint of the policy loaded last."""
    swaps: list[float] = field(default_factory=list)
    """Seconds of each swap."""
    is_asleep: bool = False
    """Whether a trainer may have its cards."""

    async def serve(self, policy: Policy, reporter: Reporter) -> None:
        """Make the engine answer as this policy, and wake it first. Whoever asks it, comes here before."""
        if self.is_asleep:
            seconds = await self.engine.wake(policy)
            self.is_asleep = False
            reporter.say(f"engine awake, {seconds:.2f} s")
        elif self.served == policy.fingerprint:
            return
        else:
            seconds = await self.engine.load_policy(policy)
        if self.served != policy.fingerprint:
            self.swaps.append(seconds)
            self.served = policy.fingerprint
            reporter.say(f"{policy.name} swapped in, {self.swaps[-1]:.2f} s")

    async def sleep(self, reporter: Reporter) -> None:
        """Leave the cards to a trainer, until somebody is served again."""
        self.is_asleep = True
        reporter.say(f"engine asleep, {await self.engine.sleep():.2f} s")

    def fingerprint_of(self, policy: Policy) -> str:
        """What the answers of this policy are marked with: a remote engine has a mark of its own for
        whatever it serves."""
        return self.engine.fingerprint if self.served == policy.fingerprint else policy.fingerprint


@dataclass(frozen=True, slots=True)
class Session:
    """A run under way."""

    plan: RunPlan
    reporter: Reporter
    world: World
    base: Policy
    sandbox: Sandbox
    model: ServedEngine | None
    """None for a recipe without an engine: nothing is generated and nothing evaluated."""
    others: Mapping[str, JournalledEngine]
    """The engines beside the policy's, by role; none if the policy does everything itself."""
    spending: Spending
    """What the run has spent."""
    placement: Placement = NO_CARDS
    """Which cards the engines and the trainer have."""

    @property
    def recipe(self) -> Recipe:
        return self.plan.recipe

    @property
    def run(self) -> Path:
        """The run folder."""
        return self.plan.folder.path

    async def leave_cards(self) -> None:
        """Let the engines sleep that share a card with the trainer. Raises EngineError: then nobody may
        train."""
        if self.model is not None and self._shares(ENGINE):
            await self.model.sleep(self.reporter)
        for role, engine in self.others.items():
            if self._shares(role):
                await engine.sleep()

    async def wake_others(self) -> None:
        """Have the engines beside the policy's answer again."""
        for role, engine in self.others.items():
            if self._shares(role):
                await engine.wake()

    def _shares(self, role: str) -> bool:
        placed = self.placement.engines.get(role)
        return placed is not None and placed.sleeps


@asynccontextmanager
async def open_session(plan: RunPlan, parts: Parts) -> AsyncIterator[Session]:
    """Start the sandbox and the engines, and close them at the end. Passes on their errors."""
    recipe, path = plan.recipe, plan.folder.path
    spending = Spending(recipe, path)
    async with AsyncExitStack() as stack:
        placement = _take_cards(plan, parts.reporter, stack)
        base = base_policy(recipe, plan.recipe_folder, path / "checkpoints" / "base")
        resources = Resources(path, plan.recipe_folder, base)
        for line in chat_format_of(recipe, plan.recipe_folder):
            parts.reporter.say(line)
        stack.callback(spending.note_time)
        usual = plan.benchmarks.package_sets
        for missing in filter(None, map(words_of_missing, usual)):
            parts.reporter.say(missing)
        made = create_sandbox(recipe.execution, usual=usual)
        sandbox = PatientSandbox(made, recipe.outage, parts.reporter.say)
        await sandbox.start()
        stack.push_async_callback(sandbox.close)

        async def start(config: EngineConfig, role: str) -> JournalledEngine:
            parts.reporter.say(f"starting the {role} ({config.kind})")
            engine = await start_engine(
                stack,
                config,
                resources,
                recipe.outage,
                journal_part(role),
                placing(parts.create_engine, placement.engines.get(role)),
                parts.reporter.say,
                is_well=plan.accept_failures,
            )
            engine.say = parts.reporter.say
            spending.watch(role, engine)
            parts.reporter.say(f"{role} ready")
            return engine

        model = None
        others: dict[str, JournalledEngine] = {}
        if recipe.engine is not None and plan.prompts is not None:
            config = recipe.engine.taking_rank(highest_rank(recipe))
            model = ServedEngine(await start(config, ENGINE), plan.prompts, base.fingerprint)
        if model is not None and recipe.data is not None:
            others = {
                role: await start(config, role) for role, config in recipe.engines.items() if role != ENGINE
            }
        yield Session(plan, parts.reporter, parts.world, base, sandbox, model, others, spending, placement)


def _take_cards(plan: RunPlan, reporter: Reporter, stack: AsyncExitStack) -> Placement:
    """The run's placement, once no engine or trainer of an earlier start is left on its cards. Raises
    RunFolderError or RecipeError."""
    if find_placement(plan.recipe, plan.recipe_folder, empty=True) == NO_CARDS:
        return NO_CARDS
    wait = "waiting for an engine or a trainer of the start before to leave the GPUs"
    children = stack.enter_context(
        outlived(plan.folder.path, _EARLIER_CHILDREN_S, lambda: reporter.say(wait))
    )
    placement = find_placement(plan.recipe, plan.recipe_folder, empty=False).holding(children)
    for line in placement.words:
        reporter.say(line)
    return placement


def chat_format_of(recipe: Recipe, recipe_folder: Path) -> Iterator[str]:
    """What becomes of the policy's chat template, and which of its tokens the policy never learned."""
    policy = find_policy(resolve_model(recipe.policy.model, recipe_folder))
    if not recipe.trainings or recipe.policy.model == "pocket" or not Path(policy.base).is_dir():
        return
    adapters_only = recipe.engine is not None and recipe.engine.serves_adapters_only
    with ProcessPoolExecutor(1, mp_context=multiprocessing.get_context("spawn")) as pool:
        lines = pool.submit(format_of_base, policy.base).result()
    yield from lines
    if adapters_only and any("never learned" in line for line in lines):
        yield "answers may not end: with `swap: adapter` no token rows are trained; `swap: auto` trains them"


def base_policy(recipe: Recipe, recipe_folder: Path, folder: Path) -> Policy:
    """The recipe's policy, as an engine can serve it and swap it; an empty one where nothing is
    generated or trained.

    A model that will be trained first gets the chat template that is trained with and its stop tokens, in
    `folder`, or its own policies could not be swapped in for it. An adapter is merged. That loads weights,
    so another process does it.
    """
    trains = bool(recipe.trainings)
    if recipe.engine is None and not trains:
        return Policy(name="none", base="")
    policy = find_policy(resolve_model(recipe.policy.model, recipe_folder), "base")
    if policy.adapter or (trains and recipe.policy.model != "pocket"):
        with ProcessPoolExecutor(1, mp_context=multiprocessing.get_context("spawn")) as pool:
            model = pool.submit(prepare_base, policy.adapter or policy.base, folder).result()
        policy = find_policy(model, "base")
    return identify(policy)
