"""The resources of a recipe's stages, described so that any process can open them.

Place in the flow: the run's own process, and every other process that runs lanes, opens its engines,
sandbox and prompts here. The one rule: `Resources` is plain data that can be sent anywhere; open resources
stay in their process.
"""

from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager
from pathlib import Path
from typing import NamedTuple

from synth.config import EngineConfig, Recipe
from synth.errors import Problem, RecipeError
from synth.execution.factory import create_sandbox
from synth.filters.benchmarks import BenchmarkEntry
from synth.generation.breaker import Breaker, Say, ignore_words
from synth.generation.factory import EngineFactory, create_engine
from synth.generation.journal import JournalledEngine
from synth.outage_config import OutageConfig
from synth.pipeline.patient_sandbox import PatientSandbox
from synth.policy import Policy
from synth.prompts.library import PromptLibrary
from synth.roles import ENGINE, journal_part
from synth.stages.context import Context


class Resources(NamedTuple):
    """Where the parts of one round are: paths that the process can reach, and the policy that generates."""

    run: Path
    """The run folder."""
    recipe_folder: Path
    """Paths in the recipe are relative to it."""
    policy: Policy
    held_out: tuple[BenchmarkEntry, ...] = ()
    """The tasks of the recipe's own evaluation, for decontamination."""


async def start_engine(
    stack: AsyncExitStack,
    config: EngineConfig,
    resources: Resources,
    outage: OutageConfig,
    part: str = "",
    create: EngineFactory = create_engine,
    say: Say = ignore_words,
    *,
    is_well: bool = False,
) -> JournalledEngine:
    """A started engine whose answers are kept in the run folder and whose outages are sat out; `stack`
    closes it. Raises EngineError."""
    made = create(config, policy=resources.policy, log_folder=resources.run / "logs" / part)
    breaker = Breaker(f"the {part or 'engine'} ({config.kind})", outage, say, is_well=is_well)
    engine = JournalledEngine(made, resources.run / "journal" / part, breaker)
    stack.push_async_callback(engine.close)
    await engine.start()
    return engine


@asynccontextmanager
async def open_context(recipe: Recipe, resources: Resources) -> AsyncIterator[Context]:
    """Everything that the recipe's stages need, opened in this process. Passes on the errors of its parts."""
    if recipe.data is None:
        raise RecipeError(
            Problem(f"{recipe.name}: data", "is required to run stages but missing", "add a `data` section")
        )
    async with AsyncExitStack() as stack:
        sandbox = PatientSandbox(create_sandbox(recipe.execution), recipe.outage, ignore_words)
        await sandbox.start()
        stack.push_async_callback(sandbox.close)
        engine = prompts = None
        others: dict[str, JournalledEngine] = {}
        if recipe.engine is not None:
            prompts = PromptLibrary.load(recipe.prompts)
            engine = await start_engine(stack, recipe.engine, resources, recipe.outage)
        for role, config in recipe.engines.items():
            if role != ENGINE:
                part = journal_part(role)
                others[role] = await start_engine(stack, config, resources, recipe.outage, part)
        yield Context(recipe, recipe.data, resources.recipe_folder, sandbox, engine, prompts, others)
