"""`python -m benchmarks.trainer.planted_dpo RUN`: what a round ends with when its DPO breaks the policy.

RUN is the folder of a quickstart run that has trained its first round. A DPO with a high learning rate and a
weak hold on the chosen answers (1e-3, `sft` 0.2) is trained on that round's pairs, from its SFT policy. Then
the loop chooses as after a round, once for a round that began with the base, and once for one that began with
the SFT policy; what it chose is measured on the tasks that are reported. It fails if a round ends more than a
point below its start there. With `--stop` the same DPO is trained once more with `stop_below_reference`.
"""

import argparse
import asyncio
import os
import sys
import tempfile
from collections.abc import Sequence
from pathlib import Path
from typing import Final

from posttrain.core.jobs import DpoJob
from posttrain.evaluate.evaluation import Evaluation
from posttrain.evaluate.paired import paired_difference
from posttrain.evaluate.table import show_difference, show_measure
from posttrain.launch import run_trainers
from posttrain.loop.measuring import measure_reported
from posttrain.loop.selection import select_policy
from posttrain.loop.session import Parts, RunPlan, Session, open_session
from posttrain.pocket.world import POCKET_WORLD
from synth.cli.progress import ProgressDisplay
from synth.config import Recipe
from synth.policy import Policy
from synth.prompts.library import PromptLibrary
from synth.recipe import load_recipe
from synth.store.checkpoints import read_checkpoint
from synth.store.run_folder import RunFolder, RunIdentity
from synth.training_config import DpoConfig

SETTINGS: Final = (
    "data=null",
    "evaluation.hard=null",
    "sft=null",
    "dpo=null",
    "loop.rounds=1",
    "name=planted-dpo",
)
HARSH: Final = DpoConfig(
    learning_rate=1e-3,
    beta=0.1,
    epochs=2,
    batch_size=32,
    max_length=384,
    loss_type=("sigmoid", "sft"),
    loss_weights=(1.0, 0.2),
)
MOST_LOST: Final = 0.01


def main(arguments: Sequence[str] | None = None) -> int:
    """Train, choose, measure; 1 if a round ended below its start."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.trainer.planted_dpo", description=__doc__)
    parser.add_argument("run", type=Path)
    parser.add_argument("--stop", type=float, help="nats a token for `stop_below_reference`; none if unset")
    parser.add_argument("--set", action="append", default=[], help="a key of the quickstart recipe")
    options = parser.parse_args(arguments)
    run = options.run.resolve()
    sft = _policy(run / "checkpoints" / "round-1-fine", "round 1 sft")
    recipe = load_recipe("quickstart", [*SETTINGS, *options.set], machine=False).recipe
    with tempfile.TemporaryDirectory() as folder:
        broken = [train_broken(run, sft, Path(folder), None)]
        if options.stop:
            broken.append(train_broken(run, sft, Path(folder), options.stop))
        return asyncio.run(_choose_and_measure(recipe, Path(folder), sft, broken))


def _policy(folder: Path, name: str) -> Policy:
    checkpoint = read_checkpoint(folder)
    if checkpoint is None:
        raise SystemExit(f"{folder} is not complete: run the quickstart first")
    return checkpoint.policy(name)


def train_broken(run: Path, start: Policy, folder: Path, stop: float | None) -> Policy:
    """The policy of a DPO with the planted settings."""
    name = "round-1-dpo" if stop is None else "round-1-stopped-dpo"
    job = DpoJob(
        name=name,
        policy=start.merged or start.base,
        data=(str(run / "pairs" / "round-1.parquet"),),
        output=str(folder / name),
        seed=0,
        config=HARSH.model_copy(update={"stop_below_reference": stop}),
    )
    (checkpoint,) = run_trainers([job], folder / f"{name}.log")
    print(f"{name}: {checkpoint.manifest.steps} steps. {checkpoint.manifest.stopped}", flush=True)
    return checkpoint.policy(name.replace("-", " "))


async def _choose_and_measure(recipe: Recipe, folder: Path, sft: Policy, broken: Sequence[Policy]) -> int:
    reporter, failed = ProgressDisplay(), False
    with RunFolder.create_or_resume(folder, recipe.name, RunIdentity.of_recipe(recipe, {})) as run_folder:
        plan = RunPlan(recipe, Path.cwd(), run_folder, PromptLibrary.load(recipe.prompts))
        async with open_session(plan, Parts(reporter, POCKET_WORLD)) as session:
            rounds = [(session.base, [sft, *broken]), *((sft, [one]) for one in broken)]
            for number, (start, trained) in enumerate(rounds, 1):
                chosen = await select_policy(session, number, start, trained)
                failed |= not await _holds(session, start, chosen, trained[-1])
    return int(failed)


async def _holds(session: Session, start: Policy, chosen: Policy, broken: Policy) -> bool:
    """Whether the chosen policy is not below the start on the reported tasks."""
    policies = list({one.name: one for one in (start, chosen, broken)}.values())
    measured = {one.policy: one for one in await measure_reported(session, policies) if _is_own(session, one)}
    for name, one in measured.items():
        print(
            f"  {name}: pass@1 {show_measure(one.total.pass_at[1])}, greedy {show_measure(one.total.greedy)}"
        )
    gain = paired_difference(measured[start.name].answered, measured[chosen.name].answered, 1)
    assert gain is not None
    holds = gain.value >= -MOST_LOST
    print(
        f"  {chosen.name} minus {start.name}: {show_difference(gain)}: {'holds' if holds else 'FAILS'}",
        flush=True,
    )
    return holds


def _is_own(session: Session, evaluation: Evaluation) -> bool:
    config = session.recipe.evaluation
    return config is not None and evaluation.suite == config.suite


if __name__ == "__main__":
    os.environ.setdefault("TOKENIZERS_PARALLELISM", "false")
    sys.exit(main())
