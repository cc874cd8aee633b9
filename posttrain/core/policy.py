"""Policies on disk: finding one by name, loading it, merging an adapter into it, and saving it so that any
engine can serve it.

Place in the flow: a recipe's `policy.model` -> `find_policy` -> the trainers -> `save_policy` -> the engine.
The one rule: the saved policy is the trained one. The tokenizer loaded from disk must give the same ids (else
TrainerError), and the base's config is kept, so that a running engine can swap one policy for the other.
"""

import shutil
from contextlib import contextmanager
from importlib.util import find_spec
from pathlib import Path
from typing import TYPE_CHECKING, Literal

from posttrain.core import merging
from posttrain.core.chat_template import (
    CHAT_TEMPLATE,
    END_OF_TEXT,
    SPECIAL_TOKENS,
    chat_tokens,
    prepare_tokenizer,
    render,
    stop_token_ids,
    template_in_use,
)
from posttrain.core.linked_weights import link_weights, linkable
from posttrain.core.token_rows import look_at, matrices_in
from synth.errors import Problem, RecipeError, TrainerError
from synth.policy import Policy, adapter_base
from synth.records import Message
from synth.store.checkpoints import MANIFEST, MASTERS
from synth.store.seals import seal_folder

if TYPE_CHECKING:
    from collections.abc import Iterator

    from peft import PeftModel
    from torch import dtype as TorchDtype
    from transformers import GenerationConfig, PreTrainedConfig, PreTrainedModel, PreTrainedTokenizerBase

POCKET_WEIGHTS = Path(__file__).parents[1] / "pocket" / "weights"
Dtype = Literal["float32", "bfloat16"]

_PROBES = (
    "def add(a: int, b: int) -> int:\n    return a + b\n\n\n# 3.14 == x['key']\t// \\n\r\n",
    "写一个函数, 返回列表中所有偶数的和。  Don't  stop: 12345 + 67890!",
    "naïve e\u0301 \U0001f600 \n\n\n   if (x>=0) { y<<=2; }",
    "".join(SPECIAL_TOKENS) + " " + END_OF_TEXT,
    render(
        (Message(role="system", content="Be brief."), Message(role="user", content="\n hello ")),
        add_generation_prompt=True,
    ),
)
"""Texts for comparing a tokenizer with itself after a round trip: code, Chinese, white space, digits,
accents, special tokens."""


def resolve_model(name: str, relative_to: Path | None = None) -> Path | str:
    """`pocket`, a folder (relative to the recipe's), or a hub id (`owner/name`). Raises RecipeError for a
    folder that does not exist."""
    if name == "pocket":
        return POCKET_WEIGHTS
    folder = (relative_to or Path()) / Path(name).expanduser()
    if folder.is_dir():
        return folder.resolve()
    if name.startswith((".", "/", "~")) or name.count("/") != 1:
        raise RecipeError(
            Problem(
                f"policy.model = {name}",
                "must be `pocket`, an existing folder, or a hub id owner/name",
                "correct the name",
            )
        )
    return name


def find_policy(model: Path | str, name: str = "") -> Policy:
    """The policy behind a resolved model: full weights, one of our checkpoint folders (its merged weights),
    or an adapter over its base. The fingerprint is not computed."""
    folder, name = Path(model), name or str(model)
    if folder.is_dir() and (folder / MANIFEST).is_file():
        return Policy(name=name, base=str(folder / "merged"))
    if folder.is_dir() and (folder / "adapter_config.json").is_file():
        base = find_policy(resolve_model(adapter_base(folder))).base
        return Policy(name=name, base=base, adapter=str(folder))
    return Policy(name=name, base=str(model))


# --- loading ------------------------------------------------------------------------------------------------


def load_tokenizer(base: str) -> "PreTrainedTokenizerBase":
    """The policy's tokenizer with the chat template that is trained with. Raises RecipeError if there is no
    tokenizer, TrainerError if it lacks the chat tokens."""
    from transformers import AutoTokenizer

    try:
        return prepare_tokenizer(AutoTokenizer.from_pretrained(base), base)
    except (OSError, ValueError) as error:
        raise RecipeError(_unloadable(base, error)) from error


def load_model(base: str, dtype: Dtype) -> "PreTrainedModel":
    """The full weights in this type, on the CPU. Raises RecipeError."""
    from transformers import AutoModelForCausalLM

    try:
        return AutoModelForCausalLM.from_pretrained(base, dtype=dtype)
    except (OSError, ValueError) as error:
        raise RecipeError(_unloadable(base, error)) from error


def load_quantized(base: str, dtype: Dtype) -> "PreTrainedModel":
    """The weights in 4 bits (nf4), to train an adapter over; sums are made in this type. Raises RecipeError,
    also where bitsandbytes is missing."""
    import torch
    from transformers import AutoModelForCausalLM, BitsAndBytesConfig

    if find_spec("bitsandbytes") is None:
        raise RecipeError(
            Problem(
                "lora.quantization = nf4",
                "needs the package bitsandbytes, which is not installed",
                "pip install bitsandbytes",
            )
        )
    wanted = getattr(torch, dtype)
    config = BitsAndBytesConfig(
        load_in_4bit=True,
        bnb_4bit_quant_type="nf4",
        bnb_4bit_use_double_quant=True,
        bnb_4bit_compute_dtype=wanted,
    )
    try:
        return AutoModelForCausalLM.from_pretrained(base, dtype=wanted, quantization_config=config)
    except (OSError, ValueError) as error:
        raise RecipeError(_unloadable(base, error)) from error


def load_adapter(model: "PreTrainedModel", adapter: str, trainable: bool) -> "PeftModel":
    """The model with an adapter from disk. Raises RecipeError."""
    from peft import PeftModel

    try:
        return PeftModel.from_pretrained(model, adapter, is_trainable=trainable)
    except (OSError, ValueError) as error:
        raise RecipeError(_unloadable(adapter, error)) from error


def _unloadable(name: str, error: Exception) -> Problem:
    return Problem(
        f"policy {name}",
        f"cannot be loaded: {error}",
        "name a folder in Hugging Face layout, or a reachable hub id",
    )


# --- saving -------------------------------------------------------------------------------------------------


def merge_and_save(base: str, adapter: str, out: Path, dtype: Dtype | None = None, seed: int = 0) -> Path:
    """Full weights with the adapter merged, in a folder that engines can serve, in this type or the base's.

    What the adapter adds is added in float32; see `merging` for how bfloat16 is reached. The files of a base
    are read and written one at a time. Raises TrainerError if the tokenizer changes.
    """
    wanted = _torch_dtype(dtype) or _stored_dtype(base)
    try:
        with _staged(base, out, wanted) as (staging, config, _):
            if not config.architectures:
                raise merging.NotPlain
            merging.merge_weights(_local_weights(base), Path(adapter), staging, wanted, seed)
    except merging.NotPlain:
        model = load_model(base, dtype or "auto").float()  # type: ignore[arg-type]
        merged = load_adapter(model, adapter, trainable=False).merge_and_unload()
        return save_policy(narrow(merged, wanted, seed), base, out)
    return out


def narrow(model: "PreTrainedModel", dtype: "TorchDtype", seed: int) -> "PreTrainedModel":
    """The model in this type, in place. Weights that are rounded to bfloat16 are so by chance."""
    for name, parameter in model.named_parameters():
        parameter.data = merging.narrowed(name, parameter.data, dtype, seed)
    return model.to(dtype)


def masters_of(policy: str) -> str:
    """The float32 weights that lie beside a trained policy's `merged/`; the folder itself where none do."""
    beside = Path(policy).with_name(MASTERS)
    return str(beside) if Path(policy).name == "merged" and beside.is_dir() else policy


def _torch_dtype(name: Dtype | None) -> "TorchDtype | None":
    import torch

    return getattr(torch, name) if name else None


def _stored_dtype(base: str) -> "TorchDtype":
    """The type that the base's config states; float32 where it states none."""
    import torch
    from transformers import AutoConfig

    return getattr(AutoConfig.from_pretrained(base), "dtype", None) or torch.float32


def _local_weights(base: str) -> Path:
    """The folder with the base's files; those of a hub id as they were downloaded."""
    if Path(base).is_dir():
        return Path(base)
    from huggingface_hub import snapshot_download

    return Path(snapshot_download(base, allow_patterns=["*.safetensors", "*.json"]))


def format_of_base(base: str) -> list[str]:
    """What becomes of a model's own chat template, and a line for each token of the format that it never
    learned, read from its folder. Raises RecipeError for a model without a tokenizer."""
    from transformers import AutoTokenizer

    lines = [template_in_use(AutoTokenizer.from_pretrained(base))]
    tokenizer = load_tokenizer(base)
    rows = look_at(matrices_in(Path(base)), tokenizer, chat_tokens(tokenizer))
    return [line for line in lines if line] + [str(row) for row in rows if not row.is_learned]


def prepare_base(model: Path | str, out: Path) -> Path:
    """A folder with the untrained policy that engines can serve and later swap: the same weights, the chat
    template that is trained with, the right stop tokens. The weights are linked, not copied.

    Returns the model's own folder if nothing has to change (as with the pocket model), or an earlier result
    if there is one.
    """
    found = find_policy(model)
    if found.adapter:
        return out if out.is_dir() else merge_and_save(found.base, found.adapter, out)
    template = Path(found.base) / "chat_template.jinja"
    if template.is_file() and template.read_text(encoding="utf-8") == CHAT_TEMPLATE:
        return Path(found.base)
    if out.is_dir():
        return out
    if (linked := _linked(found.base, out)) is not None:
        return linked
    return save_policy(load_model(found.base, "auto"), found.base, out)  # type: ignore[arg-type]


def _linked(base: str, out: Path) -> Path | None:
    """The base's own files beside our template; None where they are no safetensors, or their type is stated
    nowhere."""
    from transformers import AutoConfig

    files, dtype = linkable(_local_weights(base)), getattr(AutoConfig.from_pretrained(base), "dtype", None)
    if not files or dtype is None:
        return None
    with _staged(base, out, dtype) as (staging, _, _):
        link_weights(files, staging)
    return out


def save_policy(model: "PreTrainedModel", base: str, out: Path) -> Path:
    """Write weights, the base's config and tokenizer, and our generation config; the folder appears complete
    or not at all."""
    with _staged(base, out, model.dtype) as (staging, config, generation):
        model.config, model.generation_config = config, generation  # trainers change tokens in theirs
        model.save_pretrained(staging)
    return out


@contextmanager
def _staged(
    base: str, out: Path, dtype: "TorchDtype"
) -> "Iterator[tuple[Path, PreTrainedConfig, GenerationConfig]]":
    """A folder for the weights, with the base's config and tokenizer and our generation config in it. It
    becomes `out` when the block ends well."""
    from transformers import AutoConfig, GenerationConfig

    tokenizer = load_tokenizer(base)
    staging = out.with_name(out.name + ".tmp")
    shutil.rmtree(staging, ignore_errors=True)
    config = AutoConfig.from_pretrained(base)
    config.dtype = dtype
    # an answer ends at the end of the turn; the base's sampling defaults would hide the policy's own
    # distribution
    generation = GenerationConfig(
        eos_token_id=stop_token_ids(tokenizer), pad_token_id=tokenizer.pad_token_id, do_sample=True
    )
    for part in (config, generation, tokenizer):
        part.save_pretrained(staging)
    yield staging, config, generation
    check_round_trip(tokenizer, staging)
    seal_folder(staging)
    shutil.rmtree(out, ignore_errors=True)
    staging.replace(out)


def check_round_trip(tokenizer: "PreTrainedTokenizerBase", folder: Path) -> None:
    """Raises TrainerError unless the tokenizer in the folder gives the same ids and chat template."""
    from transformers import AutoTokenizer

    back = AutoTokenizer.from_pretrained(folder)
    changed = [probe for probe in _PROBES if back(probe)["input_ids"] != tokenizer(probe)["input_ids"]]
    if (
        not changed
        and back.chat_template == tokenizer.chat_template
        and back.eos_token_id == tokenizer.eos_token_id
    ):
        return
    expected = (
        f"is loaded as {type(back).__name__}, which gives other ids or another template than "
        f"{type(tokenizer).__name__}"
    )
    fix = (
        "build the tokenizer with the class that AutoTokenizer picks for this architecture, for example "
        "Qwen2Tokenizer for Qwen2"
    )
    raise TrainerError(
        Problem(
            f"tokenizer in {folder}", expected + (f", for example on {changed[0]!r}" if changed else ""), fix
        )
    )
