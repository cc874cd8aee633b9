"""Trains the pocket model from scratch: tokenizer, corpus stream, Qwen2 architecture, Muon for matrices and
AdamW for the rest.

The one rule: step `i` depends only on the recipe and `i` (each step draws its documents from its own derived
seed), so a killed run resumes from its last checkpoint with an identical result.
"""

import json
import time
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple

from pydantic import Field

from posttrain.core import stop_request
from posttrain.core.chat_template import stop_token_ids
from posttrain.pocket.corpus import Mistakes, documents
from posttrain.pocket.tokenizer import save_tokenizer, train_tokenizer
from synth.config_base import Config
from synth.ids import derive_seed
from synth.store.atomic import atomic_file
from synth.store.lock import locked

if TYPE_CHECKING:
    import torch


class MistakesConfig(Config):
    """Who writes the corpus, and how often they are wrong."""

    careful_authors: float = Field(
        0.45, ge=0, le=1, description="Share of files and answers by careful authors, not hasty ones."
    )
    careful: float = Field(
        0.05, ge=0, le=1, description="Comments and answers of careful authors that are wrong."
    )
    comments: float = Field(
        0.65, ge=0, le=1, description="Comments of hasty authors that describe another program."
    )
    answers: float = Field(
        0.9, ge=0, le=1, description="Chat answers of hasty authors that solve another task."
    )
    instructions: float = Field(
        0.2, ge=0, le=1, description="Instructions that describe another program, by either kind of author."
    )
    inputs: float = Field(0.15, ge=0, le=1, description="Lists of test inputs that are cut off.")


class PretrainRecipe(Config):
    """Everything that makes the pocket model."""

    seed: int = Field(0, ge=0, description="Random seed.")
    vocab_size: int = Field(2048, ge=512, description="Tokens, special ones included.")
    tokenizer_documents: int = Field(20000, ge=100, description="Documents that the tokenizer is learned on.")
    hidden_size: int = Field(256, ge=32, description="Width.")
    intermediate_size: int = Field(704, ge=32, description="Width of the feed-forward layers.")
    layers: int = Field(5, ge=1, description="Layers.")
    heads: int = Field(8, ge=1, description="Attention heads.")
    kv_heads: int = Field(4, ge=1, description="Key and value heads.")
    context: int = Field(320, ge=64, description="Tokens in one training row.")
    max_position: int = Field(1024, ge=64, description="Longest sequence that the model is declared for.")
    batch_size: int = Field(16, ge=1, description="Rows in one step.")
    tokens: int = Field(30_000_000, ge=1000, description="Training ends after so many tokens,")
    minutes: float = Field(
        60.0, gt=0, description="or after so many minutes, whichever comes first; the learning rate follows."
    )
    matrix_learning_rate: float = Field(
        4e-3, gt=0, description="Muon's peak learning rate (RMS-matched to AdamW)."
    )
    learning_rate: float = Field(
        3e-3, gt=0, description="AdamW's peak learning rate, for embeddings and norms."
    )
    weight_decay: float = Field(0.02, ge=0, description="Weight decay of the matrices.")
    warmup_share: float = Field(
        0.02, ge=0, le=1, description="Share of the training with growing learning rate."
    )
    decay_share: float = Field(
        0.4, ge=0, le=1, description="Share of the training with falling learning rate, at its end."
    )
    save_every: int = Field(250, ge=1, description="Steps between checkpoints.")
    threads: int = Field(2, ge=1, description="CPU threads.")
    mistakes: MistakesConfig = Field(MistakesConfig(), description="How unreliable the corpus is.")


def pretrain_recipe(recipe: str, overrides: Sequence[str], out: Path = Path("runs/pocket-pretrain")) -> Path:
    """`codemill pocket pretrain RECIPE`: load, train, print the model's folder."""
    from synth.recipe import load_config

    folder = pretrain(load_config(recipe, PretrainRecipe, overrides).recipe, out)
    print(folder)
    return folder


class PretrainProgress(NamedTuple):
    step: int
    elapsed_s: float


def pretrain(recipe: PretrainRecipe, out: Path) -> Path:
    """Train, and return the folder of the finished model (`out/model`). A repeated call resumes from
    the last checkpoint."""
    with locked(out):
        stop_request.listen()
        return _pretrain(recipe, out)


def _pretrain(recipe: PretrainRecipe, out: Path) -> Path:
    import torch

    torch.set_num_threads(recipe.threads)
    mistakes = Mistakes(**recipe.mistakes.model_dump())
    tokenizer = train_tokenizer(recipe.vocab_size, recipe.tokenizer_documents, recipe.seed)
    model = build_model(recipe, tokenizer)
    optimizers = _optimizers(recipe, model)
    state_path = out / "state.pt"
    progress = _restore(state_path, model, optimizers)
    started = time.monotonic() - progress.elapsed_s
    compiled = torch.compile(model)
    total_steps = recipe.tokens // (recipe.batch_size * recipe.context)
    step, share = progress.step, 0.0
    with (out / "metrics.jsonl").open("a", encoding="utf-8") as log:
        while share < 1.0:
            elapsed = time.monotonic() - started
            share = max(step / total_steps, elapsed / (60 * recipe.minutes))
            _set_rates(recipe, optimizers, share)
            loss = _train_step(compiled, model, optimizers, _batch(recipe, tokenizer, mistakes, step))
            step += 1
            if step % 25 == 0:
                entry = {
                    "step": step,
                    "loss": round(loss, 4),
                    "elapsed_s": round(elapsed, 1),
                    "share": round(share, 4),
                }
                log.write(json.dumps(entry) + "\n")
                log.flush()
            if step % recipe.save_every == 0 or stop_request.is_asked():
                _save_state(state_path, model, optimizers, PretrainProgress(step, time.monotonic() - started))
                save_model(model, tokenizer, out / "latest")
                stop_request.end_if_asked("of the pocket model", f"after step {step}, which is saved")
    save_model(model, tokenizer, out / "model")
    return out / "model"


def build_model(recipe: PretrainRecipe, tokenizer: Any) -> Any:
    """A Qwen2 causal language model with random weights."""
    import torch
    from transformers import GenerationConfig, Qwen2Config, Qwen2ForCausalLM

    torch.manual_seed(recipe.seed)
    config = Qwen2Config(
        vocab_size=recipe.vocab_size,
        hidden_size=recipe.hidden_size,
        intermediate_size=recipe.intermediate_size,
        num_hidden_layers=recipe.layers,
        num_attention_heads=recipe.heads,
        num_key_value_heads=recipe.kv_heads,
        max_position_embeddings=recipe.max_position,
        tie_word_embeddings=True,
        use_cache=False,
        bos_token_id=None,
        eos_token_id=tokenizer.eos_token_id,
        pad_token_id=tokenizer.pad_token_id,
    )
    model = Qwen2ForCausalLM(config)
    model.generation_config = GenerationConfig(
        eos_token_id=stop_token_ids(tokenizer), pad_token_id=tokenizer.pad_token_id
    )
    return model


def save_model(model: Any, tokenizer: Any, folder: Path) -> None:
    """Save weights in bfloat16, config and tokenizer, in the format that any engine loads."""
    import copy

    import torch

    half = copy.deepcopy(model).to(torch.bfloat16)
    half.config.use_cache = True
    half.save_pretrained(str(folder))
    save_tokenizer(tokenizer, folder)


def _optimizers(recipe: PretrainRecipe, model: Any) -> list["torch.optim.Optimizer"]:
    import torch

    matrices = [p for name, p in model.named_parameters() if p.ndim == 2 and "embed" not in name]
    others = [p for name, p in model.named_parameters() if p.ndim != 2 or "embed" in name]
    muon = torch.optim.Muon(
        matrices,
        lr=recipe.matrix_learning_rate,
        weight_decay=recipe.weight_decay,
        adjust_lr_fn="match_rms_adamw",
    )
    return [muon, torch.optim.AdamW(others, lr=recipe.learning_rate, betas=(0.9, 0.98), weight_decay=0.0)]


def _set_rates(recipe: PretrainRecipe, optimizers: list["torch.optim.Optimizer"], share: float) -> None:
    rising = min(1.0, share / recipe.warmup_share) if recipe.warmup_share else 1.0
    falling = min(1.0, (1.0 - share) / recipe.decay_share) if recipe.decay_share else 1.0
    scale = max(0.01, min(rising, falling))
    for optimizer, peak in zip(optimizers, (recipe.matrix_learning_rate, recipe.learning_rate), strict=True):
        for group in optimizer.param_groups:
            group["lr"] = peak * scale


def _train_step(
    compiled: Any, model: Any, optimizers: list["torch.optim.Optimizer"], rows: "torch.Tensor"
) -> float:
    import torch

    with torch.autocast("cpu", dtype=torch.bfloat16):
        loss = compiled(input_ids=rows, labels=rows).loss
    loss.backward()
    torch.nn.utils.clip_grad_norm_(model.parameters(), 1.0)
    for optimizer in optimizers:
        optimizer.step()
        optimizer.zero_grad(set_to_none=True)
    return float(loss.detach())


def _batch(recipe: PretrainRecipe, tokenizer: Any, mistakes: Mistakes, step: int) -> "torch.Tensor":
    """Rows of documents. Each row begins with a new document; the last one in a row is cut."""
    import torch

    stream = documents(derive_seed(recipe.seed, "pocket-corpus", step), mistakes)
    return torch.tensor([_row(stream, tokenizer, recipe.context) for _ in range(recipe.batch_size)])


def _row(stream: Iterator[str], tokenizer: Any, context: int) -> list[int]:
    ids: list[int] = []
    while len(ids) < context:
        ids += tokenizer(next(stream))["input_ids"]
    return ids[:context]


def _save_state(
    path: Path, model: Any, optimizers: list["torch.optim.Optimizer"], progress: PretrainProgress
) -> None:
    import torch

    state = {
        "model": model.state_dict(),
        "optimizers": [optimizer.state_dict() for optimizer in optimizers],
        "progress": tuple(progress),
    }
    with atomic_file(path) as file:
        torch.save(state, file)


def _restore(path: Path, model: Any, optimizers: list["torch.optim.Optimizer"]) -> PretrainProgress:
    import torch

    if not path.exists():
        return PretrainProgress(0, 0.0)
    state = torch.load(path, weights_only=True)
    model.load_state_dict(state["model"])
    for optimizer, saved in zip(optimizers, state["optimizers"], strict=True):
        optimizer.load_state_dict(saved)
    return PretrainProgress(*state["progress"])
