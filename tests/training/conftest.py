"""A tiny Qwen2 with a tokenizer built on the spot, so that the real trainers run in a second or two."""

import json
import os
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from transformers import PreTrainedTokenizerBase

os.environ["HF_HUB_OFFLINE"] = "1"  # before transformers is imported: nothing here may reach the network

from tests.training.tiny import Row, build_tokenizer, save_tiny_base

pytest.importorskip("trl", reason="the `train` extra is not installed")


@pytest.fixture(autouse=True, scope="session")
def one_thread() -> None:
    """Several threads only get in each other's way on matrices as small as these."""
    import torch

    torch.set_num_threads(1)


WriteRows = Callable[[str, Sequence[Row]], Path]


@pytest.fixture(scope="session")
def tokenizer() -> "PreTrainedTokenizerBase":
    return build_tokenizer()


@pytest.fixture(scope="session")
def policy(tmp_path_factory: pytest.TempPathFactory, tokenizer: "PreTrainedTokenizerBase") -> Path:
    """A random Qwen2 of two layers in a folder, as the pocket model's folder is."""
    return save_tiny_base(tmp_path_factory.mktemp("policy"), tokenizer)


@pytest.fixture
def write_rows(tmp_path: Path) -> WriteRows:
    """Write rows to a JSON Lines file."""

    def write(name: str, rows: Sequence[Row]) -> Path:
        file = tmp_path / f"{name}.jsonl"
        file.write_text("".join(json.dumps(row) + "\n" for row in rows), encoding="utf-8")
        return file

    return write
