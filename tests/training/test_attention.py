"""Attention within documents, against each document on its own."""

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import pytest
import torch
from torch.profiler import ProfilerActivity, profile
from trl.trainer.sft_trainer import DataCollatorForLanguageModeling

from posttrain.core import attention as varlen
from posttrain.core.policy import load_model
from synth.errors import TrainerError

LENGTHS = (5, 1, 17, 64, 9)
HEADS, KEY_HEADS, SIZE = 4, 2, 8


def starts_of(lengths: tuple[int, ...]) -> torch.Tensor:
    return torch.tensor([0, *lengths]).cumsum(0).to(torch.int32)


Parts = tuple[torch.Tensor, torch.Tensor, torch.Tensor]


def random_parts() -> Parts:
    """Query, key and value of one batch."""
    torch.manual_seed(0)
    query, key, value = (
        torch.randn(1, heads, sum(LENGTHS), SIZE, requires_grad=True)
        for heads in (HEADS, KEY_HEADS, KEY_HEADS)
    )
    return query, key, value


def alone(parts: Sequence[torch.Tensor], window: int | None = None) -> torch.Tensor:
    """Softmax attention over each document, written out."""
    out, end = [], 0
    for length in LENGTHS:
        start, end = end, end + length
        query, key, value = (part[0, :, start:end] for part in parts)
        key, value = (part.repeat_interleave(HEADS // KEY_HEADS, dim=0) for part in (key, value))
        behind = torch.arange(length)[:, None] - torch.arange(length)[None, :]
        seen = (behind >= 0) & (behind < (window or length))
        scores = (query @ key.transpose(1, 2) / SIZE**0.5).masked_fill(~seen, -torch.inf)
        out.append((scores.softmax(-1) @ value).transpose(0, 1))
    return torch.cat(out)[None]


@pytest.mark.parametrize("window", [None, 6])
def test_a_document_attends_to_itself_alone(window: int | None) -> None:
    parts, same = random_parts(), random_parts()
    found, none = varlen.attention(
        torch.nn.Module(), *parts, None, starts_of(LENGTHS), max(LENGTHS), sliding_window=window
    )
    expected = alone(same, window)
    assert none is None and torch.allclose(found, expected, atol=1e-5)
    (found**2).sum().backward()
    (expected**2).sum().backward()
    for one, other in zip(parts, same, strict=True):
        assert torch.allclose(one.grad, other.grad, atol=1e-4)


@pytest.mark.parametrize("window", [None, 6])
def test_the_kernel_in_torch_is_called_as_it_wants_to_be(
    monkeypatch: pytest.MonkeyPatch, window: int | None
) -> None:
    """It runs on a GPU alone. In its place stands attention by its documented signature: (tokens, heads,
    size), cumulative lengths, window as (left, right)."""

    def varlen_attn(
        query: torch.Tensor,
        key: torch.Tensor,
        value: torch.Tensor,
        *rest: Any,  # noqa: ANN401
        **settings: Any,  # noqa: ANN401
    ) -> torch.Tensor:
        starts, same, longest, again = rest
        assert starts is same and longest == again == max(LENGTHS) and settings["enable_gqa"]
        left, right = settings["window_size"]
        assert right == 0 and settings["scale"] == SIZE**-0.5
        parts = [part.transpose(0, 1)[None] for part in (query, key, value)]
        return alone(parts, left + 1 if left >= 0 else None)[0]

    monkeypatch.setattr("torch.nn.attention.varlen.varlen_attn", varlen_attn)
    parts = random_parts()
    found = varlen._by_kernel(*parts, starts_of(LENGTHS), max(LENGTHS), SIZE**-0.5, window)
    assert torch.allclose(found, alone(parts, window), atol=1e-5)


def test_what_no_kernel_computes_is_an_error() -> None:
    with pytest.raises(TrainerError, match="attention needs softcap"):
        varlen.attention(torch.nn.Module(), *random_parts(), None, starts_of(LENGTHS), 64, softcap=30.0)


@pytest.mark.parametrize(
    ("gpu", "half", "installed", "chosen"),
    [
        (True, True, {2, 3}, "flash_attention_3"),
        (True, True, {2}, "flash_attention_2"),
        (True, True, set(), varlen.NAME),
        (True, False, {2, 3}, varlen.NAME),
        (False, True, {2, 3}, varlen.NAME),
    ],
)
def test_flash_attention_is_taken_where_it_is_installed_and_can_run(
    monkeypatch: pytest.MonkeyPatch, gpu: bool, half: bool, installed: set[int], chosen: str
) -> None:
    monkeypatch.setattr("torch.cuda.is_available", lambda: gpu)
    for version in (2, 3):
        found = version in installed
        name = f"transformers.utils.is_flash_attn_{version}_available"
        monkeypatch.setattr(name, lambda found=found: found)
    assert varlen.choose(half) == chosen


def packed_batch(rows: int, tokens: int) -> dict[str, Any]:
    torch.manual_seed(1)
    ids = torch.randint(0, 250, (rows, tokens)).tolist()
    collate = DataCollatorForLanguageModeling(pad_token_id=0, padding_free=True)
    batch: dict[str, Any] = collate([{"input_ids": row} for row in ids])
    return batch


def largest_allocation(policy: Path, implementation: str) -> int:
    """Bytes of the largest single piece of memory taken in a forward and a backward pass, in kernels too."""
    model = load_model(str(policy), "float32")
    varlen.attend_within_documents(model, half_precision=False)
    model.set_attn_implementation(implementation)
    batch = packed_batch(rows=64, tokens=64)
    with profile(activities=[ProfilerActivity.CPU], profile_memory=True) as probe:
        model.base_model(
            **{name: value for name, value in batch.items() if name != "labels"}, use_cache=False
        ).last_hidden_state.sum().backward()
    events = probe.profiler.kineto_results.events()
    return max(int(event.nbytes()) for event in events if event.name() == "[memory]")


def test_nothing_as_large_as_the_square_of_the_batch_is_allocated(policy: Path) -> None:
    square = (64 * 64) ** 2  # as bytes: a mask of one byte each
    assert largest_allocation(policy, varlen.NAME) < square / 4
    assert largest_allocation(policy, "sdpa") >= square  # the probe sees what it looks for


def test_a_padded_batch_is_computed_as_before(policy: Path) -> None:
    torch.manual_seed(2)
    ids, padding = torch.randint(0, 250, (3, 12)), torch.ones(3, 12, dtype=torch.long)
    padding[1, 7:] = padding[2, :4] = 0
    model = load_model(str(policy), "float32").eval()
    expected = model(input_ids=ids, attention_mask=padding).logits
    written = model.generate(ids[:1], max_new_tokens=4, do_sample=False)
    varlen.attend_within_documents(model, half_precision=False)
    assert model.config._attn_implementation == varlen.NAME
    found = model(input_ids=ids, attention_mask=padding).logits
    assert torch.allclose(found[padding == 1], expected[padding == 1], atol=1e-5)
    assert torch.equal(model.generate(ids[:1], max_new_tokens=4, do_sample=False), written)
