"""A policy: its files, its fingerprint, and the parts that two policies must share to be served in turn.

Place in the flow: `posttrain.core.policy` finds policies and trainers make them; engines serve them. The one
rule: the fingerprint covers everything that changes an answer. It is part of every request's id, so a changed
weight, tokenizer or chat template is never answered from an old journal. Nothing here loads a model: files
are streamed through a hash.
"""

import json
from pathlib import Path
from typing import NamedTuple

from pydantic import JsonValue

from synth.errors import Problem, RecipeError
from synth.ids import content_hash
from synth.records import Record
from synth.store.seals import check_hash, hash_file, sealed_hashes

_WEIGHTS = ("*.safetensors", "*.bin", "*.index.json")
_TEXTS = (
    "config.json",
    "generation_config.json",
    "tokenizer.json",
    "tokenizer_config.json",
    "special_tokens_map.json",
    "added_tokens.json",
    "vocab.json",
    "merges.txt",
    "chat_template.jinja",
    "tokenizer.model",
)
_NOT_ARCHITECTURE = (
    "_name_or_path",
    "transformers_version",
    "torch_dtype",
    "dtype",
    "use_cache",
    "_attn_implementation",
)


class Policy(Record):
    """A model that engines serve and training starts from. Weights are a folder in Hugging Face layout, with
    tokenizer, or a hub id."""

    name: str
    base: str
    """Full weights: what the adapter stands over, or the policy itself where there is no adapter."""
    adapter: str = ""
    """Folder of a LoRA adapter over `base`."""
    merged: str = ""
    """Full weights with the adapter folded in, where they have been made."""
    fingerprint: str = ""
    """Hash of weights, tokenizer and chat template. Empty until the files have been read (`identify`)."""

    @property
    def weights(self) -> str:
        """Full weights of the policy itself. Raises RecipeError for an adapter that was never merged."""
        if self.adapter and not self.merged:
            raise RecipeError(
                Problem(
                    f"policy {self.name}",
                    f"is an adapter without merged weights: {self.adapter}",
                    "merge it into its base and name the resulting folder",
                )
            )
        return self.merged or self.base

    def without_adapter(self) -> "Policy":
        """The same policy as full weights alone."""
        return self.model_copy(update={"base": self.weights, "adapter": "", "merged": ""})


def is_plain_adapter(adapter: str) -> bool:
    """Whether engines can serve this adapter beside its base: one of low rank and nothing more."""
    config = json.loads(Path(adapter, "adapter_config.json").read_text(encoding="utf-8"))
    more = ("use_dora", "trainable_token_indices", "modules_to_save", "lora_bias")
    return not any(config.get(key) for key in more)


class Interface(NamedTuple):
    """What a running engine cannot change: the architecture, the token ids and the chat template, each
    as a hash."""

    architecture: str
    tokenizer: str
    chat_template: str

    def differences(self, other: "Interface") -> list[str]:
        """Names of the parts that differ."""
        return [
            name.replace("_", " ") for name in self._fields if getattr(self, name) != getattr(other, name)
        ]


def identify(policy: Policy) -> Policy:
    """The policy with its fingerprint. Reads all of its files. Raises RecipeError for a folder
    without a model."""
    return policy.model_copy(update={"fingerprint": fingerprint_weights(policy.base, policy.adapter)})


def fingerprint_weights(base: str, adapter: str = "") -> str:
    """Fingerprint of full weights, and of an adapter over them. A hub id stands for itself: its files may not
    be here yet."""
    found = fingerprint_policy(Path(base)) if Path(base).is_dir() else f"hub:{base}"
    return content_hash("adapter", found, _fingerprint_adapter(Path(adapter))) if adapter else found


def _fingerprint_adapter(folder: Path) -> str:
    names, stated = ("adapter_config.json", "adapter_model.safetensors"), sealed_hashes(folder)
    files = [folder / name for name in names if name in stated or (folder / name).is_file()]
    return content_hash(*(check_hash(file, stated.get(file.name)) for file in files))


def adapter_base(folder: Path) -> str:
    """What the adapter in this folder was trained over, as its config says; empty where it does not say."""
    return str(_read_json(folder / "adapter_config.json").get("base_model_name_or_path") or "")


def fingerprint_policy(path: Path) -> str:
    """Hash over weights, tokenizer files, chat template and config of a folder in Hugging Face layout. Raises
    RecipeError for others, and StoreError for one of ours that is damaged."""
    weights = sorted({found for pattern in _WEIGHTS for found in path.glob(pattern)})
    if not (path / "config.json").is_file() or not weights:
        raise RecipeError(
            Problem(
                where=f"policy folder {path}",
                message=(
                    "must contain a merged model in Hugging Face layout: config.json, tokenizer files and "
                    "*.safetensors"
                ),
                fix="name a folder that `save_pretrained` wrote; merge an adapter into its base first",
            )
        )
    stated = sealed_hashes(path)
    texts = [path / name for name in _TEXTS if name in stated or (path / name).is_file()]
    files = [*texts, *weights]
    return content_hash("policy", *((file.name, check_hash(file, stated.get(file.name))) for file in files))


def read_interface(path: Path) -> Interface:
    """The interface of the policy in this folder. Saving options that change no token (padding, truncation)
    do not count."""
    config = {
        key: value for key, value in _read_json(path / "config.json").items() if key not in _NOT_ARCHITECTURE
    }
    return Interface(
        content_hash(config), content_hash(_tokenizer_parts(path)), content_hash(_chat_template(path))
    )


def _tokenizer_parts(path: Path) -> JsonValue:
    tokenizer = _read_json(path / "tokenizer.json")
    if not tokenizer:
        return {
            name: hash_file(path / name)
            for name in ("vocab.json", "merges.txt", "tokenizer.model")
            if (path / name).is_file()
        }
    return {key: value for key, value in tokenizer.items() if key not in ("padding", "truncation", "version")}


def _chat_template(path: Path) -> JsonValue:
    file = path / "chat_template.jinja"
    if file.is_file():
        return file.read_text(encoding="utf-8")
    return _read_json(path / "tokenizer_config.json").get("chat_template", "")


def _read_json(path: Path) -> dict[str, JsonValue]:
    if not path.is_file():
        return {}
    found = json.loads(path.read_text(encoding="utf-8"))
    return found if isinstance(found, dict) else {}
