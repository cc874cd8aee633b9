"""What earlier runs of the same folder took: tokens a second of their trainings, tokens and rows of their
rounds.

Place in the flow: `runs/` -> here -> `trainings` and `calls`. The one rule: a run counts only where what sets
the figure is the same; which run it was is said. What cannot be read is passed over: a plan needs no run.
"""

from collections.abc import Iterator
from pathlib import Path
from statistics import median
from typing import Any, NamedTuple

from posttrain.core.metrics_log import read_metrics
from posttrain.memory.shapes import find_shape
from posttrain.plan.amounts import Amount, estimate, unknown
from synth.config import Recipe
from synth.errors import CodemillError
from synth.store.checkpoints import MANIFEST, Checkpoint, read_checkpoint
from synth.store.figures import read_figures
from synth.store.run_folder import list_runs, read_info
from synth.store.views import funnel
from synth.training_metrics import TOKENS_PER_SECOND

_SIZES = frozenset(("count", "limit", "limits", "shard_size"))


def training_rate(runs_dir: Path, kind: str, has_adapter: bool, weights: int) -> Amount:
    """Tokens a second of the newest training of this kind with a model of so many weights."""
    for checkpoint in _checkpoints(runs_dir):
        manifest = checkpoint.manifest
        shape = find_shape(str(checkpoint.merged))
        if (manifest.kind, manifest.has_adapter, shape and shape.weights) != (kind, has_adapter, weights):
            continue
        rates = [
            step.metrics[TOKENS_PER_SECOND]
            for step in read_metrics(checkpoint.folder / "metrics.jsonl")
            if TOKENS_PER_SECOND in step.metrics
        ]
        if rates:
            where = checkpoint.folder.relative_to(runs_dir)
            return estimate(median(rates), f"{where} trained {median(rates):,.0f} tokens a second")
    what = f"{kind.upper()} {'of an adapter' if has_adapter else 'of all weights'} with a model of this size"
    return unknown(f"no earlier {what} in {runs_dir} says how fast this machine trains")


def _checkpoints(runs_dir: Path) -> Iterator[Checkpoint]:
    """Complete ones, the newest first."""
    files = sorted(runs_dir.glob(f"*/checkpoints/*/{MANIFEST}"), key=lambda file: -file.stat().st_mtime)
    for file in files:
        try:
            checkpoint = read_checkpoint(file.parent)
        except CodemillError:
            continue
        if checkpoint is not None:
            yield checkpoint


class EarlierRun(NamedTuple):
    """A finished run of the same model with the same prompts, by the seed that it read."""

    name: str
    prompt_tokens: float
    completion_tokens: float
    """Of one round, evaluations among them, by seed."""
    rows: dict[str, float]
    """By training job, `coarse`, `fine` and `dpo`."""
    tokens_a_second: float
    """Of answers, over the whole run."""


def earlier_run(runs_dir: Path, recipe: Recipe) -> EarlierRun | None:
    """The newest that says something about this recipe."""
    for run in list_runs(runs_dir) if runs_dir.is_dir() else ():
        try:
            found = _earlier_run(run, recipe)
        except (CodemillError, OSError, ValueError, KeyError):
            continue
        if found is not None:
            return found
    return None


def _earlier_run(run: Path, recipe: Recipe) -> EarlierRun | None:
    info = read_info(run)
    mine = recipe.model_dump(mode="json")
    if any(_of(info.recipe, key) != _of(mine, key) for key in (("policy", "model"), ("prompts",))):
        return None
    if not _agree(info.recipe.get("data"), mine["data"]):
        return None
    rounds = max((row.round for row in funnel(run)), default=0)
    seeds = sum(row.entered for row in funnel(run) if row.stage == "snippet")
    figures = read_figures(run)
    roles = [role for line in figures for role in line.get("tokens", {}).values()]
    if not (rounds and seeds and roles):
        return None
    prompt, completion = (sum(role[key] for role in roles) for key in ("prompt_tokens", "completion_tokens"))
    seconds = sum(float(line["seconds"]) for line in figures)
    rows = {job: count / seeds for job, count in _trained_rows(run)}
    return EarlierRun(run.name, prompt / seeds, completion / seeds, rows, completion / max(seconds, 1e-9))


def _of(recipe: Any, key: tuple[str, ...]) -> Any:  # noqa: ANN401 - JSON
    for part in key:
        recipe = recipe.get(part) if isinstance(recipe, dict) else None
    return recipe


def _agree(one: Any, other: Any) -> bool:  # noqa: ANN401 - JSON
    """Whether two sections agree in all keys that both have, but for how much is read at once. A recipe of
    another version may have keys more or fewer."""
    if not (isinstance(one, dict) and isinstance(other, dict)):
        return bool(one == other)
    return all(_agree(one[key], other[key]) for key in one.keys() & other.keys() - _SIZES)


def _trained_rows(run: Path) -> Iterator[tuple[str, int]]:
    counts: dict[str, int] = {}
    for file in run.glob(f"checkpoints/round-*/{MANIFEST}"):
        if (checkpoint := read_checkpoint(file.parent)) is not None:
            job = file.parent.name.rpartition("-")[2]
            counts[job] = counts.get(job, 0) + checkpoint.manifest.rows
    yield from counts.items()
