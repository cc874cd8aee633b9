"""Trainers in a process of their own: several jobs in turn, a kill -9 in the middle, and errors that come
back as they were."""

import os
import signal
import subprocess
import sys
from pathlib import Path

import psutil
import pytest

from posttrain import sft, standalone
from posttrain.core.disk_full import as_disk_full
from posttrain.core.jobs import JOBS, DpoJob, SftJob, TrainingJob, TrainingProgress
from posttrain.core.metrics_log import read_metrics
from posttrain.core.policy import find_policy, resolve_model
from posttrain.launch import _environment, run_trainers
from posttrain.loop.session import base_policy
from synth.config import Recipe
from synth.errors import DatasetError, RecipeError, RunFolderError, TrainerError
from synth.policy import Policy, fingerprint_policy
from synth.store.lock import locked
from synth.training_config import DpoConfig, LoraConfig, SftConfig
from tests.training.conftest import WriteRows
from tests.training.tiny import chat_rows, pair_rows

LORA = {"rank": 4, "alpha": 8}


@pytest.fixture
def jobs(policy: Path, write_rows: WriteRows, tmp_path: Path) -> list[TrainingJob]:
    """Coarse, fine from coarse, DPO from fine."""
    rows, pairs = write_rows("rows", chat_rows(64)), write_rows("pairs", pair_rows(16))
    config = SftConfig(lora=LoraConfig(**LORA), batch_size=8, save_steps=2)
    coarse = SftJob(
        name="coarse", policy=str(policy), data=(str(rows),), output=str(tmp_path / "coarse"), config=config
    )
    fine = SftJob(
        name="fine",
        policy=str(tmp_path / "coarse" / "merged"),
        data=(str(rows),),
        output=str(tmp_path / "fine"),
        config=config,
    )
    settings = DpoConfig(lora=LoraConfig(**LORA), batch_size=8)
    last = DpoJob(
        name="dpo",
        policy=str(tmp_path / "fine" / "merged"),
        data=(str(pairs),),
        output=str(tmp_path / "dpo"),
        config=settings,
    )
    return [coarse, fine, last]


def trainer_process() -> psutil.Process:
    children = psutil.Process().children(recursive=True)
    return next(child for child in reversed(children) if "posttrain.train_jobs" in child.cmdline())


def test_a_killed_trainer_is_an_error_and_the_same_call_goes_on(
    jobs: list[TrainingJob], tmp_path: Path
) -> None:
    def kill(progress: TrainingProgress) -> None:
        if (progress.job, progress.step) == ("fine", 5):
            trainer_process().send_signal(signal.SIGKILL)

    with pytest.raises(
        TrainerError, match=r"was killed \(SIGKILL\), most likely because memory ran out, before it saved"
    ):
        run_trainers(jobs, tmp_path / "train.log", kill)
    seen: list[tuple[str, int]] = []
    policies = run_trainers(
        jobs, tmp_path / "train.log", lambda progress: seen.append((progress.job, progress.step))
    )
    assert [name for name, _ in seen] == ["fine"] * (8 - seen[0][1] + 1) + ["dpo"] * 2, (
        "coarse was done, fine went on, dpo came after"
    )
    assert seen[0][1] > 1
    assert [policy.manifest.name for policy in policies] == ["coarse", "fine", "dpo"]
    assert policies[1].manifest.parent_fingerprint == policies[0].manifest.fingerprint
    assert policies[2].manifest.parent_fingerprint == policies[1].manifest.fingerprint
    assert [step.step for step in read_metrics(policies[1].folder / "metrics.jsonl")] == list(range(1, 9))
    straight = jobs[1].model_copy(update={"output": str(tmp_path / "straight")})
    assert isinstance(straight, SftJob)
    expected = [step.loss for step in read_metrics(sft.train(straight).folder / "metrics.jsonl")]
    assert [step.loss for step in read_metrics(policies[1].folder / "metrics.jsonl")] == pytest.approx(
        expected, abs=1e-5
    )

    def fail(progress: TrainingProgress) -> None:
        raise AssertionError("finished jobs must not run again")

    assert run_trainers(jobs, tmp_path / "train.log", fail) == policies


COUNTS_MODELS = """
import gc, sys
from posttrain import train_jobs
from posttrain.core import fit

load_start = fit.load_start

def counting(job, tokenizer):
    alive = sum(type(one).__name__ == "Qwen2ForCausalLM" for one in gc.get_objects())
    print(f"{job.name} begins beside {alive} models", file=sys.stderr)
    return load_start(job, tokenizer)

fit.load_start = counting
sys.exit(train_jobs.main(sys.argv[1:]))
"""


def test_no_model_of_an_earlier_job_stays_in_memory(jobs: list[TrainingJob], tmp_path: Path) -> None:
    file = tmp_path / "jobs.json"
    file.write_bytes(JOBS.dump_json(tuple(jobs)))
    command = [sys.executable, "-c", COUNTS_MODELS, str(file)]
    done = subprocess.run(command, capture_output=True, text=True, check=False, timeout=500)
    assert [f"{name} begins beside 0 models" in done.stderr for name in ("coarse", "fine", "dpo")] == [
        True
    ] * 3


def test_a_trainer_that_is_asked_to_end_saves_and_the_same_call_goes_on(
    jobs: list[TrainingJob], tmp_path: Path
) -> None:
    """SIGTERM is how a scheduler takes a machine away; the recipe saves at no step of its own."""
    assert isinstance(jobs[0], SftJob)
    job = jobs[0].model_copy(update={"config": jobs[0].config.model_copy(update={"save_steps": 0})})

    def ask(progress: TrainingProgress) -> None:
        if progress.step == 5:
            trainer_process().send_signal(signal.SIGTERM)

    with pytest.raises(TrainerError, match=r"was asked to end .* after step \d, which is saved") as stopped:
        run_trainers([job], tmp_path / "train.log", ask)
    saved = int(str(stopped.value).partition("after step ")[2][0])
    seen: list[int] = []
    policy = run_trainers([job], tmp_path / "train.log", lambda progress: seen.append(progress.step))[0]
    assert saved >= 5 and seen == list(range(saved + 1, 9))
    straight = sft.train(job.model_copy(update={"output": str(tmp_path / "straight")}))
    expected = [step.loss for step in read_metrics(straight.folder / "metrics.jsonl")]
    assert [step.loss for step in read_metrics(policy.folder / "metrics.jsonl")] == pytest.approx(
        expected, abs=1e-5
    )


def test_what_the_trainer_refuses_comes_back_as_its_own_error(
    policy: Path, write_rows: WriteRows, tmp_path: Path
) -> None:
    data = write_rows("rows", [{"question": "q", "answer": "a"}])
    job = SftJob(name="sft", policy=str(policy), data=(str(data),), output=str(tmp_path / "out"))
    with pytest.raises(DatasetError, match="has the columns `question`, `answer`, but must have `messages`"):
        run_trainers([job], tmp_path / "logs" / "sft.log")
    assert "has the columns" in (tmp_path / "logs" / "sft.log").read_text()


def test_the_trainer_dies_with_the_process_that_started_it(jobs: list[TrainingJob], tmp_path: Path) -> None:
    """kill -9 of the parent must not leave a trainer that writes beside the next one."""
    file = tmp_path / "job.json"
    file.write_text(jobs[0].model_dump_json())
    script = (
        "import sys, pathlib\n"
        "from posttrain.core.jobs import SftJob\n"
        "from posttrain.launch import run_trainers\n"
        "job = SftJob.model_validate_json(pathlib.Path(sys.argv[1]).read_text())\n"
        "run_trainers([job], pathlib.Path(sys.argv[1]).with_suffix('.log'))\n"
    )
    parent = subprocess.Popen(
        [sys.executable, "-c", script, str(file)],
        env={**os.environ, "PYTHONPATH": str(Path(sft.__file__).parents[1])},
    )
    children: list[psutil.Process] = []
    while not any("posttrain.train_jobs" in child.cmdline() for child in children):
        assert parent.poll() is None
        children = psutil.Process(parent.pid).children(recursive=True)
    parent.kill()
    parent.wait()
    _, alive = psutil.wait_procs(children, timeout=20)
    assert alive == []


def test_code_of_the_current_folder_is_not_run(
    policy: Path, write_rows: WriteRows, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    data, trap = write_rows("rows", chat_rows(8)), tmp_path / "trap"
    trap.mkdir()
    for name in ("torch", "accelerate", "posttrain", "sitecustomize"):
        (trap / f"{name}.py").write_text(f"open({str(trap / 'ran')!r}, 'w').close()\n")
    monkeypatch.chdir(trap)
    monkeypatch.setenv("PYTHONPATH", os.pathsep.join(["", os.environ.get("PYTHONPATH", ""), ""]))
    config = SftConfig(lora=LoraConfig(**LORA), max_steps=1)
    job = SftJob(
        name="sft", policy=str(policy), data=(str(data),), output=str(tmp_path / "out"), config=config
    )
    assert run_trainers([job], tmp_path / "train.log")[0].manifest.steps == 1
    assert not (trap / "ran").exists()


def test_a_trainer_gets_no_keys_but_those_that_it_needs(
    jobs: list[TrainingJob], policy: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name in ("OPENAI_API_KEY", "HF_TOKEN", "WANDB_API_KEY"):
        monkeypatch.setenv(name, "decoy")
    keys = {name for name, value in _environment([jobs[0]]).items() if value == "decoy"}
    assert keys == set()
    watched = jobs[0].model_copy(
        update={"policy": "someone/model", "config": jobs[0].config.model_copy(update={"report_to": "wandb"})}
    )
    keys = {name for name, value in _environment([watched]).items() if value == "decoy"}
    assert keys == {"HF_TOKEN", "WANDB_API_KEY"}


def test_a_full_disk_is_said_in_words(tmp_path: Path) -> None:
    """torch says "unexpected pos" for it, safetensors and Python say other things."""
    import torch
    from safetensors.torch import save_file

    folder = tmp_path / "small"
    folder.mkdir()
    mounted = subprocess.run(
        ["mount", "-t", "tmpfs", "-o", "size=1m", "tmpfs", str(folder)], capture_output=True, check=False
    )
    if mounted.returncode:
        pytest.skip("mounting a small disk needs root")
    large = torch.zeros(1 << 20)
    try:
        for write in (
            lambda: torch.save(large, folder / "a"),
            lambda: save_file({"large": large}, str(folder / "b")),
            lambda: (folder / "c").write_bytes(bytes(4 << 20)),
        ):
            with pytest.raises(Exception) as failed:  # three libraries, three classes
                write()
            full = as_disk_full(failed.value, folder)
            assert full is not None and "the disk is full" in str(full)
            assert as_disk_full(RuntimeError("the loss is nan"), folder) is None
        for file in folder.iterdir():
            file.unlink()
        assert as_disk_full(RuntimeError("unexpected pos 64 vs 0"), folder) is None, "there is room"
    finally:
        subprocess.run(["umount", str(folder)], check=True)


# --- alone --------------------------------------------------------------------------------------------------


def recipe(policy: Path | str, **sections: object) -> Recipe:
    return Recipe.model_validate({"name": "alone", "seed": 3, "policy": {"model": str(policy)}, **sections})


def test_a_recipe_becomes_coarse_and_fine_with_data_beside_it(
    policy: Path, write_rows: WriteRows, tmp_path: Path
) -> None:
    write_rows("coarse", chat_rows(4))
    write_rows("fine", chat_rows(2))
    sections = {"sft": {"coarse": {"data": "coarse.jsonl"}, "fine": {"data": "fine.jsonl", "epochs": 2}}}
    coarse, fine = standalone.sft_jobs(recipe(policy, **sections), tmp_path / "recipe.yaml", tmp_path / "out")
    assert (coarse.policy, coarse.data) == (str(policy), (str(tmp_path / "coarse.jsonl"),))
    assert coarse.seed != fine.seed
    assert (fine.policy, fine.config.epochs) == (
        str(tmp_path / "out" / "checkpoints" / "coarse" / "merged"),
        2,
    )


def test_a_recipe_of_preferences_trains_from_a_plain_data_set(
    policy: Path, write_rows: WriteRows, tmp_path: Path
) -> None:
    write_rows(
        "pairs", [{"prompt": f"double {n}: ", "chosen": f"{2 * n}", "rejected": "no"} for n in range(8)]
    )
    seen: list[int] = []
    done = standalone.run_dpo(
        recipe(policy, dpo={"data": "pairs.jsonl", "batch_size": 4, "lora": LORA}),
        tmp_path / "recipe.yaml",
        tmp_path / "out",
        lambda step: seen.append(step.step),
    )
    assert seen == [1, 2]
    assert done.manifest.kind == "dpo" and (done.merged / "model.safetensors").is_file()


@pytest.mark.parametrize("sections", [{}, {"sft": {"coarse": {}}}])
def test_a_recipe_without_training_data_is_refused(
    policy: Path, tmp_path: Path, sections: dict[str, object]
) -> None:
    with pytest.raises(RecipeError, match="sft"):
        standalone.sft_jobs(recipe(policy, **sections), tmp_path / "recipe.yaml", tmp_path / "out")


def test_a_data_set_that_is_not_there_is_said_before_a_process_starts(policy: Path, tmp_path: Path) -> None:
    with pytest.raises(DatasetError, match="does not exist"):
        standalone.dpo_jobs(
            recipe(policy, dpo={"data": "nowhere.jsonl"}), tmp_path / "recipe.yaml", tmp_path / "out"
        )


def test_an_adapter_or_a_checkpoint_can_be_the_policy_of_a_recipe(
    policy: Path, write_rows: WriteRows, tmp_path: Path
) -> None:
    config = SftConfig(lora=LoraConfig(**LORA), max_steps=1)
    data = (str(write_rows("rows", chat_rows(4))),)
    done = sft.train(
        SftJob(name="sft", policy=str(policy), data=data, output=str(tmp_path / "sft"), config=config)
    )
    assert find_policy(resolve_model(str(done.folder))).base == str(done.merged)
    found = find_policy(resolve_model(str(done.adapter)))
    assert (found.base, found.adapter) == (str(policy), str(done.adapter))
    engine = {"kind": "transformers_local"}
    served = base_policy(recipe(str(done.adapter), engine=engine), tmp_path, tmp_path / "base")
    assert served == Policy(
        name="base", base=str(tmp_path / "base"), fingerprint=fingerprint_policy(tmp_path / "base")
    ), "an engine serves the adapter's weights, not those of its base alone"
    assert served.fingerprint == done.manifest.fingerprint


def test_models_are_found_by_name(policy: Path, tmp_path: Path) -> None:
    assert resolve_model(policy.name, policy.parent) == policy.resolve()
    assert resolve_model("Qwen/Qwen2.5-Coder-0.5B") == "Qwen/Qwen2.5-Coder-0.5B"
    assert Path(resolve_model("pocket")).name == "weights"
    for name in ("./nowhere", "nowhere", "/no/such/folder"):
        with pytest.raises(RecipeError, match=r"policy\.model"):
            resolve_model(name, tmp_path)


def test_two_trainings_do_not_write_one_folder(policy: Path, write_rows: WriteRows, tmp_path: Path) -> None:
    write_rows("rows", chat_rows(4))
    write_rows("pairs", pair_rows(4))
    sections = {"sft": {"coarse": {"data": "rows.jsonl"}}, "dpo": {"data": "pairs.jsonl"}}
    with locked(tmp_path / "out"):
        for train in (standalone.run_sft, standalone.run_dpo):
            with pytest.raises(RunFolderError, match=f"is in use by process {os.getpid()}"):
                train(recipe(policy, **sections), tmp_path / "recipe.yaml", tmp_path / "out")


def test_sigterm_ends_a_training_as_ctrl_c_does_and_it_goes_on(
    policy: Path, write_rows: WriteRows, tmp_path: Path
) -> None:
    write_rows("rows", chat_rows(64))
    (tmp_path / "recipe.yaml").write_text(
        f"name: alone\npolicy: {{model: {policy}}}\n"
        "sft: {coarse: {data: rows.jsonl, batch_size: 4, epochs: 2, lora: {rank: 4, alpha: 8}}}\n"
    )
    command = [sys.executable, "-m", "posttrain.cli", "sft", "recipe.yaml"]
    environment = {**os.environ, "PYTHONPATH": str(Path(sft.__file__).parents[1])}
    first = subprocess.Popen(
        command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, cwd=tmp_path, env=environment
    )
    assert first.stdout is not None
    for line in first.stdout:
        if "step 1 " in line:
            break
    first.send_signal(signal.SIGTERM)
    _, words = first.communicate(timeout=120)
    assert first.returncode == 143 and "rerun the same command" in words, words
    second = subprocess.run(
        command, capture_output=True, text=True, check=True, cwd=tmp_path, env=environment
    )
    assert "step 1 of" not in second.stdout and "step 32 of 32" in second.stdout
