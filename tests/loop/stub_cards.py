"""A stand-in for `nvidia-smi`: cards that this machine does not have."""

import os
from collections.abc import Sequence
from pathlib import Path

import pytest

MIB = 1 << 20


def stub_nvidia_smi(folder: Path, monkeypatch: pytest.MonkeyPatch, sizes: Sequence[tuple[int, int]]) -> None:
    """Put one on the path that lists cards of these sizes: MiB in all, MiB free."""
    monkeypatch.delenv("CUDA_VISIBLE_DEVICES", raising=False)
    lines = [
        f"{number}, GPU-{number}, Stub GPU, {memory}, {free}" for number, (memory, free) in enumerate(sizes)
    ]
    tool = folder / "nvidia-smi"
    tool.write_text("#!/bin/sh\ncat <<'END'\n" + "\n".join(lines) + "\nEND\n")
    tool.chmod(0o755)
    monkeypatch.setenv("PATH", f"{folder}{os.pathsep}{os.environ['PATH']}")
