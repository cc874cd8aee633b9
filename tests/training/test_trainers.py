"""The real TRL trainers on a tiny Qwen2: losses, references, resume, rejected rows, and what ends up on
disk."""

import json
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import torch

from posttrain import dpo, kto, sft
from posttrain.core.callbacks import StepReport
from posttrain.core.jobs import DpoJob, SftJob, TrainingJob, TrainingProgress, planned_policy
from posttrain.core.metrics_log import MetricsLog, read_metrics
from posttrain.core.policy import find_policy, load_adapter, load_model, load_tokenizer, prepare_base
from posttrain.core.start import load_start
from posttrain.core.tokens import Encoder
from posttrain.core.trl_arguments import trl_arguments
from posttrain.watch.held_out import training_rows
from synth.errors import DatasetError, RecipeError, RunFolderError, TrainerError
from synth.policy import identify, read_interface
from synth.store.checkpoints import Checkpoint, read_checkpoint
from synth.training_config import DpoConfig, LoraConfig, SftConfig
from tests.training.conftest import WriteRows
from tests.training.tiny import Row, chat_rows, pair_rows

LORA = LoraConfig(rank=4, alpha=8)
FIM: list[Row] = [{"text": f"<|fim_prefix|>a = {n}<|fim_suffix|>\n<|fim_middle|> + {n}"} for n in range(6)]


def sft_job(policy: Path, data: Path, out: Path, **config: object) -> SftJob:
    settings = {"lora": LORA, "learning_rate": 1e-3, "batch_size": 8, **config}
    return SftJob(
        name=out.name,
        policy=str(policy),
        data=(str(data),),
        output=str(out),
        seed=1,
        config=SftConfig.model_validate(settings),
    )


def dpo_job(policy: Path, data: Path, out: Path, adapter: Path | None = None, **config: object) -> DpoJob:
    settings = {"lora": LORA, "learning_rate": 1e-3, "batch_size": 8, **config}
    job = DpoJob(
        name=out.name,
        policy=str(policy),
        data=(str(data),),
        output=str(out),
        seed=1,
        config=DpoConfig.model_validate(settings),
    )
    return job.model_copy(update={"adapter": str(adapter or "")})


def losses(folder: Path) -> list[float]:
    return [step.loss for step in read_metrics(folder / "metrics.jsonl")]


@pytest.fixture(scope="module")
def trained(policy: Path, tmp_path_factory: pytest.TempPathFactory) -> Checkpoint:
    """An SFT policy with an adapter that is far from zero."""
    folder = tmp_path_factory.mktemp("sft")
    (folder / "rows.jsonl").write_text("".join(json.dumps(row) + "\n" for row in chat_rows(64)))
    return sft.train(
        sft_job(policy, folder / "rows.jsonl", folder / "checkpoint", learning_rate=2e-2, epochs=2)
    )


# --- SFT ----------------------------------------------------------------------------------------------------


def test_a_short_training_learns_the_regularity(policy: Path, write_rows: WriteRows, tmp_path: Path) -> None:
    job = sft_job(
        policy,
        write_rows("rows", [*chat_rows(58), *FIM]),
        tmp_path / "full",
        lora=None,
        learning_rate=1e-2,
        epochs=5,
    )
    done = sft.train(job)
    steps = losses(done.folder)
    assert len(steps) == 40 == done.manifest.steps
    assert sum(steps[-5:]) < 0.5 * sum(steps[:5])
    assert done.manifest.rows == 64


def test_the_loss_is_that_of_the_trained_tokens_alone(
    policy: Path, write_rows: WriteRows, tmp_path: Path
) -> None:
    """TRL's first loss against the mean negative log-likelihood of the unmasked tokens, computed here."""
    data = write_rows("rows", [*chat_rows(4), *FIM[:2]])
    done = sft.train(sft_job(policy, data, tmp_path / "out", max_steps=1))
    tokenizer, model = load_tokenizer(str(policy)), load_model(str(policy), "float32").eval()
    rows = training_rows(sft_job(policy, data, tmp_path / "out"), tokenizer).dataset
    total, count = 0.0, 0
    for ids, labels in zip(rows["input_ids"], rows["labels"], strict=True):
        scores = model(torch.tensor([ids])).logits[0, :-1].log_softmax(-1)
        for position, label in enumerate(labels[1:]):
            if label != -100:
                total, count = total - scores[position, label].item(), count + 1
    assert losses(done.folder)[0] == pytest.approx(total / count, rel=1e-4)
    assert count == sum(label != -100 for labels in rows["labels"] for label in labels[1:])


def test_padding_does_not_hide_the_end_of_a_text(policy: Path, write_rows: WriteRows, tmp_path: Path) -> None:
    """The padding token is also what ends a fill-in-the-middle text: its label must stay."""
    job = sft_job(policy, write_rows("rows", [*FIM, *chat_rows(3)]), tmp_path / "out")
    trainer = build(job)
    batch = trainer.data_collator([trainer.train_dataset[index] for index in range(9)])
    end = load_tokenizer(str(policy)).convert_tokens_to_ids("<|endoftext|>")
    assert (batch["labels"] == end).sum().item() == len(FIM)
    assert (batch["labels"][batch["attention_mask"] == 0] == -100).all()


def test_packed_rows_do_not_see_each_other(policy: Path, write_rows: WriteRows, tmp_path: Path) -> None:
    data = write_rows("rows", chat_rows(12))
    plain = sft.train(sft_job(policy, data, tmp_path / "plain", batch_size=12, max_steps=1))
    packed = sft.train(
        sft_job(policy, data, tmp_path / "packed", batch_size=12, max_steps=1, packing=True, max_length=128)
    )
    assert losses(packed.folder)[0] == pytest.approx(losses(plain.folder)[0], rel=1e-4)


def test_training_metrics_have_the_names_of_trl(trained: Checkpoint) -> None:
    assert {"loss", "grad_norm", "learning_rate", "entropy", "mean_token_accuracy", "num_tokens"} <= set(
        trained.manifest.metrics
    )


# --- DPO: the reference -------------------------------------------------------------------------------------


def build(job: TrainingJob) -> Any:  # noqa: ANN401 - a TRL trainer
    """The real trainer of a job, not run."""
    module = {"sft": sft, "dpo": dpo, "kto": kto}[job.kind]
    tokenizer = load_tokenizer(job.policy)
    rows = training_rows(job, tokenizer)
    report = StepReport(job.name, MetricsLog(job.folder / "metrics.jsonl"))
    return module.build_trainer(job, load_start(job, tokenizer), rows, trl_arguments(job), report)


def margins(trainer: Any) -> list[float]:  # noqa: ANN401
    """The implicit reward margins of all batches before any update, in training mode."""
    trainer.model.train()
    for batch in trainer.get_train_dataloader():
        trainer.compute_loss(trainer.model, batch)
    found: list[float] = trainer._metrics["train"]["rewards/margins"]
    return found


@pytest.fixture
def cases(policy: Path, trained: Checkpoint, write_rows: WriteRows, tmp_path: Path) -> dict[str, DpoJob]:
    data = write_rows("pairs", pair_rows(20))
    dropout = LORA.model_copy(update={"dropout": 0.3})  # must be off while DPO compares log-probabilities
    return {
        "full weights": dpo_job(trained.merged, data, tmp_path / "full", lora=None, learning_rate=1e-4),
        "fresh adapter": dpo_job(trained.merged, data, tmp_path / "fresh", lora=dropout),
        "SFT adapter": dpo_job(policy, data, tmp_path / "continued", adapter=trained.adapter),
    }


CASES = ("full weights", "fresh adapter", "SFT adapter")


@pytest.mark.parametrize("case", CASES)
def test_the_margin_at_step_0_is_0(cases: dict[str, DpoJob], case: str) -> None:
    found = margins(build(cases[case]))
    assert len(found) == 3
    assert found == pytest.approx([0.0] * 3, abs=1e-4)


def test_the_base_would_be_the_wrong_reference_for_an_sft_adapter(cases: dict[str, DpoJob]) -> None:
    """What happens when the reference is the switched-off adapter: this is the fault that the test above must
    see."""
    trainer = build(cases["SFT adapter"])
    trainer.model.delete_adapter("ref")
    assert max(map(abs, margins(trainer))) > 1e-2


@pytest.mark.parametrize("case", CASES)
def test_preferences_are_learned(cases: dict[str, DpoJob], case: str) -> None:
    job = cases[case].model_copy(update={"config": cases[case].config.model_copy(update={"epochs": 4.0})})
    steps = read_metrics(dpo.train(job).folder / "metrics.jsonl")
    assert steps[0].metrics["rewards/margins"] == pytest.approx(0.0, abs=1e-4)
    assert steps[-1].metrics["rewards/margins"] > 0.02
    assert {
        "rewards/chosen",
        "rewards/rejected",
        "rewards/accuracies",
        "logps/chosen",
        "logps/rejected",
    } <= set(steps[-1].metrics)


def test_log_probabilities_are_those_of_the_answers_with_their_end(
    cases: dict[str, DpoJob], trained: Checkpoint
) -> None:
    job = cases["fresh adapter"]
    trainer = build(job)
    margins(trainer)
    mean = sum(trainer._metrics["train"]["logps/chosen"][:2]) / 2  # the two whole batches
    model = load_model(str(trained.merged), "float32").eval()
    order = list(trainer._get_train_sampler())[:16]
    rows = training_rows(job, load_tokenizer(job.policy)).dataset
    total = 0.0
    for row in (rows[index] for index in order):
        ids = row["prompt_ids"] + row["chosen_ids"]
        scores = model(torch.tensor([ids])).logits[0].log_softmax(-1)
        total += sum(
            scores[position - 1, ids[position]].item() for position in range(len(row["prompt_ids"]), len(ids))
        )
    assert mean == pytest.approx(total / 16, rel=1e-4)


# --- resume -------------------------------------------------------------------------------------------------


class Interrupted(Exception):
    """Stands for a machine that goes away."""


def stop_after(step: int) -> Callable[[TrainingProgress], None]:
    def stop(progress: TrainingProgress) -> None:
        if progress.step == step:
            raise Interrupted

    return stop


def check_resume(job: TrainingJob, step: int, out: Path) -> None:
    """An uninterrupted training, and one that stops at `step` and goes on by the same call, have the same
    losses."""
    train: Any = sft.train if isinstance(job, SftJob) else dpo.train
    straight = train(job)
    other = job.model_copy(update={"output": str(out)})
    with pytest.raises(Interrupted):
        train(other, stop_after(step))
    assert read_checkpoint(out) is None
    seen: list[int] = []
    resumed = train(other, lambda progress: seen.append(progress.step))
    assert 1 < seen[0] <= step, "it must have gone on from a checkpoint"
    assert losses(resumed.folder) == pytest.approx(losses(straight.folder), abs=1e-5)
    assert [entry.step for entry in read_metrics(out / "metrics.jsonl")] == list(
        range(1, straight.manifest.steps + 1)
    )
    assert weights(resumed) == pytest.approx(weights(straight), abs=1e-5)


def weights(policy: Checkpoint) -> float:
    """One number that differs when any merged weight differs."""
    with torch.no_grad():
        parameters = load_model(str(policy.merged), "float32").parameters()
        return sum(
            float(parameter.flatten() @ torch.arange(parameter.numel()).cos()) for parameter in parameters
        )


@pytest.mark.parametrize("step", [5, 11])
def test_sft_resumes_with_the_same_losses(
    policy: Path, write_rows: WriteRows, tmp_path: Path, step: int
) -> None:
    """With dropout and gradient accumulation, stopped in the first and in the second epoch."""
    job = sft_job(
        policy,
        write_rows("rows", [*chat_rows(58), *FIM]),
        tmp_path / "straight",
        lora=LORA.model_copy(update={"dropout": 0.2}),
        batch_size=4,
        gradient_accumulation=2,
        epochs=2,
        save_steps=3,
    )
    check_resume(job, step, tmp_path / "resumed")


@pytest.mark.parametrize("case", CASES)
def test_dpo_resumes_with_the_same_losses(cases: dict[str, DpoJob], tmp_path: Path, case: str) -> None:
    config = cases[case].config.model_copy(update={"epochs": 3.0, "save_steps": 2})
    check_resume(cases[case].model_copy(update={"config": config}), 5, tmp_path / "resumed")


def test_a_half_written_trainer_checkpoint_is_passed_over(
    policy: Path, write_rows: WriteRows, tmp_path: Path
) -> None:
    job = sft_job(policy, write_rows("rows", chat_rows(64)), tmp_path / "out", save_steps=2)
    with pytest.raises(Interrupted):
        sft.train(job, stop_after(6))
    (tmp_path / "out" / "trainer" / "checkpoint-4" / "trainer_state.json").write_text('{"global_step": 4')
    seen: list[int] = []
    sft.train(job, lambda progress: seen.append(progress.step))
    assert seen[0] == 3


def test_unfinished_work_of_another_job_is_not_gone_on_with(
    policy: Path, write_rows: WriteRows, tmp_path: Path
) -> None:
    data = write_rows("rows", chat_rows(64))
    with pytest.raises(Interrupted):
        sft.train(sft_job(policy, data, tmp_path / "out", save_steps=2), stop_after(5))
    seen: list[int] = []
    sft.train(
        sft_job(policy, data, tmp_path / "out", save_steps=2, learning_rate=5e-4),
        lambda progress: seen.append(progress.step),
    )
    assert seen[0] == 1


def test_a_finished_job_is_found_and_another_job_does_not_overwrite_it(
    policy: Path, write_rows: WriteRows, tmp_path: Path
) -> None:
    job = sft_job(policy, write_rows("rows", chat_rows(16)), tmp_path / "out")
    done = sft.train(job)
    assert sft.train(job, stop_after(1)) == done
    with pytest.raises(RunFolderError, match="another job"):
        sft.train(sft_job(policy, write_rows("rows", chat_rows(17)), tmp_path / "out"))


# --- rows that do not fit -----------------------------------------------------------------------------------


def long_rows() -> list[Row]:
    return [*chat_rows(6), {"prompt": "x" * 300, "completion": "y"}, {"text": "z" * 200}]


def test_a_row_over_the_limit_is_an_error_that_names_it(
    policy: Path, write_rows: WriteRows, tmp_path: Path
) -> None:
    with pytest.raises(DatasetError) as caught:
        sft.train(sft_job(policy, write_rows("rows", long_rows()), tmp_path / "out", max_length=128))
    assert "row 7\n  is rejected: too_long: 302 tokens, at most 128" in str(caught.value)
    assert "row 8" in str(caught.value) and "row 6" not in str(caught.value)


def test_rejected_rows_are_stored_and_counted(policy: Path, write_rows: WriteRows, tmp_path: Path) -> None:
    turns = [{"role": role, "content": "\nx"} for role in ("user", "assistant", "user", "assistant")]
    data = write_rows("rows", [*long_rows(), {"messages": turns}])
    done = sft.train(sft_job(policy, data, tmp_path / "out", max_length=128, overlong="reject"))
    rejected = [
        json.loads(line) for line in (tmp_path / "out" / "rejected_rows.jsonl").read_text().splitlines()
    ]
    assert [(row["reason"], row["tokens"]) for row in rejected] == [
        ("too_long", 302),
        ("too_long", 201),
        ("prefix_mismatch", 0),
    ]
    assert (done.manifest.rows, done.manifest.rejected_rows) == (6, 3)


def test_a_pair_is_measured_by_its_longer_answer(policy: Path, write_rows: WriteRows, tmp_path: Path) -> None:
    data = write_rows("pairs", [{"prompt": "p", "chosen": "c", "rejected": "r" * 40}])
    with pytest.raises(DatasetError, match="too_long: 42 tokens, at most 32"):
        dpo.train(dpo_job(policy, data, tmp_path / "out", max_length=32))


def test_rows_longer_than_the_model_has_positions_are_refused(
    policy: Path, write_rows: WriteRows, tmp_path: Path
) -> None:
    with pytest.raises(DatasetError, match="at most 512"):
        sft.train(
            sft_job(policy, write_rows("rows", [{"text": "z" * 600}]), tmp_path / "out", max_length=2048)
        )


def test_no_row_left_is_an_error_even_when_rows_may_be_rejected(
    policy: Path, write_rows: WriteRows, tmp_path: Path
) -> None:
    with pytest.raises(DatasetError, match="too_long"):
        sft.train(
            sft_job(policy, write_rows("rows", [{"text": "z" * 600}]), tmp_path / "out", overlong="reject")
        )


# --- what ends up on disk -----------------------------------------------------------------------------------


def test_merged_weights_answer_as_base_and_adapter_do(policy: Path, trained: Checkpoint) -> None:
    assert trained.adapter is not None
    ids = torch.tensor([Encoder(load_tokenizer(str(policy))).text("def f():\n    return 3")])
    adapted = load_adapter(load_model(str(policy), "float32"), str(trained.adapter), trainable=False).eval()
    merged, base = (
        load_model(str(trained.merged), "float32").eval(),
        load_model(str(policy), "float32").eval(),
    )
    with torch.no_grad():
        expected, found, before = adapted(ids).logits, merged(ids).logits, base(ids).logits
    assert torch.allclose(found, expected, atol=1e-4)
    assert not torch.allclose(found, before, atol=1e-1)


def test_one_adapter_goes_through_sft_and_dpo_for_engines_that_swap_adapters(
    policy: Path, write_rows: WriteRows, tmp_path: Path
) -> None:
    """As the loop chains its jobs with `swap: adapter`: every adapter stands over the base that the engine
    serves."""
    rows, pairs = write_rows("rows", chat_rows(16)), write_rows("pairs", pair_rows(8))
    first = sft_job(policy, rows, tmp_path / "sft", learning_rate=2e-2)
    trained = sft.train(first).policy()
    assert trained.model_copy(update={"fingerprint": ""}) == planned_policy(first)
    second = dpo_job(Path(trained.base), pairs, tmp_path / "dpo", adapter=Path(trained.adapter))
    assert max(map(abs, margins(build(second)))) < 1e-4
    done = dpo.train(second)
    for folder in (first.folder, done.folder):
        written = json.loads((folder / "adapter" / "adapter_config.json").read_text())
        assert written["base_model_name_or_path"] == str(policy)
    merged = load_model(str(done.merged), "float32")
    adapted = load_adapter(
        load_model(str(policy), "float32"), str(done.adapter), trainable=False
    ).merge_and_unload()
    for name, weights in merged.state_dict().items():
        assert torch.allclose(weights, adapted.state_dict()[name], atol=1e-6), name


def test_a_running_engine_can_swap_the_base_for_the_trained_policy(policy: Path, trained: Checkpoint) -> None:
    assert read_interface(trained.merged) == read_interface(policy)


def test_all_weights_trained_keep_the_interface_too(
    policy: Path, write_rows: WriteRows, tmp_path: Path
) -> None:
    done = sft.train(sft_job(policy, write_rows("rows", chat_rows(8)), tmp_path / "out", lora=None))
    assert read_interface(done.merged) == read_interface(policy)
    assert done.adapter is None and done.policy().adapter == ""


def test_a_saved_policy_stops_at_the_end_of_the_turn_and_at_the_end_of_text(trained: Checkpoint) -> None:
    config = json.loads((trained.merged / "generation_config.json").read_text())
    tokenizer = load_tokenizer(str(trained.merged))
    assert config["eos_token_id"] == tokenizer.convert_tokens_to_ids(["<|im_end|>", "<|endoftext|>"])
    assert not {"temperature", "top_p", "top_k", "repetition_penalty"} & set(config)


def test_the_checkpoint_says_how_it_came_about(trained: Checkpoint, policy: Path) -> None:
    manifest = trained.manifest
    assert (
        manifest.parent == str(policy)
        and manifest.parent_fingerprint == identify(find_policy(policy)).fingerprint
    )
    assert manifest.fingerprint == trained.policy().fingerprint != manifest.parent_fingerprint
    assert read_checkpoint(trained.folder) == trained
    assert sorted(path.name for path in trained.folder.iterdir()) == [
        ".lock",
        "adapter",
        "merged",
        "metrics.jsonl",
        "plots",
        "policy.json",
        "rejected_rows.jsonl",
        "trainer",
    ]


def test_a_tokenizer_that_comes_back_as_another_is_refused(policy: Path, tmp_path: Path) -> None:
    """The trap: a tokenizer of another pre-tokenizer beside a Qwen2 config, saved as a plain
    `PreTrainedTokenizerFast`."""
    from tokenizers import pre_tokenizers

    from posttrain.core.policy import check_round_trip

    tokenizer = load_tokenizer(str(policy))
    tokenizer.save_pretrained(tmp_path)
    (tmp_path / "config.json").write_text((policy / "config.json").read_text())
    check_round_trip(tokenizer, tmp_path)
    tokenizer.backend_tokenizer.pre_tokenizer = pre_tokenizers.ByteLevel(add_prefix_space=True)
    with pytest.raises(TrainerError, match="other ids"):
        check_round_trip(tokenizer, tmp_path)


def test_a_base_with_another_template_is_made_ready_for_engines(
    policy: Path, trained: Checkpoint, tmp_path: Path
) -> None:
    """As a hub model is, whose own template would add a system turn: the engine gets ours, and can later swap
    in what was trained."""
    foreign = tmp_path / "foreign"
    shutil.copytree(policy, foreign)
    (foreign / "chat_template.jinja").write_text("{{ 'You are helpful.' }}")
    ready = prepare_base(foreign, tmp_path / "ready")
    assert read_interface(ready) == read_interface(trained.merged)
    assert torch.equal(
        load_model(str(ready), "float32").lm_head.weight, load_model(str(policy), "float32").lm_head.weight
    )
    assert prepare_base(policy, tmp_path / "unused") == policy


# --- errors before training ---------------------------------------------------------------------------------


def test_a_missing_metrics_package_is_said_before_training(
    policy: Path, write_rows: WriteRows, tmp_path: Path
) -> None:
    with pytest.raises(RecipeError, match="pip install wandb"):
        sft.train(sft_job(policy, write_rows("rows", chat_rows(2)), tmp_path / "out", report_to="wandb"))
    assert not (tmp_path / "out").exists()


def test_tensorboard_gets_the_metrics_under_the_names_of_trl(
    policy: Path, write_rows: WriteRows, tmp_path: Path
) -> None:
    accumulator = pytest.importorskip(
        "tensorboard.backend.event_processing.event_accumulator", reason="tensorboard is not installed"
    )
    job = dpo_job(
        policy, write_rows("pairs", pair_rows(8)), tmp_path / "out", max_steps=2, report_to="tensorboard"
    )
    done = dpo.train(job)
    (written,) = done.folder.rglob("events.out.tfevents.*")
    events = accumulator.EventAccumulator(str(written.parent)).Reload()
    assert {"train/loss", "train/rewards/margins", "train/rewards/accuracies", "train/logps/chosen"} <= set(
        events.Tags()["scalars"]
    )
    assert [event.value for event in events.Scalars("train/loss")] == pytest.approx(
        losses(done.folder), rel=1e-5
    )


def test_a_rank_that_is_not_the_adapters_is_refused(cases: dict[str, DpoJob]) -> None:
    job = cases["SFT adapter"]
    other = job.model_copy(update={"config": job.config.model_copy(update={"lora": LoraConfig(rank=9)})})
    with pytest.raises(RecipeError, match=r"must be 4, because the adapter .* was made so"):
        dpo.train(other)


def test_a_diverged_training_is_an_error_and_leaves_no_policy(
    policy: Path, write_rows: WriteRows, tmp_path: Path
) -> None:
    job = sft_job(
        policy,
        write_rows("rows", chat_rows(64)),
        tmp_path / "out",
        lora=None,
        learning_rate=1e30,
        schedule="constant",
        epochs=3,
    )
    with pytest.raises(TrainerError, match="diverged"):
        sft.train(job)
    assert read_checkpoint(tmp_path / "out") is None


def test_a_policy_that_is_not_there_is_refused(write_rows: WriteRows, tmp_path: Path) -> None:
    (tmp_path / "empty").mkdir()
    with pytest.raises(RecipeError, match="merged model"):
        sft.train(sft_job(tmp_path / "empty", write_rows("rows", chat_rows(2)), tmp_path / "out"))
