"""Makes the recording that the tests of resume replay: one small round of the quickstart recipe, answered by
a real engine.

    .venv/bin/python -m tests.recordings.record

needs vLLM and the pocket model and takes a few minutes on two quiet cores (nothing else may run: a seed that
times out is not asked about). It writes tests/recordings/small/: `recipe.yaml` (the round, with every default
written out, so that tuning the quickstart recipe later changes nothing here), `responses-*.jsonl` (its
journal), `requests.jsonl` (what was asked, for a server that answers by prompt) and `recording.json` (who
answered what). The one rule: a recording belongs to one policy and one world (prompts, seeds, held-out
tasks); when any of them changes, it is made again, and the tests say so.
"""

import argparse
import shutil
import tempfile
from collections.abc import Sequence
from pathlib import Path

from posttrain.core.policy import find_policy, resolve_model
from posttrain.evaluate.suite import load_questions
from posttrain.loop.run import run_recipe
from posttrain.loop.session import Parts
from posttrain.pocket.world import POCKET_WORLD
from synth.cli.progress import ProgressDisplay
from synth.config import EngineConfig, PocketSeedsConfig
from synth.generation.factory import create_engine
from synth.generation.protocol import Engine, GenerationRequest, GenerationResponse
from synth.ids import content_hash
from synth.policy import Policy, identify
from synth.prompts.library import PromptLibrary
from synth.recipe import LoadedRecipe, load_recipe
from synth.records import Record

FOLDER = Path(__file__).with_name("small")
RECIPE = "recipe.yaml"
COMMAND = ".venv/bin/python -m tests.recordings.record"
SETTINGS = (
    "sft=null",
    "dpo=null",
    "loop.rounds=1",
    "data.seeds.count=36",
    # the one toolchain that every machine has: a seed that cannot run changes what is asked later
    "data.seeds.languages=[python]",
    "data.shard_size=6",
    "data.solve.n=4",
    "evaluation.tasks=16",
    "evaluation.n=4",
    "evaluation.k=[1,4]",
)


class Recording(Record):
    """What `recording.json` holds: the policy that answered, and what it was asked about."""

    policy: str
    fingerprint: str
    world: str
    """Hash of prompts, seeds and held-out tasks."""


class NotedEngine:
    """The real engine, with what it is asked noted. A request is noted with its answer, so the two files
    agree."""

    def __init__(self, engine: Engine, note: Path) -> None:
        self._engine, self._note = engine, note
        self.start, self.load_policy, self.close = engine.start, engine.load_policy, engine.close

    @property
    def fingerprint(self) -> str:
        return self._engine.fingerprint

    async def generate(self, request: GenerationRequest) -> GenerationResponse:
        response = await self._engine.generate(request)
        with self._note.open("a", encoding="utf-8") as note:
            note.write(request.model_dump_json() + "\n")
        return response


def read_recording(folder: Path = FOLDER) -> Recording:
    """The recording, if the policy that answered is the one that this checkout holds. Raises AssertionError
    that says what to do."""
    path = folder / "recording.json"
    assert path.is_file(), f"{path} is not there: make the recording with `{COMMAND}`"
    recording = Recording.model_validate_json(path.read_bytes())
    now = identify(find_policy(resolve_model(recording.policy))).fingerprint
    again = f"make the recording again with `{COMMAND}`"
    assert now == recording.fingerprint, (
        f"the policy {recording.policy} is another one now ({now}, not {recording.fingerprint}): {again}"
    )
    world = hash_world(load_recipe(folder / RECIPE, machine=False))
    assert world == recording.world, f"the prompts, the seeds or the held-out tasks have changed: {again}"
    return recording


def hash_world(loaded: LoadedRecipe) -> str:
    """Hash of what a round asks about. Fields of records that have their defaults change nothing."""
    data, evaluation = loaded.recipe.data, loaded.recipe.evaluation
    assert data is not None and evaluation is not None and isinstance(data.seeds, PocketSeedsConfig)
    seeds = [seed.id for seed in POCKET_WORLD.seeds(data.seeds, loaded.recipe.seed, 1)]
    questions = [
        question.model_dump(mode="json", exclude_defaults=True)
        for question in load_questions(evaluation, loaded.source.parent, POCKET_WORLD.suites)
    ]
    return content_hash(PromptLibrary.load(loaded.recipe.prompts).hashes(), seeds, questions)


def read_requests(folder: Path = FOLDER) -> list[GenerationRequest]:
    """Everything that was asked."""
    return [
        GenerationRequest.model_validate_json(line)
        for line in (folder / "requests.jsonl").read_text("utf-8").splitlines()
    ]


def record(folder: Path, policy: str, settings: Sequence[str]) -> Recording:
    """Run the round and keep its answers. The old recording goes when the new one is complete."""
    loaded = load_recipe("quickstart", [*settings, f"policy.model={policy}"])
    with tempfile.TemporaryDirectory() as scratch:
        noted = Path(scratch, "requests.jsonl")

        def create_noted(config: EngineConfig, *, policy: Policy, log_folder: Path) -> Engine:
            return NotedEngine(create_engine(config, policy=policy, log_folder=log_folder), noted)

        run = run_recipe(loaded, Path(scratch), Parts(ProgressDisplay(), POCKET_WORLD, create_noted))
        fingerprint = identify(find_policy(resolve_model(policy))).fingerprint
        recording = Recording(policy=policy, fingerprint=fingerprint, world=hash_world(loaded))
        shutil.rmtree(folder, ignore_errors=True)
        shutil.copytree(run / "journal", folder)
        shutil.copy(noted, folder)
        (folder / RECIPE).write_text(f"# Written by {COMMAND}\n{loaded.resolved}", encoding="utf-8")
        (folder / "recording.json").write_text(recording.model_dump_json(indent=1) + "\n", encoding="utf-8")
    return recording


def main() -> None:
    """Record, and say how much was recorded."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--policy", default="pocket", help="`pocket`, or the folder of a policy")
    parser.add_argument("--output", type=Path, default=FOLDER)
    parser.add_argument(
        "--set",
        action="append",
        default=[],
        metavar="KEY=VALUE",
        help="a setting that does not change what is asked",
    )
    options = parser.parse_args()
    recording = record(options.output, options.policy, [*SETTINGS, *options.set])
    size = sum(path.stat().st_size for path in options.output.iterdir())
    print(
        f"{len(read_requests(options.output))} answers of {recording.policy} "
        f"({recording.fingerprint}), {size / 1000:.0f} kB"
    )


if __name__ == "__main__":
    main()
