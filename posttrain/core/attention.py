"""Attention within documents: the rows of a packed batch lie one behind the other in one sequence, and no
token sees another row's.

Place in the flow: a model in memory -> `attend_within_documents` -> transformers, which asks its registries
for the attention and for the mask. Where the rows begin comes from the collator (`cu_seq_lens_q`). The one
rule: nothing as large as the square of the batch is made: no mask, and scores of one row at a time.

flash-attn computes it where it is installed, else the same kernel inside of torch
(`torch.nn.attention.varlen`); both want a GPU and half precision. Everywhere else it is
`scaled_dot_product_attention`, row by row. A batch that is padded instead is computed as transformers' `sdpa`
computes it.
"""

from typing import TYPE_CHECKING, Any

from synth.errors import Problem, TrainerError

if TYPE_CHECKING:
    from torch import Tensor, nn
    from transformers import PreTrainedModel

NAME = "codemill_varlen"


def attend_within_documents(model: Any, half_precision: bool) -> None:  # noqa: ANN401 - may be peft's
    """Let the model, or the one below its adapter, take the best attention for packed batches."""
    base: PreTrainedModel = model.get_base_model() if hasattr(model, "get_base_model") else model
    base.set_attn_implementation(choose(half_precision))


def choose(half_precision: bool) -> str:
    """The name of the attention that is registered with transformers."""
    import torch
    from transformers import AttentionInterface, AttentionMaskInterface
    from transformers.utils import is_flash_attn_2_available, is_flash_attn_3_available

    if torch.cuda.is_available() and half_precision:
        if is_flash_attn_3_available():
            return "flash_attention_3"
        if is_flash_attn_2_available():
            return "flash_attention_2"
    AttentionInterface.register(NAME, attention)
    AttentionMaskInterface.register(NAME, mask)
    return NAME


def mask(*arguments: Any, **settings: Any) -> "Tensor | None":  # noqa: ANN401 - transformers' own signature
    """No mask for packed rows and for whole ones; transformers' usual one where a batch is padded, a cache is
    used, or a model adds a pattern of its own."""
    from transformers.masking_utils import sdpa_mask

    plain = settings.get("attention_mask") is None and settings["q_length"] == settings["kv_length"]
    return None if plain and not settings.get("use_vmap") else sdpa_mask(*arguments, **settings)


def attention(
    module: "nn.Module",
    query: "Tensor",
    key: "Tensor",
    value: "Tensor",
    attention_mask: "Tensor | None",
    cu_seq_lens_q: "Tensor | None" = None,
    max_length_q: int | None = None,
    dropout: float = 0.0,
    scaling: float | None = None,
    sliding_window: int | None = None,
    **settings: Any,  # noqa: ANN401
) -> "tuple[Tensor, None]":
    """Attention over (1, heads, tokens, size) -> (1, tokens, heads, size). Row i is the tokens from
    `cu_seq_lens_q[i]` to `cu_seq_lens_q[i + 1]`. Raises TrainerError for what no kernel here computes."""
    from transformers.integrations.sdpa_attention import sdpa_attention_forward

    if cu_seq_lens_q is None:
        out, _ = sdpa_attention_forward(
            module, query, key, value, attention_mask, dropout=dropout, scaling=scaling, **settings
        )
        return out, None
    _check_supported(settings)
    half = query.dtype.itemsize == 2 or _autocast_dtype(query) is not None
    if query.is_cuda and half and not dropout and max_length_q:
        return _by_kernel(query, key, value, cu_seq_lens_q, max_length_q, scaling, sliding_window), None
    return _by_document(query, key, value, cu_seq_lens_q, dropout, scaling, sliding_window), None


def _check_supported(settings: dict[str, Any]) -> None:
    asked = [name for name in ("softcap", "s_aux", "position_bias") if settings.get(name) is not None]
    if asked:
        raise TrainerError(
            Problem(
                "sft.packing",
                f"cannot be used with this model: its attention needs {', '.join(asked)}",
                "packing: false",
            )
        )


def _autocast_dtype(query: "Tensor") -> Any:  # noqa: ANN401 - a torch.dtype
    import torch

    kind = query.device.type
    return torch.get_autocast_dtype(kind) if torch.is_autocast_enabled(kind) else None


def _by_kernel(
    query: "Tensor",
    key: "Tensor",
    value: "Tensor",
    starts: "Tensor",
    longest: int,
    scaling: float | None,
    sliding_window: int | None,
) -> "Tensor":
    """All rows in one call of the kernel in torch."""
    from torch.nn.attention.varlen import varlen_attn

    dtype = _autocast_dtype(query) or query.dtype
    tokens = [part[0].transpose(0, 1).to(dtype) for part in (query, key, value)]
    out = varlen_attn(
        *tokens,
        starts,
        starts,
        longest,
        longest,
        scale=scaling,
        window_size=(sliding_window - 1 if sliding_window else -1, 0),
        enable_gqa=query.shape[1] != key.shape[1],
    )
    return out[None]


def _by_document(
    query: "Tensor",
    key: "Tensor",
    value: "Tensor",
    starts: "Tensor",
    dropout: float,
    scaling: float | None,
    sliding_window: int | None,
) -> "Tensor":
    """One call a row. `split` and not slices: the gradient of a slice is as long as the batch."""
    import torch
    from torch.nn.functional import scaled_dot_product_attention

    lengths = starts.diff().tolist()
    parts = (part.split(lengths, dim=2) for part in (query, key, value))
    out = []
    for row, row_key, row_value in zip(*parts, strict=True):
        mask = _window(row, sliding_window)
        attended = scaled_dot_product_attention(
            row,
            row_key,
            row_value,
            attn_mask=mask,
            dropout_p=dropout,
            is_causal=mask is None,
            scale=scaling,
            enable_gqa=query.shape[1] != key.shape[1],
        )
        out.append(attended)
    return torch.cat(out, dim=2).transpose(1, 2).contiguous()


def _window(row: "Tensor", window: int | None) -> "Tensor | None":
    """Which tokens of one row see which, where the row is longer than a sliding window."""
    import torch

    if window is None or row.shape[2] <= window:
        return None
    places = torch.arange(row.shape[2], device=row.device)
    behind = places[:, None] - places[None, :]
    return (behind >= 0) & (behind < window)
