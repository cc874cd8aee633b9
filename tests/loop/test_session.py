"""The lifetimes of a run: what was started is closed, however the run ends, and every policy goes into the
one engine."""

import asyncio
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

import pytest

from posttrain.loop.session import Parts, RunPlan, Session, base_policy, open_session
from posttrain.pocket.world import POCKET_WORLD
from synth.config import EngineConfig, Recipe
from synth.errors import EngineError, Problem, RecipeError
from synth.generation.protocol import Engine, GenerationRequest, GenerationResponse
from synth.pipeline.books import RoundProgress
from synth.policy import Policy
from synth.prompts.library import PromptLibrary
from synth.store.run_folder import RunFolder, RunIdentity

ENDPOINT = {"kind": "openai_api", "base_url": "http://localhost/v1", "model": "m", "api_key_env": ""}


class NotingEngine:
    """Notes what becomes of it. It refuses to start where it is named `broken`."""

    def __init__(self, name: str, notes: list[str], policy: Policy) -> None:
        self.name, self.notes, self.fingerprint = name, notes, policy.fingerprint

    async def start(self) -> None:
        self.notes.append(f"start {self.name}")
        if self.name == "broken":
            raise EngineError(Problem("engine", "is broken", "mend it"))

    async def generate(self, request: GenerationRequest) -> GenerationResponse:
        raise NotImplementedError

    async def load_policy(self, policy: Policy) -> float:
        self.notes.append(f"load {policy.name}")
        self.fingerprint = policy.fingerprint
        return 0.5

    async def close(self) -> None:
        self.notes.append(f"close {self.name}")


class NotingReporter:
    """Keeps what is said."""

    def __init__(self) -> None:
        self.lines: list[str] = []

    def say(self, text: str) -> None:
        self.lines.append(text)

    @contextmanager
    def round(self) -> Iterator[None]:
        yield

    def show(self, progress: RoundProgress) -> None:
        self.lines.append(f"round {progress.round}")

    def share(self, what: str, done: int, total: int) -> None:
        self.lines.append(f"{what} {done} {total}")

    def print_table(self, title: str, heads: Sequence[str], rows: Sequence[Sequence[object]]) -> None:
        self.lines.append(title)

    def print_line(self, text: str) -> None:
        self.lines.append(text)


def noting_parts(notes: list[str], reporter: NotingReporter) -> Parts:
    def create(config: EngineConfig, *, policy: Policy, log_folder: Path) -> Engine:
        return NotingEngine(config.own_model or "engine", notes, policy)

    return Parts(reporter, POCKET_WORLD, create)


def open_with(folder: Path, notes: list[str], teacher: str, inside: str = "") -> list[str]:
    """What is said in a session in which `inside` is raised; what becomes of its engines goes to `notes`."""
    reporter = NotingReporter()
    recipe = Recipe.model_validate(
        {
            "name": "r",
            "engine": {"kind": "vllm_server"},
            "teacher": {**ENDPOINT, "model": teacher},
            "execution": {"kind": "recorded", "path": str(folder)},
            "data": {"seeds": {"kind": "pocket"}},
        }
    )

    async def work(run: RunFolder) -> None:
        plan = RunPlan(recipe, folder, run, PromptLibrary.load("default"))
        async with open_session(plan, noting_parts(notes, reporter)) as session:
            await swap_twice(session)
            if inside:
                raise ValueError(inside)

    identity = RunIdentity.of_recipe(recipe, {})
    with RunFolder.create_or_resume(folder, "r", identity) as run:
        asyncio.run(work(run))
    return reporter.lines


async def swap_twice(session: Session) -> None:
    model = session.model
    assert model is not None
    await model.serve(session.base, session.reporter)
    for _ in range(2):
        await model.serve(Policy(name="next", base="x", fingerprint="f1"), session.reporter)
    assert model.swaps == [0.5]


def test_engine_and_teacher_start_once_and_are_closed_at_the_end(tmp_path: Path) -> None:
    notes: list[str] = []
    said = open_with(tmp_path, notes, "teacher")
    assert notes == ["start engine", "start teacher", "load next", "close teacher", "close engine"]
    assert said == [
        "starting the engine (vllm_server)",
        "engine ready",
        "starting the teacher (openai_api)",
        "teacher ready",
        "next swapped in, 0.50 s",
    ]


def test_a_teacher_that_cannot_start_takes_the_engine_down_with_it(tmp_path: Path) -> None:
    notes: list[str] = []
    with pytest.raises(EngineError, match="is broken"):
        open_with(tmp_path, notes, "broken")
    assert notes == ["start engine", "start broken", "close broken", "close engine"]


def test_what_is_raised_inside_a_session_is_raised_after_everything_was_closed(tmp_path: Path) -> None:
    notes: list[str] = []
    with pytest.raises(ValueError, match="inside"):
        open_with(tmp_path, notes, "teacher", inside="inside")
    assert notes[-2:] == ["close teacher", "close engine"]


def test_a_recipe_that_neither_generates_nor_trains_needs_no_model(tmp_path: Path) -> None:
    recipe = Recipe.model_validate({"name": "r", "policy": {"model": "./nowhere"}})
    assert base_policy(recipe, tmp_path, tmp_path / "base") == Policy(name="none", base="")
    asking = recipe.model_copy(
        update={"engine": Recipe.model_validate({"name": "r", "engine": ENDPOINT}).engine}
    )
    with pytest.raises(RecipeError, match=r"policy\.model"):
        base_policy(asking, tmp_path, tmp_path / "base")
