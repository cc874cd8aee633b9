"""The training of one arm: SFT from the base on its samples, then DPO from there on its pairs, as the
recipe's `sft.coarse` and `dpo` say.

Place in the flow: rows of the arms -> here -> `run_trainers`. The one rule: the jobs of two arms differ only
in name, data and output.
"""

from collections.abc import Mapping, Sequence
from pathlib import Path

from benchmarks.ablation.arms import ArmName
from benchmarks.ablation.plan import SeedPlan
from posttrain.core.jobs import TrainingJob, make_job, planned_policy
from synth.errors import Problem, TrainerError
from synth.policy import Policy
from synth.store.checkpoints import PolicyManifest


def arm_jobs(
    plan: SeedPlan, base: Policy, name: ArmName, folder: Path, *, with_pairs: bool
) -> list[TrainingJob]:
    """The jobs of one arm, whose rows and policies are in `folder`. Without pairs there is no DPO. All
    arms draw the same random numbers."""
    prefix = f"seed-{plan.recipe.seed}-{name}"
    samples, pairs = [folder / "samples.jsonl"], [folder / "pairs.jsonl"]
    sft = make_job(plan.sft, plan.recipe, f"{prefix}-sft", base, samples, folder / "sft", "sft")
    if not with_pairs:
        return [sft]
    start = planned_policy(sft).without_adapter()
    dpo = make_job(plan.dpo, plan.recipe, f"{prefix}-dpo", start, pairs, folder / "dpo", "dpo")
    return [sft, dpo]


def check_equal_training(arms: Mapping[ArmName, Sequence[PolicyManifest]]) -> None:
    """Raises TrainerError unless every arm was trained on the same number of rows in the same
    number of steps."""
    spent = {name: [(policy.rows, policy.steps) for policy in policies] for name, policies in arms.items()}
    if len({tuple(policies) for policies in spent.values()}) > 1:
        names = ", ".join(policy.name for policies in arms.values() for policy in policies)
        found = "; ".join(f"{name}: {policies}" for name, policies in spent.items())
        expected = f"every arm needs equally many rows and steps, found (rows, steps) {found}"
        raise TrainerError(
            Problem(
                f"ablation: {names}", expected, "read rejected_rows.jsonl in the folders of these policies"
            )
        )
