"""Bytes that a training leaves on disk, to the byte for the files of weights.

Place in the flow: base, job -> here -> `trainings`. The one rule: a file's size is computed from the same
names, shapes and types that will be written to it, so nothing has to be trained to know it.
"""

import json
import math
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

from posttrain.core.adapters import fresh_adapter
from posttrain.core.chat_template import chat_tokens
from posttrain.core.merging import weight_files
from posttrain.core.token_rows import look_at, matrices_in, rows_to_train
from synth.training_config import LoraConfig

if TYPE_CHECKING:
    from transformers import PreTrainedTokenizerBase

_NAMES = {"float32": "F32", "bfloat16": "BF16"}
_WIDTHS = {"F64": 8, "I64": 8, "F32": 4, "I32": 4, "F16": 2, "BF16": 2, "I16": 2, "U8": 1, "I8": 1, "BOOL": 1}
_ALIGNED = 8
_ADAM = 8
"""Bytes of the optimizer for each trained number: two of float32."""


class Tensors(NamedTuple):
    """The tensors of one file: shapes by name, and types as safetensors writes them."""

    shapes: Mapping[str, tuple[int, ...]]
    types: Mapping[str, str]

    @property
    def numbers(self) -> int:
        return sum(math.prod(shape) for shape in self.shapes.values())

    def narrowed(self, dtype: str) -> "Tensors":
        """The same tensors with their floating-point numbers in this type."""
        floats = {"F64", "F32", "F16", "BF16"}
        name = _NAMES[dtype]
        return Tensors(self.shapes, {key: name if one in floats else one for key, one in self.types.items()})


def file_bytes(tensors: Tensors) -> int:
    """Size of a safetensors file with these tensors, and with the metadata that transformers and PEFT write:
    eight bytes, the header, padded, and the numbers, the widest types first."""
    header: dict[str, object] = {"__metadata__": {"format": "pt"}}
    at = 0
    for name in sorted(tensors.shapes, key=lambda one: (-_WIDTHS[tensors.types[one]], one)):
        size = math.prod(tensors.shapes[name]) * _WIDTHS[tensors.types[name]]
        entry = {"dtype": tensors.types[name], "shape": list(tensors.shapes[name])}
        header[name] = {**entry, "data_offsets": [at, at + size]}
        at += size
    text = len(json.dumps(header, separators=(",", ":"), ensure_ascii=False).encode())
    return 8 + math.ceil(text / _ALIGNED) * _ALIGNED + at


def stored_tensors(folder: Path) -> list[Tensors]:
    """The tensors of each weight file of a folder, from their headers."""
    found = []
    for file in weight_files(folder):
        with file.open("rb") as stream:
            header = json.loads(stream.read(int.from_bytes(stream.read(8), "little")))
        header.pop("__metadata__", None)
        shapes = {name: tuple(one["shape"]) for name, one in header.items()}
        found.append(Tensors(shapes, {name: one["dtype"] for name, one in header.items()}))
    return found


def adapter_tensors(base: str, lora: LoraConfig, tokenizer: "PreTrainedTokenizerBase") -> Tensors:
    """The tensors of a fresh adapter over this base: PEFT's own, made without memory for them."""
    import torch
    from peft import get_peft_model, get_peft_model_state_dict
    from transformers import AutoConfig, AutoModelForCausalLM

    with torch.device("meta"):
        model = AutoModelForCausalLM.from_config(AutoConfig.from_pretrained(base), dtype=torch.float32)
        rows = look_at(matrices_in(Path(base)), tokenizer, chat_tokens(tokenizer))
        tokens = rows_to_train(lora, rows, tokenizer) if rows else ()
        adapted = get_peft_model(model, fresh_adapter(lora, base, model, tokens))
        state = get_peft_model_state_dict(adapted)
    shapes = {name: tuple(one.shape) for name, one in state.items()}
    return Tensors(shapes, dict.fromkeys(shapes, "F32"))


def state_bytes(trained: Tensors) -> int:
    """One state of the trainer: what is trained, in float32, and the optimizer's numbers. Its small files,
    some tens of kilobytes, come on top."""
    return file_bytes(trained.narrowed("float32")) + _ADAM * trained.numbers
