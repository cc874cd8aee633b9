"""The results of an ablation: `results.json` for machines, `results.md` for people, both rewritten
after each seed.

Place in the flow: evaluations and arms -> here. The one rule: every figure in the table can be recomputed
from the per-task values in the JSON file.
"""

from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path
from typing import Literal

from benchmarks.ablation.arms import ArmName, Composition
from benchmarks.ablation.comparison import (
    Gap,
    greedy_values,
    paired_bootstrap,
    pool,
    sampled_values,
    subtract,
)
from benchmarks.ablation.plan import Budget
from posttrain.evaluate.evaluation import Evaluation, Measure
from synth.records import Record
from synth.store.atomic import write_bytes

Step = Literal["sft", "dpo"]
BASE = "base"


class ArmFigures(Record):
    """The data and the training of one arm with one seed."""

    seed: int
    arm: ArmName
    composition: Composition
    sft_steps: int
    dpo_steps: int
    train_seconds: float


class PolicyFigures(Record):
    """One measured policy. `arm` is `base` for the untrained policy, whose seed is None."""

    arm: str
    seed: int | None
    after: Step | None
    sampled: Measure
    """pass@1 at temperature 1."""
    greedy: Measure
    sampled_by_task: dict[str, float]
    greedy_by_task: dict[str, float]
    seconds: float


class Comparison(Record):
    """Verified data compared with another arm or the base. `seed` is None for pooled seeds."""

    against: str
    after: Step
    seed: int | None
    sampled: Gap
    greedy: Gap


class Results(Record):
    """All results."""

    recipe: str
    budget: Budget
    seeds: tuple[int, ...]
    """Finished seeds."""
    base_fingerprint: str
    candidates: dict[int, int]
    """Candidates that parse, by seed."""
    generation_seconds: dict[int, float]
    arms: tuple[ArmFigures, ...]
    policies: tuple[PolicyFigures, ...]
    comparisons: tuple[Comparison, ...]


def policy_figures(evaluation: Evaluation, arm: str, seed: int | None, after: Step | None) -> PolicyFigures:
    """The figures of an evaluation with k = 1 and greedy answers."""
    greedy = evaluation.total.greedy
    assert greedy is not None, "the plan asks for greedy answers"
    return PolicyFigures(
        arm=arm,
        seed=seed,
        after=after,
        sampled=evaluation.total.pass_at[1],
        greedy=greedy,
        sampled_by_task=sampled_values(evaluation.answered),
        greedy_by_task=greedy_values(evaluation.answered),
        seconds=evaluation.seconds,
    )


def compare(policies: Sequence[PolicyFigures]) -> tuple[Comparison, ...]:
    """Verified minus each other arm and minus the base: pooled over the seeds, then seed by seed."""
    return tuple(
        comparison
        for after in ("dpo", "sft")
        for against in (ArmName.UNVERIFIED.value, ArmName.SHUFFLED.value, BASE)
        for comparison in _compare_with(policies, against, after)
    )


def _compare_with(policies: Sequence[PolicyFigures], against: str, after: Step) -> Iterator[Comparison]:
    verified = {
        found.seed: found for found in policies if found.arm == ArmName.VERIFIED and found.after == after
    }
    others = {
        found.seed: found for found in policies if found.arm == against and found.after in (after, None)
    }
    matched = [
        (seed, found, other)
        for seed, found in verified.items()
        if (other := others.get(None if against == BASE else seed))
    ]
    sampled = {seed: subtract(found.sampled_by_task, other.sampled_by_task) for seed, found, other in matched}
    greedy = {seed: subtract(found.greedy_by_task, other.greedy_by_task) for seed, found, other in matched}
    if len(matched) > 1:
        pooled = paired_bootstrap(pool(list(sampled.values()))), paired_bootstrap(pool(list(greedy.values())))
        yield Comparison(against=against, after=after, seed=None, sampled=pooled[0], greedy=pooled[1])
    for seed in sampled:
        gaps = paired_bootstrap(sampled[seed]), paired_bootstrap(greedy[seed])
        yield Comparison(against=against, after=after, seed=seed, sampled=gaps[0], greedy=gaps[1])


def write_results(out: Path, results: Results) -> str:
    """Write both files, and return the text of the second."""
    text = render(results)
    write_bytes(out / "results.json", (results.model_dump_json(indent=1) + "\n").encode())
    write_bytes(out / "results.md", text.encode())
    return text


# --- for people ---------------------------------------------------------------------------------------------


def render(results: Results) -> str:
    """The tables, in Markdown."""
    budget, seeds = results.budget, ", ".join(map(str, results.seeds))
    head = (
        f"Recipe {results.recipe}, seeds {seeds}; {budget.seeds_count} snippets a seed, {budget.tasks} "
        f"held-out tasks, {budget.answers} "
        f"answers each at temperature 1 and one greedy. Percent and points, with 95% bootstrap "
        f"intervals over tasks."
    )
    parts = [
        "# Ablation: verified, unverified and shuffled data",
        head,
        "## Verified data minus the rest (paired over tasks)",
        _table(
            ("against", "after", "seed", "pass@1", "beyond", "greedy", "beyond"),
            map(_comparison_row, results.comparisons),
        ),
        "## Policies",
        _table(("data", "after", "seed", "pass@1", "greedy", "seconds"), map(_policy_row, results.policies)),
        "## What the arms were trained on, by the true verdicts",
        _table(
            (
                "data",
                "seed",
                "samples",
                "of them pass",
                "pairs",
                "right",
                "reversed",
                "tasks",
                "SFT steps",
                "DPO steps",
                "seconds",
            ),
            map(_arm_row, results.arms),
        ),
    ]
    return "\n\n".join(parts) + "\n"


def _table(heads: Sequence[str], rows: Iterable[Sequence[object]]) -> str:
    lines = [heads, ["---"] * len(heads), *rows]
    return "\n".join("| " + " | ".join(map(str, line)) + " |" for line in lines)


def _comparison_row(found: Comparison) -> Sequence[object]:
    return (
        found.against,
        found.after,
        _seed(found.seed),
        _gap(found.sampled),
        _beyond(found.sampled),
        _gap(found.greedy),
        _beyond(found.greedy),
    )


def _policy_row(found: PolicyFigures) -> Sequence[object]:
    seed = "-" if found.arm == BASE else _seed(found.seed)
    return (
        found.arm,
        found.after or "-",
        seed,
        _measure(found.sampled),
        _measure(found.greedy),
        f"{found.seconds:.0f}",
    )


def _arm_row(found: ArmFigures) -> Sequence[object]:
    held = found.composition
    counts = (
        held.samples,
        _share(held.passing, held.samples),
        held.pairs,
        _share(held.right, held.pairs),
        _share(held.reversed, held.pairs),
    )
    return (
        found.arm,
        found.seed,
        *counts,
        held.tasks,
        found.sft_steps,
        found.dpo_steps,
        f"{found.train_seconds:.0f}",
    )


def _seed(seed: int | None) -> str:
    return "pooled" if seed is None else str(seed)


def _gap(gap: Gap) -> str:
    return f"{100 * gap.value:+.1f} [{100 * gap.low:+.1f}, {100 * gap.high:+.1f}]"


def _beyond(gap: Gap) -> str:
    return "yes" if gap.is_beyond_interval else "no"


def _measure(measure: Measure) -> str:
    return f"{100 * measure.value:.1f} [{100 * measure.low:.1f}, {100 * measure.high:.1f}]"


def _share(part: int, whole: int) -> str:
    return f"{100 * part / whole:.0f}%" if whole else "-"
