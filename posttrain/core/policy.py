"""Policies on disk: finding one by name, loading it, merging an adapter into it, and saving it so that any
engine can serve it.

Place in the flow: a recipe's `policy.model` -> `find_policy` -> the trainers -> `save_policy` -> the engine.
The one rule: the saved policy is the trained one. The tokenizer loaded from disk must give the same ids (else
TrainerError), and the base's config is kept, so that a running engine can swap one policy for the other.
"""

import shutil
from pathlib import Path
from typing import TYPE_CHECKING, Literal

from posttrain.core.chat_template import (
    CHAT_TEMPLATE,
    END_OF_TEXT,
    SPECIAL_TOKENS,
    prepare_tokenizer,
    render,
    stop_token_ids,
)
from synth.errors import Problem, RecipeError, TrainerError
from synth.policy import Policy, adapter_base
from synth.records import Message
from synth.store.checkpoints import MANIFEST
from synth.store.seals import seal_folder

if TYPE_CHECKING:
    from peft import PeftModel
    from transformers import PreTrainedModel, PreTrainedTokenizerBase

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
    """The policy's tokenizer with our chat template. Raises RecipeError if there is none, TrainerError if it
    lacks the chat tokens."""
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


def merge_and_save(base: str, adapter: str, out: Path, dtype: Dtype = "float32") -> Path:
    """Full weights with the adapter merged, in a folder that engines can serve. Raises TrainerError if
    the tokenizer changes."""
    merged = load_adapter(load_model(base, dtype), adapter, trainable=False).merge_and_unload()
    return save_policy(merged, base, out)


def prepare_base(model: Path | str, out: Path) -> Path:
    """A folder with the untrained policy that engines can serve and later swap: the same weights, our chat
    template, the right stop tokens.

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
    return save_policy(load_model(found.base, "auto"), found.base, out)  # type: ignore[arg-type]


def save_policy(model: "PreTrainedModel", base: str, out: Path) -> Path:
    """Write weights, the base's config and tokenizer, and our generation config; the folder appears complete
    or not at all."""
    from transformers import AutoConfig, GenerationConfig

    tokenizer = load_tokenizer(base)
    staging = out.with_name(out.name + ".tmp")
    shutil.rmtree(staging, ignore_errors=True)
    config = AutoConfig.from_pretrained(base)  # trainers change the pad and end tokens in theirs
    config.dtype = model.dtype
    model.config = config
    # an answer ends at the end of the turn; the base's sampling defaults would hide the policy's own
    # distribution
    model.generation_config = GenerationConfig(
        eos_token_id=stop_token_ids(tokenizer), pad_token_id=tokenizer.pad_token_id, do_sample=True
    )
    model.save_pretrained(staging)
    tokenizer.save_pretrained(staging)
    check_round_trip(tokenizer, staging)
    seal_folder(staging)
    shutil.rmtree(out, ignore_errors=True)
    staging.replace(out)
    return out


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
