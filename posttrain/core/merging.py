"""Folding an adapter into the weights that it stands over, so that nothing of what it learned is lost.

Place in the flow: a trained adapter -> `merge_weights` -> `policy.merge_and_save` -> the engine.

The one rule: sums are made in float32, and a narrower type is reached by stochastic rounding. Weights of
bfloat16 lie on a coarse grid: most changes of a small adapter are below half a step of it, and rounding to
the nearest value would undo all of those at once. Rounded up or down by chance, in proportion to the
distance, each weight is right on average, and so is each sum over weights. The chance has a seed, so a merge
gives the same bytes twice.
"""

import json
import math
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

from synth.errors import Problem, TrainerError
from synth.ids import derive_seed

if TYPE_CHECKING:
    from torch import Tensor, dtype

_PREFIX = "base_model.model."
_DOWN, _UP, _MAGNITUDE = ".lora_A.weight", ".lora_B.weight", ".lora_magnitude_vector"
_ROWS = ".token_adapter.trainable_tokens_delta"
_SHIFTED_BITS = 16
"""float32 has so many more bits of mantissa than bfloat16."""
INDEX = "model.safetensors.index.json"


class LowRank(NamedTuple):
    """What an adapter adds to one weight: `scale * (up @ down)`, transposed where the layer keeps its weight
    so. With a `magnitude`, one number a row, each row of the sum then gets that norm (DoRA)."""

    down: "Tensor"
    up: "Tensor"
    scale: float
    transposed: bool
    magnitude: "Tensor | None" = None

    def change(self, weight: "Tensor") -> "Tensor":
        """The weight with it, in float32."""
        product = (self.up.float() @ self.down.float()) * self.scale
        changed = weight.float() + (product.T if self.transposed else product)
        if self.magnitude is None:
            return changed
        rows = 0 if self.transposed else 1
        return changed * (self.magnitude.float().flatten() / changed.norm(dim=rows)).unsqueeze(rows)


class TrainedRows(NamedTuple):
    """Rows of an embedding or output matrix that were trained as they are."""

    places: "Tensor"
    rows: "Tensor"

    def change(self, weight: "Tensor") -> "Tensor":
        """The weight with them, in float32."""
        return weight.float().index_copy(0, self.places, self.rows.float())


Changes = Mapping[str, LowRank | TrainedRows]
"""What an adapter does, by the name of the weight in its base."""


class NotPlain(Exception):
    """The adapter is more than sums of low rank over stored weights, so PEFT itself must merge it."""


def round_stochastically(values: "Tensor", seed: int) -> "Tensor":
    """float32 to bfloat16, up or down by chance, so that the mean is the value. The same seed gives the same
    bits. Raises TrainerError for a value that is not finite."""
    import torch

    if not torch.isfinite(values).all():
        raise TrainerError(
            Problem(
                "the trained weights",
                "hold a value that is not finite, so the training has diverged",
                "lower the learning rate, and start again",
            )
        )
    generator = torch.Generator().manual_seed(seed)
    noise = torch.randint(1 << _SHIFTED_BITS, values.shape, generator=generator, dtype=torch.int32)
    bits = values.contiguous().float().view(torch.int32) + noise
    return (bits & -(1 << _SHIFTED_BITS)).view(torch.float32).to(torch.bfloat16)


def narrowed(name: str, values: "Tensor", dtype: "dtype", seed: int) -> "Tensor":
    """The weight of this name in the wanted type; float32 stays as it is."""
    import torch

    if dtype is not torch.bfloat16 or values.dtype is not torch.float32:
        return values.to(dtype)
    return round_stochastically(values, derive_seed(seed, "rounding", name))


# --- adapters -----------------------------------------------------------------------------------------------


def read_changes(adapter: Path) -> Changes:
    """What a LoRA adapter does to its base. Raises NotPlain for whole modules, biases and whatever else is
    neither a sum of low rank nor trained rows."""
    from peft import PeftConfig
    from safetensors.torch import load_file

    config = PeftConfig.from_pretrained(str(adapter))
    if str(getattr(config.peft_type, "value", config.peft_type)) != "LORA":
        raise NotPlain
    if config.modules_to_save or config.bias != "none" or config.lora_bias:
        raise NotPlain
    file = adapter / "adapter_model.safetensors"
    if not file.is_file():
        raise NotPlain
    tensors = {name.removeprefix(_PREFIX): tensor for name, tensor in load_file(file).items()}
    found: dict[str, LowRank | TrainedRows] = {}
    for name in [name for name in tensors if name.endswith(_ROWS)]:
        module = name.removesuffix(_ROWS)
        found[f"{module}.weight"] = TrainedRows(_places(config, module), tensors.pop(name))
    for name in [name for name in tensors if name.endswith(_DOWN)]:
        module, down = name.removesuffix(_DOWN), tensors.pop(name)
        up, magnitude = tensors.pop(module + _UP, None), tensors.pop(module + _MAGNITUDE, None)
        if up is None or (magnitude is None) == bool(config.use_dora) or f"{module}.weight" in found:
            raise NotPlain
        found[f"{module}.weight"] = LowRank(
            down, up, _scale(config, module, down.shape[0]), bool(config.fan_in_fan_out), magnitude
        )
    if tensors:
        raise NotPlain
    return found


def _places(config: object, module: str) -> "Tensor":
    """The rows that were trained in this module."""
    import torch

    given = getattr(config, "trainable_token_indices", None) or ()
    places = given[module.rpartition(".")[2]] if isinstance(given, Mapping) else given
    return torch.tensor(list(places))


def _scale(config: object, module: str, rank: int) -> float:
    """As PEFT scales this module."""
    from peft.utils.other import get_pattern_key

    alphas: Mapping[str, float] = getattr(config, "alpha_pattern", None) or {}
    alpha = alphas.get(get_pattern_key(alphas.keys(), module), getattr(config, "lora_alpha", rank))
    return alpha / (math.sqrt(rank) if getattr(config, "use_rslora", False) else rank)


# --- weights ------------------------------------------------------------------------------------------------


def weight_files(base: Path) -> list[Path]:
    """The safetensors files of a folder with full weights, in the order of their names."""
    index = base / INDEX
    if index.is_file():
        names = set(json.loads(index.read_text(encoding="utf-8"))["weight_map"].values())
        return [base / name for name in sorted(names)]
    alone = base / "model.safetensors"
    return [alone] if alone.is_file() else []


def merge_weights(base: Path, adapter: Path, out: Path, dtype: "dtype", seed: int) -> None:
    """Write the files of `base` to `out` with the adapter added, file by file: two of them are in memory at
    most. Names of files and of weights stay. Raises NotPlain before anything is written."""
    changes = read_changes(adapter)
    files = weight_files(base)
    missing = changes.keys() - {name for file in files for name in _names(file)}
    if missing or not files:
        raise NotPlain
    for file in files:
        _write(file, out / file.name, changes, dtype, seed)
    if (index := base / INDEX).is_file():
        _write_index(index, out, [out / file.name for file in files])


def _write(file: Path, target: Path, changes: Changes, dtype: "dtype", seed: int) -> None:
    from safetensors.torch import save_file

    merged = {name: _merge(name, values, changes, dtype, seed) for name, values in _weights(file)}
    save_file(merged, target, metadata={"format": "pt"})


def _merge(name: str, values: "Tensor", changes: Changes, dtype: "dtype", seed: int) -> "Tensor":
    """The weight as it was loaded for the training, with its change."""
    loaded = values.to(dtype) if values.is_floating_point() else values
    return narrowed(name, changes[name].change(loaded), dtype, seed) if name in changes else loaded


def _names(file: Path) -> list[str]:
    from safetensors import safe_open

    with safe_open(file, framework="pt") as opened:
        return list(opened.keys())


def _weights(file: Path) -> Iterator[tuple[str, "Tensor"]]:
    from safetensors import safe_open

    with safe_open(file, framework="pt") as opened:
        for name in opened.keys():  # noqa: SIM118 - not a mapping
            yield name, opened.get_tensor(name)


def _write_index(index: Path, out: Path, files: list[Path]) -> None:
    stated = json.loads(index.read_text(encoding="utf-8"))
    size = sum(values.numel() * values.element_size() for file in files for _, values in _weights(file))
    stated["metadata"] = {**stated.get("metadata", {}), "total_size": size}
    (out / INDEX).write_text(json.dumps(stated, indent=2) + "\n", encoding="utf-8")
