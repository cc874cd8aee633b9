"""The plan of a recipe: steps, states and bytes that are those of the training that follows."""

import json
from pathlib import Path

import pytest

from posttrain import dpo, sft
from posttrain.core.jobs import DpoJob, SftJob
from posttrain.core.metrics_log import OnProgress
from posttrain.plan import page
from posttrain.plan.amounts import Amount
from posttrain.plan.forecast import Forecast, PlannedPhase
from posttrain.plan.plan import plan_recipe
from posttrain.pocket.world import POCKET_WORLD
from posttrain.standalone import dpo_jobs, sft_jobs
from synth.recipe import LoadedRecipe, load_recipe
from synth.store.checkpoints import Checkpoint
from tests.training.conftest import WriteRows
from tests.training.tiny import chat_rows, pair_rows

CASES = {
    "adapter, held out, states": "sft: {coarse: {data: rows.jsonl, batch_size: 4, gradient_accumulation: 2, "
    "epochs: 1.5, save_steps: 3, eval_share: 0.2, lora: {rank: 4}}}",
    "all weights for bfloat16": "sft: {coarse: {data: rows.jsonl, batch_size: 8, lora: null, save_steps: 2}}",
    "packed, DoRA": "sft: {coarse: {data: rows.jsonl, packing: true, max_length: 96, batch_size: 2, "
    "lora: {rank: 3, dora: true}}}",
    "pairs": "dpo: {data: pairs.jsonl, batch_size: 3, max_steps: 4, lora: {rank: 4}}",
}


@pytest.fixture
def recipe(policy: Path, write_rows: WriteRows, tmp_path: Path) -> Path:
    write_rows("rows", chat_rows(30))
    write_rows("pairs", pair_rows(10))
    file = tmp_path / "recipe.yaml"
    file.write_text(f"name: planned\npolicy: {{model: {policy}, dtype: DTYPE}}\n")
    return file


def train(loaded: LoadedRecipe, out: Path, watch: OnProgress | None = None) -> Checkpoint:
    """As `codemill sft` or `codemill dpo`, in this process."""
    (job,) = (sft_jobs if loaded.recipe.sft else dpo_jobs)(loaded.recipe, loaded.source, out)
    if isinstance(job, SftJob):
        return sft.train(job, watch)
    assert isinstance(job, DpoJob)
    return dpo.train(job, watch)


def value(amount: Amount | None) -> float:
    assert amount is not None and amount.value is not None and amount.sureness == "exact"
    return amount.value


def of_training(forecast: Forecast) -> PlannedPhase:
    (phase,) = (one for one in forecast.phases if one.name.startswith("training"))
    return phase


@pytest.mark.parametrize("case", CASES)
def test_steps_states_and_bytes_are_those_of_the_training(case: str, recipe: Path, tmp_path: Path) -> None:
    dtype = "bfloat16" if "bfloat16" in case else "float32"
    recipe.write_text(recipe.read_text().replace("DTYPE", dtype) + CASES[case] + "\n")
    loaded, runs = load_recipe(str(recipe), ()), tmp_path / "runs"
    planned = of_training(plan_recipe(loaded, runs, {}))
    on_disk: list[int] = []
    states: dict[str, int] = {}

    def watch(_: object) -> None:
        found = list((runs / "planned").glob("checkpoints/*/trainer/checkpoint-*"))
        on_disk.append(len(found))
        for state in found:
            names = ("adapter_model.safetensors", "model.safetensors", "optimizer.pt")
            sizes = [(state / name).stat().st_size for name in names if (state / name).exists()]
            states[state.name] = sum(sizes)

    done = train(loaded, runs / "planned", watch)
    assert done.manifest.steps == value(planned.steps)
    assert done.manifest.rows == value(planned.rows)
    assert sum(file.stat().st_size for file in weights(done)) == value(planned.disk)
    if planned.held_out is not None:
        assert done.manifest.held_out_rows == value(planned.held_out)
    assert max(on_disk) <= value(planned.states)
    if max(on_disk):
        each = value(planned.disk_while) / (2 + (planned.held_out is not None))
        assert each <= states.popitem()[1] <= each + 30_000, "the optimizer's file is more than numbers"
    tokens = [json.loads(line)["metrics"]["num_tokens"] for line in lines(done)]
    whole_epochs = case.startswith(("all", "packed"))
    assert not whole_epochs or tokens[-1] == value(planned.trained_tokens)


def weights(done: Checkpoint) -> list[Path]:
    return [file for file in done.folder.rglob("*.safetensors") if "trainer" not in file.parts]


def lines(done: Checkpoint) -> list[str]:
    return (done.folder / "metrics.jsonl").read_text().splitlines()


def test_the_time_of_a_training_is_that_of_an_earlier_one_of_its_kind(recipe: Path, tmp_path: Path) -> None:
    recipe.write_text(recipe.read_text().replace("DTYPE", "float32") + CASES["all weights for bfloat16"])
    loaded = load_recipe(str(recipe), ())
    before = of_training(plan_recipe(loaded, tmp_path, {})).seconds
    assert before is not None and before.value is None and "no earlier SFT of all weights" in before.basis
    train(loaded, tmp_path / "planned")
    after = of_training(plan_recipe(loaded, tmp_path, {})).seconds
    assert after is not None and after.value is not None and after.sureness == "estimate"
    assert "planned/checkpoints/coarse trained" in after.basis


def test_bounds_of_calls_and_tokens_follow_from_the_recipe() -> None:
    loaded = load_recipe("quickstart", ("prices.engine.input=1", "prices.engine.output=2"))
    found = plan_recipe(loaded, Path("no-runs"), POCKET_WORLD.suites)
    phases = {(one.round, one.name): one for one in found.phases}
    solve = phases[1, "data: solve"]
    assert solve.calls == Amount(value=400 * 2, sureness="at most")
    assert solve.completion_tokens == Amount(value=400 * 2 * 6 * 160, sureness="at most")
    assert solve.usd is not None and solve.usd.value == pytest.approx(2 * 768_000 / 1e6)
    assert phases[2, "training dpo"].steps is not None and phases[2, "training dpo"].steps.value is None
    cells = page.rows_of(found)
    assert len({len(row) for row in cells} | {len(page.HEADS)}) == 1
    assert [cells[2][page.HEADS.index(head)] for head in ("phase", "calls", "tokens out", "US$")] == [
        "round 1, data: solve",
        "≤ 800",
        "≤ 768,000",
        "≤ 1.54",
    ]


def test_units_of_a_plan_are_read_at_a_glance() -> None:
    assert [page.in_bytes(one) for one in (12, 1.5e9, 2e5)] == ["12 B", "1.5 GB", "200 kB"]
    assert [page.in_time(one) for one in (12, 300, 11_100)] == ["12 s", "5 min", "3 h 5 min"]
