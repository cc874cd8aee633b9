"""What makes a policy what it is: one fingerprint over its files, and the parts that two policies must share
to be served in turn.

The fingerprint is part of every request's id, so a changed weight, tokenizer or chat template can never be
answered from an old journal. Nothing here loads a model: files are streamed through a hash.
"""

import hashlib
import json
from pathlib import Path
from typing import NamedTuple

from pydantic import JsonValue

from synth.errors import Problem, RecipeError
from synth.ids import content_hash

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


class Interface(NamedTuple):
    """What a running engine cannot change: the architecture, the token ids and the chat template, each as a
    hash."""

    architecture: str
    tokenizer: str
    chat_template: str

    def differences(self, other: "Interface") -> list[str]:
        """Names of the parts that differ."""
        return [
            name.replace("_", " ") for name in self._fields if getattr(self, name) != getattr(other, name)
        ]


def fingerprint_policy(path: Path) -> str:
    """Hash over weights, tokenizer files, chat template and config of a folder in Hugging Face layout. Raises
    RecipeError for others."""
    weights = sorted({found for pattern in _WEIGHTS for found in path.glob(pattern)})
    if not (path / "config.json").is_file() or not weights:
        raise RecipeError(
            Problem(
                where=f"policy folder {path}",
                expected=(
                    "must hold a merged model in Hugging Face layout: config.json, tokenizer files and "
                    "*.safetensors"
                ),
                fix="name a folder that `save_pretrained` wrote (an adapter alone must be merged first)",
            )
        )
    texts = [path / name for name in _TEXTS if (path / name).is_file()]
    return content_hash("policy", *((found.name, hash_file(found)) for found in [*texts, *weights]))


def hash_file(path: Path) -> str:
    """SHA-256 of a file's bytes, streamed."""
    with path.open("rb") as handle:
        return hashlib.file_digest(handle, "sha256").hexdigest()


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
