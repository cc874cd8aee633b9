"""Tokens that a base model never learned: finding them, and training their rows beside an adapter.

Place in the flow: `start` asks which tokens to train -> PEFT's `trainable_token_indices` -> `merging` puts
the rows into the weights. An adapter on the linear layers leaves the embeddings and the output matrix as they
are, so over a base whose row for the end of a turn was never trained it cannot learn to end its answers.

The one rule: a row counts as unlearned only if it lies where the rows of no token lie, or next to zero.
"""

from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal, NamedTuple

from posttrain.core.merging import weight_files
from synth.errors import Problem, RecipeError
from synth.training_config import LoraConfig

if TYPE_CHECKING:
    from torch import Tensor
    from transformers import PreTrainedModel, PreTrainedTokenizerBase

_SMALL = 0.1
"""A row this far below the median norm is next to zero."""
_NEAR = 0.25
"""Among the unused rows is what is this much nearer to their mean than the median row."""
_LEAST_UNUSED = 8
_INPUT_NAMES = ("embed_tokens.weight", "wte.weight")


class EmbeddingRow(NamedTuple):
    """Where the row of a token lies in the input or output matrix."""

    token: str
    matrix: Literal["input", "output"]
    norm: float
    rank: float
    """Share of the rows with a smaller norm."""
    unused: float | None
    """Distance to the mean of the rows of no token, as a share of the median distance; None if there are too
    few such rows."""

    @property
    def is_learned(self) -> bool:
        return self.norm > 0 and not (self.unused is not None and self.unused < _NEAR)

    def __str__(self) -> str:
        near = "" if self.unused is None else f", {self.unused:.2f} of the usual distance from unused rows"
        verdict = "" if self.is_learned else ": never learned"
        return (
            f"{self.token} in the {self.matrix} matrix: norm {self.norm:.3g}, above {self.rank:.1%} of the "
            f"rows{near}{verdict}"
        )


Matrices = Mapping[Literal["input", "output"], "Tensor"]
"""The matrices that hold a row for each token; no output matrix where it is the input's."""


def matrices_of(model: "PreTrainedModel") -> Matrices:
    """Those of a model in memory."""
    inputs, outputs = model.get_input_embeddings().weight, model.get_output_embeddings().weight
    if is_tied(model):
        return {"input": inputs.data}
    return {"input": inputs.data, "output": outputs.data}


def matrices_in(folder: Path) -> Matrices:
    """Those of a folder with full weights, of which nothing else is read. Empty if there are none of the
    usual names."""
    from safetensors import safe_open

    found: dict[Literal["input", "output"], Tensor] = {}
    for file in weight_files(folder):
        with safe_open(file, framework="pt") as opened:
            for name in opened.keys():  # noqa: SIM118 - not a mapping
                if name.endswith(_INPUT_NAMES):
                    found["input"] = opened.get_tensor(name)
                elif name.endswith("lm_head.weight"):
                    found["output"] = opened.get_tensor(name)
    return found


def look_at(
    matrices: Matrices, tokenizer: "PreTrainedTokenizerBase", tokens: Iterable[str]
) -> list[EmbeddingRow]:
    """The rows of these tokens in each matrix."""
    listed = list(tokens)
    return [row for name, matrix in matrices.items() for row in _rows(name, matrix, tokenizer, listed)]


def _rows(
    name: Literal["input", "output"],
    matrix: "Tensor",
    tokenizer: "PreTrainedTokenizerBase",
    tokens: Sequence[str],
) -> list[EmbeddingRow]:
    norms = matrix.float().norm(dim=1)
    median = norms.median().item()
    distances = _from_unused(matrix, len(tokenizer))
    found = []
    for token in tokens:
        place = int(tokenizer.convert_tokens_to_ids(token))
        norm = norms[place].item()
        share = None if distances is None else (distances[place] / distances.median()).item()
        rank = (norms < norm).float().mean().item()
        found.append(EmbeddingRow(token, name, norm if norm > _SMALL * median else 0.0, rank, share))
    return found


def _from_unused(matrix: "Tensor", used: int) -> "Tensor | None":
    """Each row's distance to the mean of the rows that no token has: a matrix is often padded."""
    if len(matrix) - used < _LEAST_UNUSED:
        return None
    return (matrix.float() - matrix[used:].float().mean(dim=0)).norm(dim=1)


def is_tied(model: "PreTrainedModel") -> bool:
    """Whether input and output matrix are one."""
    return model.get_input_embeddings().weight is model.get_output_embeddings().weight


def rows_to_train(
    lora: LoraConfig, rows: Sequence[EmbeddingRow], tokenizer: "PreTrainedTokenizerBase"
) -> tuple[int, ...]:
    """Ids of the tokens to train beside the adapter, of which `rows` are the chat format's. Raises
    RecipeError for a token that the vocabulary lacks."""
    if lora.train_tokens == "none":
        return ()
    if lora.train_tokens == "auto":
        wanted: Sequence[str] = [row.token for row in rows if not row.is_learned]
    else:
        wanted = lora.train_tokens
    vocabulary = tokenizer.get_vocab()
    if missing := [token for token in wanted if token not in vocabulary]:
        raise RecipeError(
            Problem(
                f"lora.train_tokens = {list(wanted)}",
                f"names what is no token of the policy: {', '.join(missing)}",
                "name tokens as the vocabulary writes them, or `auto`",
            )
        )
    return tuple(sorted({vocabulary[token] for token in wanted}))


def peft_settings(ids: Sequence[int], tied: bool, names: tuple[str, str]) -> dict[str, Any]:
    """PEFT's arguments for training these rows; `names` are those of the input and the output layer."""
    if not ids:
        return {}
    indices: Any = list(ids) if tied else {name: list(ids) for name in names}
    return {"trainable_token_indices": indices, "ensure_weight_tying": tied}


def layer_names(model: "PreTrainedModel") -> tuple[str, str]:
    """The last parts of the names of the input and the output layer."""
    found = {id(module): name.rpartition(".")[2] for name, module in model.named_modules()}
    return found[id(model.get_input_embeddings())], found[id(model.get_output_embeddings())]
